// SPDX-License-Identifier: Apache-2.0
/* Who answers at which address, and which accesses reach a device. */
#include "monitor/bus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* A device that remembers its last access and answers a constant. */
struct fake {
	unsigned reads, writes, size;
	uint64_t off, val, answer;
};

static uint64_t fake_read(void *dev, uint64_t off, unsigned size)
{
	struct fake *f = dev;

	f->reads++;
	f->off = off;
	f->size = size;
	return f->answer;
}

static void fake_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	struct fake *f = dev;

	f->writes++;
	f->off = off;
	f->size = size;
	f->val = val;
}

static const struct bus_ops any_size = { "any", 1, 8, fake_read, fake_write };
static const struct bus_ops words = { "words", 2, 4, fake_read, fake_write };
static const struct bus_ops bytes = { "bytes", 1, 1, fake_read, fake_write };

Test(bus, empty_bus_reads_all_ones)
{
	static const struct bus bus;

	cr_expect_eq(bus_read(&bus, 0, 1), 0xff);
	cr_expect_eq(bus_read(&bus, 0x3f8, 2), 0xffff);
	cr_expect_eq(bus_read(&bus, UINT64_MAX, 4), 0xffffffff);
	cr_expect_eq(bus_read(&bus, 1, 8), UINT64_MAX);
	bus_write(&bus, 0, 4, 1); /* nobody there; nothing happens */
}

Test(bus, reaches_the_range_and_no_further)
{
	struct bus bus = { .ranges = 0 };
	struct fake f = { .answer = 0x1122334455667788 };

	cr_assert_eq(bus_add(&bus, 0x1000, 0x10, &any_size, &f), 0);
	cr_expect_eq(bus_read(&bus, 0xfff, 1), 0xff);
	cr_expect_eq(bus_read(&bus, 0x1010, 1), 0xff);
	cr_expect_eq(bus_read(&bus, 0xfff, 2), 0xffff); /* overlaps the start */
	cr_expect_eq(f.reads, 0);
	cr_expect_eq(bus_read(&bus, 0x1000, 1), 0x88);
	cr_expect_eq(f.off, 0);
	cr_expect_eq(bus_read(&bus, 0x100f, 1), 0x88);
	cr_expect_eq(f.off, 0xf);
	cr_expect_eq(f.reads, 2);
	/* an access that begins inside and ends outside */
	cr_expect_eq(bus_read(&bus, 0x100f, 2), 0xffff);
	cr_expect_eq(bus_read(&bus, 0x100d, 4), 0xffffffff);
	cr_expect_eq(bus_read(&bus, 0x1009, 8), UINT64_MAX);
	bus_write(&bus, 0x100f, 2, 1);
	cr_expect_eq(f.reads, 2);
	cr_expect_eq(f.writes, 0);
	cr_expect_eq(bus_read(&bus, 0x1008, 8), 0x1122334455667788);
	cr_expect_eq(f.off, 8);
}

Test(bus, cuts_values_to_the_access)
{
	struct bus bus = { .ranges = 0 };
	struct fake f = { .answer = UINT64_MAX };

	cr_assert_eq(bus_add(&bus, 0, 8, &any_size, &f), 0);
	cr_expect_eq(bus_read(&bus, 0, 1), 0xff);
	cr_expect_eq(bus_read(&bus, 0, 2), 0xffff);
	cr_expect_eq(bus_read(&bus, 0, 4), 0xffffffff);
	cr_expect_eq(bus_read(&bus, 0, 8), UINT64_MAX);
	bus_write(&bus, 0, 1, 0x1234);
	cr_expect_eq(f.val, 0x34);
	cr_expect_eq(f.size, 1);
	bus_write(&bus, 0, 4, UINT64_MAX);
	cr_expect_eq(f.val, 0xffffffff);
}

Test(bus, hands_over_only_the_declared_sizes)
{
	static const struct {
		const struct bus_ops *ops;
		uint16_t sizes; /* bit n: size n is handed over */
	} rows[] = {
		{ &any_size, 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 },
		{ &words, 1 << 2 | 1 << 4 },
		{ &bytes, 1 << 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bus bus = { .ranges = 0 };
		struct fake f = { .answer = 0 };

		cr_assert_eq(bus_add(&bus, 0, 64, rows[i].ops, &f), 0);
		for (unsigned size = 1; size <= 15; size++) {
			bool want = rows[i].sizes >> size & 1;

			f.reads = f.writes = 0;
			cr_expect_eq(bus_read(&bus, 0, size) == 0, want,
				     "%s %u", rows[i].ops->name, size);
			bus_write(&bus, 0, size, 0);
			cr_expect_eq(f.reads, want, "%s %u", rows[i].ops->name,
				     size);
			cr_expect_eq(f.writes, want, "%s %u", rows[i].ops->name,
				     size);
		}
	}
}

Test(bus, refuses_overlaps)
{
	static const struct {
		uint64_t base, len;
		int ret;
	} rows[] = {
		{ 0x1000, 0x100, -EEXIST }, /* the same */
		{ 0x1010, 0x10, -EEXIST },  /* inside */
		{ 0xff0, 0x1000, -EEXIST }, /* around */
		{ 0xff0, 0x11, -EEXIST },   /* over the start */
		{ 0x10ff, 0x10, -EEXIST },  /* over the end */
		{ 0, UINT64_MAX, -EEXIST },
		{ 0xff0, 0x10, 0 },		 /* just below */
		{ 0x1100, 0x10, 0 },		 /* just above */
		{ 0xfffffffffffffff0, 0x10, 0 }, /* up to the very end */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bus bus = { .ranges = 0 };
		struct fake f = { .answer = 0 };

		cr_assert_eq(bus_add(&bus, 0x1000, 0x100, &any_size, &f), 0);
		cr_expect_eq(
			bus_add(&bus, rows[i].base, rows[i].len, &any_size, &f),
			rows[i].ret, "row %zu", i);
		cr_expect_eq(bus.ranges, rows[i].ret ? 1 : 2, "row %zu", i);
	}
}

Test(bus, answers_at_the_end_of_the_address_space)
{
	struct bus bus = { .ranges = 0 };
	struct fake f = { .answer = 0 };

	cr_assert_eq(bus_add(&bus, 0xfffffffffffffff0, 0x10, &any_size, &f), 0);
	cr_expect_eq(bus_read(&bus, UINT64_MAX, 1), 0);
	cr_expect_eq(f.off, 0xf);
	/* would wrap to 0 */
	cr_expect_eq(bus_read(&bus, UINT64_MAX, 2), 0xffff);
	cr_expect_eq(bus_read(&bus, 0, 1), 0xff);
	cr_expect_eq(f.reads, 1);
}

Test(bus, finds_each_of_a_full_bus_in_any_order_of_adding)
{
	static struct fake f[BUS_RANGES_MAX];
	struct bus bus = { .ranges = 0 };

	/* 0, 7, 14, ... modulo 32: every one once, out of order */
	for (unsigned i = 0; i < BUS_RANGES_MAX; i++) {
		unsigned at = i * 7 % BUS_RANGES_MAX;

		f[at].answer = at;
		cr_assert_eq(bus_add(&bus, at * 0x20, 0x10, &bytes, &f[at]), 0);
	}
	cr_expect_eq(bus_add(&bus, 0x10000, 1, &bytes, &f[0]), -ENOSPC);
	cr_expect_eq(bus.ranges, BUS_RANGES_MAX);
	for (unsigned i = 0; i < BUS_RANGES_MAX; i++) {
		cr_expect_eq(bus_read(&bus, i * 0x20, 1), i);
		cr_expect_eq(bus_read(&bus, i * 0x20 + 0xf, 1), i);
		cr_expect_eq(bus_read(&bus, i * 0x20 + 0x10, 1), 0xff);
		cr_expect_eq(f[i].reads, 2);
	}
}
