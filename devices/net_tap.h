/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TAP back end: a descriptor that gives and takes one frame a call.
 *
 * Frames are received by io_uring, one read at a time, which has its buffers
 * in guest memory while it waits: several would all wake up for each frame,
 * and could overtake each other. Frames are sent by plain writev(), which a
 * TAP does not keep waiting, so that the buffer is back at once. Measured in
 * the nested lane, virtual time: reads by io_uring against a multishot poll
 * and plain readv() make no difference (UDP round trip 73.7 and 73.9 us, TCP
 * down 755 and 747 MB/s, 64-byte UDP down 61 and 66 kpps); one system call
 * less in the lock decided it.
 *
 * Buffers are offered by what frames were like lately. A longer frame's tail
 * lands in @spill and is copied: nothing is cut off.
 */
#ifndef MOTE_DEVICES_NET_TAP_H
#define MOTE_DEVICES_NET_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtq.h"
#include "monitor/loop.h"

struct net_ops;
struct virtio_net;

#define NET_TAP_SPILL 65568 /* the longest frame with its header, and more */

/**
 * struct net_tap - I/O thread, but for what net_tap_init() sets
 * @vnet_hdr: frames carry a virtio_net_hdr; constant
 * @held: @chain is a frame not yet sent; @out, @outs: what to send of it
 * @reading: @read is in flight, into the staged buffers and @rest
 * @offload: what TUNSETOFFLOAD was last told
 * @stale: it was told something else before: there may be frames by that
 * @failures: reads in a row that failed
 * @want: bytes of buffers to offer; @large: small frames until it shrinks
 * @total, @done: a frame that waits for buffers: its length, and what of it is
 *        in buffers already; the rest is at the start of @spill. 0: none
 */
struct net_tap {
	bool vnet_hdr, reading, waiting, held, gone, stale;
	unsigned offload;
	uint32_t want, large, failures;
	uint32_t total, done;
	struct loop_op read, poll_out;
	struct iovec rest;
	struct iovec *out;
	unsigned outs;
	struct virtq_chain chain;
	uint8_t spill[NET_TAP_SPILL];
};

/**
 * net_tap_init() - make n->fd the back end: a TAP, or whatever gives and takes
 * one frame a call and does not block
 * @vnet_hdr: it is a TAP with IFF_VNET_HDR
 */
void net_tap_init(struct virtio_net *n, bool vnet_hdr);

extern const struct net_ops net_tap_ops;

#endif
