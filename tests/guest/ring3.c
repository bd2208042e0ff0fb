// SPDX-License-Identifier: Apache-2.0
/* The program runs in ring 3, has SSE, and comes back there from ring 0. */
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define FLAGS_DF 0x400

static volatile double one = 1.0;

static void check_ring(void)
{
	uint64_t cs, ss, flags;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	CHECK(cs == KIT_CS3 && ss == KIT_DS3);
	CHECK(!(flags & FLAGS_DF));
}

int main(void)
{
	check_ring();
	CHECK(one / 4 + one == 1.25);
	for (int i = 0; i < 100; i++)
		ring0_in8(0x80);
	check_ring();
	CHECK(one / 4 + one == 1.25);
	return check_done("ring3");
}
