// SPDX-License-Identifier: Apache-2.0
/*
 * The serial port under a script of register accesses, input and console
 * states.
 *
 * Two bytes make a step. The first says what happens: in its low three bits
 * the register, in the next two the kind (read, write, input, console). The
 * second is the value, the number of bytes, or the console's room.
 */
#include "devices/serial.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/script.h"

enum { READ, WRITE, INPUT, CONSOLE };
enum { RBR, IER, IIR, LCR, MCR, LSR };

static struct serial port;
static bool level;

/* ---- the console, replaced at link time -------------------------------------
 */

static struct {
	size_t room, taken;
	bool blocked; /* somebody was told that there is no room */
	bool stalled; /* the port had no room: the host's input waits */
	bool unrung;  /* bytes that nobody was woken for */
} console;

bool __wrap_console_has_room(void);
bool __wrap_console_put(uint8_t byte);
void __wrap_console_ring(void);
void __wrap_console_unblock_input(void);

bool __wrap_console_has_room(void)
{
	if (!console.room)
		console.blocked = true;
	return console.room;
}

bool __wrap_console_put(uint8_t byte)
{
	(void)byte;
	if (!console.room)
		return false;
	console.room--;
	console.taken++;
	console.unrung = true;
	return true;
}

void __wrap_console_ring(void)
{
	console.unrung = false;
}

void __wrap_console_unblock_input(void)
{
	console.stalled = false;
}

/* ---- what must hold
 * ------------------------------------------------------------ */

static void line_set(void *chip, unsigned gsi, bool asserted)
{
	(void)chip;
	(void)gsi;
	level = asserted;
}

static void no_line(void *chip, unsigned gsi, bool asserted)
{
	(void)chip;
	(void)gsi;
	(void)asserted;
}

/* IIR of a copy: reading it acknowledges. */
static bool pending(void)
{
	struct serial copy = port;

	copy.irq.set = no_line;
	return !(serial_bus_ops.read(&copy, IIR, 1) & 1);
}

static void check(void)
{
	size_t room = port.port.room(&port.port);

	FUZZ_CHECK(level == pending());
	FUZZ_CHECK(!console.unrung);
	FUZZ_CHECK(room == SERIAL_RX_SIZE - (port.rx_head - port.rx_tail));
	FUZZ_CHECK(room <= SERIAL_RX_SIZE);
	FUZZ_CHECK(port.loop_head - port.loop_tail <= SERIAL_LOOP_SIZE);
	/* input that waits is asked for at the latest when half is free */
	if (!room)
		console.stalled = true;
	FUZZ_CHECK(!console.stalled || room < SERIAL_RX_SIZE / 2);
}

/* ---- steps
 * ------------------------------------------------------------------------ */

/* The n-th byte of input: never 0, which stands for none. */
static uint8_t pattern(uint32_t n)
{
	return (uint8_t)(n % 255 + 1);
}

static void step_read(unsigned reg)
{
	uint32_t tail = port.rx_tail;
	uint64_t val = serial_bus_ops.read(&port, reg, 1);

	FUZZ_CHECK(val <= 0xff);
	if (port.rx_tail != tail) {
		FUZZ_CHECK(reg == RBR && port.rx_tail == tail + 1);
		FUZZ_CHECK(val == pattern(tail));
	}
	if (reg == LSR)
		FUZZ_CHECK((val & 0x60) == (console.room ? 0x60 : 0));
}

static void step_write(unsigned reg, uint8_t val)
{
	size_t taken = console.taken;
	bool thr = reg == RBR && !(port.lcr & 0x80) && !(port.mcr & 0x10);
	bool sends = thr && console.room;

	serial_bus_ops.write(&port, reg, 1, val);
	FUZZ_CHECK(console.taken == taken + sends);
	/* the register is empty again at once, or when there is room */
	FUZZ_CHECK(!thr || port.thre_pending == (console.room > 0));
}

/* As the console does it: never more than there is room for. */
static void step_input(size_t len)
{
	size_t room = port.port.room(&port.port);
	uint8_t buf[SERIAL_RX_SIZE];

	if (len > room)
		len = room;
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(port.rx_head + (uint32_t)i);
	port.port.input(&port.port, buf, len);
	FUZZ_CHECK(port.port.room(&port.port) == room - len);
}

static void step_console(size_t room)
{
	console.room = room;
	if (!room || !console.blocked)
		return;
	console.blocked = false;
	port.port.writable(&port.port);
	FUZZ_CHECK(port.thre_pending);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&console, 0, sizeof(console));
	console.room = 64;
	level = false;
	serial_init(&port, (struct irq_line){ line_set, NULL, 4 });
	check();
	for (size_t i = 0; i + 1 < size; i += 2) {
		unsigned reg = data[i] & 7;

		switch (data[i] >> 3 & 3) {
		case READ:
			step_read(reg);
			break;
		case WRITE:
			step_write(reg, data[i + 1]);
			break;
		case INPUT:
			step_input(data[i + 1]);
			break;
		case CONSOLE:
		default:
			step_console(data[i + 1]);
			break;
		}
		check();
	}
	return 0;
}
