// SPDX-License-Identifier: Apache-2.0
/* Time from the TSC, whose frequency is asked for at the first use. */
#include "guest/kit.h"
#include "guest/ring0.h"

#define CPUID_TSC		 0x15
#define CPUID_HYPERVISOR	 0x40000000
#define CPUID_KVM_FEATURES	 0x40000001
#define CPUID_TIMING		 0x40000010
#define CPUID_1_ECX_HYPERVISOR	 (1u << 31)
#define KVM_FEATURE_CLOCKSOURCE2 (1u << 3)
#define MSR_KVM_SYSTEM_TIME_NEW	 0x4b564d01

/* Linux Documentation/virt/kvm/x86/msr.rst */
struct pvclock {
	uint32_t version, pad0;
	uint64_t tsc_timestamp, system_time;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags, pad[2];
};
_Static_assert(sizeof(struct pvclock) == 32, "msr.rst");

static uint64_t from_timing_leaf(uint32_t top)
{
	return top >= CPUID_TIMING ? ring0_cpuid(CPUID_TIMING).eax : 0;
}

/* The clock is switched on, looked at, and switched off. */
static uint64_t from_kvm_clock(uint32_t top)
{
	static _Alignas(32) volatile struct pvclock clock;
	uint64_t khz;

	if (top < CPUID_KVM_FEATURES ||
	    !(ring0_cpuid(CPUID_KVM_FEATURES).eax & KVM_FEATURE_CLOCKSOURCE2))
		return 0;
	ring0_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (uintptr_t)&clock | 1);
	if (!clock.tsc_to_system_mul)
		return 0;
	khz = (1000000ULL << 32) / clock.tsc_to_system_mul;
	khz = clock.tsc_shift < 0 ? khz << -clock.tsc_shift
				  : khz >> clock.tsc_shift;
	ring0_wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	return khz;
}

static uint64_t from_tsc_leaf(void)
{
	struct cpuid c;

	if (ring0_cpuid(0).eax < CPUID_TSC)
		return 0;
	c = ring0_cpuid(CPUID_TSC);
	return c.eax ? (uint64_t)c.ecx * c.ebx / c.eax / 1000 : 0;
}

uint64_t time_tsc_khz(void)
{
	static uint64_t khz;
	static bool asked;
	uint32_t top = 0;

	if (asked)
		return khz;
	asked = true;
	if (ring0_cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR)
		top = ring0_cpuid(CPUID_HYPERVISOR).eax;
	khz = from_timing_leaf(top);
	if (!khz)
		khz = from_kvm_clock(top);
	if (!khz)
		khz = from_tsc_leaf();
	return khz;
}

uint64_t time_ns(void)
{
	static uint64_t scale; /* ns per cycle, 32 bits behind the point */
	uint64_t cycles = __builtin_ia32_rdtsc() - kit_boot.tsc;

	if (!scale) {
		uint64_t khz = time_tsc_khz();

		scale = khz ? (1000000ULL << 32) / khz : 1ULL << 32;
	}
	return (uint64_t)((unsigned __int128)cycles * scale >> 32);
}

uint64_t time_to_tsc(uint64_t ns)
{
	uint64_t khz = time_tsc_khz();

	unsigned __int128 tsc;

	if (!khz)
		khz = 1000000;
	/* Rounded up, so that time_ns() has reached it by then. */
	tsc = (unsigned __int128)(ns / 1000000) * khz +
	      ns % 1000000 * khz / 1000000 + 2 + kit_boot.tsc;
	return tsc < UINT64_MAX ? (uint64_t)tsc : UINT64_MAX;
}

void time_sleep(uint64_t ns)
{
	uint64_t end;

	if (__builtin_add_overflow(time_ns(), ns, &end))
		end = UINT64_MAX;
	irq_wait(0, end);
}
