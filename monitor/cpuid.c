// SPDX-License-Identifier: Apache-2.0
/* Masks, topology and the hypervisor's leaves, as tables where possible. */
#include "monitor/cpuid.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "monitor/err.h"
#include "monitor/kvm_ioctl.h"

#define BIT(n) (1U << (n))

/* KVM's own leaves; 0x40000010 is VMware's timing leaf, read by many. */
#define LEAF_KVM     0x40000000U
#define LEAF_TIMING  0x40000010U
#define APIC_BUS_KHZ 1000000U /* KVM's LAPIC timer counts at 1 GHz */

enum reg { EAX, EBX, ECX, EDX };

/* Bits that are cleared, and why a guest is better off without. */
static const struct {
	uint32_t leaf, index;
	enum reg reg;
	uint32_t bits;
} masked[] = {
	/* DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, CNXT-ID, xTPR, PDCM */
	{ 0x1, 0, ECX,
	  BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) |
		  BIT(10) | BIT(14) | BIT(15) },
	/* debug store, ACPI thermal, TM, PBE: need MSRs that are not there */
	{ 0x1, 0, EDX, BIT(21) | BIT(22) | BIT(29) | BIT(31) },
	/* all of thermal and power but ARAT, which says timers never stop */
	{ 0x6, 0, EAX, ~BIT(2) },
	{ 0x6, 0, ECX, ~0U },
	/* SGX; cache monitoring and allocation; MPX; processor trace */
	{ 0x7, 0, EBX, BIT(2) | BIT(12) | BIT(14) | BIT(15) | BIT(25) },
	/* SGX launch control, key locker; shadow stacks, whose MSRs the filter
	 * keeps (seccomp/msr.c) */
	{ 0x7, 0, ECX, BIT(7) | BIT(23) | BIT(30) },
	/* indirect branch tracking, likewise */
	{ 0x7, 0, EDX, BIT(20) },
	/* FRED, likewise: a Linux that sees it takes no event without */
	{ 0x7, 1, EAX, BIT(17) },
	/* SVM, instruction based sampling, SKINIT, watchdog, LWP, counters */
	{ 0x80000001, 0, ECX,
	  BIT(2) | BIT(10) | BIT(12) | BIT(13) | BIT(15) | BIT(23) | BIT(24) |
		  BIT(26) | BIT(28) },
};

/* Leaves that are emptied altogether. */
static const uint32_t emptied[] = {
	0x5,  /* MONITOR/MWAIT */
	0xa,  /* performance counters: a side channel and attack surface */
	0xf,  /* cache monitoring */
	0x10, /* cache allocation */
	0x12, /* SGX */
	0x14, /* processor trace */
	0x19, /* key locker */
	0x8000000a, /* SVM */
	0x8000001b, /* instruction based sampling */
	0x8000001c, /* LWP */
	0x8000001f, /* memory encryption */
	0x80000022, /* performance counters, version 2 */
};

int cpuid_get_supported(int kvm_fd, struct cpuid *ret, struct err *e)
{
	ret->head.nent = CPUID_ENTRIES_MAX;
	if (kvm_ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &ret->head) < 0)
		return err_set(e, -errno, "KVM_GET_SUPPORTED_CPUID");
	return 0;
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *c, enum reg reg)
{
	switch (reg) {
	case EAX:
		return &c->eax;
	case EBX:
		return &c->ebx;
	case ECX:
		return &c->ecx;
	case EDX:
	default:
		return &c->edx;
	}
}

static void empty(struct kvm_cpuid_entry2 *c)
{
	c->eax = c->ebx = c->ecx = c->edx = 0;
}

static void mask(struct kvm_cpuid_entry2 *c)
{
	for (size_t i = 0; i < sizeof(emptied) / sizeof(emptied[0]); i++)
		if (c->function == emptied[i])
			empty(c);
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (c->function == masked[i].leaf &&
		    c->index == masked[i].index)
			*reg_of(c, masked[i].reg) &= ~masked[i].bits;
}

static unsigned width(unsigned cpus)
{
	return cpus > 1 ? 32U - (unsigned)__builtin_clz(cpus - 1) : 0;
}

/* A cache's EAX, leaf 4 or 0x8000001d: the last level is shared by all. */
static uint32_t cache(uint32_t eax, unsigned core_bits)
{
	unsigned level = eax >> 5 & 7;

	return (eax & 0x3fff) |
	       (level >= 3 ? ((1U << core_bits) - 1) << 14 : 0);
}

/* One package, @cpus cores, one thread each, a last-level cache for all. */
static void set_topology(struct kvm_cpuid_entry2 *c, unsigned cpus)
{
	unsigned core_bits = width(cpus);

	switch (c->function) {
	case 0x1:
		c->ebx = (c->ebx & 0x0000ffff) | cpus << 16;
		c->edx = (c->edx & ~BIT(28)) | (cpus > 1 ? BIT(28) : 0);
		break;
	case 0x4:
		if (!(c->eax & 0x1f))
			break;
		c->eax = cache(c->eax, core_bits);
		c->eax |= ((1U << core_bits) - 1) << 26;
		break;
	case 0xb:
	case 0x1f:
		c->eax = c->index == 1 ? core_bits : 0;
		c->ebx = c->index == 0 ? 1 : c->index == 1 ? cpus : 0;
		c->ecx = c->index | (c->index < 2 ? (c->index + 1) << 8 : 0);
		break;
	default:
		break;
	}
}

/*
 * The same once more where AMD keeps it; these bits are reserved on Intel.
 * Leaves 0x8000001d and 0x8000001e count if the CPU has TOPOEXT. Without them
 * Linux knows of no shared cache on AMD, and its scheduler looks for no idle
 * CPU when it wakes a task.
 */
static void set_amd_topology(struct kvm_cpuid_entry2 *c, unsigned cpus)
{
	switch (c->function) {
	case 0x80000001:
		c->ecx &= ~BIT(1); /* CMP_LEGACY: HTT means cores */
		c->ecx |= cpus > 1 ? BIT(1) : 0;
		break;
	case 0x80000008:
		c->ecx = (cpus - 1) | width(cpus) << 12;
		break;
	case 0x8000001d:
		if (c->eax & 0x1f)
			c->eax = cache(c->eax, width(cpus));
		break;
	case 0x8000001e:
		empty(c); /* one node; ids by cpuid_set_vcpu() */
		break;
	default:
		break;
	}
}

static void set_hypervisor(struct kvm_cpuid_entry2 *c)
{
	if (c->function == LEAF_KVM && c->eax < LEAF_TIMING)
		c->eax = LEAF_TIMING;
	if (c->function != 0x1)
		return;
	c->ecx |= BIT(31); /* running under a hypervisor */
	c->ecx |= BIT(24); /* TSC deadline: with a LAPIC in the kernel, always,
			    * but left out of the supported leaves */
	c->ecx |= BIT(21); /* x2APIC, likewise */
}

static struct kvm_cpuid_entry2 *find(struct cpuid *c, uint32_t leaf,
				     uint32_t index)
{
	for (uint32_t i = 0; i < c->head.nent; i++)
		if (c->entry[i].function == leaf && c->entry[i].index == index)
			return &c->entry[i];
	return NULL;
}

static struct kvm_cpuid_entry2 *add(struct cpuid *c, uint32_t leaf,
				    uint32_t index, uint32_t flags)
{
	struct kvm_cpuid_entry2 *n = find(c, leaf, index);

	if (n || c->head.nent == CPUID_ENTRIES_MAX)
		return n;
	n = &c->entry[c->head.nent++];
	*n = (struct kvm_cpuid_entry2){
		.function = leaf,
		.index = index,
		.flags = flags,
	};
	return n;
}

/* "Auth"enticAMD, "Hygo"nGenuine */
static bool is_amd(struct cpuid *c)
{
	const struct kvm_cpuid_entry2 *first = find(c, 0, 0);

	return first && (first->ebx == 0x68747541 || first->ebx == 0x6f677948);
}

/*
 * Topology leaves that the CPU has must speak of both levels, where KVM lists
 * one or none: Linux believes the first that has a level, and without the
 * second it sees a package for every vCPU.
 */
static void add_topology(struct cpuid *c)
{
	static const uint32_t leaves[] = { 0xb, 0x1f };
	const struct kvm_cpuid_entry2 *first = find(c, 0, 0);
	uint32_t max_leaf = first ? first->eax : 0;

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (max_leaf < leaves[i])
			break;
		add(c, leaves[i], 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		add(c, leaves[i], 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	}
}

void cpuid_restrict(struct cpuid *c, unsigned cpus, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *timing;
	bool amd = is_amd(c);

	add_topology(c);
	for (uint32_t i = 0; i < c->head.nent; i++) {
		mask(&c->entry[i]);
		set_topology(&c->entry[i], cpus);
		if (amd)
			set_amd_topology(&c->entry[i], cpus);
		set_hypervisor(&c->entry[i]);
	}
	timing = add(c, LEAF_TIMING, 0, 0);
	if (timing) {
		timing->eax = tsc_khz;
		timing->ebx = APIC_BUS_KHZ;
	}
}

void cpuid_set_vcpu(struct cpuid *c, unsigned id)
{
	for (uint32_t i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *n = &c->entry[i];

		if (n->function == 0x1)
			n->ebx = (n->ebx & 0x00ffffff) | id << 24;
		else if (n->function == 0xb || n->function == 0x1f)
			n->edx = id;
		else if (n->function == 0x8000001e)
			n->eax = n->ebx = id; /* APIC id, core id */
	}
}
