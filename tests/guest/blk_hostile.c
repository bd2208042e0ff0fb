// SPDX-License-Identifier: Apache-2.0
/*
 * A driver that breaks every rule it can think of, and then does a reset and
 * expects the disk to work: rings that lie, heads out of range, chains that
 * loop, buffers outside RAM, registers at random. Arguments: rounds=N.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

static struct blk_disk d;
static uint8_t *page;
static uint64_t state = 0x2545f4914f6cdd1dUL;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void offer(uint16_t head)
{
	uint16_t idx = ring_load(&d.queue.avail->idx);

	d.queue.avail->ring[idx & (d.queue.size - 1)] = head;
	ring_store_release(&d.queue.avail->idx, (uint16_t)(idx + 1));
}

static void ring(void)
{
	virtio_set(&d.dev, MMIO_QUEUE_NOTIFY, 0);
}

static void bad_head(void)
{
	offer((uint16_t)(d.queue.size + random64() % 1000));
}

static void loop_chain(void)
{
	d.queue.desc[3] =
		(struct ring_desc){ (uintptr_t)page, 16, RING_DESC_NEXT, 3 };
	offer(3);
}

static void nowhere(void)
{
	d.queue.desc[0] =
		(struct ring_desc){ 0xd0000000, 4096, RING_DESC_WRITE, 0 };
	offer(0);
}

static void over_the_top(void)
{
	d.queue.desc[0] = (struct ring_desc){ (uintptr_t)page, UINT32_MAX,
					      RING_DESC_WRITE, 0 };
	offer(0);
}

static void nested(void)
{
	struct ring_desc *t = (void *)page;

	t[0] = (struct ring_desc){ (uintptr_t)page, 16, RING_DESC_INDIRECT, 0 };
	d.queue.desc[0] = t[0];
	offer(0);
}

static void index_jump(void)
{
	ring_store(&d.queue.avail->idx, (uint16_t)random64());
}

static void backwards(void)
{
	d.queue.desc[0] =
		(struct ring_desc){ (uintptr_t)page, 64,
				    RING_DESC_WRITE | RING_DESC_NEXT, 1 };
	d.queue.desc[1] = (struct ring_desc){ (uintptr_t)page, 16, 0, 0 };
	offer(0);
}

static void noise(void)
{
	uint64_t *w = (void *)d.queue.desc;

	for (unsigned i = 0; i < 64; i++)
		w[random64() % (2 * 4096 / 8)] = random64();
}

static void registers(void)
{
	for (unsigned i = 0; i < 20; i++) {
		unsigned reg = (unsigned)(random64() % 0x100) & ~3U;

		if (reg == MMIO_STATUS)
			continue;
		virtio_set(&d.dev, reg, (uint32_t)random64());
	}
}

static void (*const deeds[])(void) = {
	bad_head,   loop_chain, nowhere, over_the_top, nested,
	index_jump, backwards,	noise,	 registers,
};

int main(int argc, char **argv)
{
	unsigned rounds = 200;
	void *token;

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "rounds=", 7))
			rounds = (unsigned)strtou64(argv[i] + 7, NULL);
	page = heap_pages(2);
	CHECK(page && blk_open(&d, 0, BLK_WANTED));
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 8; i++)
			blk_submit(&d, BLK_T_IN, i, page + 4096, 512, &d);
		deeds[random64() % (sizeof(deeds) / sizeof(deeds[0]))]();
		ring();
		if (round % 4 == 0)
			deeds[random64() %
			      (sizeof(deeds) / sizeof(deeds[0]))]();
		ring();
		blk_reopen(&d, BLK_WANTED);
		CHECK(blk_do(&d, BLK_T_IN, 0, page, 512) == BLK_S_OK);
		CHECK(blk_take(&d, &token) < 0);
	}
	return check_done("blk_hostile");
}
