// SPDX-License-Identifier: Apache-2.0
/* Redirection table, pins and EOI; knows nothing of KVM. */
#include "devices/ioapic.h"

#include <stddef.h>

/* Registers by offset, and what IOREGSEL selects. */
enum { IOREGSEL = 0x00, IOWIN = 0x10, IOEOI = 0x40 };
enum { REG_ID, REG_VERSION, REG_ARBITRATION, REG_REDIRECTION = 0x10 };

#define VERSION	 0x20
#define MSI_ADDR 0xfee00000U

/* Redirection entry, 82093AA 3.2.4. */
#define RTE_VECTOR	  0xffULL
#define RTE_DELIVERY(rte) ((uint32_t)((rte) >> 8) & 7)
#define RTE_LOGICAL	  (1ULL << 11)
#define RTE_STATUS	  (1ULL << 12)
#define RTE_REMOTE_IRR	  (1ULL << 14)
#define RTE_LEVEL	  (1ULL << 15)
#define RTE_MASKED	  (1ULL << 16)
#define RTE_DEST(rte)	  ((uint32_t)((rte) >> 56))
#define RTE_READ_ONLY	  (RTE_STATUS | RTE_REMOTE_IRR)

struct message {
	uint32_t addr, data;
};

static struct message compose(uint64_t rte)
{
	return (struct message){
		.addr = MSI_ADDR | RTE_DEST(rte) << 12 |
			(rte & RTE_LOGICAL ? 1U << 2 : 0),
		.data = (uint32_t)(rte & RTE_VECTOR) | RTE_DELIVERY(rte) << 8 |
			(rte & RTE_LEVEL ? 3U << 14 : 0),
	};
}

/*
 * Decide whether @pin sends a message now, and account for it. Called with
 * the lock held; the caller sends after unlocking.
 */
static bool service(struct ioapic *io, unsigned pin, struct message *ret)
{
	uint64_t rte = io->redirection[pin];
	uint32_t bit = 1U << pin;

	if (rte & RTE_MASKED)
		return false;
	if (rte & RTE_LEVEL) {
		if (!(io->asserted & bit) || (rte & RTE_REMOTE_IRR) ||
		    (io->untold & bit))
			return false;
		io->redirection[pin] |= RTE_REMOTE_IRR;
	} else {
		if (!(io->latched & bit))
			return false;
	}
	io->latched &= ~bit;
	*ret = compose(rte);
	return true;
}

void ioapic_set(struct ioapic *io, unsigned pin, bool asserted)
{
	struct message msg;
	bool send;

	if (pin >= LAYOUT_IOAPIC_PINS)
		return;
	spin_lock(&io->lock);
	if (asserted) {
		io->asserted |= 1U << pin;
		io->latched |= 1U << pin;
	} else {
		io->asserted &= ~(1U << pin);
	}
	send = service(io, pin, &msg);
	spin_unlock(&io->lock);
	if (send)
		io->send(io->cookie, msg.addr, msg.data);
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		struct message msg;
		bool send = false;

		spin_lock(&io->lock);
		if ((io->redirection[pin] & RTE_LEVEL) &&
		    (io->redirection[pin] & RTE_VECTOR) == vector) {
			io->redirection[pin] &= ~RTE_REMOTE_IRR;
			send = service(io, pin, &msg);
		}
		spin_unlock(&io->lock);
		if (send)
			io->send(io->cookie, msg.addr, msg.data);
	}
}

void ioapic_message(struct ioapic *io, unsigned pin, uint32_t *ret_addr,
		    uint32_t *ret_data)
{
	struct message msg;

	spin_lock(&io->lock);
	msg = compose(io->redirection[pin]);
	spin_unlock(&io->lock);
	*ret_addr = msg.addr;
	*ret_data = msg.data;
}

static uint32_t read_selected(const struct ioapic *io)
{
	unsigned reg = io->select;

	if (reg == REG_ID || reg == REG_ARBITRATION)
		return (uint32_t)io->id << 24;
	if (reg == REG_VERSION)
		return VERSION | (LAYOUT_IOAPIC_PINS - 1) << 16;
	reg -= REG_REDIRECTION;
	if (reg < 2 * LAYOUT_IOAPIC_PINS)
		return (uint32_t)(io->redirection[reg / 2] >>
				  (reg % 2 ? 32 : 0));
	return 0;
}

static uint64_t ioapic_read(void *dev, uint64_t off, unsigned size)
{
	struct ioapic *io = dev;
	uint32_t val = 0;

	(void)size;
	spin_lock(&io->lock);
	if (off == IOREGSEL)
		val = io->select;
	else if (off == IOWIN)
		val = read_selected(io);
	spin_unlock(&io->lock);
	return val;
}

/*
 * Lock held. Must the LAPICs be told anew whose EOIs to report? A pin that is
 * masked stays among them: guests mask one while its interrupt is in service,
 * and without that EOI its Remote IRR would never be cleared. So masking and
 * unmasking changes nothing, which also saves a slow call.
 */
static bool update_route(struct ioapic *io, unsigned pin)
{
	uint64_t route = io->redirection[pin] & ~(RTE_READ_ONLY | RTE_MASKED);
	uint32_t bit = 1U << pin;

	if (!(route & RTE_LEVEL)) {
		if (!(io->level_pins & bit))
			return false;
		io->level_pins &= ~bit;
	} else {
		if (io->redirection[pin] & RTE_MASKED)
			return false;
		if ((io->level_pins & bit) && io->route[pin] == route)
			return false;
		io->level_pins |= bit;
		io->route[pin] = route;
		io->untold |= bit;
	}
	io->route_changes++;
	return true;
}

/*
 * Outside the lock: it is a system call. Of two vCPUs that tell at once the
 * one with the older news may come last, so look again.
 */
static void tell_routes(struct ioapic *io)
{
	uint32_t change, pins;
	bool again;

	do {
		spin_lock(&io->lock);
		change = io->route_changes;
		pins = io->level_pins;
		io->telling++;
		spin_unlock(&io->lock);
		io->routes_changed(io->cookie, pins);
		spin_lock(&io->lock);
		again = change != io->route_changes;
		/* not while another's older news may still land on ours */
		if (!--io->telling && !again)
			io->untold = 0;
		spin_unlock(&io->lock);
	} while (again);
}

static void service_and_send(struct ioapic *io, unsigned pin)
{
	struct message msg;
	bool send;

	spin_lock(&io->lock);
	send = service(io, pin, &msg);
	spin_unlock(&io->lock);
	if (send)
		io->send(io->cookie, msg.addr, msg.data);
}

static void write_redirection(struct ioapic *io, unsigned reg, uint32_t val)
{
	unsigned pin = reg / 2;
	uint64_t old, rte;
	bool routes;

	spin_lock(&io->lock);
	old = io->redirection[pin];
	if (reg % 2)
		rte = (old & 0xffffffffULL) | (uint64_t)val << 32;
	else
		rte = (old & ~0xffffffffULL) | (val & ~RTE_READ_ONLY) |
		      (old & RTE_READ_ONLY);
	/* An edge pin has no interrupt in service to wait for: drivers clear
	 * a stuck Remote IRR by switching to edge and back. */
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	io->redirection[pin] = rte;
	routes = update_route(io, pin);
	spin_unlock(&io->lock);
	/* The LAPIC must know to report the EOI before the interrupt comes. */
	if (routes)
		tell_routes(io);
	/* another vCPU's pin may have waited for our news */
	for (unsigned i = 0; routes && i < LAYOUT_IOAPIC_PINS; i++)
		service_and_send(io, i);
	if (!routes)
		service_and_send(io, pin);
}

static void ioapic_write(void *dev, uint64_t off, unsigned size, uint64_t v)
{
	struct ioapic *io = dev;
	uint32_t val = (uint32_t)v;
	unsigned reg;

	(void)size;
	if (off == IOEOI) {
		ioapic_eoi(io, (uint8_t)val);
		return;
	}
	spin_lock(&io->lock);
	reg = io->select;
	if (off == IOREGSEL)
		io->select = (uint8_t)val;
	else if (off == IOWIN && reg == REG_ID)
		io->id = (val >> 24) & 0xf;
	spin_unlock(&io->lock);
	if (off == IOWIN && reg >= REG_REDIRECTION &&
	    reg < REG_REDIRECTION + 2 * LAYOUT_IOAPIC_PINS)
		write_redirection(io, reg - REG_REDIRECTION, val);
}

const struct bus_ops ioapic_bus_ops = {
	.name = "ioapic",
	.min_size = 1,
	.max_size = 8,
	.read = ioapic_read,
	.write = ioapic_write,
};

void ioapic_init(struct ioapic *io)
{
	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		io->redirection[pin] = RTE_MASKED;
}
