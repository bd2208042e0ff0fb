/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU reads: descriptor tables and page tables, ready made. */
#include "guest/layout.h"

/* An address in this section as a number the assembler can take apart. */
#define ADDRESS(label) (KIT_BASE + (label) - kit_tables)

	.section .tables, "a", @progbits
	.globl kit_tables
kit_tables:

/* The TSS lacks the busy bit: LTR sets it. CR0.WP is clear in ring 0, so that
 * read-only pages do not keep it, or the ring-0 stack, from being written. */
gdt:
	.quad	0, 0
	.quad	0x00af9b000000ffff	/* KIT_CS0: 64-bit code */
	.quad	0x00cf93000000ffff	/* KIT_DS0 */
	.quad	0
	.quad	0x00cff3000000ffff	/* KIT_DS3 */
	.quad	0x00affb000000ffff	/* KIT_CS3 */
	.word	tss_end - tss - 1, ADDRESS(tss) & 0xffff
	.byte	(ADDRESS(tss) >> 16) & 0xff, 0x89, 0, ADDRESS(tss) >> 24
	.quad	0
gdt_end:

	.globl kit_gdtr, kit_idtr, kit_no_idt
	.balign	8
	.skip	6			/* each register's base is aligned */
kit_gdtr:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.skip	6
kit_idtr:
	.word	idt_end - idt - 1
	.quad	idt
	.skip	6
kit_no_idt:
	.word	0
	.quad	0

/* Ring 0 is left through these: rip, cs, rflags, rsp, ss. */
	.globl kit_enter_frame, kit_fault_frame
	.balign	16
kit_enter_frame:
	.quad	kit_enter3, KIT_CS3, 2, kit_boot, KIT_DS3
kit_fault_frame:
	.quad	kit_fault3, KIT_CS3, 2, kit_fault_stack_top, KIT_DS3

	.balign	16
tss:
	.long	0
	.quad	kit_stack0_top
	.fill	90, 1, 0
	.word	tss_end - tss		/* no I/O bitmap */
tss_end:

	.balign	16
idt:
	vector = 0
	.rept	KIT_VECTORS_COUNT
	.word	(KIT_VECTORS + 16 * vector) & 0xffff, KIT_CS0
	.word	0x8e00, KIT_VECTORS >> 16
	.quad	0
	vector = vector + 1
	.endr
idt_end:

/* The rest of the page is the ring-0 stack: no handler nests deeply. */
	.balign	4096
kit_stack0_top:

/* KIT_PML4, KIT_PDPT */
	.quad	KIT_PDPT | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_USED
	.balign	4096
	.quad	KIT_PD | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_USED
	.balign	4096

/* KIT_PD: stack, data and heap, all of the first GiB. */
	.quad	KIT_PT | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_USED
	frame = 1
	.rept	511
	.quad	frame << 21 | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_USED \
		| PTE_LARGE | PTE_NX
	frame = frame + 1
	.endr

/* KIT_PT: page 0 is for ring 0 alone, so that a null pointer faults; what the
 * launcher left below the image can be read; the image's code can be run. */
	.quad	PTE_PRESENT | PTE_WRITE | PTE_USED | PTE_NX
	frame = 1
	.rept	(KIT_VECTORS >> 12) - 1
	.quad	frame << 12 | PTE_PRESENT | PTE_USER | PTE_USED | PTE_NX
	frame = frame + 1
	.endr
	.rept	512 - (KIT_VECTORS >> 12)
	.quad	frame << 12 | PTE_PRESENT | PTE_USER | PTE_USED
	frame = frame + 1
	.endr
