// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts: the local APIC, the I/O APIC, and waiting for them.
 *
 * The local APIC is used through its page, as it comes out of reset: setting
 * it up needs no ring 0, and the stub's EOI is one instruction. Interrupts are
 * taken only while the stub idles, so nothing here has to be guarded: between
 * the look at irq_pending and HLT none can slip through.
 */
#include "guest/kit.h"

#include "bootproto/layout.h"
#include "guest/ring0.h"

/* SDM 3A 11.4.1, registers at multiples of 16 */
#define LAPIC_ID	     0x20
#define LAPIC_VERSION	     0x30
#define LAPIC_SPURIOUS	     0xf0
#define LAPIC_LVT_TIMER	     0x320
#define LAPIC_TIMER_COUNT    0x380
#define LAPIC_TIMER_DIVIDE   0x3e0
#define SPURIOUS_ENABLE	     0x100
#define TIMER_DEADLINE	     0x40000
#define TIMER_DIVIDE_BY_1    0xb
#define TIMER_COUNT_MAX	     0xffffffffULL
#define CPUID_1_ECX_DEADLINE (1u << 24)
#define MSR_TSC_DEADLINE     0x6e0

/* 82093AA datasheet */
#define IOAPIC_SELECT	   0x00
#define IOAPIC_WINDOW	   0x10
#define IOAPIC_REDIRECTION 0x10

volatile uint64_t irq_pending;

static bool ready;
static bool use_deadline;
static uint64_t armed_ns; /* what the timer was last set for; 0: never was */

static volatile uint32_t *reg(uint64_t addr)
{
	return (volatile uint32_t *)addr;
}

static void init(void)
{
	if (ready)
		return;
	map_device(LAYOUT_IOAPIC, 0x1000);
	map_device(LAYOUT_LAPIC, 0x1000);
	if (*reg(LAYOUT_LAPIC + LAPIC_VERSION) == UINT32_MAX)
		kit_panic("no local APIC at 0x%x", LAYOUT_LAPIC);
	*reg(LAYOUT_LAPIC + LAPIC_SPURIOUS) =
		SPURIOUS_ENABLE | KIT_VECTOR_SPURIOUS;
	ready = true;
}

static void ioapic_write(unsigned index, uint32_t value)
{
	*reg(LAYOUT_IOAPIC + IOAPIC_SELECT) = index;
	*reg(LAYOUT_IOAPIC + IOAPIC_WINDOW) = value;
}

void irq_enable(unsigned gsi)
{
	if (gsi >= LAYOUT_IOAPIC_PINS)
		kit_panic("irq_enable(%u): no such pin", gsi);
	init();
	ioapic_write(IOAPIC_REDIRECTION + 2 * gsi + 1,
		     *reg(LAYOUT_LAPIC + LAPIC_ID));
	ioapic_write(IOAPIC_REDIRECTION + 2 * gsi, KIT_VECTOR_IRQ + gsi);
}

/* The deadline is exact and needs the frequency; the count is in nanoseconds
 * on KVM and QEMU both. */
static void timer_init(void)
{
	uint32_t vector = KIT_VECTOR_IRQ + KIT_IRQ_TIMER;

	init();
	use_deadline =
		time_tsc_khz() && ring0_cpuid(1).ecx & CPUID_1_ECX_DEADLINE;
	*reg(LAYOUT_LAPIC + LAPIC_TIMER_DIVIDE) = TIMER_DIVIDE_BY_1;
	*reg(LAYOUT_LAPIC + LAPIC_LVT_TIMER) =
		vector | (use_deadline ? TIMER_DEADLINE : 0);
}

static void timer_arm(uint64_t deadline_ns, uint64_t now_ns)
{
	uint64_t left = deadline_ns - now_ns;

	if (!armed_ns)
		timer_init();
	if (armed_ns == deadline_ns && !(irq_pending & 1 << KIT_IRQ_TIMER))
		return;
	armed_ns = deadline_ns;
	irq_pending &= ~(1ULL << KIT_IRQ_TIMER);
	if (use_deadline)
		ring0_wrmsr(MSR_TSC_DEADLINE, time_to_tsc(deadline_ns));
	else
		*reg(LAYOUT_LAPIC + LAPIC_TIMER_COUNT) =
			(uint32_t)(left < TIMER_COUNT_MAX ? left
							  : TIMER_COUNT_MAX);
}

uint64_t irq_wait(uint64_t lines, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t fired = irq_pending & lines, now;

		if (fired) {
			irq_pending &= ~fired;
			return fired;
		}
		if (deadline_ns != UINT64_MAX) {
			now = time_ns();
			if (now >= deadline_ns)
				return 0;
			timer_arm(deadline_ns, now);
		}
		ring0_idle();
	}
}
