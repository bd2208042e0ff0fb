/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the lock's tables (rows.c). Read by the filter compiler
 * (seccomp/host/), by what generates docs/lock.md and by the tests; the
 * monitor itself holds only what was compiled from them.
 */
#ifndef MOTE_SECCOMP_ROWS_H
#define MOTE_SECCOMP_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "seccomp/lock.h"

/* How an argument is compared; arguments are 64 bits wide. */
enum lock_match_kind {
	MATCH_END,    /* no more arguments are looked at */
	MATCH_IS,     /* equal to value */
	MATCH_MASKED, /* the bits in mask are as in value */
	MATCH_FD,     /* the descriptor that enum lock_fd value stands for */
};

/**
 * struct lock_match - what one argument must be
 * @arg: 0..5
 * @text: as docs/lock.md shows it
 */
struct lock_match {
	uint8_t arg;
	uint8_t kind; /* enum lock_match_kind */
	uint64_t value, mask;
	const char *text;
};

#define LOCK_MATCH_MAX 3

/**
 * struct lock_row - one way of making one system call that is allowed
 * @role: who may
 * @with: enum lock_set bits that must all be in use; 0: always
 * @unless: bits of which none may be in use
 * @nr, @call: the system call
 * @match: all of them must hold
 * @why: what would not work without it
 *
 * A role's rows are in order of priority: the first call is tested first.
 */
struct lock_row {
	uint8_t role; /* enum lock_role */
	uint8_t with, unless;
	uint16_t nr;
	const char *call;
	struct lock_match match[LOCK_MATCH_MAX + 1];
	const char *why;
};

/** lock_possible() - can these sets, of those in @relevant, be in use at once?
 *  There are no filters for those that cannot. */
static inline bool lock_possible(unsigned sets, unsigned relevant)
{
	return !(sets & LOCK_VIRTIO_KINDS) || !(relevant & LOCK_VIRTIO) ||
	       sets & LOCK_VIRTIO;
}

/* Ends with a row without a call. */
extern const struct lock_row lock_rows[];

/**
 * struct lock_name - what a role, a set or a descriptor is called
 * @text: what it is, for docs/lock.md
 */
struct lock_name {
	const char *name, *text;
};

extern const struct lock_name lock_role_names[LOCK_ROLES];
extern const struct lock_name lock_set_names[LOCK_SETS];
extern const struct lock_name lock_fd_names[LOCK_FDS];

#endif
