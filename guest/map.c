// SPDX-License-Identifier: Apache-2.0
/*
 * Page tables beyond what tables.S prepared.
 *
 * A table for a whole new GiB is filled here at full speed and then hung in
 * with one ring-0 write; entries of a table in use are written one by one
 * through the stub, because a table in use may be expensive to write from ring
 * 3, or not writable at all. Entries are only added, so nothing is flushed.
 */
#include "guest/kit.h"
#include "guest/ring0.h"

#define GIB	    (1ULL << 30)
#define LARGE	    (2ULL << 20)
#define MAP_END	    (512 * GIB)
#define TABLES	    64
#define PTE_ADDR    0x000ffffffffff000ULL
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_USED)
#define LARGE_FLAGS (PTE_PRESENT | PTE_USER | PTE_USED | PTE_LARGE)

/* Pages that no one touches cost nothing. */
static _Alignas(4096) uint64_t tables[TABLES][512];
static unsigned tables_used;

static unsigned slot(uint64_t addr)
{
	return (unsigned)(addr / LARGE % 512);
}

static int map_new(uint64_t *entry, uint64_t start, uint64_t end,
		   uint64_t flags)
{
	uint64_t *table = tables[tables_used];

	if (tables_used == TABLES)
		return -1;
	tables_used++;
	for (uint64_t at = start; at < end; at += LARGE)
		table[slot(at)] = at | LARGE_FLAGS | flags;
	ring0_poke((uintptr_t)entry, (uintptr_t)table | TABLE_FLAGS);
	return 0;
}

/* [start, end) lies inside one GiB. */
static int map_gib(uint64_t start, uint64_t end, uint64_t flags)
{
	uint64_t *entry = (uint64_t *)KIT_PDPT + start / GIB;
	uint64_t *table;

	if (!(*entry & PTE_PRESENT))
		return map_new(entry, start, end, flags);
	table = (uint64_t *)(*entry & PTE_ADDR);
	for (uint64_t at = start; at < end; at += LARGE)
		if (!(table[slot(at)] & PTE_PRESENT))
			ring0_poke((uintptr_t)&table[slot(at)],
				   at | LARGE_FLAGS | flags);
	return 0;
}

int map_range(uint64_t start, uint64_t len, uint64_t flags)
{
	uint64_t end, next;

	if (__builtin_add_overflow(start, len, &end) || end > MAP_END)
		return -1;
	end = (end + LARGE - 1) & ~(LARGE - 1);
	for (start &= ~(LARGE - 1); start < end; start = next) {
		next = (start / GIB + 1) * GIB;
		if (next > end)
			next = end;
		if (map_gib(start, next, flags) < 0)
			return -1;
	}
	return 0;
}

volatile void *map_device(uint64_t start, uint64_t len)
{
	if (map_range(start, len, PTE_WRITE | PTE_UNCACHED | PTE_NX) < 0)
		kit_panic("cannot map device at 0x%lx", start);
	return (volatile void *)start;
}
