// SPDX-License-Identifier: Apache-2.0
/*
 * Writes hardware-reduced ACPI: no event block, no timer, no FACS; the guest
 * learns CPUs and interrupts from the MADT and devices from the DSDT, ends
 * through the sleep register and restarts through the reset register.
 * Source: ACPI specification 6.5.
 */
#include "bootproto/acpi.h"

#include <stddef.h>
#include <string.h>

#include "bootproto/aml.h"
#include "bootproto/checksum.h"
#include "bootproto/layout.h"

struct acpi_rsdp { /* 5.2.5.3 */
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));

struct acpi_header { /* 5.2.6 */
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct acpi_xsdt {
	struct acpi_header header;
	uint64_t table[2];
} __attribute__((packed));

struct acpi_gas { /* 5.2.3.2 */
	uint8_t space, bits, offset, access;
	uint64_t address;
} __attribute__((packed));

struct acpi_fadt { /* 5.2.9 */
	struct acpi_header header;
	uint32_t facs, dsdt;
	uint8_t reserved, profile;
	uint8_t fixed[109 - 46]; /* fixed hardware, of which we have none */
	uint16_t boot_arch;
	uint8_t reserved2;
	uint32_t flags;
	struct acpi_gas reset;
	uint8_t reset_value;
	uint8_t arm[2], minor;
	uint64_t x_facs, x_dsdt;
	struct acpi_gas x_fixed[8];
	struct acpi_gas sleep_control, sleep_status;
	uint64_t hypervisor;
} __attribute__((packed));

#define FADT_WBINVD	     (1U << 0)
#define FADT_C1		     (1U << 2)
#define FADT_NO_POWER_BUTTON (1U << 4)
#define FADT_NO_SLEEP_BUTTON (1U << 5)
#define FADT_RESET_REG	     (1U << 10)
#define FADT_HW_REDUCED	     (1U << 20)
/* IA-PC boot architecture: bit 1, an 8042, stays clear. */
#define FADT_NO_VGA	 (1U << 2)
#define FADT_NO_CMOS_RTC (1U << 5)

struct madt { /* 5.2.12 */
	struct acpi_header header;
	uint32_t lapic, flags;
} __attribute__((packed));

#define MADT_PCAT_COMPAT 1 /* there is an 8259 pair too */

struct madt_lapic {
	uint8_t type, length, uid, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
} __attribute__((packed));

enum madt_type { MADT_LAPIC, MADT_IOAPIC, MADT_LAPIC_NMI = 4 };

_Static_assert(sizeof(struct acpi_rsdp) == 36, "rsdp");
_Static_assert(sizeof(struct acpi_header) == 36, "header");
_Static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "boot_arch");
_Static_assert(offsetof(struct acpi_fadt, reset) == 116, "reset");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "x_dsdt");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244, "sleep");
_Static_assert(sizeof(struct acpi_fadt) == 276, "fadt");

/**
 * struct tables - the area at LAYOUT_ACPI being filled
 * @used: bytes so far
 */
struct tables {
	uint8_t *area;
	uint32_t used;
};

static uint32_t address(const struct tables *t, const void *table)
{
	return LAYOUT_ACPI + (uint32_t)((const uint8_t *)table - t->area);
}

/* Takes @len bytes of the area, 16-byte aligned. */
static void *take(struct tables *t, uint32_t len)
{
	void *p = t->area + t->used;

	t->used = (t->used + len + 15) & ~15U;
	return p;
}

static void seal(struct acpi_header *h, const char *signature, uint8_t revision,
		 uint32_t length)
{
	*h = (struct acpi_header){ .length = length,
				   .revision = revision,
				   .oem = "MOTE  ",
				   .oem_table = "MICROVM ",
				   .oem_revision = 1,
				   .creator = "MOTE",
				   .creator_revision = 1 };
	memcpy(h->signature, signature, sizeof(h->signature));
	h->checksum = checksum8(h, length);
}

static void add_cpus(struct aml *a, unsigned cpus)
{
	char name[] = "CP00";

	for (unsigned i = 0; i < cpus; i++) {
		uint32_t device;

		name[2] = (char)('0' + i / 10);
		name[3] = (char)('0' + i % 10);
		device = aml_device(a, name);
		aml_name(a, "_HID");
		aml_string(a, "ACPI0007");
		aml_name(a, "_UID"); /* the MADT's */
		aml_int(a, i);
		aml_close(a, device);
	}
}

static void add_uart(struct aml *a)
{
	uint32_t device = aml_device(a, "COM1"), crs;

	aml_name(a, "_HID");
	aml_eisaid(a, "PNP0501");
	aml_name(a, "_UID");
	aml_int(a, 0);
	aml_name(a, "_CRS");
	crs = aml_buffer(a, AML_IO_BYTES + AML_INTERRUPT_BYTES + AML_END_BYTES);
	aml_io(a, LAYOUT_PORT_SERIAL, 8);
	aml_interrupt_edge(a, LAYOUT_GSI_SERIAL);
	aml_end(a);
	aml_close(a, crs);
	aml_close(a, device);
}

static void add_virtio(struct aml *a, unsigned windows)
{
	char name[] = "VR00";

	for (unsigned i = 0; i < windows; i++) {
		uint32_t device, crs;

		name[2] = (char)('0' + i / 10);
		name[3] = (char)('0' + i % 10);
		device = aml_device(a, name);
		aml_name(a, "_HID");
		aml_string(a, "LNRO0005");
		aml_name(a, "_UID");
		aml_int(a, i);
		aml_name(a, "_CRS");
		crs = aml_buffer(a, AML_MEMORY_BYTES + AML_INTERRUPT_BYTES +
					    AML_END_BYTES);
		aml_memory(a, LAYOUT_VIRTIO + i * LAYOUT_VIRTIO_STRIDE,
			   LAYOUT_VIRTIO_STRIDE);
		aml_interrupt_edge(a, layout_virtio_gsi(i));
		aml_end(a);
		aml_close(a, crs);
		aml_close(a, device);
	}
}

static uint32_t write_dsdt(struct tables *t, const struct boot_request *req)
{
	struct acpi_header *h = take(t, 0);
	struct aml a = { (uint8_t *)h, sizeof(*h), ACPI_MAX - t->used };
	uint32_t opened;

	aml_name(&a, "_S5_");
	opened = aml_package(&a, 1);
	aml_int(&a, LAYOUT_SLP_TYP_S5);
	aml_close(&a, opened);
	opened = aml_scope(&a, "_SB_");
	add_cpus(&a, req->cpus);
	add_uart(&a);
	add_virtio(&a, req->virtio_windows);
	aml_close(&a, opened);
	take(t, a.len);
	seal(h, "DSDT", 2, a.len);
	return address(t, h);
}

static struct acpi_gas port(uint16_t number)
{
	return (struct acpi_gas){
		.space = 1, .bits = 8, .access = 1, .address = number
	};
}

static uint32_t write_fadt(struct tables *t, uint32_t dsdt)
{
	struct acpi_fadt *f = take(t, sizeof(*f));

	f->dsdt = dsdt;
	f->x_dsdt = dsdt;
	f->boot_arch = FADT_NO_VGA | FADT_NO_CMOS_RTC;
	f->flags = FADT_WBINVD | FADT_C1 | FADT_NO_POWER_BUTTON |
		   FADT_NO_SLEEP_BUTTON | FADT_RESET_REG | FADT_HW_REDUCED;
	f->reset = port(LAYOUT_PORT_RESET);
	f->reset_value = LAYOUT_RESET_VALUE;
	f->sleep_control = port(LAYOUT_PORT_SLEEP_CONTROL);
	f->sleep_status = port(LAYOUT_PORT_SLEEP_STATUS);
	f->minor = 5;
	seal(&f->header, "FACP", 6, sizeof(*f));
	return address(t, f);
}

/* APIC IDs stay below 255, so x2APIC entries are never called for. */
static uint32_t write_madt(struct tables *t, const struct boot_request *req)
{
	struct madt *m = take(t, 0);
	struct madt_lapic *cpu = (void *)(m + 1);
	struct madt_ioapic *ioapic = (void *)(cpu + req->cpus);
	struct madt_nmi *nmi = (void *)(ioapic + 1);
	const uint32_t len = (uint32_t)((uint8_t *)(nmi + 1) - (uint8_t *)m);

	take(t, len);
	m->lapic = LAYOUT_LAPIC;
	m->flags = req->kernel_irqchip ? MADT_PCAT_COMPAT : 0;
	for (unsigned i = 0; i < req->cpus; i++)
		cpu[i] = (struct madt_lapic){ MADT_LAPIC, sizeof(*cpu),
					      (uint8_t)i, (uint8_t)i, 1 };
	*ioapic = (struct madt_ioapic){ .type = MADT_IOAPIC,
					.length = sizeof(*ioapic),
					.id = (uint8_t)req->cpus,
					.address = LAYOUT_IOAPIC };
	*nmi = (struct madt_nmi){ .type = MADT_LAPIC_NMI,
				  .length = sizeof(*nmi),
				  .uid = 0xff, /* all of them */
				  .lint = 1 };
	seal(&m->header, "APIC", 5, len);
	return address(t, m);
}

uint32_t acpi_write(const struct boot_request *req, const struct mem *mem)
{
	struct tables t = { .area = mem_at(mem, LAYOUT_ACPI, ACPI_MAX) };
	struct acpi_rsdp *rsdp = take(&t, sizeof(*rsdp));
	struct acpi_xsdt *xsdt = take(&t, sizeof(*xsdt));

	xsdt->table[0] = write_fadt(&t, write_dsdt(&t, req));
	xsdt->table[1] = write_madt(&t, req);
	seal(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
	*rsdp = (struct acpi_rsdp){ .signature = "RSD PTR ",
				    .oem = "MOTE  ",
				    .revision = 2,
				    .length = sizeof(*rsdp),
				    .xsdt = address(&t, xsdt) };
	rsdp->checksum = checksum8(rsdp, 20); /* the part of ACPI 1.0 */
	rsdp->extended_checksum = checksum8(rsdp, sizeof(*rsdp));
	return t.used;
}
