// SPDX-License-Identifier: Apache-2.0
/*
 * DISCARD and WRITE_ZEROES: fallocate where the file system can, zeroes
 * written where it cannot.
 *
 * A discard that cannot be done is done: the driver may assume nothing about
 * the data (§5.2.6.1). Zeroes are a promise: PUNCH_HOLE only with the unmap
 * flag, then ZERO_RANGE, then plain writes.
 */
#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>

#include "devices/blk_parts.h"
#include "monitor/container_of.h"

enum method { PUNCH, ZERO_RANGE, WRITE };

static const int mode[] = {
	[PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	[ZERO_RANGE] = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
};

/* Only ever read, by the kernel: its pages are the zero page. */
static uint8_t zeroes[65536] __attribute__((aligned(4096)));

struct blk_range *blk_ranges(struct blk_req *r)
{
	return r->blk->many[r - r->blk->req].range;
}

static void next_range(struct blk_req *r);

static void range_done(struct blk_req *r)
{
	r->range++;
	next_range(r);
}

/* The next piece of zeroes to write, or the end of the range. */
void blk_ranges_zeroed(struct blk_req *r)
{
	if (!r->todo) {
		range_done(r);
		return;
	}
	r->few[0] = (struct iovec){ zeroes, r->todo < sizeof(zeroes)
						    ? r->todo
						    : sizeof(zeroes) };
	r->iov = r->few;
	r->iovs = 1;
	blk_transfer(r);
}

static void write_zeroes(struct blk_req *r)
{
	const struct blk_range *range = &blk_ranges(r)[r->range];

	r->zeroing = true;
	r->off = range->sector * BLK_SECTOR;
	r->todo = (uint64_t)range->sectors * BLK_SECTOR;
	blk_ranges_zeroed(r);
}

static void fallocate_range(struct blk_req *r);

/* The file system (or, with EINVAL, the device's block size) says no. */
static void try_next_method(struct blk_req *r, int res)
{
	struct virtio_blk *b = r->blk;

	if (res == -EOPNOTSUPP) {
		if (r->method == PUNCH)
			b->no_punch = true;
		else
			b->no_zero_range = true;
	}
	if (r->type == BLK_T_DISCARD) {
		range_done(r);
	} else if (r->method == PUNCH && !b->no_zero_range) {
		r->method = ZERO_RANGE;
		fallocate_range(r);
	} else {
		r->method = WRITE;
		write_zeroes(r);
	}
}

static void fallocate_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);

	(void)flags;
	blk_write_ends(r->blk);
	if (blk_resetting(r->blk)) {
		blk_drop(r);
	} else if (!res) {
		r->tries = 0;
		range_done(r);
	} else if (res == -EOPNOTSUPP || res == -EINVAL || res == -ENOSYS) {
		try_next_method(r, res);
	} else if (!blk_try_again(r, res, fallocate_range)) {
		r->off = blk_ranges(r)[r->range].sector * BLK_SECTOR;
		blk_fail(r, "fallocate", res);
	}
}

static void fallocate_range(struct blk_req *r)
{
	const struct blk_range *range = &blk_ranges(r)[r->range];
	struct io_uring_sqe *sqe;

	if (blk_put_off(r, fallocate_range) || blk_bounce_holds(r))
		return;
	blk_write_begins(r->blk);
	sqe = loop_sqe(r->blk->loop);
	io_uring_prep_fallocate(sqe, r->blk->slot, mode[r->method],
				(off_t)(range->sector * BLK_SECTOR),
				(off_t)range->sectors * BLK_SECTOR);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	r->op.done = fallocate_done;
	loop_set_op(sqe, &r->op);
}

static void start_range(struct blk_req *r, const struct blk_range *range)
{
	const struct virtio_blk *b = r->blk;
	bool unmap =
		r->type == BLK_T_DISCARD || (range->flags & BLK_RANGE_UNMAP);

	if (unmap && !b->no_punch)
		r->method = PUNCH;
	else if (!b->no_zero_range)
		r->method = ZERO_RANGE;
	else
		r->method = WRITE;
	if (r->method == WRITE)
		write_zeroes(r);
	else
		fallocate_range(r);
}

/* Zeroes that fallocate made are promised like any other write. */
static void all_done(struct blk_req *r)
{
	r->zeroing = false;
	if (r->type == BLK_T_WRITE_ZEROES && blk_writethrough(r->blk))
		blk_flush(r);
	else
		blk_finish(r, BLK_S_OK);
}

static void next_range(struct blk_req *r)
{
	const struct blk_range *range = blk_ranges(r);
	bool skip_all = r->type == BLK_T_DISCARD && r->blk->no_punch;

	r->zeroing = false;
	while (r->range < r->ranges && (skip_all || !range[r->range].sectors))
		r->range++;
	if (r->range < r->ranges)
		start_range(r, &range[r->range]);
	else
		all_done(r);
}

void blk_ranges_start(struct blk_req *r)
{
	r->range = 0;
	next_range(r);
}

void blk_ranges_resume(struct blk_req *r)
{
	if (r->zeroing)
		blk_transfer(r);
	else
		fallocate_range(r);
}
