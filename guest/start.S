/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the launcher to the program.
 *
 * Two doors: kit_start by bootproto/BOOT.md (long mode, rsi = boot_params),
 * and kit_start_pvh by the PVH note (protected mode, ebx = hvm_start_info), so
 * that the same file boots on other monitors. Ring 0 may be emulated, at half
 * a microsecond for each instruction, by a KVM without hardware below it; ring
 * 3 never is. So the way there is short and everything else is done behind it.
 */
#include "guest/layout.h"

#define BOOT_PARAMS_CMDLINE 0x228	/* hdr.cmd_line_ptr, Linux boot.rst */
#define PVH_CMDLINE	    0x18	/* hvm_start_info.cmdline_paddr */

#define CR0_PE	       0x1
#define CR0_PG	       0x80000000
#define CR4_PAE	       0x20
#define CR4_OSFXSR     0x200		/* SSE for the program */
#define CR4_OSXMMEXCPT 0x400
#define EFER	       0xc0000080
#define EFER_SCE       0x1
#define EFER_LME       0x100
#define EFER_LMA       0x400
#define EFER_NXE       0x800

	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 8, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	kit_start_pvh

	.section .text.start, "ax", @progbits
	.code64
	.globl	kit_start
kit_start:
	mov	BOOT_PARAMS_CMDLINE(%rsi), %edi	/* spares ring 3 a page */
	mov	$(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE), %eax
	xor	%edx, %edx
	mov	$EFER, %ecx
	wrmsr
	mov	$(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
	mov	%rax, %cr4
	mov	$KIT_PML4, %eax
	mov	%rax, %cr3
	lgdt	kit_gdtr
start_long:
	lidt	kit_idtr
	mov	$KIT_TR, %eax
	ltr	%ax
	mov	$kit_enter_frame, %esp
	iretq

	.code32
kit_start_pvh:
	mov	%ebx, %esi
	mov	PVH_CMDLINE(%ebx), %edi
	mov	$(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
	mov	%eax, %cr4
	mov	$KIT_PML4, %eax
	mov	%eax, %cr3
	mov	$(EFER_SCE | EFER_LME | EFER_NXE), %eax
	xor	%edx, %edx
	mov	$EFER, %ecx
	wrmsr
	mov	$(CR0_PE | CR0_PG), %eax
	mov	%eax, %cr0
	lgdt	kit_gdtr
	ljmp	$KIT_CS0, $start_long

/* Ring 3. struct kit_boot lies right above the stack, in the page that the
 * first push touches anyway. */
	.text
	.code64
	.globl	kit_enter3
kit_enter3:
	mov	%rdi, kit_boot
	mov	%rsi, kit_boot + 8
	rdtsc
	mov	%eax, kit_boot + 16
	mov	%edx, kit_boot + 20
	xor	%ebp, %ebp
	call	kit_main
	ud2
