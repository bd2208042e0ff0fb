/* SPDX-License-Identifier: Apache-2.0 */
/* What the image parsers hand on: a kernel that lies in guest memory. */
#ifndef MOTE_BOOTPROTO_KERNEL_H
#define MOTE_BOOTPROTO_KERNEL_H

#include <stdint.h>

#include "bootproto/boot.h"
#include "bootproto/bootparams.h"

/* Bytes of an image that are read before its kind is known: an ELF header
 * with 17 program headers, or a whole setup header. */
#define KERNEL_HEAD 1024

/**
 * struct kernel_head - the start of an image, read once
 * @bytes: zero-filled behind @len
 */
struct kernel_head {
	uint8_t bytes[KERNEL_HEAD];
	uint64_t len;
};

/**
 * struct kernel - a loaded kernel
 * @start, @end: the memory it occupies or wants to itself from entry on
 * @entry: 64-bit entry point, below LAYOUT_IDENTITY_END
 * @initrd_end: an initrd must end at or below this address
 * @cmdline_max: characters it takes, without the NUL
 * @hdr: the setup header that boot_params starts from
 */
struct kernel {
	enum boot_kind kind;
	gpa_t start, end, entry;
	gpa_t initrd_end;
	uint64_t cmdline_max;
	struct setup_header hdr;
};

#endif
