/* SPDX-License-Identifier: Apache-2.0 */
/* ioctl(2) as the kernel has it. */
#ifndef MOTE_MONITOR_SYS_IOCTL_H
#define MOTE_MONITOR_SYS_IOCTL_H

#include <sys/syscall.h>
#include <unistd.h>

/**
 * sys_ioctl() - for requests that fill 32 bits: musl's ioctl() takes an int,
 * which those overflow, and glibc's a long
 * Return: as ioctl(2): -1 and errno on failure
 */
static inline int sys_ioctl(int fd, unsigned long request, unsigned long arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

#endif
