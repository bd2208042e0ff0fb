/* SPDX-License-Identifier: Apache-2.0 */
/* 16550A serial port at 0x3f8: the guest's console. */
#ifndef MOTE_DEVICES_SERIAL_H
#define MOTE_DEVICES_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "monitor/bus.h"
#include "monitor/console.h"
#include "monitor/irq.h"
#include "monitor/spin.h"

/* Input waiting for the guest; more than the chip's 16 so that a pasted line
 * does not need a round trip for every 16 bytes. */
#define SERIAL_RX_SIZE	 256U
#define SERIAL_LOOP_SIZE 16U /* the chip's FIFO */

/**
 * struct serial - registers by their datasheet names (TI PC16550D)
 *
 * All fields below @lock are guarded by it: vCPU threads access registers,
 * the I/O thread brings input. @irq and @port are constant.
 */
struct serial {
	struct console_port port; /* first: container of the callbacks */
	struct irq_line irq;
	struct spin lock;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thre_pending; /* THR empty interrupt not yet read from IIR */
	uint8_t lsr_reads; /* in a row; see the head of serial.c */
	uint8_t rx[SERIAL_RX_SIZE];
	uint32_t rx_head, rx_tail;	/* free-running */
	uint8_t loop[SERIAL_LOOP_SIZE]; /* sent to itself in loopback */
	uint32_t loop_head, loop_tail;	/* free-running */
};

/** serial_init() - reset state; the console calls @s->port */
void serial_init(struct serial *s, struct irq_line irq);

extern const struct bus_ops serial_bus_ops; /* 8 ports, byte accesses */

#endif
