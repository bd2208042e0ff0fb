// SPDX-License-Identifier: Apache-2.0
/* Calls KVM, and times it. (`mote check` only asks, and does not.) */
#include "monitor/kvm_ioctl.h"

#include "monitor/sys_ioctl.h"
#include "monitor/timing.h"

int kvm_ioctl_val(int fd, unsigned long request, unsigned long val)
{
	return TIMED((unsigned)request, sys_ioctl(fd, request, val));
}

int kvm_ioctl(int fd, unsigned long request, const void *arg)
{
	return kvm_ioctl_val(fd, request, (unsigned long)arg);
}
