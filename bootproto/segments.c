// SPDX-License-Identifier: Apache-2.0
/* Segment registers at entry, and the GDT that says the same. */
#include "bootproto/boot.h"
#include "bootproto/layout.h"
#include "bootproto/paging.h"

/* Types: SDM 3A tables 3-1 and 3-2. Selectors: Linux's 64-bit protocol. */
const struct boot_segment boot_code64 = {
	.selector = 0x10,
	.type = 0xb, /* execute, read, accessed */
	.s = true,
	.l = true,
	.g = true,
	.limit = 0xffffffff,
};

const struct boot_segment boot_data = {
	.selector = 0x18,
	.type = 0x3, /* read, write, accessed */
	.s = true,
	.db = true,
	.g = true,
	.limit = 0xffffffff,
};

/* VM entry wants a busy TSS in TR; nothing ever reads this one. */
const struct boot_segment boot_tss = {
	.selector = 0x20,
	.type = 0xb, /* busy 64-bit TSS */
	.limit = 0x67,
};

/* SDM 3A figure 3-8 */
static uint64_t descriptor(const struct boot_segment *seg)
{
	const uint64_t limit = seg->g ? seg->limit >> 12 : seg->limit;

	return (limit & 0xffff) | (seg->base & 0xffffff) << 16 |
	       (uint64_t)seg->type << 40 | (uint64_t)seg->s << 44 |
	       1ULL << 47 /* present, DPL 0 */ | (limit >> 16 & 0xf) << 48 |
	       (uint64_t)seg->l << 53 | (uint64_t)seg->db << 54 |
	       (uint64_t)seg->g << 55 | (seg->base >> 24 & 0xff) << 56;
}

void segments_write(const struct mem *mem)
{
	uint64_t *gdt = mem_at(mem, LAYOUT_GDT, BOOT_GDT_LIMIT + 1);

	gdt[boot_code64.selector / 8] = descriptor(&boot_code64);
	gdt[boot_data.selector / 8] = descriptor(&boot_data);
	/* 16 bytes in long mode; the upper half is base 63:32, zero */
	gdt[boot_tss.selector / 8] = descriptor(&boot_tss);
}
