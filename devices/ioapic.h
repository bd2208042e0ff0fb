/* SPDX-License-Identifier: Apache-2.0 */
/* I/O APIC in user space: pins in, MSI-shaped messages to the LAPICs out. */
#ifndef MOTE_DEVICES_IOAPIC_H
#define MOTE_DEVICES_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "bootproto/layout.h"
#include "monitor/bus.h"
#include "monitor/spin.h"

/**
 * struct ioapic - 24 pins (Intel 82093AA, with the EOI register of its
 * successors: version 0x20)
 * @send: deliver one message (address and data as PCI MSI has them); may be a
 *        system call, so it is never called with @lock held
 * @routes_changed: level-triggered pins came or went: the LAPICs must tell us
 *        of their EOIs. Only guests that program such pins ever cause it.
 *        @level_pins: bit n is set if pin n is level-triggered and was
 *        unmasked at least once since it is.
 * @cookie: passed to both
 *
 * Fields from @lock on are guarded by it. Used from vCPU threads (registers,
 * EOI) and from any thread (pins).
 */
struct ioapic {
	void (*send)(void *cookie, uint32_t addr, uint32_t data);
	void (*routes_changed)(void *cookie, uint32_t level_pins);
	void *cookie;

	struct spin lock;
	uint64_t redirection[LAYOUT_IOAPIC_PINS];
	uint32_t asserted; /* bit n: pin n's line is high */
	uint32_t latched;  /* bit n: an edge came while pin n was masked */
	uint32_t level_pins;
	/* level-triggered entries as the LAPICs know them; a change counts */
	uint64_t route[LAYOUT_IOAPIC_PINS];
	uint32_t route_changes;
	uint32_t untold;  /* bit n: pin n's may not be known to them yet */
	uint32_t telling; /* vCPUs in @routes_changed */
	uint8_t select, id;
};

/** ioapic_init() - reset state: every pin masked; callbacks are set before */
void ioapic_init(struct ioapic *io);

/** ioapic_set() - a pin changes; struct irq_line says what @asserted means */
void ioapic_set(struct ioapic *io, unsigned pin, bool asserted);

/** ioapic_eoi() - a LAPIC ended @vector (KVM_EXIT_IOAPIC_EOI) */
void ioapic_eoi(struct ioapic *io, uint8_t vector);

/** ioapic_message() - the message that @pin sends at present */
void ioapic_message(struct ioapic *io, unsigned pin, uint32_t *ret_addr,
		    uint32_t *ret_data);

extern const struct bus_ops ioapic_bus_ops; /* 4 KiB at LAYOUT_IOAPIC */

#endif
