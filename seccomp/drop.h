/* SPDX-License-Identifier: Apache-2.0 */
/* Stage "drop": give up what an attacker in this process could use. */
#ifndef MOTE_SECCOMP_DROP_H
#define MOTE_SECCOMP_DROP_H

#include <stdbool.h>

struct err;

/**
 * struct drop - what was given up
 * @landlock: ABI that is in force, 0: none
 * @ipc_lock: CAP_IPC_LOCK is still there: without it, a user's io_urings may
 *	      take no more than RLIMIT_MEMLOCK in all, 8 MiB as a rule, which
 *	      1,024 VMs fill
 */
struct drop {
	int landlock;
	bool ipc_lock;
};

/**
 * drop_inherited() - close every descriptor that nobody named
 * @keep, @n: the named ones, in any order, numbers below 3 ignored; sorted by
 *	      the call. 0, 1 and 2 stay, and are opened on /dev/null if they
 *	      are not open, so that no file of ours gets their numbers. The
 *	      others get FD_CLOEXEC: no program that mote starts has them.
 * First thing of stage "open".
 */
int drop_inherited(int *keep, unsigned n, struct err *e);

/**
 * drop_keys() - let go of the session's keyring, for one that is empty for ever
 * All VMs of a user share it, as the number of a user's keys is bounded (200).
 * Where the kernel has no keys, or the host forbids the call, nothing changes.
 * Main thread, before any other exists: they inherit it.
 */
void drop_keys(void);

/**
 * drop_bounding_set() - of capabilities; before a change of the user, who
 * cannot. Without CAP_SETPCAP nothing changes, but with no_new_privs nothing
 * comes out of the set.
 */
void drop_bounding_set(void);

/** drop_capabilities() - from every set but the bounding set */
int drop_capabilities(struct err *e);

/**
 * drop_privileges() - no_new_privs, capabilities, dumps, core files, Landlock
 * @dirs: as for landlock_enter()
 * Main thread, before any other exists: they inherit it.
 * Return: 0 with @ret filled, or negative errno with @e filled.
 */
int drop_privileges(const char *const *dirs, struct drop *ret, struct err *e);

/**
 * drop_ipc_lock() - the last capability, once the ring is there
 * Each thread for itself.
 */
int drop_ipc_lock(const struct drop *d, struct err *e);

/** drop_files() - no descriptor can be made any more; any thread */
int drop_files(struct err *e);

#endif
