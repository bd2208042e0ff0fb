// SPDX-License-Identifier: Apache-2.0
/* What is left of the host's CPUID, and what Linux makes of its topology. */
#include "monitor/cpuid.h"

#include <criterion/criterion.h>
#include <string.h>

#include "seccomp/msr.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX
#define BIT(n)	(1U << (n))

static struct cpuid table;

/* Bits of other rows never matter here: rows are leaf, index, registers. */
struct row {
	uint32_t leaf, index, flags, eax, ebx, ecx, edx;
};

#define GENU 0x756e6547U /* "GenuineIntel" */
#define AUTH 0x68747541U /* "AuthenticAMD" */

/* An Ice Lake server as recent KVM tells of it: leaves 0xb and 0x1f have
 * their first level only. */
static const struct row intel[] = {
	{ 0x0, 0, 0, 0x20, GENU, 0x6c65746e, 0x49656e69 },
	{ 0x1, 0, 0, 0x606a6, 0x2a400800, 0xffffffff, 0xffffffff },
	{ 0x4, 0, INDEXED, 0xfc004121, 0x02c0003f, 0x3f, 0 },
	{ 0x4, 1, INDEXED, 0xfc004122, 0x01c0003f, 0x3f, 0 },
	{ 0x4, 2, INDEXED, 0xfc004143, 0x04c0003f, 0x3ff, 0 },
	{ 0x4, 3, INDEXED, 0xfc1fc163, 0x02c0003f, 0xbfff, 4 },
	{ 0x4, 4, INDEXED, 0, 0, 0, 0 },
	{ 0x6, 0, 0, 0xffffffff, 0x2, 0xffffffff, 0 },
	{ 0x7, 0, INDEXED, 0x1, 0xffffffff, 0xffffffff, 0xffffffff },
	{ 0x7, 1, INDEXED, 0xffffffff, 0, 0, 0 },
	{ 0xa, 0, 0, 0x08300805, 0, 0xf, 0x8604 },
	{ 0xb, 0, INDEXED, 0, 0, 0, 0x2a },
	{ 0xd, 0, INDEXED, 0x2e7, 0x988, 0x988, 0 },
	{ 0xd, 1, INDEXED, 0xf, 0x988, 0x1800, 0 },
	{ 0x12, 0, INDEXED, 0x3, 1, 0, 0x3824 },
	{ 0x14, 0, INDEXED, 1, 0xf, 0x7, 0 },
	{ 0x1f, 0, INDEXED, 0, 0, 0, 0x2a },
	{ 0x40000000, 0, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d },
	{ 0x40000001, 0, 0, 0x01007efb, 0, 0, 0 },
	{ 0x80000000, 0, 0, 0x80000008, 0, 0, 0 },
	{ 0x80000001, 0, 0, 0, 0, 0x121, 0x2c100800 },
	{ 0x80000008, 0, 0, 0x3934, 0, 0, 0 },
};

/* An EPYC, which KVM tells of with the host's own topology leaves. */
static const struct row amd[] = {
	{ 0x0, 0, 0, 0x10, AUTH, 0x444d4163, 0x69746e65 },
	{ 0x1, 0, 0, 0xb00f21, 0x01020800, 0xffffffff, 0xffffffff },
	{ 0x4, 0, INDEXED, 0, 0, 0, 0 },
	{ 0x6, 0, 0, 0xffffffff, 0, 0xffffffff, 0 },
	{ 0x7, 0, INDEXED, 0x1, 0xffffffff, 0xffffffff, 0xffffffff },
	{ 0xb, 0, INDEXED, 1, 2, 0x100, 0x1 },
	{ 0xb, 1, INDEXED, 7, 0x60, 0x201, 0x1 },
	{ 0xb, 2, INDEXED, 0, 0, 2, 0x1 },
	{ 0xd, 0, INDEXED, 0xe7, 0x980, 0x980, 0 },
	{ 0x40000000, 0, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d },
	{ 0x40000001, 0, 0, 0x01007efb, 0, 0, 0 },
	{ 0x80000000, 0, 0, 0x80000021, AUTH, 0x444d4163, 0x69746e65 },
	{ 0x80000001, 0, 0, 0xb00f21, 0x40000000, 0xffffffff, 0x23d3fbff },
	{ 0x80000008, 0, 0, 0x3030, 0x50020005, 0x7001, 0 },
	{ 0x8000000a, 0, 0, 1, 0x8000, 0, 0x121bcff },
	{ 0x8000001d, 0, INDEXED, 0x4121, 0x02c0003f, 0x3f, 0 },
	{ 0x8000001d, 1, INDEXED, 0x4122, 0x01c0003f, 0x3f, 0 },
	{ 0x8000001d, 2, INDEXED, 0x4143, 0x03c0003f, 0x3ff, 2 },
	{ 0x8000001d, 3, INDEXED, 0x3c163, 0x03c0003f, 0x7fff, 1 },
	{ 0x8000001d, 4, INDEXED, 0, 0, 0, 0 },
	{ 0x8000001e, 0, 0, 1, 0x100, 0, 0 },
	{ 0x8000001f, 0, 0, 0x1780f, 0x173, 0x1fd, 1 },
};

static void load(const struct row *rows, size_t n)
{
	memset(&table, 0, sizeof(table));
	for (size_t i = 0; i < n; i++)
		table.entry[i] = (struct kvm_cpuid_entry2){
			.function = rows[i].leaf,
			.index = rows[i].index,
			.flags = rows[i].flags,
			.eax = rows[i].eax,
			.ebx = rows[i].ebx,
			.ecx = rows[i].ecx,
			.edx = rows[i].edx,
		};
	table.head.nent = (uint32_t)n;
}

#define LOAD(rows) load(rows, sizeof(rows) / sizeof((rows)[0]))

/* The entry KVM answers with; NULL is all zeros (arch/x86/kvm/cpuid.c). */
static const struct kvm_cpuid_entry2 *find(uint32_t leaf, uint32_t index)
{
	for (uint32_t i = 0; i < table.head.nent; i++) {
		const struct kvm_cpuid_entry2 *c = &table.entry[i];

		if (c->function == leaf &&
		    (!(c->flags & INDEXED) || c->index == index))
			return c;
	}
	return NULL;
}

static struct kvm_cpuid_entry2 cpuid(uint32_t leaf, uint32_t index)
{
	const struct kvm_cpuid_entry2 *c = find(leaf, index);

	return c ? *c : (struct kvm_cpuid_entry2){ .function = leaf };
}

static const unsigned counts[] = { 1, 2, 3, 4, 5, 8, 31, 32 };

#define COUNTS (sizeof(counts) / sizeof(counts[0]))

/* ---- what must not be seen
 * --------------------------------------------------------- */

enum reg { EAX, EBX, ECX, EDX };

static uint32_t reg_of(struct kvm_cpuid_entry2 c, enum reg reg)
{
	const uint32_t regs[] = { c.eax, c.ebx, c.ecx, c.edx };

	return regs[reg];
}

/* Hosts above have every bit of these registers set. */
static const struct {
	uint32_t leaf;
	enum reg reg;
	unsigned bit;
	bool seen;
	const char *name;
} common_bits[] = {
	{ 0x1, ECX, 0, true, "SSE3" },
	{ 0x1, ECX, 2, false, "DTES64" },
	{ 0x1, ECX, 3, false, "MONITOR" },
	{ 0x1, ECX, 5, false, "VMX" },
	{ 0x1, ECX, 6, false, "SMX" },
	{ 0x1, ECX, 7, false, "EIST" },
	{ 0x1, ECX, 13, true, "CMPXCHG16B" },
	{ 0x1, ECX, 15, false, "PDCM" },
	{ 0x1, ECX, 21, true, "x2APIC" },
	{ 0x1, ECX, 24, true, "TSC deadline" },
	{ 0x1, ECX, 26, true, "XSAVE" },
	{ 0x1, ECX, 28, true, "AVX" },
	{ 0x1, ECX, 30, true, "RDRAND" },
	{ 0x1, ECX, 31, true, "hypervisor" },
	{ 0x1, EDX, 9, true, "APIC" },
	{ 0x1, EDX, 21, false, "DS" },
	{ 0x1, EDX, 22, false, "ACPI" },
	{ 0x1, EDX, 26, true, "SSE2" },
	{ 0x1, EDX, 29, false, "TM" },
	{ 0x6, EAX, 0, false, "thermal sensor" },
	{ 0x6, EAX, 2, true, "ARAT" },
	{ 0x6, ECX, 0, false, "APERF and MPERF" },
	{ 0x7, EBX, 0, true, "FSGSBASE" },
	{ 0x7, EBX, 2, false, "SGX" },
	{ 0x7, EBX, 5, true, "AVX2" },
	{ 0x7, EBX, 7, true, "SMEP" },
	{ 0x7, EBX, 12, false, "RDT-M" },
	{ 0x7, EBX, 14, false, "MPX" },
	{ 0x7, EBX, 15, false, "RDT-A" },
	{ 0x7, EBX, 18, true, "RDSEED" },
	{ 0x7, EBX, 25, false, "PT" },
	{ 0x7, ECX, 2, true, "UMIP" },
	{ 0x7, ECX, 7, false, "CET_SS" },
	{ 0x7, ECX, 30, false, "SGX launch control" },
	{ 0x7, EDX, 20, false, "CET_IBT" },
	{ 0x7, EDX, 29, true, "ARCH_CAPABILITIES" },
	{ 0x7, EDX, 31, true, "SSBD" },
};

static const struct {
	uint32_t leaf;
	enum reg reg;
	unsigned bit;
	bool seen;
	const char *name;
} amd_bits[] = {
	{ 0x80000001, ECX, 0, true, "LAHF" },
	{ 0x80000001, ECX, 2, false, "SVM" },
	{ 0x80000001, ECX, 5, true, "ABM" },
	{ 0x80000001, ECX, 10, false, "IBS" },
	{ 0x80000001, ECX, 12, false, "SKINIT" },
	{ 0x80000001, ECX, 22, true, "TOPOEXT" },
	{ 0x80000001, ECX, 23, false, "core performance counters" },
	{ 0x80000001, ECX, 28, false, "L3 performance counters" },
	{ 0x80000001, EDX, 29, true, "long mode" },
};

Test(cpuid, shows_and_hides_features)
{
	for (int host = 0; host < 2; host++) {
		if (host)
			LOAD(amd);
		else
			LOAD(intel);
		cpuid_restrict(&table, 2, 0);
		for (size_t i = 0;
		     i < sizeof(common_bits) / sizeof(common_bits[0]); i++)
			cr_expect((reg_of(cpuid(common_bits[i].leaf, 0),
					  common_bits[i].reg) >>
					   common_bits[i].bit &
				   1) == common_bits[i].seen,
				  "%s, %s host", common_bits[i].name,
				  host ? "AMD" : "Intel");
	}
	for (size_t i = 0; i < sizeof(amd_bits) / sizeof(amd_bits[0]); i++)
		cr_expect(
			(reg_of(cpuid(amd_bits[i].leaf, 0), amd_bits[i].reg) >>
				 amd_bits[i].bit &
			 1) == amd_bits[i].seen,
			"%s", amd_bits[i].name);
}

/* What a guest that sees the feature reads or writes without being asked. */
static const struct {
	uint32_t leaf;
	enum reg reg;
	unsigned bit;
	uint32_t msr;
	const char *name;
} msr_of[] = {
	{ 0x1, EDX, 11, 0x174, "SEP" },
	{ 0x1, EDX, 12, 0xfe, "MTRR" },
	{ 0x1, EDX, 14, 0x179, "MCA" },
	{ 0x1, EDX, 16, 0x277, "PAT" },
	{ 0x1, EDX, 22, 0x19b, "ACPI" },
	{ 0x1, ECX, 15, 0x345, "PDCM" },
	{ 0x1, ECX, 24, 0x6e0, "TSC deadline" },
	{ 0x7, EBX, 1, 0x3b, "TSC_ADJUST" },
	{ 0x7, EBX, 14, 0xd90, "MPX" },
	{ 0x7, EBX, 25, 0x570, "PT" },
	{ 0x7, ECX, 5, 0xe1, "WAITPKG" },
	{ 0x7, ECX, 7, 0x6a2, "CET_SS" },
	{ 0x7, ECX, 30, 0x8c, "SGX launch control" },
	{ 0x7, EDX, 20, 0x6a2, "CET_IBT" },
	{ 0x7, EDX, 26, 0x48, "SPEC_CTRL" },
	{ 0x7, EDX, 28, 0x10b, "L1D_FLUSH" },
	{ 0x7, EDX, 29, 0x10a, "ARCH_CAPABILITIES" },
};

static bool is_allowed(uint32_t msr)
{
	for (const struct msr_row *r = msr_rows; r->last; r++)
		if (msr >= r->first && msr <= r->last)
			return true;
	return false;
}

Test(cpuid, shows_no_feature_whose_msrs_are_refused)
{
	LOAD(intel);
	cpuid_restrict(&table, 2, 0);
	for (size_t i = 0; i < sizeof(msr_of) / sizeof(msr_of[0]); i++)
		cr_expect(!(reg_of(cpuid(msr_of[i].leaf, 0), msr_of[i].reg) &
			    BIT(msr_of[i].bit)) ||
				  is_allowed(msr_of[i].msr),
			  "%s, but not MSR 0x%x", msr_of[i].name,
			  msr_of[i].msr);
	cr_expect(!(cpuid(0x7, 1).eax & BIT(17)) || is_allowed(0x1cc), "FRED");
	cr_expect(cpuid(0x7, 1).eax & BIT(4), "AVX-VNNI is of no concern");
}

Test(cpuid, empties_leaves_of_what_is_hidden)
{
	static const uint32_t leaves[] = {
		0x5,	    0xa,	0xf,	    0x10,
		0x12,	    0x14,	0x19,	    0x8000000a,
		0x8000001b, 0x8000001c, 0x8000001f, 0x80000022,
	};

	for (uint32_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		struct kvm_cpuid_entry2 c;

		LOAD(amd);
		table.entry[table.head.nent++] = (struct kvm_cpuid_entry2){
			leaves[i], 7, INDEXED, 1, 1, 1, 1, { 0 },
		};
		cpuid_restrict(&table, 4, 0);
		for (uint32_t n = 0; n < table.head.nent; n++) {
			c = table.entry[n];
			cr_expect(c.function != leaves[i] ||
					  !(c.eax | c.ebx | c.ecx | c.edx),
				  "leaf 0x%x, index %u", leaves[i], c.index);
		}
	}
}

Test(cpuid, leaves_the_rest_alone)
{
	LOAD(intel);
	cpuid_restrict(&table, 2, 0);
	cr_expect(cpuid(0x1, 0).eax == 0x606a6);
	cr_expect((cpuid(0x1, 0).ebx & 0xffff) == 0x0800, "CLFLUSH line");
	cr_expect(cpuid(0x7, 0).eax == 1);
	cr_expect(cpuid(0xd, 0).eax == 0x2e7 && cpuid(0xd, 0).ebx == 0x988);
	cr_expect(cpuid(0xd, 1).eax == 0xf && cpuid(0xd, 1).ecx == 0x1800);
	cr_expect(cpuid(0x40000001, 0).eax == 0x01007efb);
	cr_expect(cpuid(0x80000008, 0).eax == 0x3934, "address widths");
}

Test(cpuid, tells_of_kvm_and_of_time)
{
	LOAD(amd);
	cpuid_restrict(&table, 1, 2450000);
	cr_expect(cpuid(0x40000000, 0).eax == 0x40000010);
	cr_expect(cpuid(0x40000000, 0).ebx == 0x4b4d564b, "KVMKVMKVM");
	cr_expect(cpuid(0x40000010, 0).eax == 2450000);
	cr_expect(cpuid(0x40000010, 0).ebx == 1000000, "APIC bus");
}

Test(cpuid, keeps_a_longer_list_of_hypervisor_leaves)
{
	LOAD(amd);
	for (uint32_t i = 0; i < table.head.nent; i++)
		if (table.entry[i].function == 0x40000000)
			table.entry[i].eax = 0x40000100;
	cpuid_restrict(&table, 1, 2450000);
	cr_expect(cpuid(0x40000000, 0).eax == 0x40000100);
}

/* ---- topology, as Linux reads it
 * --------------------------------------------------- */

struct place {
	uint32_t package, core, cores;
};

/* Linux 6.1 arch/x86/kernel/cpu/topology.c, detect_extended_topology() */
static bool extended_topology(uint32_t leaf, struct place *ret)
{
	struct kvm_cpuid_entry2 c = cpuid(leaf, 0);
	uint32_t id = c.edx, smt_bits, core_bits, smt;

	if (!c.ebx || (c.ecx >> 8 & 0xff) != 1)
		return false;
	smt = c.ebx & 0xffff;
	smt_bits = core_bits = c.eax & 0x1f;
	ret->cores = smt;
	for (uint32_t index = 1;; index++) {
		c = cpuid(leaf, index);
		if (!(c.ecx >> 8 & 0xff))
			break;
		cr_assert(index < 8, "levels without end");
		if ((c.ecx >> 8 & 0xff) != 2)
			continue;
		core_bits = c.eax & 0x1f;
		ret->cores = c.ebx & 0xffff;
	}
	ret->core = (id & ~(~0U << core_bits)) >> smt_bits;
	ret->package = id >> core_bits;
	return true;
}

static struct place place_on_intel(void)
{
	struct place p = { 0 };

	cr_assert(extended_topology(0x1f, &p) || extended_topology(0xb, &p),
		  "no leaf tells of the topology");
	return p;
}

/* Linux 6.1 arch/x86/kernel/cpu/amd.c without TOPOEXT: early_init_amd_mc(),
 * amd_detect_cmp() */
static struct place place_on_amd(void)
{
	uint32_t ecx = cpuid(0x80000008, 0).ecx;
	uint32_t id = cpuid(0x1, 0).ebx >> 24, bits = ecx >> 12 & 0xf;

	return (struct place){
		.package = id >> bits,
		.core = id & ~(~0U << bits),
		.cores = (ecx & 0xff) + 1,
	};
}

/* The same with TOPOEXT: amd_get_topology(); leaf 0xb has the last word. */
static struct place place_on_amd_with_topoext(void)
{
	struct kvm_cpuid_entry2 c = cpuid(0x8000001e, 0);
	struct place p = { 0 };

	cr_expect(c.eax == cpuid(0x1, 0).ebx >> 24, "APIC ids differ");
	cr_expect((c.ebx >> 8 & 0xff) == 0, "threads per core");
	cr_expect(c.ecx == 0, "one node");
	cr_assert(extended_topology(0xb, &p));
	cr_expect(p.core == (c.ebx & 0xff), "core ids differ");
	return p;
}

static void expect_one_package(const char *host, unsigned cpus,
			       struct place (*place)(void))
{
	for (unsigned id = 0; id < cpus; id++) {
		struct place p;

		cpuid_set_vcpu(&table, id);
		cr_expect(cpuid(0x1, 0).ebx >> 24 == id);
		p = place();
		cr_expect(p.package == 0 && p.core == id && p.cores == cpus,
			  "%s, vCPU %u of %u: package %u, core %u of %u", host,
			  id, cpus, p.package, p.core, p.cores);
	}
}

static void expect_count_in_leaf_1(unsigned cpus)
{
	cr_expect((cpuid(0x1, 0).ebx >> 16 & 0xff) == cpus);
	cr_expect((cpuid(0x1, 0).edx >> 28 & 1) == (cpus > 1), "HTT, %u CPUs",
		  cpus);
}

Test(cpuid, intel_host_shows_one_package_of_cores)
{
	for (size_t i = 0; i < COUNTS; i++) {
		LOAD(intel);
		cpuid_restrict(&table, counts[i], 0);
		expect_count_in_leaf_1(counts[i]);
		expect_one_package("Intel", counts[i], place_on_intel);
	}
}

Test(cpuid, intel_host_without_leaf_1f_too)
{
	for (size_t i = 0; i < COUNTS; i++) {
		LOAD(intel);
		table.entry[0].eax = 0x16;
		for (uint32_t n = 0; n < table.head.nent; n++)
			if (table.entry[n].function == 0x1f)
				table.entry[n] = table.entry[--table.head.nent];
		cpuid_restrict(&table, counts[i], 0);
		cr_expect(!find(0x1f, 0) && !find(0x1f, 1));
		expect_one_package("Intel", counts[i], place_on_intel);
	}
}

Test(cpuid, amd_host_shows_one_package_of_cores)
{
	for (size_t i = 0; i < COUNTS; i++) {
		LOAD(amd);
		cpuid_restrict(&table, counts[i], 0);
		expect_count_in_leaf_1(counts[i]);
		expect_one_package("AMD", counts[i], place_on_amd);
		expect_one_package("AMD, TOPOEXT", counts[i],
				   place_on_amd_with_topoext);
		cr_expect((cpuid(0x80000001, 0).ecx >> 1 & 1) ==
				  (counts[i] > 1),
			  "CMP_LEGACY, %u CPUs", counts[i]);
	}
}

static unsigned power_of_two_from(unsigned n)
{
	unsigned power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* @rows: the host's four caches as they stand in its table */
static void expect_caches(uint32_t leaf, const struct row *rows, unsigned cpus)
{
	for (uint32_t index = 0; index < 4; index++) {
		uint32_t eax = cpuid(leaf, index).eax;
		unsigned sharing = (eax >> 14 & 0xfff) + 1;

		cr_assert(rows[index].leaf == leaf);
		cr_expect(sharing == (index == 3 ? power_of_two_from(cpus) : 1),
			  "leaf 0x%x, cache %u of %u CPUs: shared by %u", leaf,
			  index, cpus, sharing);
		cr_expect((eax & 0x3fff) == (rows[index].eax & 0x3fff),
			  "type and level stay");
		cr_expect(cpuid(leaf, index).ebx == rows[index].ebx);
		cr_expect(cpuid(leaf, index).ecx == rows[index].ecx);
	}
	cr_expect(cpuid(leaf, 4).eax == 0, "the end of the list");
}

Test(cpuid, caches_are_private_but_for_the_last)
{
	for (size_t i = 0; i < COUNTS; i++) {
		LOAD(intel);
		cpuid_restrict(&table, counts[i], 0);
		expect_caches(0x4, &intel[2], counts[i]);
		cr_expect((cpuid(0x4, 0).eax >> 26) + 1 ==
				  power_of_two_from(counts[i]),
			  "cores, %u CPUs", counts[i]);
		LOAD(amd);
		cpuid_restrict(&table, counts[i], 0);
		expect_caches(0x8000001d, &amd[15], counts[i]);
		cr_expect(cpuid(0x8000001d, 3).eax >> 26 == 0, "reserved");
		cr_expect(cpuid(0x4, 0).eax == 0, "AMD has none there");
	}
}

Test(cpuid, intel_host_keeps_amd_fields_reserved)
{
	LOAD(intel);
	cpuid_restrict(&table, 4, 0);
	cr_expect(!(cpuid(0x80000001, 0).ecx & BIT(1)), "CMP_LEGACY");
	cr_expect(cpuid(0x80000008, 0).ecx == 0);
}

Test(cpuid, old_host_gets_no_leaf_it_does_not_have)
{
	LOAD(amd);
	table.entry[0].eax = 0x7;
	for (uint32_t n = table.head.nent; n-- > 0;)
		if (table.entry[n].function == 0xb)
			table.entry[n] = table.entry[--table.head.nent];
	cpuid_restrict(&table, 4, 0);
	cr_expect(!find(0xb, 0) && !find(0xb, 1));
	expect_one_package("AMD", 4, place_on_amd);
}

/* ---- tables as they may come
 * -------------------------------------------------------- */

Test(cpuid, order_of_entries_does_not_matter)
{
	LOAD(intel);
	for (uint32_t i = 0; i < table.head.nent / 2; i++) {
		struct kvm_cpuid_entry2 c = table.entry[i];
		uint32_t j = table.head.nent - 1 - i;

		table.entry[i] = table.entry[j];
		table.entry[j] = c;
	}
	cpuid_restrict(&table, 4, 7);
	expect_one_package("Intel, last leaf first", 4, place_on_intel);
	cr_expect(cpuid(0x40000010, 0).eax == 7);
}

Test(cpuid, added_entries_are_what_kvm_takes)
{
	uint32_t had;

	LOAD(intel);
	had = table.head.nent;
	cpuid_restrict(&table, 2, 7);
	cr_expect(table.head.nent == had + 3, "0xb, 0x1f and timing");
	for (uint32_t i = had; i < table.head.nent; i++) {
		const struct kvm_cpuid_entry2 *c = &table.entry[i];
		bool indexed = c->function < 0x40000000;

		cr_expect(c->flags == (indexed ? INDEXED : 0), "leaf 0x%x",
			  c->function);
		cr_expect(!c->padding[0] && !c->padding[1] && !c->padding[2]);
	}
	cpuid_restrict(&table, 2, 7);
	cr_expect(table.head.nent == had + 3, "once is enough");
}

Test(cpuid, full_table_is_left_as_long_as_it_is)
{
	static const uint32_t room[] = { 0, 1, 2 };

	for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		LOAD(intel);
		while (table.head.nent < CPUID_ENTRIES_MAX - room[i])
			table.entry[table.head.nent++].function = 0x2;
		cpuid_restrict(&table, 32, 7);
		cpuid_set_vcpu(&table, 31);
		cr_expect(table.head.nent == CPUID_ENTRIES_MAX, "room for %u",
			  room[i]);
		cr_expect(cpuid(0x1, 0).ebx >> 24 == 31);
	}
}

Test(cpuid, empty_table_stays_harmless)
{
	memset(&table, 0, sizeof(table));
	cpuid_restrict(&table, 1, 7);
	cpuid_set_vcpu(&table, 0);
	cr_expect(table.head.nent == 1, "the timing leaf alone");
}
