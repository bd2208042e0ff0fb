// SPDX-License-Identifier: Apache-2.0
/*
 * Has the PVH note that says where to enter it in 32-bit mode, and says nothing
 * before it crashes, as code for 32-bit mode would. With "hang", it hangs.
 */
#include "guest/ring0.h"
#include "tests/guest/check.h"

extern const char triple_fault[];

__asm__("	.section .rodata\n"
	"	.balign	4\n"
	"	.long	4, 4, 18\n"
	"	.asciz	\"Xen\"\n"
	"	.long	0x100000\n"
	"	.text\n"
	"triple_fault:\n"
	"	lidt	kit_no_idt\n"
	"	ud2\n");

int main(int argc, char **argv)
{
	(void)argv;
	RING0_ROUTINE(triple_fault);

	while (argc > 1)
		__asm__ volatile("pause");
	__asm__ volatile(RING0_CALL : : RING0_ROUTINE_INPUT : "memory");
	CHECK_NOT_REACHED();
}
