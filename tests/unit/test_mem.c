// SPDX-License-Identifier: Apache-2.0
/* Guest memory: where it lies, and that nobody gets past its edges. */
#include "monitor/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/err.h"

#define MIB  (1ULL << 20)
#define HIGH (64 * MIB) /* above 4 GiB in `two` */

static struct mem small, two;

static void set_up(void)
{
	struct err e;

	cr_assert_eq(mem_init(&small, 8 * MIB, MEM_PAGES_HOST, &e), 0, "%s",
		     e.msg);
	cr_assert_eq(mem_init(&two, MEM_HOLE_START + HIGH, MEM_PAGES_HOST, &e),
		     0, "%s", e.msg);
}

static void tear_down(void)
{
	mem_deinit(&small);
	mem_deinit(&two);
}

TestSuite(mem, .init = set_up, .fini = tear_down);

Test(mem, lies_around_the_hole)
{
	cr_expect_eq(small.regions, 1);
	cr_expect_eq(small.region[0].gpa, 0);
	cr_expect_eq(mem_size(&small), 8 * MIB);
	cr_expect_eq(two.regions, 2);
	cr_expect_eq(two.region[0].len, MEM_HOLE_START);
	cr_expect_eq(two.region[1].gpa, MEM_HOLE_END);
	cr_expect_eq(two.region[1].len, HIGH);
	cr_expect_eq(mem_size(&two), MEM_HOLE_START + HIGH);
}

Test(mem, fills_up_to_the_hole_with_one_region)
{
	struct mem mem;
	struct err e;

	cr_assert_eq(mem_init(&mem, MEM_HOLE_START, MEM_PAGES_HOST, &e), 0);
	cr_expect_eq(mem.regions, 1);
	mem_deinit(&mem);
	cr_assert_eq(mem_init(&mem, MEM_HOLE_START + 4096, MEM_PAGES_HOST, &e),
		     0);
	cr_expect_eq(mem.regions, 2);
	cr_expect_eq(mem.region[1].len, 4096);
	mem_deinit(&mem);
	mem_deinit(&mem); /* once more does no harm */
	cr_expect_null(mem_at(&mem, 0, 0));
}

Test(mem, refuses_odd_sizes)
{
	static const uint64_t sizes[] = { 0, 1, 4095, 4097, UINT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct mem mem;
		struct err e = { .code = 0 };

		cr_expect_eq(mem_init(&mem, sizes[i], MEM_PAGES_HOST, &e),
			     -EINVAL);
		cr_expect(strstr(e.msg, "4 KiB"), "%s", e.msg);
	}
}

Test(mem, says_so_when_the_host_cannot)
{
	struct mem mem;
	struct err e = { .code = 0 };

	/* more than any address space */
	cr_expect_eq(mem_init(&mem, 1ULL << 60, MEM_PAGES_HOST, &e), -ENOMEM);
	cr_expect(strstr(e.msg, "--memory"), "%s", e.msg);
}

/* Which ranges are RAM; with 8 MiB, and with both regions. */
static const struct edge {
	gpa_t gpa;
	uint64_t len;
	bool small, two;
} edges[] = {
	{ 0, 0, true, true },
	{ 0, 1, true, true },
	{ 0, 8 * MIB, true, true },
	{ 0, 8 * MIB + 1, false, true },
	{ 8 * MIB - 1, 1, true, true },
	{ 8 * MIB - 1, 2, false, true },
	{ 8 * MIB - 1, 0, true, true },
	{ 8 * MIB, 0, false, true },
	{ 8 * MIB, 1, false, true },
	{ 1, UINT64_MAX, false, false },
	{ 4096, UINT64_MAX - 4095, false, false }, /* gpa + len is 0 */
	{ 4096, UINT64_MAX - 4000, false, false }, /* gpa + len is 95 */

	{ 0, MEM_HOLE_START, false, true },
	{ 0, MEM_HOLE_START + 1, false, false },
	{ MEM_HOLE_START - 1, 1, false, true },
	{ MEM_HOLE_START - 1, 2, false, false },
	{ MEM_HOLE_START - 8, 8, false, true },
	{ MEM_HOLE_START, 0, false, false },
	{ MEM_HOLE_START, 1, false, false },
	/* across the hole, as if the regions were one */
	{ MEM_HOLE_START - 1, MEM_HOLE_END - MEM_HOLE_START + 2, false, false },
	{ MEM_HOLE_END - 1, 1, false, false },
	{ MEM_HOLE_END - 1, 2, false, false },
	{ MEM_HOLE_END, 0, false, true },
	{ MEM_HOLE_END, 1, false, true },
	{ MEM_HOLE_END, HIGH, false, true },
	{ MEM_HOLE_END, HIGH + 1, false, false },
	{ MEM_HOLE_END + HIGH - 1, 1, false, true },
	{ MEM_HOLE_END + HIGH - 1, 2, false, false },
	{ MEM_HOLE_END + HIGH, 0, false, false },
	{ MEM_HOLE_END + HIGH, 1, false, false },

	{ UINT64_MAX, 0, false, false },
	{ UINT64_MAX, 1, false, false },
	{ UINT64_MAX, 2, false, false },
	{ UINT64_MAX, UINT64_MAX, false, false },
	{ UINT64_MAX - 4095, 8192, false, false },
	{ 1ULL << 63, 1ULL << 63, false, false },
};

Test(mem, translates_exactly_what_is_ram)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		const struct edge *row = &edges[i];
		bool high = row->gpa >= MEM_HOLE_END;
		uint8_t *want =
			high ? two.region[1].host + (row->gpa - MEM_HOLE_END)
			     : two.region[0].host + row->gpa;

		cr_expect_eq(mem_at(&small, row->gpa, row->len),
			     row->small ? small.region[0].host + row->gpa
					: NULL,
			     "row %zu, 8 MiB", i);
		cr_expect_eq(mem_at(&two, row->gpa, row->len),
			     row->two ? want : NULL, "row %zu, two regions", i);
	}
}

Test(mem, starts_zeroed)
{
	static const gpa_t places[] = { 0, 0x1000, 7 * MIB, 8 * MIB - 16 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint8_t bytes[16];
		static const uint8_t zero[16];

		cr_assert_eq(mem_copy_in(&small, bytes, places[i], 16), 0);
		cr_expect(!memcmp(bytes, zero, 16));
	}
}

Test(mem, copies_both_ways_in_both_regions)
{
	static const gpa_t places[] = { 0, 8 * MIB - 5, MEM_HOLE_START - 5,
					MEM_HOLE_END, MEM_HOLE_END + HIGH - 5 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char bytes[5] = "";

		cr_expect_eq(mem_copy_out(&two, places[i], "mote", 5), 0);
		cr_expect_eq(mem_copy_in(&two, bytes, places[i], 5), 0);
		cr_expect_str_eq(bytes, "mote");
	}
	/* the last byte of the low region is not the first above the hole */
	cr_expect_eq(mem_copy_out(&two, MEM_HOLE_START - 1, "L", 1), 0);
	cr_expect_eq(*(char *)mem_at(&two, MEM_HOLE_END, 1), 'm');
}

Test(mem, copies_nothing_unless_all_of_it_fits)
{
	char bytes[16];
	uint8_t *last = mem_at(&small, 8 * MIB - 1, 1);

	*last = 'z';
	memset(bytes, 'b', sizeof(bytes));
	cr_expect_eq(mem_copy_in(&small, bytes, 8 * MIB - 1, 2), -EFAULT);
	cr_expect_eq(bytes[0], 'b');
	cr_expect_eq(mem_copy_out(&small, 8 * MIB - 1, bytes, 2), -EFAULT);
	cr_expect_eq(*last, 'z');
	cr_expect_eq(mem_copy_in(&small, bytes, UINT64_MAX - 3, 16), -EFAULT);
	cr_expect_eq(bytes[0], 'b');
	cr_expect_eq(mem_copy_in(&small, bytes, 8 * MIB - 1, 0), 0);
	cr_expect_eq(bytes[0], 'b');
}

/* ---- options ---------------------------------------------------------------
 */

#define FILE_PAGES 3

/* Page n is full of the letter 'a' + n; the last one is cut short. */
static int letters(void)
{
	FILE *file = tmpfile();

	cr_assert(file);
	for (int i = 0; i < FILE_PAGES * 4096 - 100; i++)
		fputc('a' + i / 4096, file);
	fflush(file);
	return fileno(file);
}

Test(mem, maps_whole_pages_of_a_file)
{
	int fd = letters();
	struct mem mem;
	struct err e;
	char *at;

	cr_assert_eq(mem_init(&mem, MIB, MEM_PAGES_HOST, &e), 0, "%s", e.msg);
	mem.share = true;
	at = mem_at(&mem, 0x8000, FILE_PAGES * 4096);
	memset(at, '-', FILE_PAGES * 4096);
	cr_expect_eq(mem_map_file(&mem, 0x8000, 8192 + 5, fd, 4096), 8192);
	cr_expect_eq(at[-1], 0);
	cr_expect_eq(at[0], 'b');
	cr_expect_eq(at[4096], 'c');
	cr_expect_eq(at[8192], '-', "behind the whole pages");

	at[0] = '!';
	mem.share = false;
	cr_expect_eq(mem_map_file(&mem, 0x10000, 4096, fd, 4096), 0);
	mem.share = true;
	cr_expect_eq(mem_map_file(&mem, 0x10000, 4096, fd, 4096), 4096);
	at = mem_at(&mem, 0x10000, 1);
	cr_expect_eq(at[0], 'b', "what one guest wrote is its own");
	mem_deinit(&mem);
	close(fd);
}

Test(mem, maps_no_file_that_does_not_fit)
{
	static const struct {
		uint64_t gpa, len, off;
	} rows[] = {
		{ 0x8001, 4096, 0 },	 { 0x8000, 4096, 1 },
		{ 0x8000, 4095, 0 },	 { 0x8000, 0, 0 },
		{ MIB - 4096, 8192, 0 }, { MIB, 4096, 0 },
	};
	int fd = letters();
	struct mem mem;
	struct err e;

	cr_assert_eq(mem_init(&mem, MIB, MEM_PAGES_HOST, &e), 0, "%s", e.msg);
	mem.share = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(mem_map_file(&mem, rows[i].gpa, rows[i].len, fd,
					  rows[i].off),
			     0, "row %zu", i);
	cr_expect_eq(mem_map_file(&mem, 0, 4096, -1, 0), 0, "no file");
	mem_deinit(&mem);
	close(fd);
}

Test(mem, huge_pages_begin_where_a_guests_do)
{
	struct mem mem;
	struct err e;

	cr_assert_eq(mem_init(&mem, 4 * MIB, MEM_PAGES_THP, &e), 0, "%s",
		     e.msg);
	cr_expect_eq((uintptr_t)mem.region[0].host % (2 * MIB), 0);
	mem_deinit(&mem);
}

Test(mem, a_pool_page_is_2_mib)
{
	struct mem mem;
	struct err e;

	cr_expect_eq(mem_init(&mem, 3 * MIB, MEM_PAGES_HUGETLB, &e), -EINVAL);
	cr_expect(strstr(e.msg, "2 MiB"), "%s", e.msg);
	cr_expect_eq(mem_init(&mem, 1ULL << 46, MEM_PAGES_HUGETLB, &e),
		     -ENOMEM);
	cr_expect(strstr(e.msg, "nr_hugepages"), "%s", e.msg);
}

Test(mem, prefaulted_pages_are_there)
{
	unsigned char there[64];
	struct mem mem;
	struct err e;

	cr_assert_eq(mem_init(&mem, sizeof(there) * 4096, MEM_PAGES_HOST, &e),
		     0, "%s", e.msg);
	cr_assert_eq(mem_prefault(&mem, &e), 0, "%s", e.msg);
	cr_assert_eq(mincore(mem.region[0].host, mem_size(&mem), there), 0);
	for (size_t i = 0; i < sizeof(there); i++)
		cr_expect(there[i] & 1, "page %zu", i);
	mem_deinit(&mem);
}
