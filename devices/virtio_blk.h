/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk (virtio 1.2 §5.2) over io_uring.
 *
 * A request is decoded once from its chain, then moves as one operation
 * straight between the file and guest memory; short transfers are continued,
 * and what O_DIRECT cannot take is bounced (blk_bounce.c). FLUSH is fdatasync,
 * sent when the request is taken: every write completed before it is covered.
 * When the driver negotiated no FLUSH, or switched to writethrough, each write
 * carries RWF_DSYNC instead. Requests complete in any order.
 *
 * While the loop is borrowed (monitor/turn.h) what takes no waiting is done
 * there and then, by the vCPU that rang: reads and writes of the page cache, a
 * flush where there is nothing to flush. The rest is put off until the I/O
 * thread is awake. blk_pace.h says when that is tried.
 *
 * What a bad request gets:
 *   no room for a status byte: completed with length 0
 *   header cut short, data in the wrong direction, odd length, beyond the
 *   disk, write to a read-only disk, host error: IOERR
 *   unknown type, unknown flags, a type that was not negotiated: UNSUPP
 * A read or write of no bytes at all is OK: 0 is a multiple of 512.
 */
#ifndef MOTE_DEVICES_VIRTIO_BLK_H
#define MOTE_DEVICES_VIRTIO_BLK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/blk_pace.h"
#include "devices/blk_wire.h"
#include "devices/disk.h"
#include "devices/virtio.h"
#include "monitor/loop.h"

struct config_disk;
struct err;

#define BLK_QUEUE_MAX		256
#define BLK_SEG_MAX		126
#define BLK_RANGES_MAX		64
#define BLK_DISCARD_SECTORS_MAX (1U << 22) /* 2 GiB */
#define BLK_ZEROES_SECTORS_MAX	(1U << 17) /* 64 MiB */
#define BLK_FEW_IOVS		4
#define BLK_BOUNCE_BYTES	65536U
#define BLK_NOW_BYTES		65536U /* more is better moved beside the guest */
#define BLK_NOW_REQUESTS	4

/**
 * struct blk_req - one request in flight; I/O thread
 * @next: in the free list, or in a struct blk_list
 * @resume: how to go on on the I/O thread, if it has to: blk_put_off()
 * @in_data: bytes the driver may be handed before the status byte
 * @iov, @iovs: ranges not yet transferred
 * @off, @todo, @done: bytes: where on the disk, left, transferred
 * @range, @ranges: progress of a DISCARD or WRITE_ZEROES
 * @tries: in vain, of the operation under way
 * @method: how a range is being dealt with, blk_ranges.c
 * @zeroing: @iov is not the guest's, but zeroes
 * @status: the status byte, in guest memory
 * @few: @iov's storage for most requests; longer ones use union blk_many
 */
struct blk_req {
	struct loop_op op;
	struct virtio_blk *blk;
	struct blk_req *next;
	void (*resume)(struct blk_req *r);
	uint8_t *status;
	uint64_t in_data;
	struct iovec *iov;
	uint64_t off, todo, done;
	uint32_t type;
	uint16_t head;
	uint16_t iovs, range, ranges;
	uint16_t tries;
	uint8_t method;
	bool zeroing;
	struct iovec few[BLK_FEW_IOVS];
};

/* What few requests need: a list of ranges too long for struct blk_req. */
union blk_many {
	struct iovec iov[VIRTQ_CHAIN_MAX];
	struct blk_range range[BLK_RANGES_MAX];
};

/* First in, first out. */
struct blk_list {
	struct blk_req *first, *last;
};

/**
 * struct blk_bounce - for what O_DIRECT cannot take; blk_bounce.c
 * @waiting: the first one owns @buf
 * @held: writes that wait until a read-modify-write is over
 * @busy: an operation on @buf is in flight
 * @rmw: the first one is, or waits to be, a read-modify-write
 */
struct blk_bounce {
	struct blk_list waiting, held;
	bool busy, rmw;
	uint8_t buf[BLK_BOUNCE_BYTES] __attribute__((aligned(4096)));
};

/** struct blk_stats - counted for the tests; I/O thread */
struct blk_stats {
	uint64_t bounced;
};

/**
 * struct virtio_blk - one disk
 *
 * Static storage, zeroed: pages are touched as requests need them, so a disk
 * that is not there, or not used, costs nothing.
 */
struct virtio_blk {
	/* constant after stage "drop" */
	struct disk disk;
	struct loop *loop;
	int slot; /* in the loop's file table */
	bool now; /* virtio_blk_allow_now() */

	/* who holds the transport's lock writes, I/O thread reads */
	_Atomic uint8_t writeback;
	atomic_bool topology; /* its driver negotiated TOPOLOGY */

	/* I/O thread */
	struct virtio_port *port;
	struct blk_stats stats;
	struct blk_pace pace;
	struct blk_list later;	      /* blk_put_off() */
	bool no_punch, no_zero_range; /* the file system lacks them */
	unsigned writing; /* operations in flight that change the file */
	unsigned taken;	  /* of req[], ever */
	struct blk_req *free;
	struct blk_req req[BLK_QUEUE_MAX];
	union blk_many many[BLK_QUEUE_MAX];
	struct blk_bounce bounce;
};

/**
 * virtio_blk_open() - open, lock and register the disk
 * Main thread, stage "open". @cfg's strings are borrowed for good.
 * Return: 0, or negative errno with @e filled.
 */
int virtio_blk_open(struct virtio_blk *b, const struct config_disk *cfg,
		    struct loop *loop, struct err *e);

/**
 * virtio_blk_allow_now() - vCPU threads may move what takes no waiting
 * Main thread, stage "drop", and only where the lock allows for it: on this
 * descriptor.
 * Return: the descriptor; -1 if the disk is one without a page cache.
 */
int virtio_blk_allow_now(struct virtio_blk *b);

extern const struct virtio_ops virtio_blk_ops;

#endif
