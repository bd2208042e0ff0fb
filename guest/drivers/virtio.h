/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of virtio-mmio: find a device on the command line, agree
 * on features, and move buffers through split rings (virtio 1.2 §2.7, §4.2).
 *
 * Two ways to hear of used buffers, for each queue and at any time:
 *  - polling: virtio_take() until it returns something; the device is asked
 *    not to interrupt;
 *  - waiting: virtio_wait() sleeps until virtio_take() has something.
 */
#ifndef MOTE_GUEST_DRIVERS_VIRTIO_H
#define MOTE_GUEST_DRIVERS_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/ring.h"
#include "devices/virtio_wire.h"

#define VIRTIO_SIZE_MAX	    256 /* entries of a ring */
#define VIRTIO_INDIRECT_MAX 16	/* parts of a buffer by an indirect table */

/** struct virtio_device - a window, and what was negotiated */
struct virtio_device {
	volatile uint8_t *base;
	unsigned gsi;
	uint64_t features;
};

/* One part of a buffer; any memory of the program. */
struct virtio_part {
	void *addr;
	uint32_t len;
};

/**
 * struct virtio_queue - one ring
 * @token: what the program gave virtio_add(), by head
 * @used_parts: descriptors of the chain, by head
 * @tables: indirect tables, one for each head; NULL without INDIRECT_DESC
 */
struct virtio_queue {
	struct virtio_device *dev;
	unsigned index;
	uint16_t size, free, unused; /* head of free descriptors, how many */
	uint16_t next_avail, told;   /* avail->idx; as of the last doorbell */
	uint16_t next_used;
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
	struct ring_desc (*tables)[VIRTIO_INDIRECT_MAX];
	void *token[VIRTIO_SIZE_MAX];
	uint16_t used_parts[VIRTIO_SIZE_MAX];
	uint64_t doorbells, sleeps; /* for benchmarks */
};

/**
 * virtio_find() - the @nth device of kind @id among the command line's
 * virtio_mmio.device= words
 * Return: false if there is none.
 */
bool virtio_find(struct virtio_device *d, uint32_t id, unsigned nth);

/** virtio_get(), virtio_set() - a register (enum virtio_mmio_reg) */
uint32_t virtio_get(const struct virtio_device *d, unsigned reg);
void virtio_set(const struct virtio_device *d, unsigned reg, uint32_t value);

/**
 * struct virtio_field - one field of a device's configuration space
 * @len: 1, 2, 4, 8, or the length of an array of bytes
 * @needs: features without which there is no such field
 */
struct virtio_field {
	uint16_t off, len;
	uint64_t needs;
};

/* How a table of them is written, @config being the struct. */
#define VIRTIO_FIELD(config, name, needs)                                      \
	{                                                                      \
		offsetof(config, name), sizeof(((config *)0)->name), needs     \
	}

/**
 * virtio_config() - read these fields, as they were at one moment
 * @config: the struct, of which the other fields are left alone
 */
void virtio_config(const struct virtio_device *d,
		   const struct virtio_field *field, unsigned n, void *config);

/** virtio_reset() - back to power-on; afterwards the device touches nothing */
void virtio_reset(struct virtio_device *d);

/**
 * virtio_negotiate() - reset, and agree on @wanted as far as it is offered
 * Panics if the device does not take it. Queues come next.
 * Return: what was agreed on.
 */
uint64_t virtio_negotiate(struct virtio_device *d, uint64_t wanted);

/**
 * virtio_queue_open() - lay out and announce ring @index
 * @size: entries, at most; a power of two. Memory comes from heap_pages(), and
 * is reused if @q was open before with no smaller a size.
 */
void virtio_queue_open(struct virtio_queue *q, struct virtio_device *d,
		       unsigned index, unsigned size);

/** virtio_start() - DRIVER_OK; interrupts can be waited for */
void virtio_start(struct virtio_device *d);

/**
 * virtio_add() - offer a buffer: @out parts to read, then @in to write
 * Seen by the device at once, but it may not look before virtio_kick().
 * Return: false if there are not enough descriptors.
 */
bool virtio_add(struct virtio_queue *q, const struct virtio_part *part,
		unsigned out, unsigned in, void *token);

/** virtio_kick() - ring the doorbell, if the device wants to hear it */
void virtio_kick(struct virtio_queue *q);

/**
 * virtio_take() - the next used buffer
 * @ret_len: bytes the device wrote
 * Return: its token; NULL if there is none.
 */
void *virtio_take(struct virtio_queue *q, uint32_t *ret_len);

/** virtio_check() - panic if the device says that it needs a reset (§2.1.2):
 *  nothing more would ever come from it. */
void virtio_check(const struct virtio_device *d);

/**
 * virtio_wait() - sleep until there is a used buffer
 * Panics if the device says that it needs a reset; who polls has
 * virtio_check() for that, to be called now and then.
 * Return: false at the deadline (of time_ns(); UINT64_MAX: none).
 */
bool virtio_wait(struct virtio_queue *q, uint64_t deadline_ns);

/** virtio_wait_any() - the same for @n queues of one device, at least one */
bool virtio_wait_any(struct virtio_queue *const *q, unsigned n,
		     uint64_t deadline_ns);

/**
 * virtio_arm() - have the device interrupt for the next used buffer
 * For who waits for several devices with one irq_wait(); virtio_disarm() comes
 * after it, and MMIO_INTERRUPT_ACK.
 * Return: false if there is something to take already.
 */
bool virtio_arm(struct virtio_queue *q);
void virtio_disarm(struct virtio_queue *q);

#endif
