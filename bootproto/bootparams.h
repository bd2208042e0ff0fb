/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's boot_params ("zero page") and setup header, as the guest reads them.
 * Source: Linux Documentation/arch/x86/boot.rst and zero-page.rst. */
#ifndef MOTE_BOOTPROTO_BOOTPARAMS_H
#define MOTE_BOOTPROTO_BOOTPARAMS_H

#include <stddef.h>
#include <stdint.h>

#define SETUP_HEADER_OFFSET 0x1f1 /* in the file and in boot_params */
#define SETUP_BOOT_FLAG	    0xaa55
#define SETUP_MAGIC	    0x53726448 /* "HdrS" */
#define SETUP_LOADER_OTHER  0xff       /* type_of_loader: none of the listed */
#define SETUP_LOADED_HIGH   0x01       /* loadflags */
#define SETUP_XLF_KERNEL_64 0x01       /* xloadflags: has a 64-bit entry */

struct setup_header {
	uint8_t setup_sects; /* 512-byte sectors after the first; 0 means 4 */
	uint16_t root_flags;
	uint32_t syssize; /* protected-mode code, in 16-byte units */
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint8_t jump[2]; /* a short jump over the header: tells its length */
	uint32_t header;
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;
	uint32_t initrd_addr_max; /* highest address an initrd byte may have */
	uint32_t kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	uint16_t xloadflags;
	uint32_t cmdline_size; /* characters, without the NUL */
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;
	uint64_t pref_address;
	uint32_t init_size; /* bytes needed from the load address on */
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
} __attribute__((packed));

_Static_assert(sizeof(struct setup_header) == 0x26c - 0x1f1, "setup_header");
_Static_assert(offsetof(struct setup_header, header) == 0x202 - 0x1f1,
	       "header");
_Static_assert(offsetof(struct setup_header, cmdline_size) == 0x238 - 0x1f1,
	       "cmdline_size");
_Static_assert(offsetof(struct setup_header, init_size) == 0x260 - 0x1f1,
	       "init_size");

enum e820_type { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3 };

struct e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* enum e820_type */
} __attribute__((packed));

struct boot_params {
	uint8_t pad0[0x70];
	uint64_t acpi_rsdp_addr;
	uint8_t pad1[0x1e8 - 0x78];
	uint8_t e820_entries;
	uint8_t pad2[SETUP_HEADER_OFFSET - 0x1e9];
	struct setup_header hdr;
	uint8_t pad3[0x2d0 - 0x26c];
	struct e820_entry e820_table[128];
	uint8_t pad4[0x1000 - 0xcd0];
} __attribute__((packed));

_Static_assert(sizeof(struct boot_params) == 0x1000, "boot_params");
_Static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "e820");
_Static_assert(offsetof(struct boot_params, hdr) == 0x1f1, "hdr");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "table");

#endif
