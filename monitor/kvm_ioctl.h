/* SPDX-License-Identifier: Apache-2.0 */
/* KVM's requests, each a step of the cost ladder. */
#ifndef MOTE_MONITOR_KVM_IOCTL_H
#define MOTE_MONITOR_KVM_IOCTL_H

#include <linux/kvm.h>

/** kvm_ioctl() - Return: as ioctl(2): -1 and errno on failure */
int kvm_ioctl(int fd, unsigned long request, const void *arg);

/** kvm_ioctl_val() - the same for requests that take a number */
int kvm_ioctl_val(int fd, unsigned long request, unsigned long val);

#endif
