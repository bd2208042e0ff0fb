// SPDX-License-Identifier: Apache-2.0
/*
 * Reset the device with its queue full, again and again, or, every other time,
 * clear QueueReady before. Once that is answered, nothing of it may reach
 * memory any more; and the disk works as before. Reads of what the host has in
 * its page cache are over at once: every fourth request is a write, which keeps
 * even a quick host for a while.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

#define BYTES  16384U
#define DEPTH  128U
#define ROUNDS 100U
/* Where the device is quick, most rounds find everything answered. */
#define PATIENCE 3000U
#define STAIN	 0x5a5a5a5a5a5a5a5aUL

static struct blk_disk d;

static void stain(uint64_t *words)
{
	for (unsigned i = 0; i < DEPTH * BYTES / 8; i++)
		words[i] = STAIN;
}

static void check_stain(const volatile uint64_t *words)
{
	for (unsigned i = 0; i < DEPTH * BYTES / 8; i++)
		CHECK(words[i] == STAIN);
}

static void fill_queue(uint8_t *bufs, unsigned round)
{
	uint64_t places = d.config.capacity / (BYTES / BLK_SECTOR);

	for (unsigned i = 0; i < DEPTH; i++) {
		uint64_t at = (i * 37 + round * 101) % places;

		CHECK(blk_submit(&d, i % 4 ? BLK_T_IN : BLK_T_OUT,
				 at * (BYTES / BLK_SECTOR), bufs + i * BYTES,
				 BYTES, NULL));
	}
	blk_kick(&d);
}

/* As the specification has it (virtio 1.2 4.2.2.2), and the Rust crate
 * virtio-drivers. */
static void stop_queue(void)
{
	virtio_set(&d.dev, MMIO_QUEUE_SEL, 0);
	virtio_set(&d.dev, MMIO_QUEUE_READY, 0);
	while (virtio_get(&d.dev, MMIO_QUEUE_READY))
		;
	CHECK(virtio_get(&d.dev, MMIO_STATUS) & VIRTIO_DRIVER_OK);
}

static void stop(unsigned round)
{
	if (round % 2) {
		stop_queue();
		return;
	}
	virtio_reset(&d.dev);
	CHECK(virtio_get(&d.dev, MMIO_STATUS) == 0);
}

int main(void)
{
	uint8_t *bufs = heap_pages(DEPTH * BYTES / 4096);
	uint8_t *page = heap_pages(1);
	unsigned caught = 0, round;
	uint16_t used;

	CHECK(bufs && page);
	CHECK(blk_open(&d, 0, BLK_WANTED));
	for (round = 0; round < (caught ? ROUNDS : PATIENCE); round++) {
		fill_queue(bufs, round);
		/* hit it at different moments */
		for (uint64_t end = time_ns() + round % 8 * 50000;
		     time_ns() < end;)
			;
		stop(round);
		used = ring_load(&d.queue.used->idx);
		caught += used < DEPTH;
		stain((uint64_t *)(void *)bufs);
		if (round % 10 < 2)
			time_sleep(2000000);
		check_stain((const volatile uint64_t *)(void *)bufs);
		CHECK(ring_load(&d.queue.used->idx) == used);
		CHECK(virtio_get(&d.dev, MMIO_INTERRUPT_STATUS) == 0);
		blk_reopen(&d, BLK_WANTED);
		CHECK(blk_do(&d, BLK_T_IN, 0, page, 4096) == BLK_S_OK);
	}
	console_printf("caught with requests in flight: %u of %u\n", caught,
		       round);
	CHECK(caught);
	return check_done("blk_reset");
}
