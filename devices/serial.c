// SPDX-License-Identifier: Apache-2.0
/*
 * 16550A as drivers use it: no baud timing, transmit is instant as long as
 * the console has room, receive holds more than the chip did.
 *
 * Input that arrives before the guest listens is kept: a driver that starts
 * the port clears the FIFO and reads RBR blindly, which would lose what the
 * user typed ahead or piped in. So received bytes are shown only while the
 * receive interrupt is enabled, or to a guest that plainly polls: one that
 * reads LSR many times without sending anything or waiting until it can. In
 * loopback the chip hears itself only; input waits behind it, untouched by a
 * driver's self-test.
 */
#include "devices/serial.h"

#include <string.h>

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

enum {
	IER_RDI = 0x01,
	IER_THRI = 0x02,
	IIR_NONE = 0x01,
	IIR_THRI = 0x02,
	IIR_RDI = 0x04,
	IIR_FIFO = 0xc0,
	FCR_ENABLE = 0x01,
	FCR_CLEAR_RX = 0x02,
	LCR_DLAB = 0x80,
	MCR_LOOP = 0x10,
	LSR_DR = 0x01,
	LSR_THRE = 0x20,
	LSR_TEMT = 0x40,
};

/* LSR reads in a row that make a polling guest; drivers that start a port or
 * send by polling do with three. */
#define POLLS 16

static bool rx_empty(const struct serial *s)
{
	if (s->mcr & MCR_LOOP)
		return s->loop_head == s->loop_tail;
	return s->rx_head == s->rx_tail ||
	       !((s->ier & IER_RDI) || s->lsr_reads >= POLLS);
}

static uint32_t rx_room(const struct serial *s)
{
	return SERIAL_RX_SIZE - (s->rx_head - s->rx_tail);
}

static bool irq_pending(const struct serial *s)
{
	return ((s->ier & IER_RDI) && !rx_empty(s)) ||
	       ((s->ier & IER_THRI) && s->thre_pending);
}

/*
 * Tell the interrupt line, outside the lock because that is a system call.
 * Whoever told it last looks again, so the line ends up as the registers say
 * even when two threads tell it at once.
 */
static void update_irq(struct serial *s, bool pending)
{
	bool told;

	do {
		told = pending;
		s->irq.set(s->irq.chip, s->irq.gsi, told);
		spin_lock(&s->lock);
		pending = irq_pending(s);
		spin_unlock(&s->lock);
	} while (pending != told);
}

static uint8_t read_msr(const struct serial *s)
{
	/* Loopback wires MCR's outputs to MSR's inputs: drivers test this. */
	if (s->mcr & MCR_LOOP)
		return (uint8_t)(((s->mcr & 0x01) << 5) |
				 ((s->mcr & 0x02) << 3) |
				 ((s->mcr & 0x0c) << 4));
	return 0xb0; /* CTS, DSR, DCD */
}

static uint8_t read_lsr(struct serial *s)
{
	uint8_t lsr = 0;

	if (console_has_room())
		lsr |= LSR_THRE;
	/* "All sent": a guest that writes by the string may ask for this. */
	if (lsr & LSR_THRE && console_half_free())
		lsr |= LSR_TEMT;
	/* Who waits for the transmitter, or tests the port, does not poll. */
	if (lsr & LSR_TEMT && !(s->mcr & MCR_LOOP) && s->lsr_reads < POLLS)
		s->lsr_reads++;
	if (!rx_empty(s))
		lsr |= LSR_DR;
	return lsr;
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t fifo = s->fcr & FCR_ENABLE ? IIR_FIFO : 0;

	if ((s->ier & IER_RDI) && !rx_empty(s))
		return fifo | IIR_RDI;
	if ((s->ier & IER_THRI) && s->thre_pending) {
		s->thre_pending = false;
		return fifo | IIR_THRI;
	}
	return fifo | IIR_NONE;
}

static uint8_t read_rbr(struct serial *s)
{
	if (rx_empty(s))
		return 0;
	if (s->mcr & MCR_LOOP)
		return s->loop[s->loop_tail++ % SERIAL_LOOP_SIZE];
	return s->rx[s->rx_tail++ % SERIAL_RX_SIZE];
}

static uint64_t serial_read(void *dev, uint64_t off, unsigned size)
{
	struct serial *s = dev;
	bool was, is, unblock = false;
	uint8_t val = 0xff;

	(void)size;
	spin_lock(&s->lock);
	was = irq_pending(s);
	switch (off) {
	case RBR_THR:
		if (s->lcr & LCR_DLAB) {
			val = s->dll;
		} else {
			val = read_rbr(s);
			/* half empty: time to read the host's input again */
			unblock = rx_room(s) == SERIAL_RX_SIZE / 2;
		}
		break;
	case IER:
		val = s->lcr & LCR_DLAB ? s->dlm : s->ier;
		break;
	case IIR_FCR:
		val = read_iir(s);
		break;
	case LCR:
		val = s->lcr;
		break;
	case MCR:
		val = s->mcr;
		break;
	case LSR:
		val = read_lsr(s);
		break;
	case MSR:
		val = read_msr(s);
		break;
	case SCR:
		val = s->scr;
		break;
	default:
		break;
	}
	is = irq_pending(s);
	spin_unlock(&s->lock);
	if (was != is)
		update_irq(s, is);
	if (unblock)
		console_unblock_input();
	return val;
}

static void write_thr(struct serial *s, uint8_t val)
{
	if (s->mcr & MCR_LOOP) {
		if (s->loop_head - s->loop_tail < SERIAL_LOOP_SIZE)
			s->loop[s->loop_head++ % SERIAL_LOOP_SIZE] = val;
		s->thre_pending = true;
		return;
	}
	s->lsr_reads = 0;
	/* A driver that ignores THRE loses its byte, as on the chip. */
	console_put(val);
	s->thre_pending = console_has_room();
}

static void write_ier(struct serial *s, uint8_t val)
{
	/* Enabling THRI with THR empty is an event (datasheet 8.6.2). */
	if ((val & IER_THRI) && !(s->ier & IER_THRI) && console_has_room())
		s->thre_pending = true;
	s->ier = val & 0x0f;
	/* Who uses interrupts does not poll, and may start over later. */
	s->lsr_reads = 0;
}

/* Return: true if input was thrown away, so that there is room again. */
static bool clear_rx(struct serial *s)
{
	if (rx_empty(s))
		return false;
	if (s->mcr & MCR_LOOP) {
		s->loop_tail = s->loop_head;
		return false;
	}
	s->rx_tail = s->rx_head;
	return true;
}

static void write_mcr(struct serial *s, uint8_t val)
{
	s->mcr = val & 0x1f;
	if (!(val & MCR_LOOP))
		s->loop_tail = s->loop_head;
}

static void serial_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct serial *s = dev;
	uint8_t val = (uint8_t)v;
	bool was, is, event = false, unblock = false;

	(void)size;
	spin_lock(&s->lock);
	was = irq_pending(s);
	switch (off) {
	case RBR_THR:
		if (s->lcr & LCR_DLAB) {
			s->dll = val;
		} else {
			write_thr(s, val);
			/* Without FIFO each byte empties THR anew: an edge
			 * of its own. With it, a burst gives one. */
			event = !(s->fcr & FCR_ENABLE);
		}
		break;
	case IER:
		if (s->lcr & LCR_DLAB)
			s->dlm = val;
		else
			write_ier(s, val);
		break;
	case IIR_FCR:
		s->fcr = val & FCR_ENABLE;
		if (val & FCR_CLEAR_RX)
			unblock = clear_rx(s);
		break;
	case LCR:
		s->lcr = val;
		break;
	case MCR:
		write_mcr(s, val);
		break;
	case SCR:
		s->scr = val;
		break;
	default:
		break;
	}
	is = irq_pending(s);
	spin_unlock(&s->lock);
	console_ring();
	if (was != is || (is && event))
		update_irq(s, is);
	if (unblock)
		console_unblock_input();
}

const struct bus_ops serial_bus_ops = {
	.name = "serial",
	.min_size = 1,
	.max_size = 1,
	.read = serial_read,
	.write = serial_write,
};

static size_t port_room(struct console_port *port)
{
	struct serial *s = (struct serial *)port;
	size_t room;

	spin_lock(&s->lock);
	room = rx_room(s);
	spin_unlock(&s->lock);
	return room;
}

static void port_input(struct console_port *port, const uint8_t *buf,
		       size_t len)
{
	struct serial *s = (struct serial *)port;
	bool pending;

	spin_lock(&s->lock);
	for (size_t i = 0; i < len && rx_room(s); i++)
		s->rx[s->rx_head++ % SERIAL_RX_SIZE] = buf[i];
	pending = irq_pending(s);
	spin_unlock(&s->lock);
	if (pending)
		update_irq(s, true);
}

static void port_writable(struct console_port *port)
{
	struct serial *s = (struct serial *)port;
	bool pending;

	spin_lock(&s->lock);
	s->thre_pending = console_has_room();
	pending = irq_pending(s);
	spin_unlock(&s->lock);
	if (pending)
		update_irq(s, true);
}

void serial_init(struct serial *s, struct irq_line irq)
{
	*s = (struct serial){ 0 };
	s->port.room = port_room;
	s->port.input = port_input;
	s->port.writable = port_writable;
	s->irq = irq;
	/* Divisor of 115200 baud, 8n1: what firmware would have left. */
	s->dll = 1;
	s->lcr = 0x03;
}
