/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of bootproto/ share: an input becomes the image, its
 * last bytes choose the options; then boot_load() runs on a small fixed RAM,
 * and what it promises is checked.
 */
#ifndef MOTE_TESTS_FUZZ_BOOTFUZZ_H
#define MOTE_TESTS_FUZZ_BOOTFUZZ_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bootproto/boot.h"
#include "bootproto/bootparams.h"
#include "bootproto/layout.h"
#include "monitor/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_LOW    (4U << 20)
#define FUZZ_HIGH   (64U << 10)
#define FUZZ_INITRD (1U << 20)

static _Alignas(4096) uint8_t fuzz_ram[FUZZ_LOW + FUZZ_HIGH];
static uint8_t fuzz_initrd[FUZZ_INITRD];

static struct mem fuzz_mem = {
	.region = { { 0, FUZZ_LOW, fuzz_ram },
		    { MEM_HOLE_END, FUZZ_HIGH, fuzz_ram + FUZZ_LOW } },
	.regions = 2,
};

#define REQUIRE(cond)                                                          \
	do {                                                                   \
		if (!(cond))                                                   \
			abort();                                               \
	} while (0)

static inline uint8_t fuzz_byte(const struct image *image, unsigned from_end)
{
	return image->size < from_end ? 0
				      : image->bytes[image->size - from_end];
}

/* A file with the initrd's bytes, or shorter, as files are that shrink. */
static inline int fuzz_file(uint64_t size)
{
	static int fd;

	if (!fd)
		fd = memfd_create("initrd", MFD_CLOEXEC);
	REQUIRE(!ftruncate(fd, 0) &&
		pwrite(fd, fuzz_initrd, size, 0) == (ssize_t)size);
	return fd;
}

static inline void fuzz_request(struct boot_request *req,
				const struct image *image, struct image *initrd)
{
	static const char *const args[] = { "one", "two words", "" };
	static const char *const cmdline[] = { NULL, "", "a -- b",
					       "console=ttyS0 panic=-1" };
	const uint8_t bits = fuzz_byte(image, 2);
	unsigned how;

	*req = (struct boot_request){
		.kernel = image,
		.cmdline = cmdline[bits & 3],
		.args = args,
		.nargs = bits >> 2 & 3,
		.announce = (enum boot_announce)((bits >> 4 & 3) % 3),
		.kernel_irqchip = bits >> 6 & 1,
		.cpus = fuzz_byte(image, 3) % 32 + 1U,
		.virtio_windows =
			fuzz_byte(image, 4) % (LAYOUT_VIRTIO_MAX + 1U),
	};
	*initrd = (struct image){ "initrd", "fuzz", -1, fuzz_initrd,
				  fuzz_byte(image, 1) * 4096ULL };
	if (initrd->size)
		req->initrd = initrd;
	how = fuzz_byte(image, 5) & 3;
	fuzz_mem.share = how == 1; /* and then a file must not shrink */
	if (initrd->size && how) {
		initrd->bytes = NULL;
		initrd->fd = fuzz_file(initrd->size - (how == 2));
	}
}

static inline void fuzz_check_initrd(const struct boot_request *req,
				     const struct boot_entry *entry)
{
	const void *at;

	if (!req->initrd) {
		REQUIRE(!entry->initrd_start && !entry->initrd_len);
		return;
	}
	at = mem_at(&fuzz_mem, entry->initrd_start, entry->initrd_len);
	REQUIRE(at && entry->initrd_start >= LAYOUT_HIGH_RAM);
	REQUIRE(entry->initrd_start >= entry->image_end ||
		entry->initrd_start + entry->initrd_len <= entry->image_start);
	REQUIRE(!memcmp(at, fuzz_initrd, entry->initrd_len));
}

static inline void fuzz_check_entry(const struct boot_request *req,
				    const struct boot_entry *entry)
{
	const struct boot_params *bp =
		mem_at(&fuzz_mem, entry->rsi, sizeof(*bp));
	const char *cmdline =
		mem_at(&fuzz_mem, entry->cmdline, LAYOUT_CMDLINE_MAX);
	const uint64_t *pml4 = mem_at(&fuzz_mem, LAYOUT_PML4, 4096);

	REQUIRE(mem_at(&fuzz_mem, entry->rip, 1));
	REQUIRE(entry->rip < LAYOUT_IDENTITY_END);
	REQUIRE(entry->rip >= entry->image_start &&
		entry->rip < entry->image_end);
	REQUIRE(entry->rsp == LAYOUT_STACK_TOP);
	REQUIRE(entry->announce == BOOT_ANNOUNCE_ACPI ||
		entry->announce == BOOT_ANNOUNCE_CMDLINE);
	REQUIRE(bp && bp->hdr.header == SETUP_MAGIC);
	REQUIRE(bp->e820_entries >= 4 && bp->e820_entries <= 5);
	REQUIRE(bp->hdr.cmd_line_ptr == entry->cmdline);
	REQUIRE(memchr(cmdline, 0, LAYOUT_CMDLINE_MAX));
	REQUIRE((pml4[0] & ~0xfffULL) == LAYOUT_PDPT && !pml4[1]);
	fuzz_check_initrd(req, entry);
}

/* Return: did it load? Whatever it answers has to be a whole answer. */
static inline bool fuzz_boot(const struct image *image)
{
	struct boot_request req;
	struct boot_entry entry;
	struct image initrd;
	struct err e = { 0 };
	int r;

	/* without the pages of a file that were there */
	if (fuzz_mem.share)
		REQUIRE(mmap(fuzz_ram, sizeof(fuzz_ram), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			     0) == fuzz_ram);
	memset(fuzz_ram, 0, sizeof(fuzz_ram));
	memset(fuzz_initrd, 0x11, sizeof(fuzz_initrd));
	fuzz_request(&req, image, &initrd);
	r = boot_load(&req, &fuzz_mem, &entry, &e);
	if (r) {
		REQUIRE(r < 0 && e.code == r && e.msg[0]);
		REQUIRE(e.status == EXIT_MISUSE || e.status == EXIT_BAD_IMAGE);
		return false;
	}
	fuzz_check_entry(&req, &entry);
	return true;
}

#endif
