/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Frama-C sees of the compiler's built-ins. A load from memory that a
 * guest shares answers anything, and another thing the next time; what is
 * checked of it is that it may be made.
 */
#ifndef MOTE_TESTS_PROVE_H
#define MOTE_TESTS_PROVE_H

#include "__fc_builtin.h"
#include "monitor/timing.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint16_t prove_load(const uint16_t *p)
{
	uint16_t any = *p;

	Frama_C_make_unknown((char *)&any, sizeof(any));
	return any;
}

/* what Frama-C's C library does not know */
#define MAP_NORESERVE	0x4000
#define MAP_HUGETLB	0x40000
#define MADV_DONTDUMP	16
#define MADV_HUGEPAGE	14
#define MADV_NOHUGEPAGE 15
#define MADV_MERGEABLE	12
int madvise(void *at, size_t len, int advice);

#define __BYTE_ORDER__		1234
#define __ORDER_LITTLE_ENDIAN__ 1234

#undef TIMED
#define TIMED(what_, call_)		 (call_)
#define __atomic_load_n(p_, order_)	 prove_load(p_)
#define __atomic_store_n(p_, v_, order_) (*(p_) = (v_))
#define __atomic_thread_fence(order_)	 ((void)0)
#define __builtin_memcpy(to_, from_, n_) memcpy(to_, from_, n_)

#endif
