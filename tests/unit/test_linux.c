// SPDX-License-Identifier: Apache-2.0
/* boot_params and initrd placement. */
#include "bootproto/linux.h"

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

static struct mem mem;

static const struct boot_params *params(void)
{
	return mem_at(&mem, LAYOUT_BOOT_PARAMS, sizeof(struct boot_params));
}

static const struct kernel elf = {
	.kind = BOOT_VMLINUX,
	.start = 0x1000000,
	.end = 0x3e00000,
	.initrd_end = 0x80000000,
	.hdr = { .boot_flag = SETUP_BOOT_FLAG, .header = SETUP_MAGIC },
};

static const struct boot_entry entry = {
	.cmdline = LAYOUT_CMDLINE,
	.initrd_start = 0x7000000,
	.initrd_len = 0x12345,
};

Test(linux_params, names_what_the_guest_looks_for)
{
	fake_mem(&mem, 0x8000000);
	linux_write_params(&elf, &entry, 41, 0x700, &mem);
	cr_assert_eq(params()->hdr.boot_flag, 0xaa55);
	cr_assert_eq(params()->hdr.header, 0x53726448);
	cr_assert_eq(params()->hdr.type_of_loader, 0xff);
	cr_assert_eq(params()->hdr.cmd_line_ptr, LAYOUT_CMDLINE);
	cr_assert_eq(params()->hdr.cmdline_size, 42); /* with the NUL */
	cr_assert_eq(params()->hdr.ramdisk_image, 0x7000000);
	cr_assert_eq(params()->hdr.ramdisk_size, 0x12345);
	cr_assert_eq(params()->acpi_rsdp_addr, LAYOUT_ACPI);
	mem_deinit(&mem);
}

Test(linux_params, a_bzimage_keeps_its_header)
{
	struct kernel bz = elf;

	bz.kind = BOOT_BZIMAGE;
	bz.hdr.cmdline_size = 2047;
	bz.hdr.vid_mode = 0x1234;
	bz.hdr.setup_data = 0xdead0000; /* nobody put anything there */
	fake_mem(&mem, 0x8000000);
	linux_write_params(&bz, &entry, 41, 0, &mem);
	cr_assert_eq(params()->hdr.cmdline_size, 2047);
	cr_assert_eq(params()->hdr.vid_mode, 0x1234);
	cr_assert_eq(params()->hdr.setup_data, 0);
	cr_assert_eq(params()->acpi_rsdp_addr, 0);
	mem_deinit(&mem);
}

static void expect_e820(const struct e820_entry *want, unsigned n)
{
	cr_assert_eq(params()->e820_entries, n);
	for (unsigned i = 0; i < n; i++) {
		const struct e820_entry got = params()->e820_table[i];

		cr_assert(got.addr == want[i].addr &&
				  got.size == want[i].size &&
				  got.type == want[i].type,
			  "entry %u: 0x%llx+0x%llx type %u", i,
			  (unsigned long long)got.addr,
			  (unsigned long long)got.size, got.type);
	}
	mem_deinit(&mem);
}

Test(linux_params, e820_is_split_at_1_mib)
{
	static const struct e820_entry want[] = {
		{ 0, 0x9fc00, E820_RAM },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0x100000, 0x300000, E820_RAM },
	};

	fake_mem(&mem, 0x400000);
	linux_write_params(&elf, &entry, 0, 0, &mem);
	expect_e820(want, 3);
}

Test(linux_params, e820_tells_acpi_pages_and_high_memory)
{
	static const struct e820_entry want[] = {
		{ 0, 0x9fc00, E820_RAM },
		{ 0x9fc00, 0x400, E820_RESERVED },
		{ 0xe0000, 0x2000, E820_ACPI },
		{ 0x100000, 0xcff00000, E820_RAM },
		{ 0x100000000, 0x70000000, E820_RAM },
	};

	fake_mem(&mem, 0x140000000);
	linux_write_params(&elf, &entry, 0, 0x1001, &mem);
	expect_e820(want, 5);
}

Test(linux_params, restarting_through_the_bios_pulls_the_reset_line)
{
	/* mov $0xfe, %al; out %al, $0x64 */
	static const uint8_t want[] = { 0xb0, 0xfe, 0xe6, 0x64 };

	fake_mem(&mem, 0x400000);
	linux_write_reset(&mem);
	cr_assert_arr_eq(mem_at(&mem, 0xffff0, 4), want, 4);
	mem_deinit(&mem);
}

/* ---- initrd ------------------------------------------------------------- */

#define MIB 0x100000ULL

static const struct place {
	uint64_t ram, size, start, end, initrd_end;
	gpa_t want; /* 0: refused */
	const char *part;
} place[] = {
	/* at the end of RAM, on a page */
	{ 128 * MIB, 0x1001, 16 * MIB, 62 * MIB, 2048 * MIB, 128 * MIB - 0x2000,
	  NULL },
	/* not above what the kernel can reach */
	{ 128 * MIB, 0x1000, 16 * MIB, 62 * MIB, 64 * MIB, 64 * MIB - 0x1000,
	  NULL },
	/* fills the room above the kernel to the last page */
	{ 64 * MIB, 2 * MIB, 16 * MIB, 62 * MIB, 2048 * MIB, 62 * MIB, NULL },
	/* then below the kernel */
	{ 64 * MIB, 2 * MIB + 1, 16 * MIB, 62 * MIB, 2048 * MIB,
	  14 * MIB - 0x1000, NULL },
	{ 64 * MIB, 15 * MIB, 16 * MIB, 62 * MIB, 2048 * MIB, MIB, NULL },
	/* an end inside a page is rounded up */
	{ 64 * MIB, 2 * MIB, 16 * MIB, 62 * MIB + 1, 2048 * MIB, 14 * MIB,
	  NULL },
	{ 64 * MIB, 15 * MIB + 1, 16 * MIB, 62 * MIB, 2048 * MIB, 0,
	  "--memory 78M" },
	/* no memory helps */
	{ 128 * MIB, 16 * MIB, 16 * MIB, 62 * MIB, 64 * MIB, 0,
	  "below 0x4000000" },
	{ 128 * MIB, 3300 * MIB, 16 * MIB, 62 * MIB, 4096 * MIB, 0,
	  "below 0xd0000000" },
	/* a kernel that begins at 1 MiB leaves no room below it */
	{ 4 * MIB, MIB, MIB, 4 * MIB, 1024 * MIB, 0, "--memory 5M" },
	/* initrd_addr_max of a hostile header */
	{ 4 * MIB, MIB, MIB, 2 * MIB, 1, 0, "below 0x1" },
	/* a kernel above 4 GiB of a hostile header */
	{ 4 * MIB, MIB, 0x100000000, 0x100001000, 1024 * MIB, 3 * MIB, NULL },
};

Test(linux_initrd, goes_where_there_is_room)
{
	static const uint8_t bytes[16 * MIB];

	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		const struct place *p = &place[i];
		struct image initrd = fake_image(bytes, p->size);
		struct kernel kernel = { .start = p->start,
					 .end = p->end,
					 .initrd_end = p->initrd_end };
		struct err e = { 0 };
		gpa_t start = 0;
		int r;

		fake_mem(&mem, p->ram);
		initrd.what = "initrd";
		r = linux_load_initrd(&initrd, &kernel, &mem, &start, &e);
		cr_assert_eq(start, p->want, "row %zu: 0x%llx %s", i,
			     (unsigned long long)start, e.msg);
		cr_assert_eq(r, p->want ? 0 : -EINVAL, "row %zu", i);
		if (!p->want)
			fake_expect(&e, EXIT_MISUSE, p->part);
		mem_deinit(&mem);
	}
}

Test(linux_initrd, is_copied_whole)
{
	struct image initrd = fake_image("initrd!", 7);
	gpa_t start;

	fake_mem(&mem, 128 * MIB);
	cr_assert_eq(linux_load_initrd(&initrd, &elf, &mem, &start, NULL), 0);
	cr_assert_arr_eq(mem_at(&mem, start, 8), "initrd!", 8);
	mem_deinit(&mem);
}

Test(linux_initrd, none_and_empty_are_the_same)
{
	struct image initrd = fake_image("", 0);
	gpa_t start = 1;

	fake_mem(&mem, 128 * MIB);
	cr_assert_eq(linux_load_initrd(NULL, &elf, &mem, &start, NULL), 0);
	cr_assert_eq(start, 0);
	start = 1;
	cr_assert_eq(linux_load_initrd(&initrd, &elf, &mem, &start, NULL), 0);
	cr_assert_eq(start, 0);
	mem_deinit(&mem);
}
