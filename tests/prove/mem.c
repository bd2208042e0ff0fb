// SPDX-License-Identifier: Apache-2.0
/*
 * The guest-memory translator for every address, every length, and one region
 * of RAM or two. The regions are small, and each offset in them and each length
 * that may fit is looked at by itself, so that "offset + length <= size" can be
 * decided; all others are looked at together.
 */
#include <assert.h>

#include "tests/prove/contracts.h"

#define LOW  32
#define HIGH 24

static uint8_t low[LOW], high[HIGH];
static struct mem mem;

static void ram(unsigned regions)
{
	Frama_C_make_unknown((char *)low, sizeof(low));
	Frama_C_make_unknown((char *)high, sizeof(high));
	mem = (struct mem){ .regions = regions };
	mem.region[0] = (struct mem_region){ 0, LOW, low };
	if (regions == 2)
		mem.region[1] = (struct mem_region){ MEM_HOLE_END, HIGH, high };
}

static void use(gpa_t gpa, uint64_t len)
{
	uint8_t buf[LOW];
	uint8_t *p = mem_at(&mem, gpa, len);

	if (p && len) {
		p[0]++;
		p[len - 1]++;
	}
	if (len > sizeof(buf))
		return;
	Frama_C_make_unknown((char *)buf, sizeof(buf));
	if (!mem_copy_in(&mem, buf, gpa, len))
		mem_copy_out(&mem, gpa, buf, len);
}

/* @gpa is one address, or a range of them in which there is no RAM. */
static void translate(gpa_t gpa)
{
	for (uint64_t len = 0; len <= LOW + 1; len++)
		use(gpa, len);
	use(gpa, Frama_C_unsigned_long_interval(LOW + 1, UINT64_MAX));
}

void prove_mem(void)
{
	for (unsigned regions = 1; regions <= 2; regions++) {
		ram(regions);
		for (gpa_t gpa = 0; gpa < LOW; gpa++)
			translate(gpa);
		translate(
			Frama_C_unsigned_long_interval(LOW, MEM_HOLE_END - 1));
		for (gpa_t off = 0; off < HIGH; off++)
			translate(MEM_HOLE_END + off);
		translate(Frama_C_unsigned_long_interval(MEM_HOLE_END + HIGH,
							 UINT64_MAX));
	}
}
