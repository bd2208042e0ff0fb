// SPDX-License-Identifier: Apache-2.0
/*
 * Sleeps: the timer's interrupt wakes the CPU from HLT, and not too early.
 * Outside of sleep an interrupt waits.
 */
#include "bootproto/layout.h"
#include "tests/guest/check.h"

#define STEP_NS	 10000000ULL
#define ICR_SELF 0x40000 /* SDM 3A 11.6.1 */

/* An interrupt to ourselves stays out until the program waits. */
static void check_masked(void)
{
	volatile uint32_t *icr = map_device(LAYOUT_LAPIC + 0x300, 4);
	uint64_t line = 1 << 7, until = time_ns() + STEP_NS;

	*icr = ICR_SELF | (KIT_VECTOR_IRQ + 7);
	while (time_ns() < until)
		CHECK(!(irq_pending & line));
	CHECK(irq_wait(line, time_ns() + 6000 * STEP_NS) == line);
	CHECK(!(irq_pending & line));
}

int main(void)
{
	for (int i = 0; i < 5; i++) {
		uint64_t before = time_ns();

		time_sleep(STEP_NS);
		CHECK(time_ns() - before >= STEP_NS);
	}
	CHECK(irq_pending & 1 << KIT_IRQ_TIMER);
	check_masked();
	return check_done("idle");
}
