// SPDX-License-Identifier: Apache-2.0
/* The console: a 16550 that is written in strings and read by polling. */
#include "guest/kit.h"

#include "bootproto/layout.h"
#include "guest/ring0.h"

#define SERIAL_LSR	  5 /* line status, 16550 datasheet */
#define SERIAL_LSR_READY  0x01
#define SERIAL_LSR_EMPTY  0x40
#define CONSOLE_UNASKED	  16384U
#define CONSOLE_LINE_SIZE 512

/*
 * The transmitter is asked only once in a while whether all was sent: an
 * emulated one takes a string at a time (mote's takes 32 KiB when it says so),
 * and asking each time would double the price of a line.
 */
void console_write(const void *buf, size_t len)
{
	static size_t unasked;

	while (len) {
		size_t n = CONSOLE_UNASKED - unasked;

		if (n > len)
			n = len;
		ring0_outsb(LAYOUT_PORT_SERIAL, buf, n);
		buf = (const char *)buf + n;
		len -= n;
		unasked += n;
		if (unasked < CONSOLE_UNASKED)
			return;
		unasked = 0;
		while (!(ring0_in8(LAYOUT_PORT_SERIAL + SERIAL_LSR) &
			 SERIAL_LSR_EMPTY))
			__builtin_ia32_pause();
	}
}

void console_puts(const char *s)
{
	console_write(s, strlen(s));
}

static void print_line(const char *prefix, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void print_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[CONSOLE_LINE_SIZE];
	int start = snprintf(line, sizeof(line), "%s", prefix);
	size_t room = sizeof(line) - (size_t)start;
	int len = vsnprintf(line + start, room, fmt, ap);

	if ((size_t)len >= room)
		len = (int)room - 1;
	console_write(line, (size_t)(start + len));
}

void console_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("", fmt, ap);
	va_end(ap);
}

int console_getc(void)
{
	uint8_t status = ring0_in8(LAYOUT_PORT_SERIAL + SERIAL_LSR);

	return status & SERIAL_LSR_READY ? ring0_in8(LAYOUT_PORT_SERIAL) : -1;
}

_Noreturn void kit_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line("panic: ", fmt, ap);
	va_end(ap);
	console_puts("\n");
	exit(KIT_EXIT_PANIC);
}
