// SPDX-License-Identifier: Apache-2.0
/* Classic BPF, as far as seccomp takes it (Linux seccomp_filter.rst). */
#include "tests/unit/bpf.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

static uint32_t load(const struct seccomp_data *data, uint32_t off)
{
	uint32_t word;

	cr_assert(off % 4 == 0 && off <= sizeof(*data) - 4,
		  "load at %u of struct seccomp_data", off);
	memcpy(&word, (const char *)data + off, sizeof(word));
	return word;
}

static bool holds(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGT:
		return a > f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return a & f->k;
	default:
		cr_assert_fail("jump 0x%x", f->code);
		return false;
	}
}

uint32_t bpf_run(const struct sock_filter *prog, unsigned len,
		 const struct seccomp_data *data, unsigned *ret_steps)
{
	uint32_t a = 0;

	/* There are only jumps ahead, so this ends. */
	for (unsigned pc = 0, steps = 1; pc < len; pc++, steps++) {
		const struct sock_filter *f = &prog[pc];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			cr_assert_eq(f->code, BPF_LD | BPF_W | BPF_ABS);
			a = load(data, f->k);
			break;
		case BPF_ALU:
			cr_assert_eq(f->code, BPF_ALU | BPF_AND | BPF_K);
			a &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA)
				pc += f->k;
			else
				pc += holds(f, a) ? f->jt : f->jf;
			break;
		case BPF_RET:
			cr_assert_eq(f->code, BPF_RET | BPF_K);
			if (ret_steps)
				*ret_steps = steps;
			return f->k;
		default:
			cr_assert_fail("instruction 0x%x", f->code);
		}
	}
	cr_assert_fail("the program has no end");
	return 0;
}
