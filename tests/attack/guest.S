/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the number on its command line to the attack port. */
	.code64
	.globl	_start
_start:
	mov	0x228(%rsi), %esi	/* boot_params: cmd_line_ptr */
	xor	%eax, %eax
1:	movzbl	(%rsi), %ecx
	sub	$'0', %ecx
	cmp	$9, %ecx
	ja	2f
	imul	$10, %eax
	add	%ecx, %eax
	inc	%rsi
	jmp	1b
2:	mov	$0x5a50, %edx
	out	%eax, %dx
3:	hlt
	jmp	3b
