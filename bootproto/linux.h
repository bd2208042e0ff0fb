/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's 64-bit boot protocol: boot_params and where an initrd goes. */
#ifndef MOTE_BOOTPROTO_LINUX_H
#define MOTE_BOOTPROTO_LINUX_H

#include "bootproto/kernel.h"

/**
 * linux_load_initrd() - place and copy the initrd
 * As high as the kernel can use it, so that it is out of the way; below the
 * kernel where there is no room above it.
 * @initrd: may be NULL or empty: *@ret_start is 0 then
 * Return: 0; negative errno with @e (EXIT_MISUSE when there is no room).
 */
int linux_load_initrd(const struct image *initrd, const struct kernel *kernel,
		      const struct mem *mem, gpa_t *ret_start, struct err *e);

/**
 * linux_write_params() - write boot_params at LAYOUT_BOOT_PARAMS
 * @entry: cmdline, initrd and announce are set already
 * @cmdline_len: characters without the NUL
 * @acpi_bytes: size of the tables at LAYOUT_ACPI, 0 without
 */
void linux_write_params(const struct kernel *kernel,
			const struct boot_entry *entry, uint32_t cmdline_len,
			uint32_t acpi_bytes, const struct mem *mem);

/**
 * linux_write_reset() - put code at LAYOUT_RESET_VECTOR that ends the VM
 *
 * With hardware-reduced ACPI and no EFI, Linux restarts (reboot, panic=-1) by
 * jumping to the BIOS in real mode, unless its command line has reboot=a.
 */
void linux_write_reset(const struct mem *mem);

#endif
