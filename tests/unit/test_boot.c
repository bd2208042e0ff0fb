// SPDX-License-Identifier: Apache-2.0
/* boot_load(): from an image to a machine that can be entered. */
#include "bootproto/boot.h"

#include <sys/mman.h>
#include <unistd.h>

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

#define RAM 0x1000000

static struct mem mem;
static struct fake_elf elf;
static struct fake_bzimage bz;
static struct image image, initrd;
static struct boot_request req;
static struct boot_entry entry;

static void set_up(void)
{
	fake_mem(&mem, RAM);
	fake_elf_init(&elf);
	fake_bzimage_init(&bz);
	image = fake_image(&elf, sizeof(elf));
	initrd = fake_image("initrd", 6);
	req = (struct boot_request){ .kernel = &image, .cpus = 1 };
}

static void tear_down(void)
{
	mem_deinit(&mem);
}

TestSuite(boot, .init = set_up, .fini = tear_down);

static const struct boot_params *params(void)
{
	return mem_at(&mem, entry.rsi, sizeof(struct boot_params));
}

static bool is_zero(gpa_t start, gpa_t end)
{
	const uint8_t *p = mem_at(&mem, start, end - start);

	for (; start < end; start++)
		if (*p++)
			return false;
	return true;
}

Test(boot, a_unikernel_enters_by_the_contract)
{
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_eq(entry.kind, BOOT_ELF64);
	cr_assert_eq(entry.announce, BOOT_ANNOUNCE_CMDLINE);
	cr_assert_eq(entry.rip, FAKE_BASE + 0x10);
	cr_assert_eq(entry.rsp, LAYOUT_STACK_TOP);
	cr_assert_eq(entry.rsp % 16, 0);
	cr_assert_eq(entry.rsi, LAYOUT_BOOT_PARAMS);
	cr_assert_eq(params()->hdr.cmd_line_ptr, entry.cmdline);
	cr_assert_str_eq(mem_at(&mem, entry.cmdline, 5), "fake");
	cr_assert_eq(params()->hdr.cmdline_size, 5);
	cr_assert_eq(params()->acpi_rsdp_addr, 0);
	cr_assert_arr_eq(mem_at(&mem, LAYOUT_MPTABLE, 4), "_MP_", 4);
	cr_assert(is_zero(LAYOUT_ACPI, LAYOUT_HIGH_RAM));
}

Test(boot, linux_gets_acpi)
{
	image = fake_image(&bz, sizeof(bz));
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_eq(entry.kind, BOOT_BZIMAGE);
	cr_assert_eq(entry.announce, BOOT_ANNOUNCE_ACPI);
	cr_assert_eq(params()->acpi_rsdp_addr, LAYOUT_ACPI);
	cr_assert_arr_eq(mem_at(&mem, LAYOUT_ACPI, 8), "RSD PTR ", 8);
	cr_assert(is_zero(LAYOUT_MPTABLE, 0xa0000), "one way, never both");
	cr_assert_not(is_zero(LAYOUT_RESET_VECTOR, LAYOUT_HIGH_RAM));
}

Test(boot, the_other_announcement_can_be_asked_for)
{
	req.virtio_windows = 1;
	req.announce = BOOT_ANNOUNCE_ACPI;
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_str_eq(mem_at(&mem, entry.cmdline, 5), "fake");
	cr_assert_eq(params()->acpi_rsdp_addr, LAYOUT_ACPI);
	tear_down();
	set_up();
	image = fake_image(&bz, sizeof(bz));
	req.announce = BOOT_ANNOUNCE_CMDLINE;
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_eq(params()->acpi_rsdp_addr, 0);
	cr_assert_arr_eq(mem_at(&mem, LAYOUT_MPTABLE, 4), "_MP_", 4);
}

static enum boot_announce announced(const char *cmdline)
{
	image = fake_image(&bz, sizeof(bz));
	req.cmdline = cmdline;
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	return entry.announce;
}

Test(boot, linux_told_to_leave_acpi_alone_gets_the_command_line)
{
	cr_expect_eq(announced("quiet acpi=off"), BOOT_ANNOUNCE_CMDLINE);
	cr_expect_arr_eq(mem_at(&mem, LAYOUT_MPTABLE, 4), "_MP_", 4);
}

Test(boot, only_the_kernels_own_acpi_off_counts)
{
	cr_expect_eq(announced("acpi=offline"), BOOT_ANNOUNCE_ACPI);
	cr_expect_eq(announced("xacpi=off \"a acpi=off b\""),
		     BOOT_ANNOUNCE_ACPI);
	cr_expect_eq(announced("quiet -- acpi=off"), BOOT_ANNOUNCE_ACPI);
}

Test(boot, acpi_asked_for_stays)
{
	req.announce = BOOT_ANNOUNCE_ACPI;
	cr_expect_eq(announced("acpi=off"), BOOT_ANNOUNCE_ACPI);
}

/* A guest's start-up time is made of pages: none is written needlessly. */
Test(boot, writes_only_the_pages_it_must)
{
	static const gpa_t written[] = { 0x0,	  0x7000,  0x9000,
					 0xa000,  0xb000,  LAYOUT_CMDLINE,
					 0x9f000, 0x200000 };
	size_t w = 0;

	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	for (gpa_t page = 0; page < RAM; page += 0x1000) {
		const bool want = w < sizeof(written) / sizeof(written[0]) &&
				  page == written[w];

		cr_assert_eq(!is_zero(page, page + 0x1000), want, "0x%llx",
			     (unsigned long long)page);
		w += want;
	}
}

Test(boot, the_initrd_is_told_and_spared)
{
	req.initrd = &initrd;
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_eq(entry.initrd_start, RAM - 0x1000);
	cr_assert_eq(entry.initrd_len, 6);
	cr_assert_eq(params()->hdr.ramdisk_image, RAM - 0x1000);
	cr_assert_eq(params()->hdr.ramdisk_size, 6);
	cr_assert_arr_eq(mem_at(&mem, RAM - 0x1000, 6), "initrd", 6);
}

Test(boot, a_unikernel_finds_its_initrd_mapped)
{
	tear_down();
	fake_mem(&mem, 0x50000000);
	req.initrd = &initrd;
	cr_assert_eq(boot_load(&req, &mem, &entry, NULL), 0);
	cr_assert_eq(entry.initrd_start, LAYOUT_IDENTITY_END - 0x1000);
}

Test(boot, a_command_line_too_long_is_misuse)
{
	struct err e = { 0 };
	static char words[70000];

	memset(words, 'w', sizeof(words) - 1);
	req.cmdline = words;
	cr_assert_eq(boot_load(&req, &mem, &entry, &e), -EINVAL);
	fake_expect(&e, EXIT_MISUSE, "takes 65535");
	image = fake_image(&bz, sizeof(bz));
	cr_assert_eq(boot_load(&req, &mem, &entry, &e), -EINVAL);
	fake_expect(&e, EXIT_MISUSE, "takes 2047");
	/* however much a header promises */
	bz.hdr.cmdline_size = UINT32_MAX;
	cr_assert_eq(boot_load(&req, &mem, &entry, &e), -EINVAL);
	fake_expect(&e, EXIT_MISUSE, "takes 65535");
}

Test(boot, too_little_memory_is_misuse)
{
	struct err e = { 0 };

	tear_down();
	fake_mem(&mem, 0xff000);
	cr_assert_eq(boot_load(&req, &mem, &entry, &e), -EINVAL);
	fake_expect(&e, EXIT_MISUSE, "at least 1 MiB");
}

Test(boot, other_files_are_named)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *end;
	} row[] = {
		{ "", 0, "no magic number of either was found" },
		{ "\0\0\0\0", 4, "no magic number of either was found" },
		{ "\x1f\x8b\x08", 3, "gzip-compressed: unpack it first" },
		{ "\x1f", 1, "no magic number of either was found" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd-compressed: unpack it first" },
		{ "\xfd"
		  "7zXZ",
		  5, "xz-compressed: unpack it first" },
		{ "\x02\x21\x4c\x18", 4, "LZ4-compressed: unpack it first" },
		{ "\x04\x22\x4d\x18", 4, "LZ4-compressed: unpack it first" },
		{ "BZh9", 4, "bzip2-compressed: unpack it first" },
		{ "070701", 6, "it is a cpio archive: an initrd?" },
		{ "QFI\xfb", 4, "it is a qcow2 disk" },
		{ "#!/bin/sh\n", 10, "it is a script" },
		{ "\x7f"
		  "ELF",
		  4, "truncated: no whole ELF header" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err e = { 0 };
		const char *end;

		image = fake_image(row[i].bytes, row[i].size);
		cr_assert_eq(boot_load(&req, &mem, &entry, &e), -ENOEXEC);
		fake_expect(&e, EXIT_BAD_IMAGE, row[i].end);
		end = e.msg + strlen(e.msg) - strlen(row[i].end);
		cr_assert_str_eq(end, row[i].end);
	}
}

Test(boot, a_file_shrinking_under_way_is_an_error)
{
	struct err e = { 0 };
	int fd = memfd_create("elf", 0);

	cr_assert_eq(write(fd, &elf, sizeof(elf)), (ssize_t)sizeof(elf));
	image = (struct image){ "image", "memfd", fd, NULL, sizeof(elf) };
	cr_assert_eq(boot_load(&req, &mem, &entry, &e), 0);
	cr_assert_eq(ftruncate(fd, sizeof(elf) - 1), 0);
	cr_assert_lt(boot_load(&req, &mem, &entry, &e), 0);
	fake_expect(&e, EXIT_BAD_IMAGE, "shrank");
	close(fd);
}

/* Every header byte set to what hurts most: an answer or a sentence. */
static void damage(void *bytes, size_t size, size_t header)
{
	static const uint8_t value[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	uint8_t *p = bytes;

	image = fake_image(bytes, size);
	for (size_t i = 0; i < header; i++) {
		const uint8_t old = p[i];

		for (size_t v = 0; v < sizeof(value); v++) {
			struct err e = { 0 };
			int r;

			p[i] = value[v];
			r = boot_load(&req, &mem, &entry, &e);
			cr_assert(!r || (r < 0 && e.msg[0] &&
					 (e.status == EXIT_BAD_IMAGE ||
					  e.status == EXIT_MISUSE)),
				  "byte 0x%zx = 0x%x: %d %s", i, value[v], r,
				  e.msg);
		}
		p[i] = old;
	}
}

Test(boot, a_damaged_header_ends_in_a_sentence)
{
	req.initrd = &initrd;
	elf.eh.e_phnum = 2;
	elf.ph[1] = elf.ph[0];
	elf.ph[1].p_paddr = 0x100000;
	damage(&elf, sizeof(elf), sizeof(elf.eh) + 2 * sizeof(elf.ph[0]));
	damage(&bz, sizeof(bz), 0x26c);
}
