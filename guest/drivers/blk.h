/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio-blk disk: requests in flight by the hundred, polled or waited for,
 * and plain calls that do one at a time. */
#ifndef MOTE_GUEST_DRIVERS_BLK_H
#define MOTE_GUEST_DRIVERS_BLK_H

#include "devices/blk_wire.h"
#include "guest/drivers/virtio.h"

#define BLK_DEPTH_MAX 256
#define BLK_WANTED                                                             \
	(VIRTIO_VERSION_1 | VIRTIO_INDIRECT_DESC | VIRTIO_EVENT_IDX |          \
	 BLK_F_SEG_MAX | BLK_F_RO | BLK_F_BLK_SIZE | BLK_F_FLUSH |             \
	 BLK_F_TOPOLOGY | BLK_F_CONFIG_WCE | BLK_F_DISCARD |                   \
	 BLK_F_WRITE_ZEROES)

/* What the device sees of a request beside its data. */
struct blk_slot {
	struct blk_header header;
	struct blk_range range; /* DISCARD, WRITE_ZEROES */
	uint8_t status;
	void *token;
	struct blk_slot *next; /* free */
};

/**
 * struct blk_disk
 * @config: 0 where the feature that a field needs was not agreed on
 * @waiting: how blk_do() passes the time: asleep, or polling
 * @inflight: requests submitted and not taken
 */
struct blk_disk {
	struct virtio_device dev;
	struct virtio_queue queue;
	struct blk_config config;
	struct blk_slot *slots, *free;
	bool waiting;
	unsigned inflight;
};

/**
 * blk_open() - bring up the @nth disk
 * @wanted: feature bits, BLK_WANTED for all
 * Return: false if there is no such disk.
 */
bool blk_open(struct blk_disk *d, unsigned nth, uint64_t wanted);

/** blk_reopen() - reset it and bring it up again; what was in flight is gone */
void blk_reopen(struct blk_disk *d, uint64_t wanted);

/**
 * blk_submit() - one request, to be followed by blk_kick()
 * @type: enum blk_type
 * @buf, @len: data; for DISCARD and WRITE_ZEROES @len is the number of sectors
 *	       and @buf NULL, or anything else for the unmap flag
 * Return: false if too much is in flight.
 */
bool blk_submit(struct blk_disk *d, uint32_t type, uint64_t sector, void *buf,
		uint32_t len, void *token);
void blk_kick(struct blk_disk *d);

/**
 * blk_take() - the next request that is over
 * @ret_token: as it was submitted
 * Return: enum blk_status; -1 if there is none now.
 */
int blk_take(struct blk_disk *d, void **ret_token);

/** blk_wait() - sleep until blk_take() has something, or the deadline
 *  Return: as virtio_wait(). */
bool blk_wait(struct blk_disk *d, uint64_t deadline_ns);

/** blk_do() - one request, start to end, with nothing else in flight
 *  Return: enum blk_status. Panics if the device gives up. */
int blk_do(struct blk_disk *d, uint32_t type, uint64_t sector, void *buf,
	   uint32_t len);

#endif
