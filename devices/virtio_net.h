/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net (virtio 1.2 §5.1): one receive queue, one transmit queue, and a
 * back end that moves frames between them and a descriptor.
 *
 * The virtio_net_hdr is the guest's and the TAP's: it passes through as it
 * is, 12 bytes long for every driver. That is also right for drivers without
 * VERSION_1, because the transport is always the modern one (OSv counts on
 * it).
 *
 * No control queue: without one there are no receive filters, no MAC changes
 * and no GUEST_ANNOUNCE to get wrong. MTU is offered only when the user gave
 * one, because Unikraft reads it from where the MAC is.
 *
 * What a bad driver gets: its frame is dropped and counted (enum net_drop),
 * the buffer completed. While it gives no receive buffers, frames wait in the
 * back end, which drops them when it is full.
 */
#ifndef MOTE_DEVICES_VIRTIO_NET_H
#define MOTE_DEVICES_VIRTIO_NET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/flow.h"
#include "devices/net_stream.h"
#include "devices/net_tap.h"
#include "devices/net_wire.h"
#include "devices/virtio.h"
#include "monitor/loop.h"

struct config_net;
struct err;

#define NET_QUEUE_MAX 256
/* Bytes of an Ethernet frame: a header at least, a 64 KiB packet at most. */
#define NET_FRAME_MIN 14U
#define NET_FRAME_MAX (65535U + 14 + 4)
/* Frames moved in one direction before others have their turn. */
#define NET_BUDGET 256

/* Why a frame was dropped; virtio_net.c has the words. */
enum net_drop {
	NET_DROP_TX_RUNT,
	NET_DROP_TX_GIANT,
	NET_DROP_TX_REFUSED,
	NET_DROP_TX_NO_LINK,
	NET_DROP_RX_RUNT,
	NET_DROP_RX_GIANT,
	NET_DROP_RX_NO_ROOM,
	NET_DROP_RX_SHORT_BUFFER,
	NET_DROP_RX_STALE,
	NET_DROP_RX_REFUSED,
	NET_DROPS,
};

/** struct net_stats - what became of frames; I/O thread */
struct net_stats {
	uint64_t rx_frames, tx_frames;
	uint64_t drops[NET_DROPS];
};

/* One buffer taken from the receive queue; its ranges are in net_stage. */
struct net_head {
	uint16_t head, iovs;
	uint32_t bytes;
};

#define NET_STAGE_IOVS 1023 /* and one of our own make UIO_MAXIOV */

/**
 * struct net_stage - receive buffers taken and not yet filled, oldest first
 * @head: @heads of them from @first on
 * @iov: their ranges, @iovs of them from @iov_first on; one more at the end
 *       for the back end's use
 * @bytes: in all
 */
struct net_stage {
	unsigned first, heads;
	unsigned iov_first, iovs;
	uint64_t bytes;
	struct net_head head[NET_QUEUE_MAX];
	struct iovec iov[NET_STAGE_IOVS + 1];
};

/**
 * struct net_ops - a back end; all on the I/O thread
 * @frame_max: bytes of the longest frame it takes
 * @start: the driver is there; negotiated features are in port->features
 * @receive: the driver may have given receive buffers
 * @transmit: the driver may have frames to send
 * @stop: the port is being reset: give back every head, now or when the
 *        operation that uses it is over
 */
struct net_ops {
	uint32_t frame_max;
	void (*start)(struct virtio_net *n);
	void (*receive)(struct virtio_net *n);
	void (*transmit)(struct virtio_net *n);
	void (*stop)(struct virtio_net *n);
};

/**
 * struct virtio_net - one network card
 *
 * Static storage: what is not used is not touched.
 */
struct virtio_net {
	/* constant after virtio_net_open() */
	const struct net_ops *ops;
	uint64_t offered;
	uint8_t mac[6];
	uint16_t mtu; /* or 0 */
	int fd;	      /* owned */
	bool dry_run; /* before opening: start no passt */
	int slot;     /* in the loop's file table */
	struct loop *loop;

	/* the I/O thread writes it, any thread reads it */
	_Atomic bool link_up;

	/* I/O thread */
	struct virtio_port *port; /* NULL while there is no driver */
	unsigned starved_kicks;	  /* that brought too little */
	struct flow flow;
	struct net_stats stats;
	struct net_stage stage;
	struct virtq_chain chain;
	union {
		struct net_tap tap;
		struct net_stream stream;
	};
};

/**
 * virtio_net_open() - open or take over the back end, choose the features
 * @n: zeroed
 * Main thread, stage "open".
 * Return: 0, or negative errno with @e filled.
 */
int virtio_net_open(struct virtio_net *n, const struct config_net *cfg,
		    struct loop *loop, struct err *e);

/** virtio_net_tap_fd() - the descriptor that writev() and ioctl() are called
 *  for; -1 if there is none. After virtio_net_open(). */
int virtio_net_tap_fd(const struct virtio_net *n);

#define NET_STREAM_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/**
 * virtio_net_peer_dir() - where the socket lies that it connects to again
 * Return: false if there is none. After virtio_net_open().
 */
bool virtio_net_peer_dir(const struct virtio_net *n,
			 char ret[NET_STREAM_PATH_MAX]);

/** virtio_net_set_link() - tell the driver when it changes (I/O thread) */
void virtio_net_set_link(struct virtio_net *n, bool up);

/** virtio_net_moved() - a frame of so many bytes went through @queue */
void virtio_net_moved(struct virtio_net *n, enum net_queue queue,
		      uint64_t bytes);

/** virtio_net_drop() - count one, and log the first one for each reason */
void virtio_net_drop(struct virtio_net *n, enum net_drop why);

/** virtio_net_report() - log, as info, what became of all frames; I/O thread
 *  @number: of the network, from 0 */
void virtio_net_report(const struct virtio_net *n, unsigned number);

extern const struct virtio_ops virtio_net_ops;

#endif
