// SPDX-License-Identifier: Apache-2.0
/* A block driver for tests. */
#include "tests/unit/blkdrv.h"

#include <string.h>

struct virtio_blk blkdrv_blk;
struct vdrv blkdrv;

static void reset_disk(void)
{
	fake_loop_on((size_t)BLKDRV_SECTORS * BLK_SECTOR);
	/* not the whole of it: most of its pages are never touched */
	memset(&blkdrv_blk, 0, offsetof(struct virtio_blk, req));
	memset(&blkdrv_blk.bounce, 0, offsetof(struct blk_bounce, buf));
	blkdrv_blk.disk = (struct disk){
		.name = "fake",
		.fd = -1,
		.sectors = BLKDRV_SECTORS,
		.logical = 512,
		.physical = 4096,
		.mem_align = 1,
		.offset_align = 1,
		.discard_align = 4096,
		.id = "serial-0",
	};
	blkdrv_blk.loop = loop_get();
	fake.file.mem = &blkdrv.mem;
	fake.file.own = blkdrv_blk.bounce.buf;
	fake.file.own_len = BLK_BOUNCE_BYTES;
}

void blkdrv_init(void)
{
	reset_disk();
	vdrv_init(&blkdrv, &virtio_blk_ops, &blkdrv_blk);
}

void blkdrv_reinit(size_t used)
{
	struct mem mem = blkdrv.mem;

	reset_disk();
	if (!mem.regions)
		guest_ram(&mem, VDRV_RAM, 0);
	vdrv_attach(&blkdrv, &virtio_blk_ops, &blkdrv_blk, &mem);
	memset(vdrv_at(&blkdrv, 0, used), 0, used);
}

void blkdrv_deinit(void)
{
	vdrv_deinit(&blkdrv);
	fake_loop_off();
}

void blkdrv_start(uint64_t features)
{
	/* what is offered depends on the disk, which the test has changed */
	blkdrv.t.offered =
		virtio_blk_ops.features(&blkdrv_blk) | VIRTIO_RESERVED_FEATURES;
	vdrv_start(&blkdrv, features, 256);
}

void blkdrv_header(unsigned n, uint32_t type, uint64_t sector)
{
	struct blk_header h = { type, 0, sector };

	memcpy(vdrv_at(&blkdrv, BLKDRV_SLOT(n), sizeof(h)), &h, sizeof(h));
	*vdrv_at(&blkdrv, BLKDRV_STATUS(n), 1) = BLKDRV_PENDING;
}

void blkdrv_put(unsigned n, uint32_t type, uint64_t sector, gpa_t data,
		uint32_t len)
{
	bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
	const struct vseg seg[] = {
		{ BLKDRV_SLOT(n), sizeof(struct blk_header) },
		{ data, len },
		{ BLKDRV_STATUS(n), 1 },
	};

	blkdrv_header(n, type, sector);
	vring_add(&blkdrv.ring[0], seg, in ? 1 : 2, in ? 2 : 1);
}

void blkdrv_go(void)
{
	vdrv_kick(&blkdrv, 0);
	fake_loop_run();
}

uint8_t blkdrv_status(unsigned n)
{
	return *vdrv_at(&blkdrv, BLKDRV_STATUS(n), 1);
}

int64_t blkdrv_take(void)
{
	struct ring_used_elem e;

	return vring_take(&blkdrv.ring[0], &e) ? (int64_t)e.len : -1;
}

int blkdrv_do(uint32_t type, uint64_t sector, gpa_t data, uint32_t len)
{
	blkdrv_put(0, type, sector, data, len);
	blkdrv_go();
	return blkdrv_status(0);
}

int blkdrv_range(uint32_t type, uint64_t sector, uint32_t sectors,
		 uint32_t flags)
{
	struct blk_range range = { sector, sectors, flags };
	gpa_t at = BLKDRV_SLOT(0) + 0x20;

	memcpy(vdrv_at(&blkdrv, at, sizeof(range)), &range, sizeof(range));
	return blkdrv_do(type, 0, at, sizeof(range));
}
