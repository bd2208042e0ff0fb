// SPDX-License-Identifier: Apache-2.0
/*
 * From a chain of guest memory to a request under way. Header and ranges are
 * copied once, then checked, then used; data stays where it is.
 */
#include <string.h>

#include "devices/blk_parts.h"

static bool on_disk(const struct virtio_blk *b, uint64_t sector,
		    uint64_t sectors)
{
	return sector <= b->disk.sectors && sectors <= b->disk.sectors - sector;
}

/* Take bytes [@skip, @skip + r->todo) of @n ranges as the request's data. */
static void slice(struct blk_req *r, const struct iovec *iov, unsigned n,
		  size_t skip)
{
	struct virtio_blk *b = r->blk;

	r->iov = n <= BLK_FEW_IOVS ? r->few : b->many[r - b->req].iov;
	r->iovs = virtq_slice(iov, n, skip, r->todo, r->iov);
}

static void transfer(struct blk_req *r, uint64_t sector)
{
	if (r->todo % BLK_SECTOR ||
	    !on_disk(r->blk, sector, r->todo / BLK_SECTOR)) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	r->off = sector * BLK_SECTOR;
	if (r->todo)
		blk_transfer(r);
	else
		blk_finish(r, BLK_S_OK);
}

static void start_read(struct blk_req *r, const struct blk_header *h,
		       const struct virtq_chain *c)
{
	if (c->out_bytes != sizeof(*h)) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	r->todo = r->in_data;
	slice(r, c->iov + c->out, c->in, 0);
	transfer(r, h->sector);
}

static void start_write(struct blk_req *r, const struct blk_header *h,
			const struct virtq_chain *c)
{
	if (r->in_data || r->blk->disk.read_only) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	r->todo = c->out_bytes - sizeof(*h);
	slice(r, c->iov, c->out, sizeof(*h));
	transfer(r, h->sector);
}

static void start_flush(struct blk_req *r)
{
	if (r->blk->disk.unsafe_cache || r->blk->disk.read_only)
		blk_finish(r, BLK_S_OK);
	else
		blk_flush(r);
}

static void start_get_id(struct blk_req *r, const struct virtq_chain *c)
{
	if (r->in_data < BLK_ID_BYTES) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	r->done = virtq_copy_to(c->iov + c->out, c->in, 0, r->blk->disk.id,
				BLK_ID_BYTES);
	blk_finish(r, BLK_S_OK);
}

static enum blk_status check_range(const struct blk_req *r,
				   const struct blk_range *range)
{
	bool discard = r->type == BLK_T_DISCARD;

	/* §5.2.6.2: unknown flags, and unmap for a discard */
	if (range->flags & (discard ? ~0U : ~BLK_RANGE_UNMAP))
		return BLK_S_UNSUPP;
	if (range->sectors > (discard ? BLK_DISCARD_SECTORS_MAX
				      : BLK_ZEROES_SECTORS_MAX) ||
	    !on_disk(r->blk, range->sector, range->sectors))
		return BLK_S_IOERR;
	return BLK_S_OK;
}

static void start_ranges(struct blk_req *r, const struct virtq_chain *c)
{
	struct blk_range *range = blk_ranges(r);
	uint64_t bytes = c->out_bytes - sizeof(struct blk_header);
	enum blk_status status;

	if (r->in_data || !bytes || bytes % sizeof(*range) ||
	    bytes > BLK_RANGES_MAX * sizeof(*range)) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	virtq_copy_from(c->iov, c->out, sizeof(struct blk_header), range,
			bytes);
	r->ranges = (uint16_t)(bytes / sizeof(*range));
	for (unsigned i = 0; i < r->ranges; i++) {
		status = check_range(r, &range[i]);
		if (status != BLK_S_OK) {
			blk_finish(r, status);
			return;
		}
	}
	blk_ranges_start(r);
}

/* Return: false if it is a type that there is not, or that the driver has not
 * negotiated. (Without FLUSH there is nothing to flush: blk_writethrough().) */
static bool start(struct blk_req *r, const struct blk_header *h,
		  const struct virtq_chain *c)
{
	uint64_t features = r->blk->port->features;

	if (r->type == BLK_T_IN)
		start_read(r, h, c);
	else if (r->type == BLK_T_OUT)
		start_write(r, h, c);
	else if (r->type == BLK_T_FLUSH && features & BLK_F_FLUSH)
		start_flush(r);
	else if (r->type == BLK_T_GET_ID)
		start_get_id(r, c);
	else if ((r->type == BLK_T_DISCARD && features & BLK_F_DISCARD) ||
		 (r->type == BLK_T_WRITE_ZEROES &&
		  features & BLK_F_WRITE_ZEROES))
		start_ranges(r, c);
	else
		return false;
	return true;
}

/* The last writable byte (§5.2.6), wherever the ranges are cut. */
static uint8_t *status_byte(const struct virtq_chain *c)
{
	const struct iovec *last = &c->iov[c->out + c->in - 1];

	return (uint8_t *)last->iov_base + last->iov_len - 1;
}

void blk_decode(struct blk_req *r, const struct virtq_chain *c)
{
	struct blk_header h;

	r->head = c->head;
	r->status = c->in ? status_byte(c) : NULL;
	r->in_data = c->in ? c->in_bytes - 1 : 0;
	r->iovs = 0;
	r->off = 0;
	r->todo = 0;
	r->done = 0;
	r->range = 0;
	r->ranges = 0;
	r->tries = 0;
	r->zeroing = false;
	if (!r->status ||
	    virtq_copy_from(c->iov, c->out, 0, &h, sizeof(h)) < sizeof(h)) {
		blk_finish(r, BLK_S_IOERR);
		return;
	}
	r->type = h.type;
	if (!start(r, &h, c))
		blk_finish(r, BLK_S_UNSUPP);
}
