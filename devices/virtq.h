/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of a split virtqueue (virtio 1.2 §2.7), one for all
 * devices: indirect descriptors and EVENT_IDX.
 *
 * Guest memory is hostile. A chain is walked once; each descriptor is copied
 * before it is looked at; the walk is bounded, so loops end; directions,
 * flags and ranges are checked; what comes out are host ranges that
 * mem_at() vouched for. Anything else breaks the queue: it takes nothing
 * more until a reset, and virtq->fault says why.
 *
 * Lenient on purpose:
 *  - an indirect table may be longer than the queue, up to
 *    VIRTQ_CHAIN_MAX: Linux makes such tables when the queue is small.
 *  - descriptors of length 0 are skipped, whatever their address.
 */
#ifndef MOTE_DEVICES_VIRTQ_H
#define MOTE_DEVICES_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/ring.h"
#include "monitor/mem.h"

/* The largest queue, and the longest chain in descriptors. */
#define VIRTQ_SIZE_MAX	256
#define VIRTQ_CHAIN_MAX 256

/**
 * struct virtq_layout - where the driver put a queue; what it wrote to the
 * transport's registers, taken over by virtq_start()
 * @desc, @avail, @used: guest physical
 * @size: entries
 */
struct virtq_layout {
	gpa_t desc, avail, used;
	uint16_t size;
};

/**
 * struct virtq_state - all that a queue must carry across a snapshot
 * @next_avail: next entry of the available ring to take
 * @next_used: next entry of the used ring to fill
 * @published: what used->idx says at present
 * @inflight: heads taken and not yet pushed
 */
struct virtq_state {
	struct virtq_layout at;
	uint16_t next_avail, next_used, published;
	uint16_t inflight;
	bool event_idx, indirect; /* negotiated */
	bool live, broken;
};

/**
 * struct virtq - one queue
 *
 * Belongs to the I/O thread from activation to the end of the reset, and to
 * the holder of the transport's lock otherwise.
 */
struct virtq {
	struct virtq_state s;
	const char *fault;   /* why it is broken; static string */
	uint16_t seen_avail; /* avail->idx when last looked at */
	const struct mem *mem;
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
};

/**
 * struct virtq_chain - one buffer, as host ranges
 * @head: hand it back to virtq_push()
 * @out, @in: number of ranges the device reads, and writes
 * @out_bytes, @in_bytes: their lengths in all, up to 2^32 together
 * @iov: first the @out ranges, then the @in ranges. Neighbours that touch are
 *       merged, so nothing can be learnt from the framing (§2.7.4).
 *
 * The ranges are shared with the guest and valid while the head is in flight.
 * Big: keep it static, not on the stack.
 */
struct virtq_chain {
	uint16_t head;
	uint16_t out, in;
	uint64_t out_bytes, in_bytes;
	struct iovec iov[VIRTQ_CHAIN_MAX];
};

/**
 * virtq_start() - take a queue over from the driver
 * Checks size (power of two, at most VIRTQ_SIZE_MAX), alignment (§2.7) and
 * that the rings lie in RAM.
 * Return: 0, or -EINVAL with @q->fault set and @q not live.
 */
int virtq_start(struct virtq *q, const struct mem *mem,
		const struct virtq_layout *at, bool event_idx, bool indirect);

/**
 * virtq_stop() - never touch guest memory again
 * Heads in flight may still be pushed: they are only counted.
 */
void virtq_stop(struct virtq *q);

/**
 * virtq_pop() - take the next buffer
 * Return: 1, with @chain filled; 0 if there is none (or the queue is not live,
 * or was broken before); -EPROTO if the driver broke the rules just now.
 */
int virtq_pop(struct virtq *q, struct virtq_chain *chain);

/** virtq_has() - is there a buffer to take, or a fault to notice? */
bool virtq_has(const struct virtq *q);

/**
 * virtq_push() - a buffer is done: exactly once for each virtq_pop()
 * @len: bytes written from the start of the writable part (§2.7.8.2)
 * Invisible to the driver until virtq_publish().
 */
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);

/**
 * virtq_publish() - show the driver all that was pushed
 * Return: true if it wants an interrupt for that.
 */
bool virtq_publish(struct virtq *q);

/** virtq_notify_off() - ask the driver not to ring; a hint, not a promise */
void virtq_notify_off(struct virtq *q);

/**
 * virtq_notify_on() - ask the driver to ring for the next buffer
 * Return: true if one came in the meantime, whose doorbell may never ring.
 */
bool virtq_notify_on(struct virtq *q);

/**
 * virtq_copy_from() - gather bytes from ranges
 * Return: bytes copied: fewer than @len if the ranges end before.
 */
size_t virtq_copy_from(const struct iovec *iov, unsigned n, size_t off,
		       void *dst, size_t len);

/** virtq_copy_to() - scatter bytes into ranges; same contract */
size_t virtq_copy_to(const struct iovec *iov, unsigned n, size_t off,
		     const void *src, size_t len);

/**
 * virtq_slice() - bytes @off to @off + @len of ranges, as ranges
 * @ret: room for @n; not @iov
 * Return: how many there are; of fewer than @len bytes if @iov ends before.
 */
uint16_t virtq_slice(const struct iovec *iov, unsigned n, size_t off,
		     size_t len, struct iovec *ret);

/**
 * virtq_skip() - leave out the first @len bytes of @n ranges, which change
 * Return: how many there are from *@iov on.
 */
unsigned virtq_skip(struct iovec **iov, unsigned n, size_t len);

#endif
