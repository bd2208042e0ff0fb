// SPDX-License-Identifier: Apache-2.0
/* A triple fault: the monitor must call it a crash (131). */
#include "guest/ring0.h"
#include "tests/guest/check.h"

extern const char triple_fault[];

__asm__("	.text\n"
	"triple_fault:\n"
	"	lidt	kit_no_idt\n"
	"	ud2\n");

int main(void)
{
	RING0_ROUTINE(triple_fault);

	__asm__ volatile(RING0_CALL : : RING0_ROUTINE_INPUT : "memory");
	CHECK_NOT_REACHED();
}
