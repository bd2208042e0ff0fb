/* SPDX-License-Identifier: Apache-2.0 */
/* `mote check`: can mote run on this host, and what would mend it? */
#ifndef MOTE_MONITOR_CHECK_H
#define MOTE_MONITOR_CHECK_H

#include <stdbool.h>

struct check_host;

/**
 * check_run() - look at the host, print what was found
 * @fd: where to, borrowed
 * @porcelain: stable key=value lines instead of sentences; see below
 * Context: main thread of a process that has no other.
 * Return: exit status: 0 if mote can run here, else EXIT_MISUSE.
 *
 * Porcelain keys; more may be added, none changes its meaning:
 *   usable=yes|no                   `mote run` works for this user
 *   kvm=hardware|software|none      what would run a guest started now; none
 *                                   also when /dev/kvm may not be used
 *   backend=kvm_intel|kvm_amd|kvm_pvm|other|none
 *   device=ok|missing|denied|broken /dev/kvm
 *   nested=yes|no                   the host is itself a virtual machine
 *   api=N vcpus_max=N               0 where there is no /dev/kvm to ask
 *   missing=NAME,...                required capabilities; empty if none
 *   io_uring=yes|no landlock=ABI    0: not there
 *   seccomp=yes|no lock=whole|partial userns=yes|no tun=yes|no
 *   memlock_kib=N|unlimited memory_mib=N available_mib=N
 */
int check_run(int fd, bool porcelain);

/** check_print() - as check_run(), about a host that was looked at before */
int check_print(int fd, const struct check_host *host, bool porcelain);

#endif
