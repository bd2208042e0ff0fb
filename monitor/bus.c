// SPDX-License-Identifier: Apache-2.0
/* Sorted ranges, binary search, and the size rules in one place. */
#include "monitor/bus.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int bus_add(struct bus *bus, uint64_t base, uint64_t len,
	    const struct bus_ops *ops, void *dev)
{
	unsigned at = 0;

	if (bus->ranges == BUS_RANGES_MAX)
		return -ENOSPC;
	while (at < bus->ranges && bus->range[at].base < base)
		at++;
	if (at < bus->ranges && bus->range[at].base - base < len)
		return -EEXIST;
	if (at && base - bus->range[at - 1].base < bus->range[at - 1].len)
		return -EEXIST;
	memmove(&bus->range[at + 1], &bus->range[at],
		(bus->ranges - at) * sizeof(bus->range[0]));
	bus->range[at] = (struct bus_range){ base, len, ops, dev };
	bus->ranges++;
	return 0;
}

/* The range that takes the whole access, or NULL. */
static const struct bus_range *find(const struct bus *bus, uint64_t addr,
				    unsigned size)
{
	unsigned lo = 0, hi = bus->ranges;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct bus_range *r = &bus->range[mid];

		if (addr < r->base) {
			hi = mid;
		} else if (addr - r->base >= r->len) {
			lo = mid + 1;
		} else {
			if (size < r->ops->min_size ||
			    size > r->ops->max_size || (size & (size - 1)) ||
			    size > r->len - (addr - r->base))
				return NULL;
			return r;
		}
	}
	return NULL;
}

static uint64_t all_ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
}

uint64_t bus_read(const struct bus *bus, uint64_t addr, unsigned size)
{
	const struct bus_range *r = find(bus, addr, size);

	if (!r)
		return all_ones(size);
	return r->ops->read(r->dev, addr - r->base, size) & all_ones(size);
}

void bus_write(const struct bus *bus, uint64_t addr, unsigned size,
	       uint64_t val)
{
	const struct bus_range *r = find(bus, addr, size);

	if (r)
		r->ops->write(r->dev, addr - r->base, size,
			      val & all_ones(size));
}
