/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --jail, --uid and --gid: the monitor in namespaces of its own, its root an
 * empty directory, its user another one.
 */
#ifndef MOTE_SECCOMP_JAIL_H
#define MOTE_SECCOMP_JAIL_H

#include <signal.h>

struct err;

/**
 * struct jail - what was asked for
 * @dir: an empty directory, or NULL: no namespaces. No component of the path
 *	 may be a symbolic link.
 * @socket: NULL, or a path whose directory is the working directory in the
 *	 jail: a mount by itself, so that its ".." leads nowhere
 * @uid, @gid: to become; 0: stay
 * @signals: those that end a run; the caller has blocked them
 */
struct jail {
	const char *dir;
	const char *socket;
	unsigned uid, gid;
	const sigset_t *signals;
};

/**
 * jail_enter() - go in
 *
 * With @dir, this process becomes two: the caller goes on in the child, which
 * is pid 1 of its namespaces; the parent holds no file but 0 to 2, passes on
 * the signals that end a run, and ends as the child does. The child does not
 * outlive it.
 *
 * Root need not be: user namespaces do as well, where the host allows them.
 * What is open stays open. Stage "drop", before any thread and any KVM VM
 * exist (a VM belongs to the process that made it).
 * Return: 0 in the child; negative errno with @e filled.
 */
int jail_enter(const struct jail *jail, struct err *e);

#endif
