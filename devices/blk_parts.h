/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the block device need of each other. On the I/O thread, or
 * on one that borrows the loop. */
#ifndef MOTE_DEVICES_BLK_PARTS_H
#define MOTE_DEVICES_BLK_PARTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio_blk.h"

/*
 * virtio_blk.c: operations are for the I/O thread to submit.
 * Return: true if that is not us; @resume is then called there.
 */
bool blk_put_off(struct blk_req *r, void (*resume)(struct blk_req *r));
void blk_append(struct blk_list *list, struct blk_req *r);
struct blk_req *blk_shift(struct blk_list *list);

/* virtio_blk.c: the end of a request; @r is gone afterwards. */
void blk_finish(struct blk_req *r, enum blk_status status);
void blk_fail(struct blk_req *r, const char *what, int res);
/* Nothing is said to the guest: the device is being reset. */
void blk_drop(struct blk_req *r);
static inline bool blk_resetting(const struct virtio_blk *b)
{
	return b->port->resetting;
}
/* Must a write be on the file when it completes? */
static inline bool blk_writethrough(struct virtio_blk *b)
{
	return !b->disk.unsafe_cache && !atomic_load(&b->writeback);
}

/* blk_decode.c: from a chain to a request under way */
void blk_decode(struct blk_req *r, const struct virtq_chain *c);

/* blk_io.c: transfers and flushes. blk_transfer() goes on from r->off. */
void blk_transfer(struct blk_req *r);
void blk_flush(struct blk_req *r);
void blk_transferred(struct blk_req *r, uint64_t bytes);
/*
 * Where @res is no verdict on the file, @again is called a bit later.
 * Return: false if it is one, or that was tried for long enough.
 */
bool blk_try_again(struct blk_req *r, int res,
		   void (*again)(struct blk_req *r));
/* The result of a transfer that moved nothing: tries again, or fails. */
void blk_transfer_failed(struct blk_req *r, int res);

/* blk_ranges.c: DISCARD and WRITE_ZEROES */
void blk_ranges_start(struct blk_req *r);
void blk_ranges_zeroed(struct blk_req *r); /* r->todo zeroes were written */
void blk_ranges_resume(struct blk_req *r);
struct blk_range *blk_ranges(struct blk_req *r);

/* blk_bounce.c */
bool blk_bounce_needed(const struct blk_req *r);
void blk_bounce(struct blk_req *r);
/* Return: true if @r, about to change the file, has to wait; it is resumed. */
bool blk_bounce_holds(struct blk_req *r);
/* An operation that changes the file begins, and ends. */
void blk_write_begins(struct virtio_blk *b);
void blk_write_ends(struct virtio_blk *b);
void blk_bounce_reset(struct virtio_blk *b);

#endif
