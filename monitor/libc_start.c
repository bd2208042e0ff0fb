// SPDX-License-Identifier: Apache-2.0
/*
 * Where the kernel jumps to. musl's own start for a static program that can be
 * loaded anywhere (rcrt1.o) knows relocations of 24 bytes each only. All of
 * ours add the load address to a word, so the linker packs them into bitmaps
 * (SHT_RELR: an address, then for each bit of the odd words that follow, from
 * the second up, one of the next 63 words). That takes 2.6 KB off.
 */
#include <stddef.h>
#include <stdint.h>

/* monitor/mote.lds */
extern const char __ehdr_start[];
extern const uintptr_t relr_start[], relr_end[];

void libc_start(uintptr_t *stack);
int main(int argc, char **argv);
int __libc_start_main(int (*main)(int, char **), int argc, char **argv);

/* Here no thread-local storage exists yet, so no canary either. */
__attribute__((used, noreturn, no_stack_protector)) void
libc_start(uintptr_t *stack)
{
	uintptr_t base = (uintptr_t)__ehdr_start, *next = NULL;

	for (const uintptr_t *r = relr_start; r < relr_end; r++) {
		if (!(*r & 1)) {
			next = (uintptr_t *)(base + *r);
			*next++ += base;
			continue;
		}
		for (unsigned i = 0; i < 63; i++)
			if (*r >> (i + 1) & 1)
				next[i] += base;
		next += 63;
	}
	__libc_start_main(main, (int)stack[0], (char **)(stack + 1));
	__builtin_unreachable();
}

__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call libc_start\n");
