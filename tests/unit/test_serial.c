// SPDX-License-Identifier: Apache-2.0
/* The serial port as drivers know it, over a console of our own. */
#include "devices/serial.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

/* Registers by offset; the divisor shows in the first two behind DLAB. */
enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, THR = RBR, FCR = IIR };

/* ---- a console that does as told --------------------------------------------
 */

static struct {
	bool here; /* instead of the real one, for the tests of this file */
	char out[4096];
	size_t len, room;
	bool blocked, unrung;
	unsigned unblocked, rung_locked;
} fake;

static struct serial port;

/* The link replaces calls of the console by these (--wrap). */
bool __real_console_put(uint8_t byte);
bool __wrap_console_put(uint8_t byte);
bool __real_console_has_room(void);
bool __wrap_console_has_room(void);
void __real_console_ring(void);
void __wrap_console_ring(void);
void __real_console_unblock_input(void);
void __wrap_console_unblock_input(void);

bool __wrap_console_has_room(void)
{
	if (!fake.here)
		return __real_console_has_room();
	if (!fake.room)
		fake.blocked = true;
	return fake.room;
}

bool __wrap_console_put(uint8_t byte)
{
	if (!fake.here)
		return __real_console_put(byte);
	if (!fake.room)
		return false;
	fake.room--;
	fake.out[fake.len++ % sizeof(fake.out)] = (char)byte;
	fake.unrung = true;
	return true;
}

void __wrap_console_ring(void)
{
	if (!fake.here) {
		__real_console_ring();
		return;
	}
	fake.unrung = false;
	if (atomic_flag_test_and_set(&port.lock.held))
		fake.rung_locked++;
	else
		spin_unlock(&port.lock);
}

void __wrap_console_unblock_input(void)
{
	if (!fake.here)
		__real_console_unblock_input();
	else
		fake.unblocked++;
}

/* ---- an interrupt line that keeps a record
 * ------------------------------------ */

static struct {
	char calls[256]; /* '1' or '0' for each call */
	unsigned n;
	_Atomic bool level;
} line;

static void line_set(void *chip, unsigned gsi, bool asserted)
{
	cr_assert(chip == &line && gsi == 4);
	line.level = asserted;
	if (line.n < sizeof(line.calls) - 1)
		line.calls[line.n++] = asserted ? '1' : '0';
}

/* What the line was told since the last time. */
static const char *told(void)
{
	static char calls[sizeof(line.calls)];

	memcpy(calls, line.calls, sizeof(calls));
	memset(&line.calls, 0, sizeof(line.calls));
	line.n = 0;
	return calls;
}

static void setup(void)
{
	fake.here = true;
	fake.room = sizeof(fake.out);
	serial_init(&port, (struct irq_line){ line_set, &line, 4 });
}

static uint8_t in(unsigned reg)
{
	return (uint8_t)serial_bus_ops.read(&port, reg, 1);
}

static void out(unsigned reg, uint8_t val)
{
	serial_bus_ops.write(&port, reg, 1, val);
}

static void type(const char *text)
{
	port.port.input(&port.port, (const uint8_t *)text, strlen(text));
}

TestSuite(serial, .init = setup);

/* ---- sessions of register accesses
 * ---------------------------------------------- */

struct access {
	enum { OUT, IN } way;
	uint8_t reg, val;
	uint8_t mask; /* IN: the bits that count; 0 means all */
	const char *why;
};

static void play(const char *name, const struct access *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t mask = a[i].mask ? a[i].mask : 0xff, got;

		if (a[i].way == OUT) {
			out(a[i].reg, a[i].val);
			continue;
		}
		got = in(a[i].reg) & mask;
		cr_expect(got == a[i].val,
			  "%s, step %zu (%s): register %u is 0x%02x, "
			  "not 0x%02x",
			  name, i, a[i].why ? a[i].why : "", a[i].reg, got,
			  a[i].val);
	}
}

#define PLAY(rows) play(#rows, rows, sizeof(rows) / sizeof((rows)[0]))

Test(serial, starts_as_after_reset)
{
	static const struct access reset[] = {
		{ IN, RBR, 0x00, 0, "nothing received" },
		{ IN, IER, 0x00, 0, "no interrupt enabled" },
		{ IN, IIR, 0x01, 0, "no FIFO, nothing pending" },
		{ IN, LCR, 0x03, 0, "8n1" },
		{ IN, MCR, 0x00, 0, NULL },
		{ IN, LSR, 0x60, 0, "transmitter empty" },
		{ IN, MSR, 0xb0, 0, "CTS, DSR, DCD" },
		{ IN, SCR, 0x00, 0, NULL },
		{ OUT, LCR, 0x83, 0, NULL },
		{ IN, RBR, 0x01, 0, "115200 baud" },
		{ IN, IER, 0x00, 0, NULL },
	};

	PLAY(reset);
	cr_expect_str_eq(told(), "");
	cr_expect(serial_bus_ops.max_size == 1);
}

Test(serial, dlab_puts_the_divisor_before_data_and_ier)
{
	static const struct access divisor[] = {
		{ OUT, IER, 0x01, 0, NULL },
		{ OUT, LCR, 0x80, 0, NULL },
		{ OUT, THR, 0x0c, 0, NULL },
		{ OUT, IER, 0x5a, 0, NULL },
		{ IN, RBR, 0x0c, 0, NULL },
		{ IN, IER, 0x5a, 0, NULL },
		{ OUT, LCR, 0x03, 0, NULL },
		{ IN, IER, 0x01, 0, "kept behind the divisor" },
		{ IN, RBR, 0x00, 0, NULL },
	};

	PLAY(divisor);
	cr_expect(fake.len == 0, "a divisor was sent as data");
}

Test(serial, keeps_what_drivers_write_and_nothing_else)
{
	/* the bits of each register that read back */
	static const struct {
		uint8_t reg, keeps, fixed;
	} rows[] = {
		{ SCR, 0xff, 0x00 }, { LCR, 0x7f, 0x00 }, { MCR, 0x0f, 0x00 },
		{ IER, 0x0d, 0x00 }, { LSR, 0x00, 0x60 }, { MSR, 0x00, 0xb0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned val = 0; val < 256; val++) {
			uint8_t keeps = rows[i].keeps;
			uint8_t want = (uint8_t)((val & keeps) | rows[i].fixed);

			/* only bits with no meaning beside being kept */
			if (rows[i].reg != SCR && (val & ~keeps) &&
			    rows[i].keeps)
				continue;
			out(rows[i].reg, (uint8_t)val);
			cr_expect(in(rows[i].reg) == want,
				  "register %u: 0x%02x", rows[i].reg, val);
		}
		out(rows[i].reg, 0);
	}
	out(IER, 0xf0);
	cr_expect(in(IER) == 0, "reserved bits of IER read zero");
	out(MCR, 0xe0);
	cr_expect(in(MCR) == 0, "reserved bits of MCR read zero");
}

Test(serial, passes_linux_autoconfig)
{
	/* Linux drivers/tty/serial/8250/8250_port.c, autoconfig() */
	static const struct access autoconfig[] = {
		{ IN, IER, 0x00, 0, NULL },
		{ OUT, IER, 0x00, 0, NULL },
		{ IN, IER, 0x00, 0x0f, "is anything there?" },
		{ OUT, IER, 0x0f, 0, NULL },
		{ IN, IER, 0x0f, 0x0f, "is it a UART?" },
		{ OUT, IER, 0x00, 0, NULL },
		{ OUT, MCR, 0x1a, 0, "LOOP, OUT2, RTS" },
		{ IN, MSR, 0x90, 0xf0, "loopback: DCD and CTS" },
		{ OUT, MCR, 0x00, 0, NULL },
		{ OUT, LCR, 0xbf, 0, "EFR of later chips" },
		{ OUT, FCR, 0x00, 0, NULL },
		{ OUT, LCR, 0x00, 0, NULL },
		{ OUT, FCR, 0x01, 0, NULL },
		{ IN, IIR, 0xc0, 0xc0, "a 16550A" },
		/* autoconfig_16550a(): none of its relatives */
		{ OUT, LCR, 0x80, 0, NULL },
		{ IN, IIR, 0xc0, 0xc0, "no 16650: not zero" },
		{ OUT, LCR, 0xbf, 0, NULL },
		{ IN, IIR, 0xc0, 0xc0, "no EFR" },
		{ OUT, LCR, 0x00, 0, NULL },
		{ OUT, FCR, 0x21, 0, "64 byte FIFO of the 16750" },
		{ IN, IIR, 0xc0, 0xe0, NULL },
		{ OUT, FCR, 0x01, 0, NULL },
		{ OUT, LCR, 0x80, 0, NULL },
		{ OUT, FCR, 0x21, 0, NULL },
		{ IN, IIR, 0xc0, 0xe0, "not with DLAB either" },
		{ OUT, LCR, 0x00, 0, NULL },
		{ OUT, FCR, 0x01, 0, NULL },
		{ OUT, IER, 0x40, 0, NULL },
		{ IN, IER, 0x00, 0x40, "no unit enable: no XScale" },
		{ OUT, IER, 0x00, 0, NULL },
		/* and back to the start */
		{ OUT, FCR, 0x01, 0, NULL },
		{ OUT, FCR, 0x07, 0, NULL },
		{ OUT, FCR, 0x00, 0, NULL },
		{ IN, RBR, 0x00, 0, NULL },
		{ OUT, IER, 0x00, 0, NULL },
	};

	PLAY(autoconfig);
	cr_expect(!line.level, "the line is left high");
}

Test(serial, passes_linux_startup)
{
	/* the same file, serial8250_do_startup() */
	static const struct access startup[] = {
		{ OUT, FCR, 0x01, 0, NULL },
		{ OUT, FCR, 0x07, 0, NULL },
		{ OUT, FCR, 0x00, 0, NULL },
		{ IN, LSR, 0x60, 0, "not 0xff, which would be no port" },
		{ IN, RBR, 0x00, 0, NULL },
		{ IN, IIR, 0x01, 0, NULL },
		{ IN, MSR, 0xb0, 0, NULL },
		/* does THRE come again when it is enabled again? */
		{ OUT, IER, 0x02, 0, NULL },
		{ IN, IIR, 0x02, 0, "THRE" },
		{ OUT, IER, 0x00, 0, NULL },
		{ OUT, IER, 0x02, 0, NULL },
		{ IN, IIR, 0x02, 0, "THRE again" },
		{ OUT, IER, 0x00, 0, NULL },
		/* does enabling it interrupt at all? */
		{ OUT, LCR, 0x03, 0, NULL },
		{ OUT, IER, 0x02, 0, NULL },
		{ IN, LSR, 0x60, 0, NULL },
		{ IN, IIR, 0x02, 0, "THRE at once" },
		{ OUT, IER, 0x00, 0, NULL },
		{ IN, IIR, 0x01, 0, NULL },
		{ OUT, IER, 0x05, 0, NULL },
		{ OUT, FCR, 0x81, 0, NULL },
		{ IN, IIR, 0xc1, 0, "FIFO on, nothing pending" },
	};

	PLAY(startup);
	cr_expect(!line.level);
}

Test(serial, loopback_wires_mcr_to_msr)
{
	static const struct {
		uint8_t mcr, msr;
	} wires[] = {
		{ 0x01, 0x20 }, /* DTR to DSR */
		{ 0x02, 0x10 }, /* RTS to CTS */
		{ 0x04, 0x40 }, /* OUT1 to RI */
		{ 0x08, 0x80 }, /* OUT2 to DCD */
	};

	for (uint8_t mcr = 0; mcr < 16; mcr++) {
		uint8_t want = 0;

		for (size_t i = 0; i < 4; i++)
			want |= mcr & wires[i].mcr ? wires[i].msr : 0;
		out(MCR, mcr | 0x10);
		cr_expect(in(MSR) == want, "MCR 0x%02x", mcr | 0x10);
		out(MCR, mcr);
		cr_expect(in(MSR) == 0xb0, "MCR 0x%02x", mcr);
	}
}

Test(serial, loopback_answers_with_its_own_bytes_only)
{
	type("typed ahead");
	out(MCR, 0x1e);
	cr_expect(in(LSR) == 0x60, "input shows in loopback");
	for (uint8_t i = 0; i < 20; i++)
		out(THR, 0xa0 + i);
	cr_expect(in(LSR) == 0x61);
	for (uint8_t i = 0; i < 16; i++)
		cr_expect(in(RBR) == 0xa0 + i, "byte %u", i);
	cr_expect(in(RBR) == 0 && in(LSR) == 0x60, "the FIFO holds 16");
	out(THR, 0x55);
	out(FCR, 0x03);
	cr_expect(in(LSR) == 0x60, "clearing takes the sent byte");
	out(THR, 0x55);
	out(MCR, 0x0f);
	cr_expect(fake.len == 0, "loopback reached the console");
	out(IER, 0x01);
	for (const char *c = "typed ahead"; *c; c++)
		cr_expect(in(RBR) == *c, "the test ate '%c'", *c);
	cr_expect(in(LSR) == 0x60);
}

Test(serial, loopback_raises_its_interrupts)
{
	out(FCR, 0x01);
	out(MCR, 0x10);
	out(IER, 0x01);
	cr_expect_str_eq(told(), "");
	out(THR, 'x');
	cr_expect_str_eq(told(), "1");
	cr_expect(in(IIR) == 0xc4);
	in(RBR);
	cr_expect_str_eq(told(), "0");
	out(THR, 'x');
	out(MCR, 0x00);
	cr_expect_str_eq(told(), "10", "leaving loopback takes it back");
}

Test(serial, thre_interrupt_follows_iir_and_thr)
{
	out(FCR, 0x01);
	out(IER, 0x02);
	cr_expect_str_eq(told(), "1", "enabled with THR empty");
	out(IER, 0x02);
	cr_expect_str_eq(told(), "", "enabled twice is no event");
	cr_expect(in(IIR) == 0xc2);
	cr_expect_str_eq(told(), "0", "IIR acknowledges");
	cr_expect(in(IIR) == 0xc1);
	out(THR, 'a');
	cr_expect_str_eq(told(), "1");
	for (int i = 0; i < 15; i++)
		out(THR, 'a');
	cr_expect_str_eq(told(), "", "with FIFO a burst is one event");
	out(IER, 0x00);
	cr_expect_str_eq(told(), "0");
	out(IER, 0x02);
	cr_expect_str_eq(told(), "1");
	cr_expect(fake.len == 16);
}

Test(serial, without_fifo_every_byte_is_an_event)
{
	out(IER, 0x02);
	told();
	for (int i = 0; i < 3; i++)
		out(THR, 'a');
	cr_expect_str_eq(told(), "111");
	out(IER, 0x00);
	told();
	out(THR, 'a');
	cr_expect_str_eq(told(), "", "nobody asked");
}

Test(serial, full_console_takes_thre_away_until_writable)
{
	fake.room = 1;
	out(FCR, 0x01);
	out(IER, 0x02);
	in(IIR);
	told();
	out(THR, 'a');
	cr_expect(in(LSR) == 0x00);
	cr_expect(in(IIR) == 0xc1);
	cr_expect_str_eq(told(), "");
	cr_expect(fake.blocked, "the console knows that somebody waits");
	out(THR, 'b');
	cr_expect(fake.len == 1, "a byte without room is lost");
	out(IER, 0x00);
	out(IER, 0x02);
	cr_expect(in(IIR) == 0xc1, "enabling THRI is no event now");

	fake.room = 8;
	port.port.writable(&port.port);
	cr_expect_str_eq(told(), "1");
	cr_expect(in(LSR) == 0x60);
	cr_expect(in(IIR) == 0xc2);
	cr_expect_str_eq(told(), "0");
}

/* Ringing may be a system call. */
Test(serial, rings_the_console_when_its_lock_is_free)
{
	for (const char *c = "two\nlines\n"; *c; c++) {
		out(THR, (uint8_t)*c);
		cr_expect(!fake.unrung, "nobody was told");
	}
	cr_expect(fake.len == 10);
	cr_expect(!fake.rung_locked);
}

Test(serial, writable_is_silent_when_nobody_asked)
{
	port.port.writable(&port.port);
	cr_expect_str_eq(told(), "");
}

/* ---- input
 * ------------------------------------------------------------------------ */

Test(serial, input_interrupts_until_it_is_read)
{
	out(FCR, 0x01);
	out(IER, 0x01);
	type("ab");
	cr_expect_str_eq(told(), "1");
	cr_expect(in(LSR) == 0x61);
	cr_expect(in(IIR) == 0xc4);
	cr_expect(in(IIR) == 0xc4, "IIR does not acknowledge data");
	type("c");
	cr_expect_str_eq(told(), "1", "more input is an event of its own");
	cr_expect(in(RBR) == 'a' && in(RBR) == 'b');
	cr_expect_str_eq(told(), "");
	cr_expect(in(RBR) == 'c');
	cr_expect_str_eq(told(), "0");
	cr_expect(in(IIR) == 0xc1 && in(LSR) == 0x60 && in(RBR) == 0);
}

Test(serial, data_comes_before_thre)
{
	out(IER, 0x03);
	type("x");
	cr_expect(in(IIR) == 0x04);
	in(RBR);
	cr_expect(in(IIR) == 0x02);
	cr_expect(in(IIR) == 0x01);
	cr_expect(!line.level);
}

Test(serial, keeps_input_until_the_driver_listens)
{
	type("early");
	out(FCR, 0x01);
	out(FCR, 0x07);
	out(FCR, 0x00);
	in(LSR);
	cr_expect(in(RBR) == 0, "a blind read eats input");
	cr_expect_str_eq(told(), "");
	out(IER, 0x05);
	cr_expect_str_eq(told(), "1");
	for (const char *c = "early"; *c; c++)
		cr_expect(in(RBR) == *c);
}

Test(serial, listening_driver_clears_what_it_sees)
{
	out(IER, 0x01);
	type("old");
	out(FCR, 0x02);
	cr_expect(in(LSR) == 0x60 && !line.level);
	cr_expect(fake.unblocked == 1);
	out(FCR, 0x02);
	cr_expect(fake.unblocked == 1, "nothing cleared, nothing unblocked");
}

Test(serial, polling_guest_sees_input)
{
	type("p");
	for (int i = 1; i < 16; i++)
		cr_expect(in(LSR) == 0x60, "read %d", i);
	cr_expect(in(LSR) == 0x61, "a guest that polls");
	cr_expect(in(RBR) == 'p');
	type("q");
	cr_expect(in(LSR) == 0x61, "still polling");
	out(THR, '>');
	cr_expect(in(LSR) == 0x60, "it sends: no poll");
	for (int i = 0; i < 1000; i++)
		in(LSR);
	cr_expect(in(LSR) == 0x61 && in(RBR) == 'q');
}

/* A driver that starts the port behind one that fills the console. */
Test(serial, waiting_for_the_transmitter_is_no_polling)
{
	type("early");
	fake.room = 1;
	out(THR, 'x');
	for (int i = 0; i < 20; i++)
		cr_expect(!(in(LSR)&0x61));
	fake.room = 1000;
	out(FCR, 0x07);
	out(IER, 0x01);
	cr_expect(in(RBR) == 'e', "typed ahead and lost");
}

/* FreeBSD's way to measure the FIFO: 16 bytes in loopback, LSR for each. */
Test(serial, self_test_is_no_polling)
{
	type("early");
	out(MCR, 0x10);
	out(FCR, 0x01);
	for (int i = 0; i < 16; i++)
		out(THR, 'a');
	while (in(LSR)&0x01)
		in(RBR);
	out(MCR, 0x00);
	out(FCR, 0x07);
	out(IER, 0x01);
	cr_expect(in(RBR) == 'e', "typed ahead and lost");
}

Test(serial, keeps_input_when_a_driver_starts_over)
{
	out(IER, 0x01);
	for (int i = 0; i < 100; i++)
		in(LSR); /* what its interrupt handler does */
	out(IER, 0x00);
	type("x");
	out(FCR, 0x07);
	cr_expect(in(LSR) == 0x60 && in(RBR) == 0);
	out(IER, 0x01);
	cr_expect(in(RBR) == 'x');
}

Test(serial, takes_no_more_than_it_has_room_for)
{
	char text[SERIAL_RX_SIZE + 45];

	cr_expect(port.port.room(&port.port) == SERIAL_RX_SIZE);
	memset(text, 'a', sizeof(text) - 1);
	text[SERIAL_RX_SIZE - 1] = 'y';
	text[SERIAL_RX_SIZE] = 'z';
	text[sizeof(text) - 1] = 0;
	out(IER, 0x01);
	type(text);
	cr_expect(port.port.room(&port.port) == 0);
	for (unsigned i = 0; i < SERIAL_RX_SIZE - 1; i++) {
		cr_expect(in(RBR) == 'a', "byte %u", i);
		/* told once, at half */
		cr_expect(fake.unblocked == (i + 1 >= SERIAL_RX_SIZE / 2),
			  "byte %u", i);
	}
	cr_expect(in(RBR) == 'y');
	cr_expect(in(LSR) == 0x60, "what had no room is gone");
	cr_expect(port.port.room(&port.port) == SERIAL_RX_SIZE);
}

/* ---- two threads
 * -------------------------------------------------------------------- */

#define ROUNDS 2000

static pthread_barrier_t together;

/* A line that takes its time, as a system call does. */
static void slow_set(void *chip, unsigned gsi, bool asserted)
{
	(void)chip;
	(void)gsi;
	sched_yield();
	line.level = asserted;
}

static void *io_side(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		type("i");
		pthread_barrier_wait(&together);
	}
	return NULL;
}

Test(serial, line_ends_up_as_the_registers_say, .timeout = 300)
{
	pthread_t io;

	port.irq.set = slow_set;
	out(IER, 0x01);
	cr_assert(!pthread_barrier_init(&together, NULL, 2));
	cr_assert(!pthread_create(&io, NULL, io_side, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		/* now and then, the byte of this round and the one before */
		in(RBR);
		if (i % 3)
			in(RBR);
		pthread_barrier_wait(&together);
		cr_assert(line.level == (port.rx_head != port.rx_tail),
			  "round %d: the line is stuck at %d", i, line.level);
	}
	pthread_join(io, NULL);
}
