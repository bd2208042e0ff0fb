// SPDX-License-Identifier: Apache-2.0
/* ELF64 images: what is loaded where, and what is refused. */
#include "bootproto/elf.h"

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

#define RAM 0x1000000

static struct mem mem;
static struct fake_elf fake;
static struct kernel kernel;

static void set_up(void)
{
	fake_mem(&mem, RAM);
	fake_elf_init(&fake);
}

static void tear_down(void)
{
	mem_deinit(&mem);
}

TestSuite(elf, .init = set_up, .fini = tear_down);

static int load_bytes(const void *bytes, size_t size, struct err *e)
{
	struct image image = fake_image(bytes, size);
	struct kernel_head head = fake_head(&image);

	cr_assert(elf_probe(&head));
	return elf_load(&image, &head, &mem, &kernel, e);
}

static int load(struct err *e)
{
	return load_bytes(&fake, sizeof(fake), e);
}

static const uint8_t *at(gpa_t gpa)
{
	return mem_at(&mem, gpa, 1);
}

Test(elf, loads_by_physical_address)
{
	fake.ph[0].p_vaddr = 0x40000000 + FAKE_BASE; /* OSv's way */
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_ELF64);
	cr_assert_eq(kernel.entry, FAKE_BASE + 0x10);
	cr_assert_eq(kernel.start, FAKE_BASE);
	cr_assert_eq(kernel.end, FAKE_BASE + 2 * FAKE_BODY);
	cr_assert_eq(*at(FAKE_BASE - 1), 0);
	cr_assert_eq(*at(FAKE_BASE), 0xc3);
	cr_assert_eq(*at(FAKE_BASE + FAKE_BODY - 1), 0xc3);
	cr_assert_eq(*at(FAKE_BASE + FAKE_BODY), 0);
}

/* Linux's own loader looks at no offset of such segments either. */
Test(elf, a_segment_without_bytes_may_have_any_offset)
{
	struct err e = { 0 };

	fake.eh.e_phnum = 3;
	fake.ph[1] = fake.ph[2] = fake.ph[0];
	fake.ph[1].p_paddr = 0x400000;
	fake.ph[1].p_offset = sizeof(fake) + 1;
	fake.ph[1].p_filesz = 0;
	fake.ph[2].p_offset = UINT64_MAX;
	fake.ph[2].p_filesz = fake.ph[2].p_memsz = 0;
	cr_assert_eq(load(&e), 0, "%s", e.msg);
	cr_assert_eq(kernel.end, 0x400000 + 2 * FAKE_BODY);
	cr_assert_eq(*at(0x400000), 0);
}

Test(elf, a_virtual_entry_is_translated)
{
	fake.ph[0].p_vaddr = 0xffffffff80200000;
	fake.eh.e_entry = 0xffffffff80200010;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.entry, FAKE_BASE + 0x10);
}

Test(elf, a_physical_entry_comes_first)
{
	/* 0x200010 is both in the first segment and the second's vaddr */
	fake.eh.e_phnum = 2;
	fake.ph[1] = fake.ph[0];
	fake.ph[1].p_paddr = 0x400000;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.entry, FAKE_BASE + 0x10);
}

Test(elf, several_segments_and_gaps)
{
	fake.eh.e_phnum = 3;
	fake.ph[1] = fake.ph[0];
	fake.ph[1].p_paddr = 0x100000;
	fake.ph[1].p_filesz = 0x10;
	fake.ph[2] = fake.ph[0];
	fake.ph[2].p_paddr = 0xfff000; /* the last page of RAM */
	fake.ph[2].p_memsz = 0x1000;
	fake.ph[2].p_filesz = 0;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.start, 0x100000);
	cr_assert_eq(kernel.end, RAM);
	cr_assert_eq(*at(0x10000f), 0xc3);
	cr_assert_eq(*at(0x100010), 0);
}

Test(elf, an_empty_segment_is_nothing)
{
	/* Unikraft has one; its address may be anything */
	fake.eh.e_phnum = 2;
	fake.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = 0x42 };
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.start, FAKE_BASE);
}

Test(elf, other_program_headers_are_ignored)
{
	fake.eh.e_phnum = 3;
	fake.ph[1] = (Elf64_Phdr){ .p_type = PT_TLS,
				   .p_offset = UINT64_MAX,
				   .p_filesz = 4,
				   .p_memsz = 3 };
	fake.ph[2] = (Elf64_Phdr){ .p_type = PT_NOTE,
				   .p_offset = UINT64_MAX,
				   .p_filesz = UINT64_MAX };
	cr_assert_eq(load(NULL), 0);
}

Test(elf, program_headers_may_lie_anywhere)
{
	static uint8_t bytes[sizeof(fake) + sizeof(fake.ph)];

	fake.eh.e_phoff = sizeof(fake); /* behind what the head holds */
	memcpy(bytes, &fake, sizeof(fake));
	memcpy(bytes + sizeof(fake), fake.ph, sizeof(fake.ph));
	cr_assert_eq(load_bytes(bytes, sizeof(bytes), NULL), 0);
	cr_assert_eq(kernel.entry, FAKE_BASE + 0x10);
}

Test(elf, position_independent_images_load_by_paddr_too)
{
	fake.eh.e_type = ET_DYN;
	cr_assert_eq(load(NULL), 0);
}

Test(elf, low_memory_may_be_used_where_it_is_free)
{
	static const gpa_t row[] = { 0x1000,  0x5000,  0xc000,
				     0x1e000, 0x30000, 0xfe000 };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fake.ph[0].p_paddr = row[i];
		fake.eh.e_entry = row[i];
		cr_assert_eq(load(NULL), 0, "row %zu", i);
	}
}

/* ---- Linux or not ---------------------------------------------------- */

static void link_as_linux(void)
{
	fake.ph[0].p_vaddr = 0xffffffff80000000 + FAKE_BASE;
}

static void add_note(const char *name, uint32_t type, const char *desc)
{
	Elf64_Nhdr n = { (uint32_t)strlen(name) + 1, (uint32_t)strlen(desc) + 1,
			 type };
	uint8_t *p = fake.body + fake.ph[1].p_filesz;

	fake.eh.e_phnum = 2;
	fake.ph[1].p_type = PT_NOTE;
	fake.ph[1].p_offset = offsetof(struct fake_elf, body);
	memset(p, 0, 64);
	memcpy(p, &n, sizeof(n));
	p += sizeof(n);
	memcpy(p, name, n.n_namesz);
	p += (n.n_namesz + 3) & ~3U;
	memcpy(p, desc, n.n_descsz);
	p += (n.n_descsz + 3) & ~3U;
	fake.ph[1].p_filesz = (uint64_t)(p - fake.body);
}

Test(elf, a_linux_note_makes_it_linux)
{
	link_as_linux();
	add_note("GNU", 3, "12345678901234567890");
	add_note("Linux", 0x100, "");
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_VMLINUX);
	cr_assert_eq(kernel.cmdline_max, 2047);
}

Test(elf, xen_calling_it_linux_makes_it_linux)
{
	link_as_linux();
	add_note("Xen", 18, "abc");
	add_note("Xen", 6, "linux");
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_VMLINUX);
}

Test(elf, an_old_linux_is_known_by_its_per_cpu_segment)
{
	link_as_linux();
	fake.eh.e_phnum = 2;
	fake.ph[1] = fake.ph[0];
	fake.ph[1].p_vaddr = 0;
	fake.ph[1].p_paddr = 0x400000;
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_VMLINUX);
}

Test(elf, notes_alone_do_not_make_it_linux)
{
	add_note("Linux", 0x100, "");
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_ELF64);
}

Test(elf, a_high_half_alone_does_not_make_it_linux)
{
	link_as_linux();
	add_note("Xen", 6, "nanos");
	add_note("Xen", 18, "linux");
	cr_assert_eq(load(NULL), 0);
	cr_assert_eq(kernel.kind, BOOT_ELF64);
}

Test(elf, malformed_notes_end_the_search)
{
	link_as_linux();
	add_note("Xen", 18, "abc");
	for (unsigned at_byte = 0; at_byte < 12; at_byte++) {
		const uint8_t old = fake.body[at_byte];

		fake.body[at_byte] = 0xff;
		cr_assert_eq(load(NULL), 0, "byte %u", at_byte);
		cr_assert_eq(kernel.kind, BOOT_ELF64);
		fake.body[at_byte] = old;
	}
}

/* ---- what is refused -------------------------------------------------- */

static void arm64(void)
{
	fake.eh.e_machine = EM_AARCH64;
}
static void class32(void)
{
	fake.eh.e_ident[EI_CLASS] = ELFCLASS32;
}
static void big_endian(void)
{
	fake.eh.e_ident[EI_DATA] = ELFDATA2MSB;
}
static void object(void)
{
	fake.eh.e_type = ET_REL;
}
static void phentsize(void)
{
	fake.eh.e_phentsize = 32;
}
static void no_phdrs(void)
{
	fake.eh.e_phnum = 0;
}
static void many_phdrs(void)
{
	fake.eh.e_phnum = 0xffff;
}
static void phdrs_behind_end(void)
{
	fake.eh.e_phoff = sizeof(fake) - 8;
}
static void phdrs_wrap(void)
{
	fake.eh.e_phoff = UINT64_MAX - 8;
}
static void no_load(void)
{
	fake.ph[0].p_type = PT_NULL;
}
static void filesz_over_memsz(void)
{
	fake.ph[0].p_memsz = 0xfff;
}
static void empty_with_bytes(void)
{
	fake.ph[0].p_memsz = 0;
}
static void bytes_behind_end(void)
{
	fake.ph[0].p_offset++;
}
static void offset_wraps(void)
{
	fake.ph[0].p_offset = UINT64_MAX;
}
static void address_wraps(void)
{
	fake.ph[0].p_paddr = UINT64_MAX - 0xfff;
}
static void above_ram(void)
{
	fake.ph[0].p_paddr = RAM;
}
static void half_above_ram(void)
{
	fake.ph[0].p_memsz = RAM;
}
static void in_the_hole(void)
{
	fake.ph[0].p_paddr = 0xd0000000;
}
static void on_the_gdt(void)
{
	fake.ph[0].p_paddr = 0;
}
static void on_page_tables(void)
{
	fake.ph[0].p_paddr = 0xb000;
}
static void on_cmdline(void)
{
	fake.ph[0].p_paddr = 0x2f000;
}
static void on_mptable(void)
{
	fake.ph[0].p_paddr = 0x9e000;
}
static void on_acpi(void)
{
	fake.ph[0].p_paddr = 0xdf000;
}
static void segments_overlap(void)
{
	fake.eh.e_phnum = 2;
	fake.ph[1] = fake.ph[0];
	fake.ph[1].p_paddr += 0x1fff;
}
static void entry_outside(void)
{
	fake.eh.e_entry = FAKE_BASE - 1;
}
static void entry_in_bss(void)
{
	fake.eh.e_entry = FAKE_BASE + FAKE_BODY;
}
static void linux_program(void)
{
	fake.eh.e_phnum = 2;
	fake.ph[0].p_paddr = 0;
	fake.ph[1].p_type = PT_INTERP;
}

static const struct refusal {
	const char *name;
	void (*change)(void);
	const char *part;
} refusal[] = {
	{ "arm64", arm64, "not an x86-64 ELF64" },
	{ "class32", class32, "not an x86-64 ELF64" },
	{ "big_endian", big_endian, "not an x86-64 ELF64" },
	{ "object", object, "not an executable" },
	{ "phentsize", phentsize, "program headers of 32 bytes" },
	{ "no_phdrs", no_phdrs, "0 ELF program headers" },
	{ "many_phdrs", many_phdrs, "65535 ELF program headers" },
	{ "phdrs_behind_end", phdrs_behind_end, "truncated" },
	{ "phdrs_wrap", phdrs_wrap, "truncated" },
	{ "no_load", no_load, "no ELF segment to load" },
	{ "filesz_over_memsz", filesz_over_memsz, "than in memory" },
	{ "empty_with_bytes", empty_with_bytes, "than in memory" },
	{ "bytes_behind_end", bytes_behind_end, "behind the end of the file" },
	{ "offset_wraps", offset_wraps, "behind the end of the file" },
	{ "address_wraps", address_wraps, "wraps" },
	{ "above_ram", above_ram, "--memory 17M or more" },
	{ "half_above_ram", half_above_ram, "--memory 18M or more" },
	{ "in_the_hole", in_the_hole, "no memory" },
	{ "on_the_gdt", on_the_gdt, "lies on the GDT" },
	{ "on_page_tables", on_page_tables, "page tables" },
	{ "on_cmdline", on_cmdline, "lies on the command line" },
	{ "on_mptable", on_mptable, "lies on the MP table" },
	{ "on_acpi", on_acpi, "lies on the ACPI tables" },
	{ "segments_overlap", segments_overlap, "overlap" },
	{ "entry_outside", entry_outside, "lies in no ELF segment" },
	{ "entry_in_bss", entry_in_bss, "lies in no ELF segment" },
	{ "linux_program", linux_program, "a program for Linux" },
};

Test(elf, refuses_with_a_reason)
{
	for (size_t i = 0; i < sizeof(refusal) / sizeof(refusal[0]); i++) {
		struct err e = { 0 };

		fake_elf_init(&fake);
		refusal[i].change();
		cr_assert_eq(load(&e), -ENOEXEC, "%s was loaded",
			     refusal[i].name);
		fake_expect(&e, EXIT_BAD_IMAGE, refusal[i].part);
	}
}

Test(elf, an_entry_above_the_first_gib_is_refused)
{
	struct err e = { 0 };

	mem_deinit(&mem);
	fake_mem(&mem, 0x40100000);
	fake.ph[0].p_paddr = 0x40000000;
	fake.eh.e_entry = 0x40000010;
	cr_assert_lt(load(&e), 0);
	fake_expect(&e, EXIT_BAD_IMAGE, "above the first GiB");
}

Test(elf, truncation_anywhere_is_refused)
{
	for (size_t size = SELFMAG; size < sizeof(fake); size += 7) {
		struct err e = { 0 };

		cr_assert_lt(load_bytes(&fake, size, &e), 0, "at %zu", size);
		fake_expect(&e, EXIT_BAD_IMAGE, "truncated");
	}
}
