// SPDX-License-Identifier: Apache-2.0
/* Loads bzImages. Source: Linux Documentation/arch/x86/boot.rst, 64-bit. */
#include "bootproto/bzimage.h"

#include <string.h>

#include "bootproto/layout.h"
#include "monitor/err.h"

#define ENTRY_64    0x200  /* from the start of the protected-mode part */
#define VERSION_MIN 0x020c /* brought xloadflags: Linux 3.8 */
#define SECTOR	    512U

/**
 * struct bzimage - the header, copied once
 * @offset, @len: the protected-mode part in the file
 */
struct bzimage {
	const struct image *image;
	struct setup_header hdr;
	uint64_t offset, len;
};

bool bzimage_probe(const struct kernel_head *head)
{
	const uint32_t magic = SETUP_MAGIC;
	const size_t at =
		SETUP_HEADER_OFFSET + offsetof(struct setup_header, header);

	return head->len >= at + sizeof(magic) &&
	       !memcmp(head->bytes + at, &magic, sizeof(magic));
}

/* Bytes behind the header's own end are the kernel's code, not fields. */
static void copy_header(struct bzimage *bz, const struct kernel_head *head)
{
	const size_t jump_end = offsetof(struct setup_header, jump) + 2U;
	size_t len = jump_end + head->bytes[SETUP_HEADER_OFFSET + jump_end - 1];

	if (len > sizeof(bz->hdr))
		len = sizeof(bz->hdr);
	memcpy(&bz->hdr, head->bytes + SETUP_HEADER_OFFSET, len);
}

static int check_protocol(const struct bzimage *bz, struct err *e)
{
	const struct setup_header *h = &bz->hdr;

	if (h->boot_flag != SETUP_BOOT_FLAG)
		return image_err(bz->image, e,
				 "boot sector signature 0x%x, not 0xaa55",
				 h->boot_flag);
	if (h->version < VERSION_MIN)
		return image_err(bz->image, e,
				 "boot protocol %u.%02u is too old: mote needs "
				 "2.12 (Linux 3.8) and its 64-bit entry",
				 h->version >> 8, h->version & 0xff);
	if (!(h->xloadflags & SETUP_XLF_KERNEL_64))
		return image_err(bz->image, e,
				 "no 64-bit entry point (xloadflags 0x%x): "
				 "a 32-bit kernel?",
				 h->xloadflags);
	if (!(h->loadflags & SETUP_LOADED_HIGH))
		return image_err(bz->image, e,
				 "it wants to be loaded below 1 MiB "
				 "(loadflags 0x%x): a zImage?",
				 h->loadflags);
	return 0;
}

/* Where the protected-mode part lies in the file. */
static int find_code(struct bzimage *bz, struct err *e)
{
	const unsigned sects = bz->hdr.setup_sects ? bz->hdr.setup_sects : 4;
	const uint64_t syssize = bz->hdr.syssize * 16ULL;

	bz->offset = (sects + 1ULL) * SECTOR;
	if (bz->offset >= bz->image->size)
		return image_err(bz->image, e,
				 "truncated: %u set-up sectors and nothing "
				 "behind them",
				 sects);
	/* to the end of the file: syssize may be rounded down, and what a
	 * signer appended does no harm */
	bz->len = bz->image->size - bz->offset;
	if (bz->len + 15 < syssize)
		return image_err(bz->image, e,
				 "truncated: the header promises %llu bytes "
				 "of kernel, the file has %llu",
				 (unsigned long long)syssize,
				 (unsigned long long)bz->len);
	if (bz->len <= ENTRY_64)
		return image_err(bz->image, e,
				 "truncated: it ends before its 64-bit entry "
				 "point");
	if (bz->len > bz->hdr.init_size)
		return image_err(bz->image, e,
				 "init_size 0x%x is less than the kernel's "
				 "own %llu bytes",
				 bz->hdr.init_size,
				 (unsigned long long)bz->len);
	return 0;
}

static int check_place(const struct bzimage *bz, const struct mem *mem,
		       struct err *e)
{
	const struct setup_header *h = &bz->hdr;
	const uint64_t align = h->kernel_alignment;
	uint64_t end;

	if (h->relocatable_kernel && (!align || (align & (align - 1)) ||
				      (h->pref_address & (align - 1))))
		return image_err(bz->image, e,
				 "pref_address 0x%llx does not agree with "
				 "kernel_alignment 0x%llx",
				 (unsigned long long)h->pref_address,
				 (unsigned long long)align);
	if (h->pref_address < LAYOUT_HIGH_RAM ||
	    __builtin_add_overflow(h->pref_address, h->init_size, &end) ||
	    end > LAYOUT_IDENTITY_END)
		return image_err(bz->image, e,
				 "it wants the memory from 0x%llx for 0x%x "
				 "bytes, which is not within 1 MiB to 1 GiB",
				 (unsigned long long)h->pref_address,
				 h->init_size);
	if (!mem_at(mem, h->pref_address, h->init_size))
		return image_err(bz->image, e,
				 "it needs the memory up to 0x%llx to unpack "
				 "itself: --memory %lluM or more, or its "
				 "vmlinux, which needs less",
				 (unsigned long long)end,
				 (unsigned long long)((end + 0xfffff) >> 20));
	return 0;
}

int bzimage_load(const struct image *image, const struct kernel_head *head,
		 const struct mem *mem, struct kernel *ret_kernel,
		 struct err *e)
{
	struct bzimage bz = { .image = image };
	const struct setup_header *h = &bz.hdr;
	int r;

	if (head->len < SETUP_HEADER_OFFSET + sizeof(bz.hdr))
		return image_err(image, e, "truncated: no whole setup header");
	copy_header(&bz, head);
	if ((r = check_protocol(&bz, e)) < 0 || (r = find_code(&bz, e)) < 0 ||
	    (r = check_place(&bz, mem, e)) < 0)
		return r;
	r = image_load(image, bz.offset, mem, h->pref_address, bz.len, e);
	if (r < 0)
		return r;
	*ret_kernel = (struct kernel){
		.kind = BOOT_BZIMAGE,
		.start = h->pref_address,
		.end = h->pref_address + h->init_size,
		.entry = h->pref_address + ENTRY_64,
		.initrd_end = h->initrd_addr_max + 1ULL,
		.cmdline_max = h->cmdline_size,
		.hdr = *h,
	};
	return 0;
}
