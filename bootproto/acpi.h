/* SPDX-License-Identifier: Apache-2.0 */
/* ACPI tables for --announce acpi: RSDP, XSDT, FADT, MADT, DSDT. */
#ifndef MOTE_BOOTPROTO_ACPI_H
#define MOTE_BOOTPROTO_ACPI_H

#include "bootproto/boot.h"
#include "bootproto/layout.h"

/* Bytes kept free for them; 32 CPUs and all windows need less. */
#define ACPI_MAX (LAYOUT_ACPI_END - LAYOUT_ACPI)

/**
 * acpi_write() - write the tables at LAYOUT_ACPI
 * @req: cpus, virtio_windows and kernel_irqchip are used
 * @mem: RAM below 1 MiB must exist
 * Return: bytes used, at most ACPI_MAX.
 */
uint32_t acpi_write(const struct boot_request *req, const struct mem *mem);

#endif
