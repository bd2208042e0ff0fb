// SPDX-License-Identifier: Apache-2.0
/*
 * blk_verify [wait] [requests=N]: random writes at full depth, each block
 * with its number and version in every word; flush; all read back and
 * compared; zeroes and discards in between.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

#define BLOCK  4096U
#define BLOCKS 2048U /* of the disk are used: 8 MiB */
#define DEPTH  200U
#define ZEROED 0U

static struct blk_disk d;
static uint8_t *bufs;		 /* one block for each request in flight */
static uint32_t version[BLOCKS]; /* what the block must hold */
static bool busy[BLOCKS], taken[DEPTH];
static unsigned block_of[DEPTH];
static uint64_t state = 0x9e3779b97f4a7c15UL;

static uint32_t random32(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static uint64_t word_of(unsigned block, uint32_t v, unsigned i)
{
	if (v == ZEROED)
		return 0;
	return (uint64_t)v << 40 | (uint64_t)block << 16 | i;
}

static void fill(uint8_t *buf, unsigned block)
{
	uint64_t *w = (void *)buf;

	for (unsigned i = 0; i < BLOCK / 8; i++)
		w[i] = word_of(block, version[block], i);
}

static void compare(const uint8_t *buf, unsigned block)
{
	const uint64_t *w = (const void *)buf;

	for (unsigned i = 0; i < BLOCK / 8; i++)
		if (w[i] != word_of(block, version[block], i))
			kit_panic("block %u word %u: 0x%lx, not 0x%lx", block,
				  i, w[i], word_of(block, version[block], i));
}

static unsigned free_slot(void)
{
	for (unsigned i = 0; i < DEPTH; i++)
		if (!taken[i])
			return i;
	return DEPTH;
}

/* What comes back is the slot, plus one. */
static void submit(uint32_t type, unsigned block)
{
	uint64_t sector = block * (uint64_t)(BLOCK / BLK_SECTOR);
	unsigned slot = free_slot();
	uint8_t *buf = bufs + slot * BLOCK;
	void *token = (void *)(uintptr_t)(slot + 1);

	CHECK(slot < DEPTH);
	taken[slot] = true;
	busy[block] = true;
	block_of[slot] = block;
	if (type == BLK_T_WRITE_ZEROES) {
		version[block] = ZEROED;
		CHECK(blk_submit(&d, type, sector, block % 2 ? buf : NULL,
				 BLOCK / BLK_SECTOR, token));
		return;
	}
	if (type == BLK_T_OUT) {
		version[block] = 1 + random32() % 0xffffff;
		fill(buf, block);
	}
	CHECK(blk_submit(&d, type, sector, buf, BLOCK, token));
}

static void take(bool verify)
{
	void *token;
	int status;

	while ((status = blk_take(&d, &token)) >= 0) {
		unsigned slot = (unsigned)(uintptr_t)token - 1;

		CHECK(status == BLK_S_OK);
		CHECK(slot < DEPTH && taken[slot]);
		if (verify)
			compare(bufs + slot * BLOCK, block_of[slot]);
		taken[slot] = false;
		busy[block_of[slot]] = false;
	}
}

static void pause_for_some(void)
{
	blk_kick(&d);
	if (d.waiting)
		blk_wait(&d, UINT64_MAX);
}

static void settle(bool verify)
{
	while (d.inflight) {
		pause_for_some();
		take(verify);
	}
}

static void write_at_random(unsigned requests)
{
	while (requests) {
		unsigned block = random32() % BLOCKS;

		if (d.inflight < DEPTH && !busy[block]) {
			submit(random32() % 16 ? BLK_T_OUT : BLK_T_WRITE_ZEROES,
			       block);
			requests--;
			if (random32() % 32)
				continue;
		}
		pause_for_some();
		take(false);
	}
	settle(false);
}

static void read_all(void)
{
	for (unsigned block = 0; block < BLOCKS; block++) {
		while (d.inflight == DEPTH) {
			pause_for_some();
			take(true);
		}
		submit(BLK_T_IN, block);
	}
	settle(true);
}

static void check_discard(void)
{
	/* nothing is known of what is discarded, so write it again */
	CHECK(blk_do(&d, BLK_T_DISCARD, 0, NULL, 64) == BLK_S_OK);
	for (unsigned block = 0; block < 8; block++)
		submit(BLK_T_OUT, block);
	settle(false);
}

int main(int argc, char **argv)
{
	unsigned requests = 20000;

	CHECK(blk_open(&d, 0, BLK_WANTED));
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "wait"))
			d.waiting = true;
		if (!strncmp(argv[i], "requests=", 9))
			requests = (unsigned)strtou64(argv[i] + 9, NULL);
	}
	CHECK(d.config.capacity >= BLOCKS * BLOCK / BLK_SECTOR);
	bufs = heap_pages(DEPTH);
	CHECK(bufs);
	CHECK(blk_do(&d, BLK_T_WRITE_ZEROES, 0, NULL,
		     BLOCKS * BLOCK / BLK_SECTOR) == BLK_S_OK);
	for (unsigned round = 0; round < 4; round++) {
		write_at_random(requests / 4);
		check_discard();
		CHECK(blk_do(&d, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_OK);
		read_all();
	}
	return check_done("blk_verify");
}
