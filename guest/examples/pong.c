// SPDX-License-Identifier: Apache-2.0
/*
 * Sleeps until the serial port has input, sends each line back, ends at a line
 * that begins with 'q'. bench/density starts a thousand of it.
 */
#include "bootproto/layout.h"
#include "guest/kit.h"
#include "guest/ring0.h"

/* 16550 datasheet */
#define SERIAL_IER    1
#define SERIAL_IER_RX 0x01
#define LINE	      64

int main(void)
{
	char line[LINE];
	size_t len = 0;

	irq_enable(LAYOUT_GSI_SERIAL);
	ring0_out8(LAYOUT_PORT_SERIAL + SERIAL_IER, SERIAL_IER_RX);
	console_puts("ready\n");
	for (;;) {
		int c = console_getc();

		if (c < 0) {
			irq_wait(1ULL << LAYOUT_GSI_SERIAL, UINT64_MAX);
			continue;
		}
		line[len++] = (char)c;
		if (c != '\n' && len < LINE)
			continue;
		if (line[0] == 'q')
			return 0;
		console_write(line, len);
		len = 0;
	}
}
