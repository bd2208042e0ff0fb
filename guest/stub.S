/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring-0 stub: exceptions, interrupts, and the few privileged things a
 * program needs.
 *
 * Ring 3 comes in through UD2 at one known place, kit_ring0, with the address
 * of the wanted routine in r10 and arguments wherever that routine takes them.
 * (Not through SYSCALL: that is left to programs, and arrives in ring 3 where
 * ring 0 is emulated. Not through INT: it never arrives there.) There is no
 * check of r10: the program is not kept out of ring 0, it merely runs faster
 * outside; the VM is the wall. Each instruction here may cost half a
 * microsecond; routines use only what KVM's emulator knows.
 *
 * Interrupts stay off in ring 3. They are taken while r0_idle waits, which
 * marks them in irq_pending for irq.c.
 */
#include "bootproto/layout.h"
#include "guest/layout.h"

#define LAPIC_EOI (LAYOUT_LAPIC + 0xb0)

/* ---- entries, 16 bytes each ------------------------------------------- */
	.section .text.vectors, "ax", @progbits
	.code64

	.macro	exception vector
	.if	(1 << \vector) & 0x60227d00	/* these push an error code */
	.else
	push	$0
	.endif
	push	$\vector
	jmp	fault
	.balign	16, 0xcc
	.endm

	.macro	interrupt line
	btsq	$\line, irq_pending
	jmp	interrupted
	.balign	16, 0xcc
	.endm

	.globl	kit_vectors
kit_vectors:
	.irp	vector, 0, 1, 2, 3, 4, 5
	exception \vector
	.endr

/* 6, #UD: a call from kit_ring0, or a real one? */
	cmpl	$kit_ring0, (%rsp)
	jne	invalid_opcode
	jmp	*%r10
	.balign	16, 0xcc

	.irp	vector, 7, 8
	exception \vector
	.endr
invalid_opcode:			/* vector 9 is never raised: its room is free */
	exception 6
	.irp	vector, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
	exception \vector
	.endr
	.irp	vector, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	exception \vector
	.endr

	line = 0
	.rept	KIT_IRQS
	interrupt line
	line = line + 1
	.endr
	.rept	KIT_VECTORS_COUNT - KIT_VECTOR_IRQ - KIT_IRQS
	iretq				/* spurious: wants no EOI */
	.balign	16, 0xcc
	.endr

interrupted:
	addr32 movl $0, LAPIC_EOI
	iretq

/* Leave the frame for kit_fault3 to read and report in ring 3. */
fault:
	mov	%rsp, %rdi
	mov	%cr2, %rsi
	mov	$kit_fault_frame, %esp
	iretq

/* ---- routines --------------------------------------------------------- */
	.macro	return
	movq	$kit_ring0_done, (%rsp)
	iretq
	.endm

	.macro	routine name
	.globl	\name
\name:
	.endm

routine r0_outsb			/* rsi, rcx bytes, to port dx */
	rep outsb
	return

routine r0_out8				/* al to port dx */
	out	%al, %dx
	return

routine r0_in8				/* al from port dx */
	in	%dx, %al
	return

routine r0_rdmsr
	rdmsr
	return

routine r0_wrmsr
	wrmsr
	return

routine r0_cpuid			/* as the VM is told, not as the host is */
	cpuid
	return

routine r0_poke				/* rax to (rdi), read-only or not */
	mov	%rax, (%rdi)
	return

routine r0_flush			/* forget translations */
	mov	%cr3, %rax
	mov	%rax, %cr3
	return

routine r0_idle				/* until an interrupt has come */
	sti
	hlt
	return

routine r0_exit				/* al to port dx, the end */
	out	%al, %dx
	lidt	kit_no_idt		/* nobody listened: triple fault */
	ud2

/* ---- ring 3's side ---------------------------------------------------- */
	.text
	.globl	kit_ring0, kit_ring0_done, kit_fault3
kit_ring0:
	ud2
kit_ring0_done:
	ret

kit_fault3:
	xor	%ebp, %ebp
	call	kit_fault

	.bss
	.balign	16
	.skip	8192
	.globl	kit_fault_stack_top
kit_fault_stack_top:
