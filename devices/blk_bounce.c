// SPDX-License-Identifier: Apache-2.0
/*
 * What O_DIRECT cannot take goes through one aligned buffer for each disk: of
 * each request in line a piece, what the buffer holds, then the next one's.
 *
 * A write that does not begin and end on the file's block boundaries is a
 * read-modify-write. It must not run beside another change of the same block,
 * or one of the two would be lost, so it waits until no write is in flight and
 * holds new ones back. A second, buffered descriptor would be less code, but
 * page cache and direct writes that share a block can lose each other's data.
 */
#include <liburing.h>

#include "devices/blk_parts.h"
#include "monitor/container_of.h"

bool blk_bounce_needed(const struct blk_req *r)
{
	const struct disk *d = &r->blk->disk;

	if (!d->direct)
		return false;
	if (r->off % d->offset_align)
		return true;
	for (unsigned i = 0; i < r->iovs; i++)
		if ((uintptr_t)r->iov[i].iov_base % d->mem_align ||
		    r->iov[i].iov_len % d->offset_align)
			return true;
	return false;
}

/* The blocks of one piece: bytes [@from, @to) of the file, of which @len bytes
 * from @skip on are the request's. */
struct piece {
	uint64_t from, to;
	unsigned skip, len;
};

static struct piece piece_of(const struct blk_req *r)
{
	uint64_t align = r->blk->disk.offset_align;
	struct piece p = { .from = r->off & ~(align - 1) };

	p.skip = (unsigned)(r->off - p.from);
	p.len = BLK_BOUNCE_BYTES - p.skip;
	if (p.len > r->todo)
		p.len = (unsigned)r->todo;
	/* What the list holds may be less: 64 KiB of zeroes at most. */
	if (r->zeroing && p.len > r->iov->iov_len)
		p.len = (unsigned)r->iov->iov_len;
	p.to = (r->off + p.len + align - 1) & ~(align - 1);
	return p;
}

/* How much of the piece a transfer of @res bytes moved. */
static unsigned moved(const struct piece *p, int res)
{
	if (res < 0 || (unsigned)res <= p->skip)
		return 0;
	return (unsigned)res - p->skip < p->len ? (unsigned)res - p->skip
						: p->len;
}

static void submit(struct blk_req *r, const struct piece *p, bool write,
		   void (*done)(struct loop_op *, int, uint32_t))
{
	struct virtio_blk *b = r->blk;
	struct io_uring_sqe *sqe = loop_sqe(b->loop);
	unsigned len = (unsigned)(p->to - p->from);

	if (write)
		io_uring_prep_write(sqe, b->slot, b->bounce.buf, len, p->from);
	else
		io_uring_prep_read(sqe, b->slot, b->bounce.buf, len, p->from);
	if (write && blk_writethrough(b))
		sqe->rw_flags = RWF_DSYNC;
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	r->op.done = done;
	loop_set_op(sqe, &r->op);
	b->bounce.busy = true;
}

static void start(struct virtio_blk *b);

/* The first in line has moved @bytes, or failed. */
static void end_piece(struct blk_req *r, unsigned bytes, int res)
{
	struct virtio_blk *b = r->blk;
	struct blk_list held = b->bounce.held;
	struct blk_req *h;

	blk_shift(&b->bounce.waiting);
	if (b->bounce.rmw) {
		b->bounce.rmw = false;
		b->bounce.held = (struct blk_list){ 0 };
		while ((h = blk_shift(&held))) {
			if (h->ranges)
				blk_ranges_resume(h);
			else
				blk_transfer(h);
		}
	}
	if (bytes)
		blk_transferred(r, bytes);
	else
		blk_transfer_failed(r, res > 0 ? 0 : res);
	start(b);
}

static void write_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);
	struct piece p = piece_of(r);

	(void)flags;
	blk_write_ends(r->blk); /* while busy: it must not start this one */
	r->blk->bounce.busy = false;
	if (blk_resetting(r->blk))
		blk_drop(r);
	else
		end_piece(r, moved(&p, res), res);
}

static void write_piece(struct blk_req *r, const struct piece *p)
{
	struct virtio_blk *b = r->blk;

	virtq_copy_from(r->iov, r->iovs, 0, b->bounce.buf + p->skip, p->len);
	blk_write_begins(b);
	submit(r, p, true, write_done);
}

static void read_done(struct loop_op *op, int res, uint32_t flags)
{
	struct blk_req *r = container_of(op, struct blk_req, op);
	struct virtio_blk *b = r->blk;
	struct piece p = piece_of(r);

	(void)flags;
	b->bounce.busy = false;
	if (blk_resetting(b)) {
		blk_drop(r);
	} else if (r->type == BLK_T_IN) {
		virtq_copy_to(r->iov, r->iovs, 0, b->bounce.buf + p.skip,
			      moved(&p, res));
		end_piece(r, moved(&p, res), res);
	} else if (res == (int)(p.to - p.from)) {
		write_piece(r, &p);
	} else {
		end_piece(r, 0, res);
	}
}

/* Give the buffer to the first in line, if it is free. */
static void start(struct virtio_blk *b)
{
	struct blk_req *r = b->bounce.waiting.first;
	struct piece p;

	if (!r || b->bounce.busy)
		return;
	p = piece_of(r);
	if (r->type == BLK_T_IN) {
		submit(r, &p, false, read_done);
	} else if (p.to - p.from == p.len) {
		write_piece(r, &p);
	} else {
		b->bounce.rmw = true;
		if (!b->writing)
			submit(r, &p, false, read_done);
	}
}

void blk_bounce(struct blk_req *r)
{
	r->blk->stats.bounced++;
	blk_append(&r->blk->bounce.waiting, r);
	start(r->blk);
}

bool blk_bounce_holds(struct blk_req *r)
{
	if (!r->blk->bounce.rmw)
		return false;
	blk_append(&r->blk->bounce.held, r);
	return true;
}

void blk_write_begins(struct virtio_blk *b)
{
	b->writing++;
}

void blk_write_ends(struct virtio_blk *b)
{
	if (!--b->writing && b->bounce.rmw)
		start(b);
}

void blk_bounce_reset(struct virtio_blk *b)
{
	struct blk_list waiting = b->bounce.waiting, held = b->bounce.held;
	struct blk_req *r;

	/* The one whose operation is in flight drops itself when it is over. */
	if (b->bounce.busy)
		blk_shift(&waiting);
	b->bounce.waiting = (struct blk_list){ 0 };
	b->bounce.held = (struct blk_list){ 0 };
	b->bounce.rmw = false;
	while ((r = blk_shift(&waiting)))
		blk_drop(r);
	while ((r = blk_shift(&held)))
		blk_drop(r);
}
