/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock's other half: seccomp does not see what goes through an io_uring,
 * so the ring itself is restricted, before it is enabled, to the operations in
 * uring_rows and, from Linux 6.14 on, to registered files (monitor/loop.c says
 * why not before).
 */
#ifndef MOTE_SECCOMP_URING_H
#define MOTE_SECCOMP_URING_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/**
 * struct uring_row - one allowed operation
 * @with: enum lock_set bits of which one must be in use; 0: always
 * @why: for docs/lock.md only, as struct msr_row's
 */
struct uring_row {
	uint8_t op; /* IORING_OP_... */
	uint8_t with;
	char name[14];
#ifdef LOCK_WORDS
	const char *why;
#endif
};

/* Ends with a row of zeroes: NOP is not allowed. */
extern const struct uring_row uring_rows[];

/*
 * The kernel's threads that wait for what is no file on a disk: terminals, for
 * one. Their number is bounded by the ring's size and that of processors for
 * files, but else by the limit of processes, which cannot be low: it counts
 * all that the user runs.
 */
#define URING_WORKERS 4

/**
 * uring_restrict() - allow nothing but the rows' operations, and of
 * registrations only to take files back, once the ring is enabled; and bound
 * the number of its workers
 * @ring_fd: created with IORING_SETUP_R_DISABLED and not enabled yet
 * @sets: enum lock_set bits
 * @registered: only registered files can be used
 * Return: 0, or negative errno with @e filled (Linux < 5.10; < 5.19 where @sets
 * have LOCK_CONNECT). The ring is then as it was.
 */
int uring_restrict(int ring_fd, unsigned sets, bool registered, struct err *e);

/**
 * uring_bind_sockets() - sockets that the ring makes are Unix stream sockets
 * Before uring_restrict(). Linux 7.0 and later.
 * Return: false where the kernel cannot be told.
 */
bool uring_bind_sockets(int ring_fd);

#endif
