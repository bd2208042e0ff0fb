// SPDX-License-Identifier: Apache-2.0
/* bzImages: the setup header's checks and where the kernel goes. */
#include "bootproto/bzimage.h"

#include "tests/unit/bootfake.h"

#define RAM 0x1000000

static struct mem mem;
static struct fake_bzimage fake;
static struct kernel kernel;

static void set_up(void)
{
	fake_mem(&mem, RAM);
	fake_bzimage_init(&fake);
}

static void tear_down(void)
{
	mem_deinit(&mem);
}

TestSuite(bzimage, .init = set_up, .fini = tear_down);

static int load_bytes(const void *bytes, size_t size, struct err *e)
{
	struct image image = fake_image(bytes, size);
	struct kernel_head head = fake_head(&image);

	cr_assert(bzimage_probe(&head));
	return bzimage_load(&image, &head, &mem, &kernel, e);
}

static int load(struct err *e)
{
	return load_bytes(&fake, sizeof(fake), e);
}

static uint8_t at(gpa_t gpa)
{
	return *(const uint8_t *)mem_at(&mem, gpa, 1);
}

Test(bzimage, goes_to_its_preferred_address)
{
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_BZIMAGE);
	cr_assert_eq(kernel.entry, FAKE_BASE + 0x200);
	cr_assert_eq(kernel.start, FAKE_BASE);
	cr_assert_eq(kernel.end, FAKE_BASE + 0x10000);
	cr_assert_eq(kernel.initrd_end, 0x80000000);
	cr_assert_eq(kernel.cmdline_max, 2047);
	cr_assert_eq(at(FAKE_BASE - 1), 0);
	cr_assert_eq(at(FAKE_BASE), 0xc3);
	cr_assert_eq(at(FAKE_BASE + FAKE_BODY - 1), 0xc3);
	cr_assert_eq(at(FAKE_BASE + FAKE_BODY), 0);
}

Test(bzimage, the_header_is_copied_to_its_end_only)
{
	/* an old header ends before init_size: what follows is code */
	fake.hdr.jump[1] = offsetof(struct setup_header, kernel_info_offset) -
			   offsetof(struct setup_header, header);
	fake.hdr.kernel_info_offset = 0xcccccccc;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.hdr.init_size, 0x10000);
	cr_assert_eq(kernel.hdr.kernel_info_offset, 0);
}

Test(bzimage, no_setup_sectors_means_four)
{
	static uint8_t bytes[5 * 512 + FAKE_BODY];

	fake.hdr.setup_sects = 0;
	memcpy(bytes, &fake, 5 * 512);
	memset(bytes + 5 * 512, 0x90, FAKE_BODY);
	cr_assert_eq(load_bytes(bytes, sizeof(bytes), NULL), 0);
	cr_assert_eq(at(FAKE_BASE), 0x90);
}

Test(bzimage, what_was_appended_is_loaded_too)
{
	fake.hdr.syssize = FAKE_BODY / 16 - 1; /* a signature, say */
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(at(FAKE_BASE + FAKE_BODY - 1), 0xc3);
}

Test(bzimage, a_fixed_kernel_needs_no_alignment)
{
	fake.hdr.relocatable_kernel = 0;
	fake.hdr.kernel_alignment = 0;
	cr_assert_eq(load(NULL), 0);
}

Test(bzimage, fits_memory_exactly)
{
	fake.hdr.init_size = RAM - FAKE_BASE;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.end, RAM);
}

Test(bzimage, is_not_found_in_other_files)
{
	static const uint8_t zeros[0x400];
	struct image image = fake_image(zeros, sizeof(zeros));
	struct kernel_head head = fake_head(&image);

	cr_assert_not(bzimage_probe(&head));
	image = fake_image(&fake, 0x205); /* the magic's last byte is cut */
	head = fake_head(&image);
	cr_assert_not(bzimage_probe(&head));
}

static void boot_flag(void)
{
	fake.hdr.boot_flag = 0x55aa;
}
static void version(void)
{
	fake.hdr.version = 0x020b;
}
static void entry_32(void)
{
	fake.hdr.xloadflags = 0x7e;
}
static void header_before_xloadflags(void)
{
	fake.hdr.jump[1] = offsetof(struct setup_header, xloadflags) -
			   offsetof(struct setup_header, header);
}
static void zimage(void)
{
	fake.hdr.loadflags = 0;
}
static void only_setup(void)
{
	fake.hdr.setup_sects = 255;
}
static void short_body(void)
{
	fake.hdr.syssize = FAKE_BODY / 16 + 1;
}
static void huge_syssize(void)
{
	fake.hdr.syssize = UINT32_MAX;
}
static void ends_before_entry(void)
{
	fake.hdr.syssize = 0;
	fake.hdr.setup_sects = (sizeof(fake) - 0x200) / 512 - 1;
}
static void init_size_small(void)
{
	fake.hdr.init_size = FAKE_BODY - 1;
}
static void no_alignment(void)
{
	fake.hdr.kernel_alignment = 0;
}
static void odd_alignment(void)
{
	fake.hdr.kernel_alignment = 0x180000;
}
static void unaligned(void)
{
	fake.hdr.pref_address = FAKE_BASE + 0x1000;
}
static void below_1m(void)
{
	fake.hdr.pref_address = 0;
}
static void above_1g(void)
{
	fake.hdr.pref_address = 0x40000000;
}
static void over_1g(void)
{
	fake.hdr.init_size = UINT32_MAX;
}
static void wraps(void)
{
	fake.hdr.pref_address = (uint64_t)-0x200000;
	fake.hdr.init_size = 0x400000;
}
static void no_room(void)
{
	fake.hdr.init_size = RAM - FAKE_BASE + 1;
}

static const struct refusal {
	const char *name;
	void (*change)(void);
	const char *part;
} refusal[] = {
	{ "boot_flag", boot_flag, "not 0xaa55" },
	{ "version", version, "protocol 2.11 is too old" },
	{ "entry_32", entry_32, "no 64-bit entry point" },
	{ "header_before_xloadflags", header_before_xloadflags,
	  "no 64-bit entry point" },
	{ "zimage", zimage, "below 1 MiB" },
	{ "only_setup", only_setup, "255 set-up sectors and nothing" },
	{ "short_body", short_body, "promises 4112 bytes" },
	{ "huge_syssize", huge_syssize, "truncated" },
	{ "ends_before_entry", ends_before_entry, "before its 64-bit entry" },
	{ "init_size_small", init_size_small, "init_size 0xfff" },
	{ "no_alignment", no_alignment, "kernel_alignment 0x0" },
	{ "odd_alignment", odd_alignment, "kernel_alignment 0x180000" },
	{ "unaligned", unaligned, "pref_address 0x201000" },
	{ "below_1m", below_1m, "not within 1 MiB to 1 GiB" },
	{ "above_1g", above_1g, "not within 1 MiB to 1 GiB" },
	{ "over_1g", over_1g, "not within 1 MiB to 1 GiB" },
	{ "wraps", wraps, "not within 1 MiB to 1 GiB" },
	{ "no_room", no_room, "--memory 17M or more" },
};

Test(bzimage, refuses_with_a_reason)
{
	for (size_t i = 0; i < sizeof(refusal) / sizeof(refusal[0]); i++) {
		struct err e = { 0 };

		fake_bzimage_init(&fake);
		refusal[i].change();
		cr_assert_eq(load(&e), -ENOEXEC, "%s was loaded",
			     refusal[i].name);
		fake_expect(&e, EXIT_BAD_IMAGE, refusal[i].part);
	}
}

Test(bzimage, truncation_anywhere_is_refused)
{
	for (size_t size = 0x206; size < sizeof(fake) - 15; size += 7) {
		struct err e = { 0 };

		cr_assert_lt(load_bytes(&fake, size, &e), 0, "at %zu", size);
		fake_expect(&e, EXIT_BAD_IMAGE, "truncated");
	}
}
