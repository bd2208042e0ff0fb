// SPDX-License-Identifier: Apache-2.0
/* The I/O APIC's registers and pins, and the messages that come of them. */
#include "devices/ioapic.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

/* Redirection entry, 82093AA 3.2.4. */
#define LOGICAL	   0x0800U
#define STATUS	   0x1000U
#define ACTIVE_LOW 0x2000U
#define REMOTE_IRR 0x4000U
#define LEVEL	   0x8000U
#define MASKED	   0x10000U

static struct ioapic io;

static struct {
	uint32_t addr[64], data[64];
	unsigned n;
} sent;

static struct {
	uint32_t pins[64]; /* argument of each call */
	unsigned n;
} routes;

static void record_message(void *cookie, uint32_t addr, uint32_t data)
{
	cr_assert(cookie == &sent);
	sent.addr[sent.n % 64] = addr;
	sent.data[sent.n++ % 64] = data;
}

static void record_routes(void *cookie, uint32_t level_pins)
{
	cr_assert(cookie == &sent);
	routes.pins[routes.n++ % 64] = level_pins;
}

static void setup(void)
{
	io.send = record_message;
	io.routes_changed = record_routes;
	io.cookie = &sent;
	ioapic_init(&io);
}

TestSuite(ioapic, .init = setup);

static uint32_t get(unsigned reg)
{
	ioapic_bus_ops.write(&io, 0x00, 4, reg);
	return (uint32_t)ioapic_bus_ops.read(&io, 0x10, 4);
}

static void put(unsigned reg, uint32_t val)
{
	ioapic_bus_ops.write(&io, 0x00, 4, reg);
	ioapic_bus_ops.write(&io, 0x10, 4, val);
}

static void program(unsigned pin, uint32_t low, uint8_t dest)
{
	put(0x11 + 2 * pin, (uint32_t)dest << 24);
	put(0x10 + 2 * pin, low);
}

/* How many messages since the last time. */
static unsigned messages(void)
{
	unsigned n = sent.n;

	sent.n = 0;
	return n;
}

/* ---- registers ----------------------------------------------------------- */

Test(ioapic, starts_masked)
{
	cr_expect(get(0x00) == 0);
	cr_expect(get(0x01) == 0x00170020, "24 pins, with an EOI register");
	cr_expect(get(0x02) == 0);
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		cr_expect(get(0x10 + 2 * pin) == MASKED, "pin %u", pin);
		cr_expect(get(0x11 + 2 * pin) == 0, "pin %u", pin);
	}
}

Test(ioapic, writes_what_is_writable)
{
	static const struct {
		unsigned reg;
		uint32_t write, read;
	} rows[] = {
		{ 0x00, 0xffffffff, 0x0f000000 }, /* four bits of id */
		{ 0x00, 0x05000000, 0x05000000 },
		{ 0x02, 0x0a000000, 0x05000000 }, /* arbitration follows it */
		{ 0x01, 0xffffffff, 0x00170020 },
		{ 0x10, 0x00010055, 0x00010055 },
		{ 0x10, 0x00017055, 0x00012055 }, /* status, Remote IRR: no */
		{ 0x11, 0x7f000000, 0x7f000000 },
		{ 0x3e, 0x000108aa, 0x000108aa }, /* pin 23 */
		{ 0x3f, 0x01000000, 0x01000000 },
		{ 0x40, 0xffffffff, 0x00000000 }, /* pin 24 is none */
		{ 0x41, 0xffffffff, 0x00000000 },
		{ 0x03, 0xffffffff, 0x00000000 },
		{ 0x0f, 0xffffffff, 0x00000000 },
		{ 0xff, 0xffffffff, 0x00000000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t got;

		put(rows[i].reg, rows[i].write);
		got = get(rows[i].reg);
		cr_expect(got == rows[i].read,
			  "register 0x%02x := 0x%08x reads 0x%08x", rows[i].reg,
			  rows[i].write, got);
	}
	cr_expect(get(0x3e) == 0x000108aa, "pin 24 fell on pin 23");
	cr_expect(sent.n == 0 && routes.n == 0);
}

Test(ioapic, selector_is_a_byte_and_reads_back)
{
	ioapic_bus_ops.write(&io, 0x00, 4, 0xabcd1201);
	cr_expect(ioapic_bus_ops.read(&io, 0x00, 4) == 0x01);
	cr_expect(ioapic_bus_ops.read(&io, 0x10, 4) == 0x00170020);
}

Test(ioapic, rest_of_the_page_reads_zero)
{
	for (uint64_t off = 0; off < 0x1000; off++) {
		if (off == 0x00 || off == 0x10)
			continue;
		if (off != 0x40)
			ioapic_bus_ops.write(&io, off, 4, 0xffffffff);
		cr_expect(ioapic_bus_ops.read(&io, off, 4) == 0, "0x%llx",
			  (unsigned long long)off);
	}
	cr_expect(get(0x10) == MASKED && get(0x01) == 0x00170020);
}

/* ---- messages ------------------------------------------------------------ */

Test(ioapic, composes_messages_as_msi_has_them)
{
	/* SDM 3A 10.11.1 and .2 */
	static const struct {
		uint32_t low;
		uint8_t dest;
		uint32_t addr, data;
	} rows[] = {
		{ 0x31, 0x00, 0xfee00000, 0x0031 },
		{ 0x31, 0x03, 0xfee03000, 0x0031 },
		{ 0xfe, 0xff, 0xfeeff000, 0x00fe },
		{ 0x31 | LOGICAL, 0x01, 0xfee01004, 0x0031 },
		{ 0x31 | LOGICAL | 0x100, 0x81, 0xfee81004, 0x0131 },
		{ 0x700, 0x00, 0xfee00000, 0x0700 }, /* ExtINT */
		{ 0x400, 0x02, 0xfee02000, 0x0400 }, /* NMI */
		{ 0x31 | LEVEL, 0x00, 0xfee00000, 0xc031 },
		{ 0x31 | LEVEL | ACTIVE_LOW, 0x00, 0xfee00000, 0xc031 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned pin = (unsigned)i * 2 + 3;
		uint32_t addr, data;

		program(pin, rows[i].low, rows[i].dest);
		ioapic_message(&io, pin, &addr, &data);
		cr_expect(addr == rows[i].addr && data == rows[i].data,
			  "row %zu: 0x%08x, 0x%08x", i, addr, data);
		ioapic_set(&io, pin, true);
		cr_expect(messages() == 1, "row %zu", i);
		cr_expect(sent.addr[0] == addr && sent.data[0] == data,
			  "row %zu: what is told and what is sent differ", i);
	}
}

Test(ioapic, edge_pin_sends_for_every_event)
{
	program(4, 0x31, 0);
	ioapic_set(&io, 4, true);
	ioapic_set(&io, 4, true);
	ioapic_set(&io, 4, false);
	ioapic_set(&io, 4, true);
	cr_expect(messages() == 3);
	ioapic_eoi(&io, 0x31);
	cr_expect(messages() == 0);
	cr_expect(!(get(0x18) & REMOTE_IRR));
}

Test(ioapic, masked_edge_comes_when_unmasked)
{
	program(4, 0x31 | MASKED, 0);
	ioapic_set(&io, 4, true);
	ioapic_set(&io, 4, false);
	ioapic_set(&io, 4, true);
	ioapic_set(&io, 4, false);
	cr_expect(messages() == 0);
	put(0x18, 0x32);
	cr_expect(messages() == 1, "one, however many there were");
	cr_expect(sent.data[0] == 0x32, "as it is programmed by then");
	put(0x18, 0x31 | MASKED);
	put(0x18, 0x31);
	cr_expect(messages() == 0, "and only once");
}

Test(ioapic, level_pin_sends_until_its_line_falls)
{
	program(5, 0x41 | LEVEL, 0);
	ioapic_set(&io, 5, true);
	cr_expect(messages() == 1);
	cr_expect(get(0x1a) == (0x41 | LEVEL | REMOTE_IRR));
	ioapic_set(&io, 5, true);
	cr_expect(messages() == 0, "one is in service");
	ioapic_eoi(&io, 0x42);
	cr_expect(messages() == 0, "another vector's EOI");
	ioapic_eoi(&io, 0x41);
	cr_expect(messages() == 1, "still high");
	ioapic_set(&io, 5, false);
	cr_expect(get(0x1a) & REMOTE_IRR);
	ioapic_eoi(&io, 0x41);
	cr_expect(messages() == 0);
	cr_expect(get(0x1a) == (0x41 | LEVEL));
}

Test(ioapic, eoi_register_does_the_same)
{
	program(5, 0x41 | LEVEL, 0);
	ioapic_set(&io, 5, true);
	messages();
	ioapic_bus_ops.write(&io, 0x40, 4, 0x41);
	cr_expect(messages() == 1);
	ioapic_set(&io, 5, false);
	ioapic_bus_ops.write(&io, 0x40, 4, 0x41);
	cr_expect(messages() == 0);
	cr_expect(!(get(0x1a) & REMOTE_IRR));
}

Test(ioapic, pins_may_share_a_vector)
{
	program(5, 0x41 | LEVEL, 0);
	program(6, 0x41 | LEVEL, 0);
	ioapic_set(&io, 5, true);
	ioapic_set(&io, 6, true);
	cr_expect(messages() == 2);
	ioapic_set(&io, 5, false);
	ioapic_eoi(&io, 0x41);
	cr_expect(messages() == 1, "pin 6 is still high");
	cr_expect(!(get(0x1a) & REMOTE_IRR) && (get(0x1c) & REMOTE_IRR));
}

Test(ioapic, masked_level_is_seen_when_unmasked)
{
	program(5, 0x41 | LEVEL | MASKED, 0);
	ioapic_set(&io, 5, true);
	cr_expect(messages() == 0);
	put(0x1a, 0x41 | LEVEL);
	cr_expect(messages() == 1);
	ioapic_set(&io, 5, false);
	ioapic_eoi(&io, 0x41);
	put(0x1a, 0x41 | LEVEL | MASKED);
	ioapic_set(&io, 5, true);
	ioapic_set(&io, 5, false);
	put(0x1a, 0x41 | LEVEL);
	cr_expect(messages() == 0, "a level that went is no event");
}

Test(ioapic, remote_irr_survives_writes_until_edge)
{
	program(5, 0x41 | LEVEL, 0);
	ioapic_set(&io, 5, true);
	put(0x1a, 0x41 | LEVEL | MASKED);
	cr_expect(get(0x1a) & REMOTE_IRR, "a write does not clear it");
	put(0x1a, 0x41 | MASKED);
	cr_expect(!(get(0x1a) & REMOTE_IRR), "edge mode does");
	ioapic_set(&io, 5, false);
	put(0x1a, 0x41 | LEVEL);
	messages();
	ioapic_set(&io, 5, true);
	cr_expect(messages() == 1, "the pin works again");
}

Test(ioapic, pins_that_are_not_there_do_nothing)
{
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		program(pin, 0x41, 0);
	ioapic_set(&io, LAYOUT_IOAPIC_PINS, true);
	ioapic_set(&io, 32, true);
	ioapic_set(&io, ~0U, true);
	cr_expect(messages() == 0);
	cr_expect(io.asserted == 0 && io.latched == 0);
}

Test(ioapic, last_pin_works)
{
	program(23, 0x51, 0);
	ioapic_set(&io, 23, true);
	cr_expect(messages() == 1);
}

/* ---- routes: whose EOIs the LAPICs report -------------------------------- */

Test(ioapic, only_level_pins_change_routes)
{
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		program(pin, 0x31 | LOGICAL, (uint8_t)pin);
		program(pin, 0x32 | MASKED, (uint8_t)pin);
		program(pin, 0x33 | MASKED | LEVEL, (uint8_t)pin);
		program(pin, 0x33, (uint8_t)pin);
	}
	cr_expect(routes.n == 0);
}

Test(ioapic, routes_follow_level_pins)
{
	/* what is written to pin 5 (and once to pin 6), in this order */
	static const struct {
		uint8_t pin;
		uint32_t low;
		uint8_t dest;
		unsigned calls; /* so far */
		uint32_t pins;
	} rows[] = {
		{ 5, 0x41 | LEVEL | MASKED, 0, 0, 0 },
		{ 5, 0x41 | LEVEL, 0, 1, 1 << 5 },
		{ 5, 0x41 | LEVEL, 0, 1, 1 << 5 },
		{ 6, 0x42 | LEVEL, 0, 2, 3 << 5 },
		{ 5, 0x43 | LEVEL, 0, 3, 3 << 5 },
		{ 5, 0x43 | LEVEL, 1, 4, 3 << 5 },
		{ 5, 0x43, 1, 5, 1 << 6 },
		{ 5, 0x43 | LEVEL, 1, 6, 3 << 5 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		program(rows[i].pin, rows[i].low, rows[i].dest);
		cr_expect(routes.n == rows[i].calls, "row %zu: %u calls", i,
			  routes.n);
		cr_expect(!routes.n ||
				  routes.pins[routes.n - 1] == rows[i].pins,
			  "row %zu", i);
	}
}

Test(ioapic, masking_in_service_keeps_the_eoi_coming)
{
	program(5, 0x41 | LEVEL, 0);
	ioapic_set(&io, 5, true);
	routes.n = 0;
	/* Linux: threaded handlers, and an interrupt on its way elsewhere */
	put(0x1a, 0x41 | LEVEL | MASKED);
	cr_expect(routes.n == 0, "the LAPIC would no longer tell of the EOI");
	ioapic_eoi(&io, 0x41);
	put(0x1a, 0x41 | LEVEL);
	cr_expect(routes.n == 0, "nothing is new");
	cr_expect(messages() == 2, "still high after unmasking");
	/* moved while masked: told when it counts */
	put(0x1a, 0x41 | LEVEL | MASKED);
	program(5, 0x55 | LEVEL | MASKED, 3);
	cr_expect(routes.n == 0);
	put(0x1a, 0x55 | LEVEL);
	cr_expect(routes.n == 1);
}

static unsigned messages_then;

static void routes_before_messages(void *cookie, uint32_t level_pins)
{
	record_routes(cookie, level_pins);
	messages_then = sent.n;
}

Test(ioapic, routes_are_told_before_the_message_comes)
{
	io.routes_changed = routes_before_messages;
	messages_then = ~0U;
	program(5, 0x41 | LEVEL | MASKED, 0);
	ioapic_set(&io, 5, true);
	put(0x1a, 0x41 | LEVEL);
	cr_expect(messages_then == 0 && sent.n == 1);
}

/* ---- two vCPUs at once --------------------------------------------------- */

#define ROUNDS 2000

static pthread_barrier_t together;
static _Atomic uint32_t known; /* what KVM was told last */

static void slow_routes(void *cookie, uint32_t level_pins)
{
	(void)cookie;
	sched_yield();
	known = level_pins;
}

static void no_message(void *cookie, uint32_t addr, uint32_t data)
{
	(void)cookie;
	(void)addr;
	(void)data;
}

/* There is one selector for both, so a pin may be flipped for the other. */
static void flip(unsigned pin, int round)
{
	put(0x10 + 2 * pin, round % 2 ? 0x41 : 0x41 | LEVEL);
}

static void *other_vcpu(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		flip(6, i);
		pthread_barrier_wait(&together);
	}
	return NULL;
}

Test(ioapic, newest_routes_are_told_last, .timeout = 300)
{
	pthread_t other;

	io.routes_changed = slow_routes;
	io.send = no_message;
	cr_assert(!pthread_barrier_init(&together, NULL, 2));
	cr_assert(!pthread_create(&other, NULL, other_vcpu, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		flip(5, i);
		pthread_barrier_wait(&together);
		cr_assert(known == io.level_pins, "round %d", i);
	}
	pthread_join(other, NULL);
}

static unsigned sent_in_window;

static void raise_meanwhile(void *cookie, uint32_t level_pins)
{
	record_routes(cookie, level_pins);
	ioapic_set(&io, 5, true); /* the I/O thread */
	sent_in_window = sent.n;
}

Test(ioapic, a_device_that_raises_its_pin_while_routes_are_told)
{
	io.routes_changed = raise_meanwhile;
	program(5, 0x41 | LEVEL, 1);
	cr_expect(sent_in_window == 0, "sent before the EOI would be told of");
	cr_expect(messages() == 1);
}
