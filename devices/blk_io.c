// SPDX-License-Identifier: Apache-2.0
/* Reads, writes and flushes as io_uring operations. */
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "devices/blk_parts.h"
#include "monitor/container_of.h"
#include "monitor/log.h"

/* One operation moves at most this much; the rest is continued. */
#define OP_BYTES_MAX (1U << 30)

/* What fails in passing is tried again every LOOP_LATER_NS, so for half a
 * minute; the log tells of it sooner. */
#define TRIES_MAX  3000
#define TRIES_SAID 10

static void later_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);

	(void)res;
	(void)flags;
	if (blk_resetting(r->blk))
		blk_drop(r);
	else
		r->resume(r);
}

bool blk_try_again(struct blk_req *r, int res, void (*again)(struct blk_req *r))
{
	if ((res != -EAGAIN && !loop_is_passing(res)) ||
	    r->tries++ >= TRIES_MAX)
		return false;
	if (r->tries == TRIES_SAID)
		log_guest(LOG_WARN, "virtio-blk",
			  "disk %s: a request waits for the host: %s",
			  r->blk->disk.name,
			  res == -ECANCELED
				  ? "no thread (`ulimit -u`, pids.max)"
				  : strerror(-res));
	r->resume = again;
	r->op.done = later_done;
	loop_later(r->blk->loop, &r->op);
	return true;
}

void blk_transferred(struct blk_req *r, uint64_t bytes)
{
	r->tries = 0;
	r->off += bytes;
	r->todo -= bytes;
	r->done += bytes;
	if (r->zeroing) {
		blk_ranges_zeroed(r);
		return;
	}
	r->iovs = (uint16_t)virtq_skip(&r->iov, r->iovs, bytes);
	if (r->todo)
		blk_transfer(r);
	else
		blk_finish(r, BLK_S_OK);
}

void blk_transfer_failed(struct blk_req *r, int res)
{
	if (!blk_try_again(r, res, blk_transfer))
		blk_fail(r, r->type == BLK_T_IN ? "reading" : "writing", res);
}

static void transfer_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);

	(void)flags;
	if (r->type != BLK_T_IN)
		blk_write_ends(r->blk);
	if (blk_resetting(r->blk))
		blk_drop(r);
	else if (res > 0)
		blk_transferred(r, (uint64_t)res);
	else
		blk_transfer_failed(r, res);
}

static void prepare(const struct blk_req *r, struct io_uring_sqe *sqe)
{
	bool read = r->type == BLK_T_IN;
	int slot = r->blk->slot;

	if (r->iovs > 1) {
		if (read)
			io_uring_prep_readv(sqe, slot, r->iov, r->iovs, r->off);
		else
			io_uring_prep_writev(sqe, slot, r->iov, r->iovs,
					     r->off);
		return;
	}
	/* A single range needs no list for the kernel to copy and check. */
	unsigned len = r->iov->iov_len > OP_BYTES_MAX
			       ? OP_BYTES_MAX
			       : (unsigned)r->iov->iov_len;
	if (read)
		io_uring_prep_read(sqe, slot, r->iov->iov_base, len, r->off);
	else
		io_uring_prep_write(sqe, slot, r->iov->iov_base, len, r->off);
}

/* All of it, or it is as if nothing had happened. (Zeroes are not moved now: a
 * list of ranges, each short, is much.) */
static bool moved_now(struct blk_req *r)
{
	const struct disk *d = &r->blk->disk;
	long n;

	if (!loop_is_borrowed(r->blk->loop) || r->todo > BLK_NOW_BYTES ||
	    r->zeroing)
		return false;
	if (r->type == BLK_T_IN)
		n = disk_read_now(d, r->iov, r->iovs, r->off);
	else if (!blk_writethrough(r->blk))
		n = disk_write_now(d, r->iov, r->iovs, r->off);
	else
		return false;
	return n == (long)r->todo;
}

void blk_transfer(struct blk_req *r)
{
	struct virtio_blk *b = r->blk;
	struct io_uring_sqe *sqe;

	if (moved_now(r)) {
		blk_transferred(r, r->todo);
		return;
	}
	if (blk_put_off(r, blk_transfer))
		return;
	if (blk_bounce_needed(r)) {
		blk_bounce(r);
		return;
	}
	if (r->type != BLK_T_IN) {
		if (blk_bounce_holds(r))
			return;
		blk_write_begins(b);
	}
	sqe = loop_sqe(b->loop);
	prepare(r, sqe);
	if (r->type != BLK_T_IN && blk_writethrough(b))
		sqe->rw_flags = RWF_DSYNC;
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	r->op.done = transfer_done;
	loop_set_op(sqe, &r->op);
}

static void flush_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);
	/* Nothing else is tried again: an error of writing is told once, and
	 * the next fdatasync() would be content. */
	bool undone = res == -EINTR || res == -ECANCELED;

	(void)flags;
	if (blk_resetting(r->blk))
		blk_drop(r);
	else if (!res)
		blk_finish(r, BLK_S_OK);
	else if (!undone || !blk_try_again(r, res, blk_flush))
		blk_fail(r, "fdatasync", res);
}

void blk_flush(struct blk_req *r)
{
	struct io_uring_sqe *sqe;

	if (blk_put_off(r, blk_flush))
		return;
	sqe = loop_sqe(r->blk->loop);
	io_uring_prep_fsync(sqe, r->blk->slot, IORING_FSYNC_DATASYNC);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	r->op.done = flush_done;
	loop_set_op(sqe, &r->op);
}
