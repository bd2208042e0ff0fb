/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raises the serial port's line in each way there is: edge, level, on
 * transmit (by the vCPU's thread), on input (by the I/O thread). Interrupts
 * stay off: that the monitor tells KVM is all that is wanted.
 */
#define IOAPIC	0xfec00000
#define PIN	4
#define PD	0x300000	/* a free page */

	.code64
	.globl	_start
_start:
	mov	%cr3, %rax		/* map 2 MiB at the I/O APIC */
	mov	(%rax), %rbx
	and	$~0xfff, %rbx
	movl	$(PD | 3), 3 * 8(%rbx)
	movl	$(IOAPIC | 0x83), PD + 0x1f6 * 8
	movl	$0, PD + 0x1f6 * 8 + 4
	mov	$IOAPIC, %edi
	movl	$(0x10 + 2 * PIN), (%rdi)
	movl	$0x40, 0x10(%rdi)	/* edge */
	mov	$0x3f9, %edx
	mov	$3, %al			/* on input, and when there is room */
	out	%al, %dx
	movl	$(0x10 + 2 * PIN), (%rdi)
	movl	$0x8040, 0x10(%rdi)	/* level */
	mov	$0x3fd, %edx
	mov	$20000, %ecx		/* some 100 ms for input to come */
1:	in	%dx, %al
	test	$1, %al
	jnz	2f
	dec	%ecx
	jnz	1b
2:	mov	$0x501, %edx
	xor	%eax, %eax
	out	%al, %dx
3:	hlt
	jmp	3b
