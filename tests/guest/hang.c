// SPDX-License-Identifier: Apache-2.0
/*
 * Never ends: spins in ring 3, or with "halt" stops the CPU with interrupts
 * off. For --timeout and signals.
 */
#include "guest/ring0.h"
#include "tests/guest/check.h"

extern const char halt_for_good[];

__asm__("	.text\n"
	"halt_for_good:\n"
	"	cli\n"
	"	hlt\n"
	"	jmp	halt_for_good\n");

int main(int argc, char **argv)
{
	console_puts("hang\n");
	if (argc > 1 && !strcmp(argv[1], "halt")) {
		RING0_ROUTINE(halt_for_good);

		__asm__ volatile(RING0_CALL : : RING0_ROUTINE_INPUT : "memory");
	}
	for (;;)
		__asm__ volatile("pause");
}
