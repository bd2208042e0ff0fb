/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of the lock are in force: some a host may not have, and mote
 * starts all the same unless --require-lock says otherwise.
 */
#ifndef MOTE_SECCOMP_PARTS_H
#define MOTE_SECCOMP_PARTS_H

#include <stdbool.h>

/**
 * struct parts - what can be there or not
 * @sets: what is in use, enum lock_set
 * @landlock: its ABI, 0: none
 * @kills: a forbidden call kills (not so with --lock log)
 * @msr_filter: the guest's MSRs are filtered
 * @registered: the ring takes registered files only
 * @unix_only: the ring makes Unix sockets only
 * @jail: namespaces and an empty root
 */
struct parts {
	unsigned sets;
	int landlock;
	bool kills;
	bool msr_filter;
	bool registered;
	bool unix_only;
	bool jail;
};

/**
 * parts_lacking() - what of the whole lock is not in force
 * @nth: 0, 1, ...
 * Return: what it is and what it takes, or NULL when there is no more.
 */
const char *parts_lacking(const struct parts *p, unsigned nth);

#endif
