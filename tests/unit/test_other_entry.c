// SPDX-License-Identifier: Apache-2.0
/* Images with an entry for 32-bit mode, and those that only seem to have one.
 */
#include "bootproto/other_entry.h"

#include <string.h>

#include "tests/unit/bootfake.h"

#define START 0x200000U
#define LEN   0x4000U

static struct mem mem;

static void set_up(void)
{
	fake_mem(&mem, 0x1000000);
}

static void tear_down(void)
{
	mem_deinit(&mem);
}

TestSuite(other_entry, .init = set_up, .fini = tear_down);

static const struct {
	const char *what, *name;
	uint32_t word[4];
} rows[] = {
	{ "PVH, 4 bytes", "PVH", { 4, 4, 18, 0x006e6558 } },
	{ "PVH, 8 bytes", "PVH", { 4, 8, 18, 0x006e6558 } },
	{ "another note of Xen", NULL, { 4, 4, 6, 0x006e6558 } },
	{ "another's note", NULL, { 4, 4, 18, 0x00554e47 } },
	{ "multiboot", "multiboot", { 0x1badb002, 3, 0xe4524ffb, 0 } },
	{ "multiboot, no header", NULL, { 0x1badb002, 3, 0xe4524ffc, 0 } },
	{ "multiboot2",
	  "multiboot",
	  { 0xe85250d6, 0, 24, -(0xe85250d6U + 24) } },
	{ "multiboot2, no header", NULL, { 0xe85250d6, 0, 24, 0 } },
	{ "nothing", NULL, { 0 } },
};

Test(other_entry, is_found_wherever_it_lies)
{
	static const gpa_t at[] = { START, START + 0x1004, START + LEN - 16 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t j = 0; j < sizeof(at) / sizeof(at[0]); j++) {
			const char *name;

			memcpy(mem_at(&mem, at[j], 16), rows[i].word, 16);
			name = other_entry(&mem, START, START + LEN);
			if (rows[i].name)
				cr_expect_str_eq(name, rows[i].name, "%s",
						 rows[i].what);
			else
				cr_expect_null(name, "%s", rows[i].what);
			memset(mem_at(&mem, at[j], 16), 0, 16);
		}
	}
}

Test(other_entry, is_not_looked_for_outside_the_image)
{
	memcpy(mem_at(&mem, START + LEN - 12, 16), rows[0].word, 16);
	cr_expect_null(other_entry(&mem, START, START + LEN));
	cr_expect_null(other_entry(&mem, START, START));
	cr_expect_null(other_entry(&mem, START, START + 8));
	cr_expect_null(other_entry(&mem, 0xfff000, 0x1001000));
	cr_expect_null(other_entry(&mem, START + 2, START + LEN));
}
