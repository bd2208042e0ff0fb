/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a virtio device plugs in: what it says of itself, what it is asked to
 * do, and what it may ask of its transport. A device knows neither its
 * address nor its transport, and all of its data path runs on the I/O thread
 * (or on a vCPU's that borrows the loop: monitor/turn.h).
 *
 * Life of a device: activate() when the driver set DRIVER_OK; kick() whenever
 * a queue may have new buffers (and once for each queue after activate());
 * reset() when the driver wrote 0 to the status. The reset is answered when
 * every head taken was given back with virtio_complete(): nothing of the
 * device touches guest memory after that.
 */
#ifndef MOTE_DEVICES_VIRTIO_H
#define MOTE_DEVICES_VIRTIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio_wire.h"
#include "devices/virtq.h"
#include "monitor/loop.h"

#define VIRTIO_QUEUES_MAX 4
#define VIRTIO_CONFIG_MAX 256

struct virtio_port;

/**
 * struct virtio_ops - a kind of device; static const, one per virtio_*.c
 * @name: for messages
 * @device_id: enum virtio_id
 * @queues: at most VIRTIO_QUEUES_MAX
 * @queue_max: at most VIRTQ_SIZE_MAX
 * @config_len: bytes of configuration space, at most VIRTIO_CONFIG_MAX
 *
 * Under the transport's lock (so one at a time, no system calls), on a vCPU
 * thread or on the I/O thread:
 * @features: device bits this one offers; constant. The transport adds the
 *        reserved ones.
 * @negotiated: the driver set FEATURES_OK with these bits (only bits that were
 *        offered, maybe without VERSION_1); or a reset took them back, 0. May
 *        be NULL.
 * @config_get: fill @config (zeroed, config_len bytes). Called when that may
 *        have changed (FEATURES_OK, a write, virtio_config_changed(), a reset),
 *        not when the driver reads; @features as offered before FEATURES_OK,
 *        negotiated later.
 * @config_set: the driver wrote @size (1, 2, 4) bytes at @off, inside
 *        config_len. May be NULL.
 *
 * On the I/O thread:
 * @activate: start; @port stays valid until the reset is over
 * @kick: look at queue @queue
 * @reset: let go of every head taken: complete those that nothing is done for
 *        any more, and the others as soon as their operations are over. No
 *        kick comes after it.
 */
struct virtio_ops {
	const char *name;
	uint32_t device_id;
	uint16_t queues, queue_max;
	uint32_t config_len;
	uint64_t (*features)(const void *dev);
	void (*negotiated)(void *dev, uint64_t features);
	void (*config_get)(const void *dev, uint64_t features, void *config);
	void (*config_set)(void *dev, uint64_t features, unsigned off,
			   unsigned size, uint32_t val);
	void (*activate)(void *dev, struct virtio_port *port);
	void (*kick)(void *dev, unsigned queue);
	void (*reset)(void *dev);
};

/**
 * struct virtio_port - an activated device's way to its driver
 * @vq: the queues; those the driver left out are not live
 * @features: what was negotiated
 * @loop, @name: constant after virtio_port_init()
 * @resetting: between reset() and its end: nothing is shown to the driver
 * @interrupt, @need_reset, @idle, @again: the transport's side. @idle: a
 *        reset is under way and the last head in flight has come back.
 * @flush, @arm: what is put off to the round's end, and to the loop's sleep
 * @on_vcpu: set by a device whose kick() may run on the vCPU that rang, with
 *	the loop borrowed; any thread
 * @exits: set by a device whose doorbells are better exits than ioeventfds
 * @pushed: bit n: vq[n] has something to publish
 * @quiet: bit n: vq[n]'s doorbell is to be armed again
 *
 * I/O thread, between activate() and the end of the reset.
 */
struct virtio_port {
	struct virtq vq[VIRTIO_QUEUES_MAX];
	uint64_t features;
	struct loop *loop;
	const char *name;
	bool resetting;

	void (*interrupt)(struct virtio_port *port, uint32_t reasons);
	void (*need_reset)(struct virtio_port *port);
	void (*idle)(struct virtio_port *port);
	void (*again)(struct virtio_port *port, unsigned queue);
	struct loop_task flush, arm;
	atomic_bool on_vcpu;
	bool exits;
	uint32_t pushed, quiet;
};

/** virtio_port_init() - once, before any other thread exists */
void virtio_port_init(struct virtio_port *port, const char *name,
		      struct loop *loop);

/**
 * virtio_pop() - take the next buffer of @queue
 * A driver that breaks the rules gets NEEDS_RESET and a line in the log.
 * Return: true with @chain filled; false if there is none.
 */
bool virtio_pop(struct virtio_port *port, unsigned queue,
		struct virtq_chain *chain);

/**
 * virtio_complete() - a buffer is done; exactly once for each one taken
 * @len: as virtq_push()
 * The driver sees it, with one interrupt for all that came together, at the
 * end of the loop's round. During a reset it is only counted.
 */
void virtio_complete(struct virtio_port *port, unsigned queue, uint16_t head,
		     uint32_t len);

/**
 * virtio_listen() - @queue is empty: have its doorbell ring for the next
 * buffer. To be used instead of virtq_notify_on().
 * @busy: there is a reason to think that more comes soon. The doorbell then
 *	stays off while the loop has other work, which looks at the queue in
 *	passing, and is armed right before it sleeps.
 * Return: true if a buffer came in the meantime, whose bell may never ring.
 */
bool virtio_listen(struct virtio_port *port, unsigned queue, bool busy);

/**
 * virtio_again() - have @queue kicked once more in the loop's next round
 * For a device that has taken its share of this round: a driver that makes
 * buffers available without end must not keep the I/O thread for itself.
 */
void virtio_again(struct virtio_port *port, unsigned queue);

/** virtio_need_reset() - the device cannot go on until the driver resets it */
void virtio_need_reset(struct virtio_port *port, const char *why);

/**
 * virtio_config_changed() - what config_get() answers is no longer the same
 * Changes the generation and interrupts the driver.
 */
void virtio_config_changed(struct virtio_port *port);

/** virtio_inflight() - heads taken and not completed, over all queues */
unsigned virtio_inflight(const struct virtio_port *port);

#endif
