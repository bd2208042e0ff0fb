/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's map: guest physical addresses, ports and interrupt lines.
 *
 * Numbers only, so that C, assembly and the guest kit can all include it.
 * bootproto/BOOT.md is the prose; what a guest may rely on is said there.
 */
#ifndef MOTE_BOOTPROTO_LAYOUT_H
#define MOTE_BOOTPROTO_LAYOUT_H

/* Below 1 MiB. 0x1000-0x2fff stays untouched: OSv writes there. */
#define LAYOUT_GDT	    0x500
#define LAYOUT_BOOT_PARAMS  0x7000
#define LAYOUT_STACK_TOP    0x8ff0 /* 16-byte aligned; 0x8000-0x8fff is free */
#define LAYOUT_PML4	    0x9000
#define LAYOUT_PDPT	    0xa000
#define LAYOUT_PD	    0xb000 /* 512 entries of 2 MiB: the first GiB */
#define LAYOUT_CMDLINE	    0x20000
#define LAYOUT_CMDLINE_MAX  0x10000 /* bytes with the NUL */
#define LAYOUT_LOW_RAM_END  0x9fc00 /* e820's first entry ends here */
#define LAYOUT_MPTABLE	    0x9fc00 /* --announce cmdline */
#define LAYOUT_MPTABLE_MAX  0x400
#define LAYOUT_ACPI	    0xe0000 /* --announce acpi; RSDP first */
#define LAYOUT_ACPI_END	    0xe4000
#define LAYOUT_RESET_VECTOR 0xffff0    /* where a real-mode restart jumps to */
#define LAYOUT_HIGH_RAM	    0x100000   /* e820's second entry starts here */
#define LAYOUT_IDENTITY_END 0x40000000 /* what is mapped at entry ends here */

/* The hole below 4 GiB. */
#define LAYOUT_VIRTIO	     0xd0000000
#define LAYOUT_VIRTIO_STRIDE 0x1000
#define LAYOUT_VIRTIO_MAX                                                      \
	18 /* windows; one GSI each, see layout_virtio_gsi() */
#define LAYOUT_IOAPIC 0xfec00000
#define LAYOUT_LAPIC  0xfee00000

/* Interrupt lines: IOAPIC pins, and 8259 lines with --irqchip kernel. */
#define LAYOUT_IOAPIC_PINS 24
#define LAYOUT_GSI_SERIAL  4
#define LAYOUT_GSI_VIRTIO  5 /* the first; 8 is left to the RTC */

/* Ports. */
#define LAYOUT_PORT_SERIAL	  0x3f8
#define LAYOUT_PORT_KBC		  0x64 /* write 0xfe: reset */
#define LAYOUT_PORT_RTC		  0x70
#define LAYOUT_PORT_EXIT	  0x501 /* write: exit status, 0-123 */
#define LAYOUT_PORT_SLEEP_CONTROL 0x600 /* ACPI SLP_TYP|SLP_EN */
#define LAYOUT_PORT_SLEEP_STATUS  0x601
#define LAYOUT_PORT_RESET	  0x602 /* ACPI RESET_REG */
#define LAYOUT_RESET_VALUE	  0x01
#define LAYOUT_SLP_TYP_S5	  5

#ifndef __ASSEMBLER__
/* The interrupt line of virtio window @index: 5, 6, 7, 9, 10, ... 23. */
static inline unsigned layout_virtio_gsi(unsigned index)
{
	return LAYOUT_GSI_VIRTIO + index + (index >= 3);
}
#endif

#endif
