// SPDX-License-Identifier: Apache-2.0
/* virtio-blk (virtio 1.2 §5.2). */
#include "guest/drivers/blk.h"

#include "guest/kit.h"

#define PAGE	    4096
#define CHECK_EVERY 65536 /* polls; it may be an exit */

#define FIELD(name, needs) VIRTIO_FIELD(struct blk_config, name, needs)
static const struct virtio_field fields[] = {
	FIELD(capacity, 0),
	FIELD(seg_max, BLK_F_SEG_MAX),
	FIELD(blk_size, BLK_F_BLK_SIZE),
	FIELD(physical_block_exp, BLK_F_TOPOLOGY),
	FIELD(alignment_offset, BLK_F_TOPOLOGY),
	FIELD(min_io_size, BLK_F_TOPOLOGY),
	FIELD(opt_io_size, BLK_F_TOPOLOGY),
	FIELD(writeback, BLK_F_CONFIG_WCE),
	FIELD(max_discard_sectors, BLK_F_DISCARD),
	FIELD(max_discard_seg, BLK_F_DISCARD),
	FIELD(discard_sector_alignment, BLK_F_DISCARD),
	FIELD(max_write_zeroes_sectors, BLK_F_WRITE_ZEROES),
	FIELD(max_write_zeroes_seg, BLK_F_WRITE_ZEROES),
	FIELD(write_zeroes_may_unmap, BLK_F_WRITE_ZEROES),
};

static void free_all_slots(struct blk_disk *d)
{
	d->free = NULL;
	d->inflight = 0;
	for (unsigned i = 0; i < BLK_DEPTH_MAX; i++) {
		d->slots[i].next = d->free;
		d->free = &d->slots[i];
	}
}

void blk_reopen(struct blk_disk *d, uint64_t wanted)
{
	virtio_negotiate(&d->dev, wanted);
	d->config = (struct blk_config){ .capacity = 0 };
	virtio_config(&d->dev, fields, sizeof(fields) / sizeof(fields[0]),
		      &d->config);
	virtio_queue_open(&d->queue, &d->dev, 0, BLK_DEPTH_MAX);
	free_all_slots(d);
	virtio_start(&d->dev);
}

bool blk_open(struct blk_disk *d, unsigned nth, uint64_t wanted)
{
	*d = (struct blk_disk){ .waiting = false };
	if (!virtio_find(&d->dev, VIRTIO_BLK, nth))
		return false;
	d->slots = heap_pages((BLK_DEPTH_MAX * sizeof(*d->slots) + PAGE - 1) /
			      PAGE);
	if (!d->slots)
		kit_panic("blk: no memory");
	blk_reopen(d, wanted);
	return true;
}

bool blk_submit(struct blk_disk *d, uint32_t type, uint64_t sector, void *buf,
		uint32_t len, void *token)
{
	bool ranges = type == BLK_T_DISCARD || type == BLK_T_WRITE_ZEROES;
	bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
	struct blk_slot *s = d->free;
	struct virtio_part part[3];
	unsigned n = 0;

	if (!s)
		return false;
	if (type == BLK_T_FLUSH || type == BLK_T_GET_ID) /* §5.2.6.1 */
		sector = 0;
	s->header = (struct blk_header){ type, 0, ranges ? 0 : sector };
	s->status = 0xff;
	s->token = token;
	part[n++] = (struct virtio_part){ &s->header, sizeof(s->header) };
	if (ranges) {
		s->range = (struct blk_range){ sector, len,
					       buf ? BLK_RANGE_UNMAP : 0 };
		part[n++] = (struct virtio_part){ &s->range, sizeof(s->range) };
	} else if (len) {
		part[n++] = (struct virtio_part){ buf, len };
	}
	part[n++] = (struct virtio_part){ &s->status, 1 };
	if (!virtio_add(&d->queue, part, in ? 1 : n - 1, in ? n - 1 : 1, s))
		return false;
	d->free = s->next;
	d->inflight++;
	return true;
}

void blk_kick(struct blk_disk *d)
{
	virtio_kick(&d->queue);
}

int blk_take(struct blk_disk *d, void **ret_token)
{
	struct blk_slot *s;
	uint32_t len;

	s = virtio_take(&d->queue, &len);
	if (!s)
		return -1;
	*ret_token = s->token;
	s->next = d->free;
	d->free = s;
	d->inflight--;
	return s->status;
}

bool blk_wait(struct blk_disk *d, uint64_t deadline_ns)
{
	return virtio_wait(&d->queue, deadline_ns);
}

int blk_do(struct blk_disk *d, uint32_t type, uint64_t sector, void *buf,
	   uint32_t len)
{
	void *token;
	int status;
	uint32_t polls = 0;

	if (!blk_submit(d, type, sector, buf, len, NULL))
		kit_panic("blk: too much in flight");
	blk_kick(d);
	while ((status = blk_take(d, &token)) < 0)
		if (d->waiting)
			blk_wait(d, UINT64_MAX);
		else if (!(++polls % CHECK_EVERY))
			virtio_check(&d->dev);
	return status;
}
