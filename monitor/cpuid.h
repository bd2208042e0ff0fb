/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID as the guest sees it: the host's, less what a guest has no use for. */
#ifndef MOTE_MONITOR_CPUID_H
#define MOTE_MONITOR_CPUID_H

#include <linux/kvm.h>
#include <stdint.h>

struct err;

#define CPUID_ENTRIES_MAX 256

/**
 * struct cpuid - a KVM CPUID table
 * @head: its nent counts the valid entries behind it
 */
struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
};

/**
 * cpuid_get_supported() - what KVM can offer on this host
 * Context: any thread; takes the kernel some 100 us, so it is done beside the
 * creation of the VM.
 */
int cpuid_get_supported(int kvm_fd, struct cpuid *ret, struct err *e);

/**
 * cpuid_restrict() - take out what no guest here has business with, and add
 * what KVM leaves to us
 * @cpus: number of vCPUs
 * @tsc_khz: told in leaf 0x40000010; 0 if unknown
 */
void cpuid_restrict(struct cpuid *c, unsigned cpus, uint32_t tsc_khz);

/** cpuid_set_vcpu() - write @id into the leaves that carry the APIC id */
void cpuid_set_vcpu(struct cpuid *c, unsigned id);

#endif
