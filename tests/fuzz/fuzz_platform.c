// SPDX-License-Identifier: Apache-2.0
/*
 * The small ports and the I/O APIC under any accesses, of any size at any
 * place, while lines rise and fall. Messages must be such as pins can send; a
 * level-triggered pin sends no second one before its EOI.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/ioapic.h"
#include "devices/platform.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/stop.h"
#include "tests/fuzz/script.h"

#define LEVEL	    (1U << 15)
#define MSI_LEVEL   (3U << 14)
#define MSI_ADDRESS 0xfee00000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bus pio, mmio;
static struct ioapic io;
static unsigned messages, routes;

static void send(void *cookie, uint32_t addr, uint32_t data)
{
	FUZZ_CHECK(cookie == &io);
	FUZZ_CHECK((addr & 0xfff00ffb) == MSI_ADDRESS);
	FUZZ_CHECK(!(data & ~(0x7ffU | MSI_LEVEL)));
	messages++;
}

static void routes_changed(void *cookie, uint32_t level_pins)
{
	FUZZ_CHECK(cookie == &io && level_pins >> LAYOUT_IOAPIC_PINS == 0);
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		uint32_t addr, data;

		ioapic_message(&io, pin, &addr, &data);
		FUZZ_CHECK(!(level_pins >> pin & 1) ||
			   (data & MSI_LEVEL) == MSI_LEVEL);
	}
	routes++;
}

static void init(void)
{
	io = (struct ioapic){ .send = send,
			      .routes_changed = routes_changed,
			      .cookie = &io };
	ioapic_init(&io);
	if (mmio.ranges)
		return;
	log_set_level(LOG_ERR);
	FUZZ_CHECK(!platform_add_ports(&pio, false));
	FUZZ_CHECK(!bus_add(&mmio, LAYOUT_IOAPIC, 4096, &ioapic_bus_ops, &io));
}

static unsigned size_of(uint8_t how)
{
	return 1U << (how >> 6);
}

/* A port with a device, or next to one, or any. */
static uint16_t port(struct script *s, uint8_t how)
{
	const struct bus_range *r = &pio.range[(how >> 2) % pio.ranges];

	return how & 2 ? script_u16(s)
		       : (uint16_t)(r->base + (script_u8(s) & 7) - 1);
}

static bool in_size(uint64_t val, unsigned size)
{
	return size >= 8 || val >> (8 * size) == 0;
}

static void access_port(struct script *s)
{
	uint8_t how = script_u8(s);
	unsigned size = size_of(how) & 7 ? size_of(how) : 4;
	uint16_t at = port(s, how);

	if (how & 1)
		bus_write(&pio, at, size, script_u32(s));
	else
		FUZZ_CHECK(in_size(bus_read(&pio, at, size), size));
}

static void access_window(struct script *s)
{
	uint8_t how = script_u8(s);
	uint64_t at = LAYOUT_IOAPIC + (script_u16(s) & 0xfff);

	if (how & 1)
		bus_write(&mmio, at, size_of(how), script_u64(s));
	else
		FUZZ_CHECK(in_size(bus_read(&mmio, at, size_of(how)),
				   size_of(how)));
}

/* As drivers do it: select, then the window. */
static void access_register(struct script *s)
{
	uint8_t reg = script_u8(s);

	bus_write(&mmio, LAYOUT_IOAPIC, 4, reg);
	FUZZ_CHECK(bus_read(&mmio, LAYOUT_IOAPIC, 4) == reg);
	if (script_u8(s) & 1)
		bus_write(&mmio, LAYOUT_IOAPIC + 0x10, 4, script_u32(s));
	else
		bus_read(&mmio, LAYOUT_IOAPIC + 0x10, 4);
}

static void move_line(struct script *s)
{
	uint8_t how = script_u8(s);
	unsigned pin = how & 31, before = messages;
	bool waits = pin < LAYOUT_IOAPIC_PINS &&
		     (io.redirection[pin] & LEVEL) &&
		     (io.redirection[pin] & 1U << 14);

	ioapic_set(&io, pin, how & 0x20);
	FUZZ_CHECK(messages - before <= 1);
	FUZZ_CHECK(!waits || messages == before);
}

/* One message at most for each pin that has the vector. */
static void end_interrupt(struct script *s)
{
	unsigned before = messages;

	ioapic_eoi(&io, script_u8(s));
	FUZZ_CHECK(messages - before <= LAYOUT_IOAPIC_PINS);
}

static void act(struct script *s)
{
	switch (script_u8(s) % 8) {
	case 0:
	case 1:
		access_port(s);
		break;
	case 2:
		access_window(s);
		break;
	case 3:
		end_interrupt(s);
		break;
	case 4:
	case 5:
		move_line(s);
		break;
	default:
		access_register(s);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };

	init();
	while (script_more(&s))
		act(&s);
	/* once a guest has ended the run it stays ended, with its status */
	FUZZ_CHECK(stop_status() >= -1 && stop_status() <= EXIT_GUEST_MAX);
	return 0;
}
