// SPDX-License-Identifier: Apache-2.0
/*
 * Loads an image: finds its kind, lets the parser place the kernel, then adds
 * what every guest gets.
 *
 * Everything of the image goes through struct image, everything into the
 * guest through struct mem; the parsers copy a header once, check the copy,
 * and only then write to the guest.
 */
#include "bootproto/boot.h"

#include <errno.h>
#include <string.h>

#include "bootproto/acpi.h"
#include "bootproto/bzimage.h"
#include "bootproto/cmdline.h"
#include "bootproto/elf.h"
#include "bootproto/layout.h"
#include "bootproto/linux.h"
#include "bootproto/mptable.h"
#include "bootproto/paging.h"
#include "monitor/err.h"

/* What people hand over by mistake, and what they should do. */
static const struct {
	uint8_t magic[4], len;
	char advice[40]; /* with room for the NUL */
} strangers[] = {
	{ { 0x1f, 0x8b }, 2, "it is gzip-compressed: unpack it first" },
	{ { 0x28, 0xb5, 0x2f, 0xfd },
	  4,
	  "it is zstd-compressed: unpack it first" },
	{ { 0xfd, '7', 'z', 'X' }, 4, "it is xz-compressed: unpack it first" },
	{ { 0x02, 0x21, 0x4c, 0x18 },
	  4,
	  "it is LZ4-compressed: unpack it first" },
	{ { 0x04, 0x22, 0x4d, 0x18 },
	  4,
	  "it is LZ4-compressed: unpack it first" },
	{ { 'B', 'Z', 'h' }, 3, "it is bzip2-compressed: unpack it first" },
	{ { '0', '7', '0', '7' }, 4, "it is a cpio archive: an initrd?" },
	{ { 'Q', 'F', 'I', 0xfb }, 4, "it is a qcow2 disk" },
	{ { '#', '!' }, 2, "it is a script" },
};

static int err_unknown(const struct image *image,
		       const struct kernel_head *head, struct err *e)
{
	const char *advice = "no magic number of either was found";

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		if (head->len >= strangers[i].len &&
		    !memcmp(head->bytes, strangers[i].magic, strangers[i].len))
			advice = strangers[i].advice;
	return image_err(image, e, "neither an ELF64 file nor a bzImage: %s",
			 advice);
}

static int load_kernel(const struct image *image, const struct mem *mem,
		       struct kernel *ret_kernel, struct err *e)
{
	struct kernel_head head = { 0 };
	int r;

	head.len = image->size < KERNEL_HEAD ? image->size : KERNEL_HEAD;
	r = image_read(image, 0, head.bytes, head.len, e);
	if (r < 0)
		return r;
	if (elf_probe(&head))
		return elf_load(image, &head, mem, ret_kernel, e);
	if (bzimage_probe(&head))
		return bzimage_load(image, &head, mem, ret_kernel, e);
	return err_unknown(image, &head, e);
}

static int write_cmdline(const struct boot_request *req,
			 const struct kernel *kernel,
			 const struct boot_entry *entry, const struct mem *mem,
			 struct err *e)
{
	uint64_t max = kernel->cmdline_max;

	if (max > LAYOUT_CMDLINE_MAX - 1)
		max = LAYOUT_CMDLINE_MAX - 1;
	return cmdline_build(req, kernel->kind, entry->announce,
			     mem_at(mem, LAYOUT_CMDLINE, LAYOUT_CMDLINE_MAX),
			     max, e);
}

/* Linux with acpi=off would look at no table of ours. */
static enum boot_announce choose(const struct boot_request *req,
				 enum boot_kind kind)
{
	if (req->announce != BOOT_ANNOUNCE_AUTO)
		return req->announce;
	if (kind == BOOT_ELF64 || cmdline_refuses_acpi(req->cmdline))
		return BOOT_ANNOUNCE_CMDLINE;
	return BOOT_ANNOUNCE_ACPI;
}

int boot_load(const struct boot_request *req, const struct mem *mem,
	      struct boot_entry *ret_entry, struct err *e)
{
	struct boot_entry entry = { 0 };
	struct kernel kernel = { 0 };
	uint32_t acpi_bytes = 0;
	int r, cmdline_len;

	/* from here on, writing below 1 MiB cannot fail */
	if (!mem_at(mem, 0, LAYOUT_HIGH_RAM))
		return err_set(e, -EINVAL,
			       "a guest needs at least 1 MiB of memory");
	if ((r = load_kernel(req->kernel, mem, &kernel, e)) < 0)
		return r;
	entry.announce = choose(req, kernel.kind);
	cmdline_len = write_cmdline(req, &kernel, &entry, mem, e);
	if (cmdline_len < 0)
		return cmdline_len;
	r = linux_load_initrd(req->initrd, &kernel, mem, &entry.initrd_start,
			      e);
	if (r < 0)
		return r;
	if (entry.initrd_start)
		entry.initrd_len = req->initrd->size;
	entry.kind = kernel.kind;
	entry.rip = kernel.entry;
	entry.rsp = LAYOUT_STACK_TOP;
	entry.rsi = LAYOUT_BOOT_PARAMS;
	entry.cmdline = LAYOUT_CMDLINE;
	entry.image_start = kernel.start;
	entry.image_end = kernel.end;
	if (entry.announce == BOOT_ANNOUNCE_ACPI)
		acpi_bytes = acpi_write(req, mem);
	else
		mptable_write(req, mem);
	linux_write_params(&kernel, &entry, (uint32_t)cmdline_len, acpi_bytes,
			   mem);
	if (kernel.kind != BOOT_ELF64 && kernel.start >= LAYOUT_HIGH_RAM)
		linux_write_reset(mem);
	paging_write(mem);
	segments_write(mem);
	*ret_entry = entry;
	return 0;
}
