// SPDX-License-Identifier: Apache-2.0
/* The MP table, read as a guest reads it. */
#include "bootproto/mptable.h"

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

static struct mem mem;

/* What a walk over the table found. */
static struct found {
	unsigned cpus, bsps, buses, ioapics, irqs, extints, nmis;
	unsigned bytes;
} found;

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

static unsigned le16(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static unsigned le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static void visit(const uint8_t *p)
{
	switch (p[0]) {
	case 0:
		cr_assert_eq(p[1], found.cpus, "APIC IDs are the CPU's number");
		cr_assert(p[3] & 1, "enabled");
		found.bsps += p[3] >> 1 & 1;
		found.cpus++;
		break;
	case 1:
		cr_assert_arr_eq(p + 2, "ISA   ", 6);
		found.buses++;
		break;
	case 2:
		cr_assert_geq(p[1], found.cpus, "an ID of its own");
		cr_assert_eq(le32(p + 4), LAYOUT_IOAPIC);
		found.ioapics++;
		break;
	case 3:
		cr_assert_eq(p[1], 0, "an ordinary interrupt");
		cr_assert_eq(p[5], found.irqs);
		cr_assert_eq(p[7], found.irqs);
		found.irqs++;
		break;
	case 4:
		cr_assert_eq(p[7], p[1] == 3 ? 0 : 1, "LINT number");
		found.extints += p[1] == 3;
		found.nmis += p[1] == 1;
		break;
	default:
		cr_assert_fail("entry of type %u", p[0]);
	}
}

static void walk(unsigned cpus, bool kernel_irqchip)
{
	struct boot_request req = { .cpus = cpus,
				    .kernel_irqchip = kernel_irqchip };
	const uint8_t *floating, *table, *p;

	fake_mem(&mem, 0x100000);
	mptable_write(&req, &mem);
	found = (struct found){ 0 };
	floating = mem_at(&mem, 0x9fc00, 16);
	cr_assert_arr_eq(floating, "_MP_", 4);
	cr_assert_eq(sum(floating, 16), 0);
	cr_assert_eq(floating[11], 0, "there is a table");
	table = mem_at(&mem, le32(floating + 4), 44);
	cr_assert_arr_eq(table, "PCMP", 4);
	found.bytes = 16 + le16(table + 4);
	cr_assert_eq(sum(table, le16(table + 4)), 0);
	cr_assert_eq(le32(table + 36), LAYOUT_LAPIC);
	p = table + 44;
	for (unsigned i = le16(table + 34); i; i--) {
		visit(p);
		p += p[0] == 0 ? 20 : 8;
	}
	cr_assert_eq(p - table, le16(table + 4));
	mem_deinit(&mem);
}

Test(mptable, lists_cpus_and_interrupts)
{
	walk(3, false);
	cr_assert_eq(found.cpus, 3);
	cr_assert_eq(found.bsps, 1);
	cr_assert_eq(found.buses, 1);
	cr_assert_eq(found.ioapics, 1);
	cr_assert_eq(found.irqs, 24);
	cr_assert_eq(found.nmis, 1);
}

Test(mptable, says_extint_only_where_there_is_an_8259)
{
	walk(1, false);
	cr_assert_eq(found.extints, 0);
	walk(1, true);
	cr_assert_eq(found.extints, 1);
}

Test(mptable, the_biggest_fits_its_kib)
{
	walk(32, true);
	cr_assert_eq(found.cpus, 32);
	cr_assert_leq(found.bytes, LAYOUT_MPTABLE_MAX);
}
