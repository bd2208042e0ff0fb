/* SPDX-License-Identifier: Apache-2.0 */
/* Port and MMIO buses: an address and a size go in, a device answers. */
#ifndef MOTE_MONITOR_BUS_H
#define MOTE_MONITOR_BUS_H

#include <stdint.h>

/**
 * struct bus_ops - how a device answers on a bus
 * @name: for messages
 * @min_size, @max_size: bytes of an access that reach the callbacks. Odd
 *        sizes, and accesses that overrun the range, never do: the bus reads
 *        all ones and drops writes.
 * @read, @write: @off is relative to the range's base. Called on the vCPU
 *        thread that made the access, several at once. Must not block (but for
 *        the reset of a virtio device, which waits for the I/O thread).
 */
struct bus_ops {
	char name[12]; /* not a pointer: nothing to relocate */
	uint8_t min_size, max_size;
	uint64_t (*read)(void *dev, uint64_t off, unsigned size);
	void (*write)(void *dev, uint64_t off, unsigned size, uint64_t val);
};

struct bus_range {
	uint64_t base, len;
	const struct bus_ops *ops;
	void *dev; /* borrowed */
};

#define BUS_RANGES_MAX 32

/**
 * struct bus - ranges in ascending order of address
 *
 * Filled by the main thread during set-up, constant once a vCPU runs.
 */
struct bus {
	struct bus_range range[BUS_RANGES_MAX];
	unsigned ranges;
};

/**
 * bus_add() - put a device on the bus
 * Return: 0, -EEXIST if the range overlaps another, -ENOSPC if the bus is full.
 */
int bus_add(struct bus *bus, uint64_t base, uint64_t len,
	    const struct bus_ops *ops, void *dev);

/** bus_read() - @size 1, 2, 4 or 8; all ones where nobody answers */
uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size);

/** bus_write() - dropped where nobody listens */
void bus_write(const struct bus *bus, uint64_t addr, unsigned size,
	       uint64_t val);

#endif
