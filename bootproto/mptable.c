// SPDX-License-Identifier: Apache-2.0
/* Writes the MP table. Source: Intel MultiProcessor Specification 1.4. */
#include "bootproto/mptable.h"

#include <string.h>

#include "bootproto/checksum.h"
#include "bootproto/layout.h"

/* MP spec 4.1 to 4.3 */
struct mp_floating {
	char signature[4];
	uint32_t table;
	uint8_t paragraphs, revision, checksum;
	uint8_t feature[5]; /* [1] bit 7: PIC mode with IMCR */
};

struct mp_header {
	char signature[4];
	uint16_t bytes;
	uint8_t revision, checksum;
	char oem[8], product[12];
	uint32_t oem_table;
	uint16_t oem_bytes, entries;
	uint32_t lapic;
	uint16_t extended_bytes;
	uint8_t extended_checksum, reserved;
};

enum mp_type { MP_CPU, MP_BUS, MP_IOAPIC, MP_IRQ, MP_LOCAL };
enum mp_irq_type { MP_INT, MP_NMI, MP_SMI, MP_EXTINT };

struct mp_cpu {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
};

struct mp_bus {
	uint8_t type, id;
	char name[6];
};

struct mp_ioapic {
	uint8_t type, id, version, flags;
	uint32_t address;
};

struct mp_irq {
	uint8_t type, irq_type;
	uint16_t flags; /* 0: as the bus does it; ISA is edge, active high */
	uint8_t bus, bus_irq, apic, pin;
};

#define MP_CPU_ENABLED	   1
#define MP_CPU_BSP	   2
#define MP_IOAPIC_ENABLED  1
#define APIC_VERSION	   0x14
#define IOAPIC_VERSION	   0x20 /* devices/ioapic.c */
#define IOAPIC_VERSION_KVM 0x11
#define ALL_APICS	   0xff
#define CPUS_MAX	   32

struct mp_table {
	struct mp_floating floating;
	struct mp_header header;
	uint8_t entries[CPUS_MAX * sizeof(struct mp_cpu) +
			sizeof(struct mp_bus) + sizeof(struct mp_ioapic) +
			(LAYOUT_IOAPIC_PINS + 2) * sizeof(struct mp_irq)];
};

_Static_assert(sizeof(struct mp_floating) == 16, "floating");
_Static_assert(sizeof(struct mp_header) == 44, "header");
_Static_assert(sizeof(struct mp_cpu) == 20, "cpu");
_Static_assert(sizeof(struct mp_ioapic) == 8, "ioapic");
_Static_assert(sizeof(struct mp_irq) == 8, "irq");
_Static_assert(sizeof(struct mp_table) <= LAYOUT_MPTABLE_MAX, "fits");

static uint8_t *add(uint8_t *p, struct mp_table *t, const void *entry,
		    size_t len)
{
	memcpy(p, entry, len);
	t->header.entries++;
	return p + len;
}

static uint8_t *add_irq(uint8_t *p, struct mp_table *t, enum mp_type type,
			enum mp_irq_type irq_type, uint8_t bus_irq,
			uint8_t apic, uint8_t pin)
{
	const struct mp_irq irq = { .type = (uint8_t)type,
				    .irq_type = (uint8_t)irq_type,
				    .bus_irq = bus_irq,
				    .apic = apic,
				    .pin = pin };

	return add(p, t, &irq, sizeof(irq));
}

static uint8_t *add_cpus(uint8_t *p, struct mp_table *t, unsigned cpus)
{
	struct mp_cpu cpu = { .type = MP_CPU,
			      .apic_version = APIC_VERSION,
			      .flags = MP_CPU_ENABLED | MP_CPU_BSP,
			      .signature = 0x600,
			      .features = 0x201 /* FPU, APIC */ };

	for (unsigned i = 0; i < cpus; i++) {
		cpu.apic_id = (uint8_t)i;
		p = add(p, t, &cpu, sizeof(cpu));
		cpu.flags = MP_CPU_ENABLED;
	}
	return p;
}

void mptable_write(const struct boot_request *req, const struct mem *mem)
{
	struct mp_table *t = mem_at(mem, LAYOUT_MPTABLE, sizeof(*t));
	/* an ID of its own, behind the CPUs' */
	const uint8_t ioapic_id = (uint8_t)req->cpus;
	const struct mp_bus isa = { MP_BUS, 0, "ISA   " };
	const struct mp_ioapic ioapic = { MP_IOAPIC, ioapic_id,
					  req->kernel_irqchip
						  ? IOAPIC_VERSION_KVM
						  : IOAPIC_VERSION,
					  MP_IOAPIC_ENABLED, LAYOUT_IOAPIC };
	uint8_t *p = t->entries;

	t->header = (struct mp_header){ .signature = "PCMP",
					.revision = 4,
					.oem = "MOTE    ",
					.product = "MICROVM     ",
					.lapic = LAYOUT_LAPIC };
	p = add_cpus(p, t, req->cpus);
	p = add(p, t, &isa, sizeof(isa));
	p = add(p, t, &ioapic, sizeof(ioapic));
	for (uint8_t pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		p = add_irq(p, t, MP_IRQ, MP_INT, pin, ioapic_id, pin);
	if (req->kernel_irqchip) /* the 8259 hangs on LINT0 */
		p = add_irq(p, t, MP_LOCAL, MP_EXTINT, 0, 0, 0);
	p = add_irq(p, t, MP_LOCAL, MP_NMI, 0, ALL_APICS, 1);
	t->header.bytes = (uint16_t)(p - (uint8_t *)&t->header);
	t->header.checksum = checksum8(&t->header, t->header.bytes);
	t->floating = (struct mp_floating){ .signature = "_MP_",
					    .table = LAYOUT_MPTABLE +
						     sizeof(t->floating),
					    .paragraphs = 1,
					    .revision = 4 };
	t->floating.checksum = checksum8(&t->floating, sizeof(t->floating));
}
