/* SPDX-License-Identifier: Apache-2.0 */
/* From an image to a guest that can be entered: the door to bootproto/. */
#ifndef MOTE_BOOTPROTO_BOOT_H
#define MOTE_BOOTPROTO_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "bootproto/announce.h"
#include "bootproto/image.h"
#include "monitor/mem.h"

struct err;

/* What the image turned out to be. */
enum boot_kind { BOOT_BZIMAGE, BOOT_VMLINUX, BOOT_ELF64 };

/**
 * struct boot_request - all that loading needs to know
 * @kernel: the image
 * @initrd: or NULL
 * @cmdline: the user's words, or NULL for the kind's default
 * @args: guest arguments, appended behind " -- "; may be NULL when @nargs is 0
 * @cpus: 1..32
 * @virtio_windows: number of virtio-mmio windows in use, from LAYOUT_VIRTIO
 * @announce: as asked for
 * @kernel_irqchip: PIC, IOAPIC and PIT in the kernel: said in MADT/MP table
 */
struct boot_request {
	const struct image *kernel;
	const struct image *initrd;
	const char *cmdline;
	const char *const *args;
	unsigned nargs;
	unsigned cpus;
	unsigned virtio_windows;
	enum boot_announce announce;
	bool kernel_irqchip;
};

/**
 * struct boot_entry - what the first vCPU starts with
 * @kind: what the image is
 * @announce: BOOT_ANNOUNCE_ACPI or _CMDLINE, as chosen
 * @rip, @rsp, @rsi: registers; rsi points at boot_params
 * @cmdline: gpa of the NUL-terminated command line, for --dry-run
 * @image_start, @image_end: lowest and highest gpa of the loaded kernel
 * @initrd_start, @initrd_len: 0 without
 */
struct boot_entry {
	enum boot_kind kind;
	enum boot_announce announce;
	uint64_t rip, rsp, rsi;
	gpa_t cmdline;
	gpa_t image_start, image_end;
	gpa_t initrd_start;
	uint64_t initrd_len;
};

/**
 * struct boot_segment - one segment register at entry, and its GDT slot
 * The first vCPU gets exactly this state; SDM 3A 3.4.5 names the fields.
 */
struct boot_segment {
	uint16_t selector;
	uint8_t type;
	bool s, l, db, g;
	uint64_t base;
	uint32_t limit;
};

extern const struct boot_segment boot_code64; /* 0x10 */
extern const struct boot_segment boot_data;   /* 0x18 */
extern const struct boot_segment boot_tss;    /* 0x20, busy */

/* GDT register at entry: LAYOUT_GDT, this limit. */
#define BOOT_GDT_LIMIT (6 * 8 - 1)

/**
 * boot_load() - check the image and make the guest memory ready for entry
 * Writes kernel, initrd, page tables, GDT, boot_params, command line and
 * ACPI or MP tables into @mem, which must be zeroed.
 * Context: main thread, stage "load": does pread(2) on the images' descriptors
 * and nothing else; never allocates.
 * Return: 0; negative errno with @e filled otherwise (status 126 for an image
 * that cannot be booted, 125 for options that do not fit it).
 */
int boot_load(const struct boot_request *req, const struct mem *mem,
	      struct boot_entry *ret_entry, struct err *e);

#endif
