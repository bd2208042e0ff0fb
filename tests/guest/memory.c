// SPDX-License-Identifier: Apache-2.0
/*
 * All RAM that is announced is there: a value of its own goes to both ends of
 * each range and to every GiB, and all are read back at last. Prints ranges
 * and KiB. Ranges must be in order and apart.
 */
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define GIB	  (1ULL << 30)
#define WRITABLE  0x200000 /* below, only ring 0 can write */
#define PROBES	  1024
#define PAGE_SIZE 4096
#define BLOCKS	  64

extern const char kit_image_end[]; /* kit.ld */

static struct {
	uint64_t addr, was;
} probe[PROBES];
static unsigned probes;

static uint64_t mark_of(uint64_t addr)
{
	return addr * 0x9e3779b97f4a7c15ULL;
}

static volatile uint64_t *at(uint64_t addr)
{
	return (volatile uint64_t *)addr;
}

static void set(uint64_t addr, uint64_t value)
{
	if (addr < WRITABLE)
		ring0_poke(addr, value);
	else
		*at(addr) = value;
}

/* Our own image is in the way of some: they are put back at the end. */
static void add(uint64_t addr)
{
	CHECK(probes < PROBES);
	probe[probes].addr = addr;
	probe[probes++].was = *at(addr);
	set(addr, mark_of(addr));
}

static void probe_range(const struct ram_range *r)
{
	uint64_t start = r->start ? r->start : PAGE_SIZE;
	uint64_t last = r->start + r->len - sizeof(uint64_t);

	CHECK(!map_range(r->start, r->len, PTE_WRITE | PTE_NX));
	add(start);
	for (uint64_t addr = (start / GIB + 1) * GIB; addr < last; addr += GIB)
		add(addr);
	add(last);
}

/* Blocks of a 64th of RAM behind the image: the heap may waste a quarter and no
 * more. */
static void check_heap(uint64_t ram)
{
	uint64_t *block;
	unsigned i = 0;

	while ((block = malloc(ram / BLOCKS))) {
		CHECK(i++ < BLOCKS);
		block[0] = block[ram / BLOCKS / sizeof(*block) - 1] = i;
	}
	CHECK(i >= BLOCKS / 2);
}

int main(void)
{
	struct ram_range r;
	const uint64_t image_end = (uintptr_t)kit_image_end;
	uint64_t end = 0, sum = 0, behind = 0;
	unsigned i = 0, ranges = 0;

	while (ram_next(&i, &r)) {
		CHECK(r.start >= end && r.len >= PAGE_SIZE);
		end = r.start + r.len;
		sum += r.len;
		if (end > image_end)
			behind += end -
				  (r.start > image_end ? r.start : image_end);
		ranges++;
		probe_range(&r);
	}
	for (i = 0; i < probes; i++)
		CHECK(*at(probe[i].addr) == mark_of(probe[i].addr));
	while (probes--)
		set(probe[probes].addr, probe[probes].was);
	console_printf("%u ranges, %lu KiB\n", ranges, sum / 1024);
	check_heap(behind);
	return check_done("memory");
}
