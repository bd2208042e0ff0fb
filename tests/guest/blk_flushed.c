// SPDX-License-Identifier: Apache-2.0
/*
 * Write numbered sectors in batches, flush, and say how far the flushes have
 * come, until somebody kills the monitor. What was said must be on the disk:
 * sector n holds the number n + 1 in each of its words.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

#define BATCH 32U

static struct blk_disk d;

static void write_batch(uint8_t *bufs, uint64_t first)
{
	void *token;
	int status;

	for (unsigned i = 0; i < BATCH; i++) {
		uint64_t *w = (void *)(bufs + i * BLK_SECTOR);

		for (unsigned k = 0; k < BLK_SECTOR / 8; k++)
			w[k] = first + i + 1;
		CHECK(blk_submit(&d, BLK_T_OUT, first + i, w, BLK_SECTOR,
				 NULL));
	}
	blk_kick(&d);
	while (d.inflight) {
		while ((status = blk_take(&d, &token)) >= 0)
			CHECK(status == BLK_S_OK);
		if (d.inflight)
			blk_wait(&d, UINT64_MAX);
	}
}

int main(void)
{
	uint8_t *bufs = heap_pages(BATCH * BLK_SECTOR / 4096);

	CHECK(bufs);
	CHECK(blk_open(&d, 0, BLK_WANTED));
	d.waiting = true;
	for (uint64_t at = 0; at + BATCH <= d.config.capacity; at += BATCH) {
		write_batch(bufs, at);
		CHECK(blk_do(&d, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_OK);
		console_printf("flushed %lu\n", at + BATCH);
	}
	return check_done("blk_flushed");
}
