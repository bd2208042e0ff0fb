/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock: no file, TCP port, abstract socket or foreign process any more. */
#ifndef MOTE_SECCOMP_LANDLOCK_H
#define MOTE_SECCOMP_LANDLOCK_H

/* Everything we ask for is there from this ABI on. */
#define LANDLOCK_WHOLE 6
/* With sockets in use: from this on, connections are bounded. */
#define LANDLOCK_SOCKETS 9

/**
 * landlock_enter() - forbid all that this kernel's Landlock knows to forbid
 * (as far as we do), with one exception. What is open stays usable.
 * @dirs: NULL: no socket is connected to. Otherwise the directories below
 *	  which there are sockets to connect to, NULL at the end
 * Holds for the calling thread and those it creates. Needs no_new_privs.
 * Return: the ABI that was used (1..LANDLOCK_WHOLE, or with @dirs up to 10);
 * 0 where the kernel has no Landlock, or a negative errno.
 */
int landlock_enter(const char *const *dirs);

#endif
