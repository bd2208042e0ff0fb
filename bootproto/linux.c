// SPDX-License-Identifier: Apache-2.0
/* Fills boot_params for every kind of guest, Linux or not. */
#include "bootproto/linux.h"

#include <errno.h>
#include <string.h>

#include "bootproto/layout.h"
#include "monitor/err.h"

#define PAGE 0x1000ULL

static uint64_t page_up(uint64_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* More memory helps, unless the kernel itself sets the limit. */
static int err_no_room(const struct image *initrd, const struct kernel *kernel,
		       struct err *e)
{
	const uint64_t kib = page_up(initrd->size) >> 10;
	const uint64_t need = page_up(kernel->end) + page_up(initrd->size);
	/* more memory than up to the hole comes behind it */
	const gpa_t limit = min(kernel->initrd_end, MEM_HOLE_START);

	if (need > limit)
		return err_set(e, -EINVAL,
			       "initrd %.60s has %llu KiB, which do not fit "
			       "below 0x%llx, where this kernel wants it",
			       initrd->name, (unsigned long long)kib,
			       (unsigned long long)limit);
	return err_set(e, -EINVAL,
		       "initrd %.60s has %llu KiB, which do not fit beside "
		       "the kernel; it needs --memory %lluM or more",
		       initrd->name, (unsigned long long)kib,
		       (unsigned long long)((need + 0xfffff) >> 20));
}

int linux_load_initrd(const struct image *initrd, const struct kernel *kernel,
		      const struct mem *mem, gpa_t *ret_start, struct err *e)
{
	const uint64_t ram = mem->region[0].len;
	const gpa_t top = min(ram, kernel->initrd_end);
	const gpa_t floor = page_up(kernel->end);
	const gpa_t under = min(kernel->start, top);
	gpa_t end;

	if (!initrd || !initrd->size) {
		*ret_start = 0;
		return 0;
	}
	if (top > floor && initrd->size <= top - floor)
		end = top;
	else if (under > LAYOUT_HIGH_RAM &&
		 initrd->size <= under - LAYOUT_HIGH_RAM)
		end = under;
	else
		return err_no_room(initrd, kernel, e);
	/* rounding down cannot pass floor or 1 MiB: both are page-aligned */
	*ret_start = (end - initrd->size) & ~(PAGE - 1);
	return image_load(initrd, 0, mem, *ret_start, initrd->size, e);
}

static void add_e820(struct boot_params *bp, uint64_t start, uint64_t end,
		     enum e820_type type)
{
	bp->e820_table[bp->e820_entries++] =
		(struct e820_entry){ start, end - start, type };
}

/*
 * Split at 1 MiB: nanos skips what starts at 0. The tables' pages are told as
 * ACPI memory; what else lies between 640 KiB and 1 MiB is not told at all.
 */
static void write_e820(struct boot_params *bp, uint32_t acpi_bytes,
		       const struct mem *mem)
{
	bp->e820_entries = 0;
	add_e820(bp, 0, LAYOUT_LOW_RAM_END, E820_RAM);
	add_e820(bp, LAYOUT_MPTABLE, LAYOUT_MPTABLE + LAYOUT_MPTABLE_MAX,
		 E820_RESERVED);
	if (acpi_bytes)
		add_e820(bp, LAYOUT_ACPI, LAYOUT_ACPI + page_up(acpi_bytes),
			 E820_ACPI);
	if (mem->region[0].len > LAYOUT_HIGH_RAM)
		add_e820(bp, LAYOUT_HIGH_RAM, mem->region[0].len, E820_RAM);
	if (mem->regions > 1)
		add_e820(bp, mem->region[1].gpa,
			 mem->region[1].gpa + mem->region[1].len, E820_RAM);
}

void linux_write_params(const struct kernel *kernel,
			const struct boot_entry *entry, uint32_t cmdline_len,
			uint32_t acpi_bytes, const struct mem *mem)
{
	struct boot_params *bp = mem_at(mem, LAYOUT_BOOT_PARAMS, sizeof(*bp));

	bp->hdr = kernel->hdr;
	bp->hdr.type_of_loader = SETUP_LOADER_OTHER;
	bp->hdr.cmd_line_ptr = (uint32_t)entry->cmdline;
	bp->hdr.ramdisk_image = (uint32_t)entry->initrd_start;
	bp->hdr.ramdisk_size = (uint32_t)entry->initrd_len;
	bp->hdr.setup_data = 0;
	/* nanos and Unikraft take it for the length, not for the limit */
	if (kernel->kind != BOOT_BZIMAGE)
		bp->hdr.cmdline_size = cmdline_len + 1;
	if (acpi_bytes)
		bp->acpi_rsdp_addr = LAYOUT_ACPI;
	write_e820(bp, acpi_bytes, mem);
}

void linux_write_reset(const struct mem *mem)
{
	static const uint8_t code[] = {
		0xb0, 0xfe,	       /* mov $0xfe, %al */
		0xe6, LAYOUT_PORT_KBC, /* out %al, $0x64 */
		0xf4,		       /* 1: hlt */
		0xeb, 0xfd,	       /* jmp 1b */
	};

	memcpy(mem_at(mem, LAYOUT_RESET_VECTOR, sizeof(code)), code,
	       sizeof(code));
}
