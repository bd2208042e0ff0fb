// SPDX-License-Identifier: Apache-2.0
/*
 * The state at entry is what bootproto/BOOT.md promises: registers, tables,
 * boot_params, and zeroes everywhere else below 1 MiB.
 *
 * It is entered at entry_probe, which notes all registers in ring 0 and then
 * goes the kit's usual way; the rest is looked at from ring 3.
 */
#include "bootproto/layout.h"
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define CR0_PE	     0x1UL
#define CR0_EM_TS    0xcUL
#define CR0_WP	     0x10000UL
#define CR0_PG	     0x80000000UL
#define CR4_PAE	     0x20UL
#define EFER_LME_LMA 0x500UL
#define FLAGS_IF     0x200UL
#define FLAGS_DF     0x400UL
#define PTE_SET	     (PTE_PRESENT | PTE_WRITE)
#define PAGE_SIZE    4096UL

struct descriptor_table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* Filled by entry_probe; offsets are its own. */
struct entry_state {
	uint64_t rsi, rsp, rflags, cr0, cr3, cr4, efer;
	uint64_t cs, ds, es, ss, tr;
	struct descriptor_table gdtr, idtr;
};
_Static_assert(offsetof(struct entry_state, gdtr) == 96, "entry_probe");

struct entry_state entry_state = { .rsi = 1 }; /* not bss */
static uint8_t page0[PAGE_SIZE];

__asm__("	.text\n"
	"	.globl	entry_probe\n"
	"entry_probe:\n"
	"	mov	%rsi, entry_state\n"
	"	mov	%rsp, entry_state + 8\n"
	"	pushfq\n" /* there must be a stack */
	"	popq	entry_state + 16\n"
	"	mov	%cr0, %rax\n"
	"	mov	%rax, entry_state + 24\n"
	"	mov	%cr3, %rax\n"
	"	mov	%rax, entry_state + 32\n"
	"	mov	%cr4, %rax\n"
	"	mov	%rax, entry_state + 40\n"
	"	mov	$0xc0000080, %ecx\n"
	"	rdmsr\n"
	"	mov	%eax, entry_state + 48\n"
	"	mov	%edx, entry_state + 52\n"
	"	mov	%cs, %eax\n"
	"	mov	%eax, entry_state + 56\n"
	"	mov	%ds, %eax\n"
	"	mov	%eax, entry_state + 64\n"
	"	mov	%es, %eax\n"
	"	mov	%eax, entry_state + 72\n"
	"	mov	%ss, %eax\n"
	"	mov	%eax, entry_state + 80\n"
	"	str	%eax\n"
	"	mov	%eax, entry_state + 88\n"
	"	sgdt	entry_state + 96\n"
	"	sidt	entry_state + 106\n"
	"	xor	%esi, %esi\n"
	"	mov	$page0, %edi\n"
	"	mov	$512, %ecx\n"
	"	rep movsq\n"
	"	mov	entry_state, %rsi\n"
	"	jmp	kit_start\n");

static const uint8_t *low(uint64_t addr)
{
	return addr < PAGE_SIZE ? page0 + addr : (const uint8_t *)addr;
}

static uint16_t low16(uint64_t addr)
{
	return (uint16_t)(low(addr)[0] | low(addr)[1] << 8);
}

static uint32_t low32(uint64_t addr)
{
	return low16(addr) | (uint32_t)low16(addr + 2) << 16;
}

static uint64_t low64(uint64_t addr)
{
	return low32(addr) | (uint64_t)low32(addr + 4) << 32;
}

static void check_registers(const struct entry_state *s)
{
	CHECK((s->cr0 & (CR0_PE | CR0_PG)) == (CR0_PE | CR0_PG));
	CHECK(!(s->cr0 & (CR0_EM_TS | CR0_WP)));
	CHECK(s->cr4 == CR4_PAE);
	CHECK(s->efer == EFER_LME_LMA);
	CHECK(!(s->rflags & (FLAGS_IF | FLAGS_DF)));
	CHECK(s->rsp % 16 == 0 && s->rsp == LAYOUT_STACK_TOP);
	CHECK(s->rsi == LAYOUT_BOOT_PARAMS);
}

static void check_segments(const struct entry_state *s)
{
	CHECK(s->cs == KIT_CS0 && s->ss == KIT_DS0);
	CHECK(s->ds == KIT_DS0 && s->es == KIT_DS0);
	CHECK(s->gdtr.base == LAYOUT_GDT && s->gdtr.limit >= 0x1f);
	/* Present, code, readable, 64-bit; present, data, writable. */
	CHECK((low64(LAYOUT_GDT + KIT_CS0) >> 40 & 0x609a) == 0x209a);
	CHECK((low64(LAYOUT_GDT + KIT_DS0) >> 40 & 0x9a) == 0x92);
}

static uint64_t entry_of(uint64_t table, unsigned i)
{
	return low64(table + 8ULL * i) & ~(uint64_t)PTE_USED;
}

static void check_tables(uint64_t cr3)
{
	CHECK(cr3 == LAYOUT_PML4);
	CHECK(entry_of(LAYOUT_PML4, 0) == (LAYOUT_PDPT | PTE_SET));
	CHECK(entry_of(LAYOUT_PDPT, 0) == (LAYOUT_PD | PTE_SET));
	for (unsigned i = 1; i < 512; i++) {
		CHECK(!low64(LAYOUT_PML4 + 8ULL * i));
		CHECK(!low64(LAYOUT_PDPT + 8ULL * i));
	}
	for (uint64_t i = 0; i < 512; i++)
		CHECK(entry_of(LAYOUT_PD, (unsigned)i) ==
		      (i << 21 | PTE_SET | PTE_LARGE));
}

static void check_boot_params(void)
{
	const uint64_t bp = LAYOUT_BOOT_PARAMS; /* boot.rst, zero-page.rst */
	uint32_t cmdline = low32(bp + 0x228);
	struct ram_range r;
	unsigned i = 0;

	CHECK(low16(bp + 0x1fe) == 0xaa55);
	CHECK(low32(bp + 0x202) == 0x53726448); /* "HdrS" */
	CHECK(low16(bp + 0x206) >= 0x20c);
	CHECK(*low(bp + 0x210)); /* type_of_loader */
	CHECK(cmdline == LAYOUT_CMDLINE);
	CHECK(low32(bp + 0x238) == strlen((const char *)low(cmdline)) + 1);
	CHECK(ram_next(&i, &r) && r.start == 0);
	CHECK(r.len == LAYOUT_LOW_RAM_END);
	CHECK(ram_next(&i, &r) && r.start == LAYOUT_HIGH_RAM);
}

/* What may be other than zero below the end of low RAM. */
static const struct ram_range in_use[] = {
	{ LAYOUT_GDT, 0x30 },		{ LAYOUT_BOOT_PARAMS, PAGE_SIZE },
	{ LAYOUT_STACK_TOP - 16, 16 }, /* entry_probe's own push */
	{ LAYOUT_PML4, 3 * PAGE_SIZE }, { LAYOUT_CMDLINE, LAYOUT_CMDLINE_MAX },
};

static bool is_in_use(uint64_t addr)
{
	for (unsigned i = 0; i < sizeof(in_use) / sizeof(in_use[0]); i++)
		if (addr - in_use[i].start < in_use[i].len)
			return true;
	return false;
}

static void check_zeroes(void)
{
	for (uint64_t addr = 0; addr < LAYOUT_LOW_RAM_END; addr++) {
		if (!*low(addr) || is_in_use(addr))
			continue;
		console_printf("0x%lx is 0x%x, not zero\n", addr, *low(addr));
		exit(1);
	}
}

int main(void)
{
	check_registers(&entry_state);
	check_segments(&entry_state);
	check_tables(entry_state.cr3);
	check_boot_params();
	check_zeroes();
	return check_done("entry");
}
