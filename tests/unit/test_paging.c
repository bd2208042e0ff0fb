// SPDX-License-Identifier: Apache-2.0
/* Page tables and GDT at entry. */
#include "bootproto/paging.h"

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

static struct mem mem;

static void set_up(void)
{
	fake_mem(&mem, 0x100000);
	paging_write(&mem);
	segments_write(&mem);
}

static void tear_down(void)
{
	mem_deinit(&mem);
}

TestSuite(paging, .init = set_up, .fini = tear_down);

static uint64_t at(gpa_t table, unsigned i)
{
	return ((const uint64_t *)mem_at(&mem, table, 4096))[i];
}

/* Walks as the CPU does; returns ~0 where nothing is mapped. */
static uint64_t walk(uint64_t va)
{
	uint64_t e = at(LAYOUT_PML4, va >> 39 & 511);

	if ((e & 3) != 3)
		return UINT64_MAX;
	e = at(e & ~0xfffULL, va >> 30 & 511);
	if ((e & 0x83) != 3) /* a table, not a page of 1 GiB */
		return UINT64_MAX;
	e = at(e & ~0xfffULL, va >> 21 & 511);
	if ((e & 0x87) != 0x83) /* a page of 2 MiB, supervisor only */
		return UINT64_MAX;
	return (e & ~0x1fffffULL) | (va & 0x1fffff);
}

Test(paging, the_first_gib_is_mapped_to_itself)
{
	for (uint64_t va = 0; va < 0x40000000; va += 0x1ff000)
		cr_assert_eq(walk(va), va, "0x%llx", (unsigned long long)va);
	cr_assert_eq(walk(0x3fffffff), 0x3fffffff);
}

Test(paging, nothing_else_is_mapped)
{
	for (unsigned i = 1; i < 512; i++) {
		cr_assert_eq(at(LAYOUT_PML4, i), 0, "PML4[%u]", i);
		cr_assert_eq(at(LAYOUT_PDPT, i), 0, "PDPT[%u]", i);
	}
	cr_assert_eq(walk(0x40000000), UINT64_MAX);
}

/* SDM 3A 3.4.5, the other way round than segments.c does it */
static void expect_descriptor(const struct boot_segment *seg)
{
	const uint64_t d = at(LAYOUT_GDT & ~0xfffU,
			      (LAYOUT_GDT & 0xfff) / 8 + seg->selector / 8);
	uint64_t limit = (d & 0xffff) | (d >> 32 & 0xf0000);

	if (d >> 55 & 1)
		limit = limit << 12 | 0xfff;
	cr_assert_eq(limit, seg->limit);
	cr_assert_eq((d >> 16 & 0xffffff) | (d >> 56 << 24), seg->base);
	cr_assert_eq(d >> 40 & 0xf, seg->type);
	cr_assert_eq(d >> 44 & 1, seg->s);
	cr_assert_eq(d >> 45 & 3, 0, "DPL");
	cr_assert_eq(d >> 47 & 1, 1, "present");
	cr_assert_eq(d >> 53 & 1, seg->l);
	cr_assert_eq(d >> 54 & 1, seg->db);
	cr_assert_eq(d >> 55 & 1, seg->g);
	cr_assert_leq(seg->selector + 7, BOOT_GDT_LIMIT);
}

Test(paging, the_gdt_says_what_the_segment_registers_say)
{
	expect_descriptor(&boot_code64);
	expect_descriptor(&boot_data);
	expect_descriptor(&boot_tss);
	cr_assert_eq(boot_code64.selector, 0x10);
	cr_assert_eq(boot_data.selector, 0x18);
	cr_assert(boot_code64.l && !boot_code64.db, "64-bit code");
	/* null, and the upper half of the TSS descriptor */
	cr_assert_eq(at(0, LAYOUT_GDT / 8), 0);
	cr_assert_eq(at(0, LAYOUT_GDT / 8 + boot_tss.selector / 8 + 1), 0);
}
