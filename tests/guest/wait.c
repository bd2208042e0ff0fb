// SPDX-License-Identifier: Apache-2.0
/*
 * As echo, but asleep until the serial port's interrupt wakes it. Takes input
 * up to a newline; ends with 3 when none comes within a minute.
 */
#include "bootproto/layout.h"
#include "guest/ring0.h"
#include "tests/guest/check.h"

/* 16550 datasheet */
#define SERIAL_IER	1
#define SERIAL_IER_RX	0x01
#define SERIAL_MCR	4
#define SERIAL_MCR_OUT2 0x08 /* lets the interrupt out on a PC */
#define LINES		(1ULL << LAYOUT_GSI_SERIAL)
#define MINUTE_NS	60000000000ULL

int main(void)
{
	uint64_t deadline = time_ns() + MINUTE_NS;
	int c;

	irq_enable(LAYOUT_GSI_SERIAL);
	ring0_out8(LAYOUT_PORT_SERIAL + SERIAL_MCR, SERIAL_MCR_OUT2);
	ring0_out8(LAYOUT_PORT_SERIAL + SERIAL_IER, SERIAL_IER_RX);
	console_puts("waiting\n");
	for (;;) {
		while ((c = console_getc()) >= 0) {
			console_write(&c, 1);
			if (c == '\n')
				return 0;
		}
		if (!irq_wait(LINES, deadline))
			return 3;
	}
}
