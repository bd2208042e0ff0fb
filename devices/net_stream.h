/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream back end: a Unix socket that carries each frame behind its length
 * in four bytes, big-endian. passt and QEMU's stream networks speak so.
 *
 * No virtio_net_hdr goes over it: on the way out it is cut off, on the way in
 * it is zero, and no offloads are offered.
 *
 * Sending: one sendmsg for all frames at hand, straight from guest memory.
 * Receiving: one recvmsg at a time. With no frame begun it fills @buf, from
 * which frames are copied: many small ones cost one operation. A frame that
 * has begun is read to its end straight into guest memory, and what follows
 * it into @buf.
 */
#ifndef MOTE_DEVICES_NET_STREAM_H
#define MOTE_DEVICES_NET_STREAM_H

#include <linux/time_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "monitor/loop.h"

struct net_ops;
struct virtio_net;

#define NET_STREAM_BUF	     8192
#define NET_STREAM_FRAME_MAX 65535 /* passt hangs up over longer ones */
#define NET_STREAM_BEHIND                                                      \
	2048 /* what is read of the frame after a long one                     \
	      */
#define NET_STREAM_BATCH 64
#define NET_STREAM_IOVS	 1023
#define NET_STREAM_TAIL	 (4 + 65536 + 32) /* one frame with its length */

/**
 * struct net_stream_rx
 * @buf: bytes @at to @end have come and are not yet looked at
 * @frame, @got: a frame being read into guest memory: its length with the
 *        virtio_net_hdr, and how much of that is there; 0: none
 * @skip: bytes to throw away
 * @busy: @op is in flight; @direct: it writes to guest memory
 */
struct net_stream_rx {
	bool busy, direct;
	unsigned at, end;
	uint32_t frame, got, skip;
	struct loop_op op;
	struct msghdr msg;
	struct iovec iov[NET_STREAM_IOVS + 1];
	uint8_t buf[NET_STREAM_BUF];
};

/**
 * struct net_stream_tx
 * @busy: @op is in flight
 * @heads, @head, @bytes: frames being sent, and their bytes with the length
 * @len: their lengths as they go over the wire
 * @iov: ranges not yet sent: @iovs of them from @iov_first on
 * @sent: bytes sent of the batch
 * @tail: the rest of a frame whose guest was reset half-way: the stream must
 *        not lose its step. @tail_len bytes from @tail_at on
 */
struct net_stream_tx {
	bool busy;
	unsigned heads, iov_first, iovs;
	uint64_t sent;
	unsigned tail_at, tail_len;
	uint16_t head[NET_STREAM_BATCH];
	uint32_t bytes[NET_STREAM_BATCH];
	uint32_t len[NET_STREAM_BATCH];
	struct loop_op op;
	struct msghdr msg;
	struct iovec iov[NET_STREAM_IOVS];
	uint8_t tail[NET_STREAM_TAIL];
};

/* What is being done to have a connection again. */
enum net_stream_step {
	NET_STREAM_CONNECTED, /* nothing */
	NET_STREAM_PAUSE,
	NET_STREAM_SOCKET,
	NET_STREAM_CONNECT,
};

/**
 * struct net_stream - I/O thread, but for what net_stream_init() sets
 * @addr: where to connect again when the peer has gone; sun_path is empty if
 *        that cannot be done
 * @spare: slot for a new socket, among the reserved ones
 */
struct net_stream {
	struct sockaddr_un addr;
	unsigned spare;
	enum net_stream_step step;
	struct loop_op retry;
	struct __kernel_timespec pause;
	struct net_stream_rx rx;
	struct net_stream_tx tx;
};

/**
 * net_stream_init() - make n->fd, a connected stream socket, the back end
 * @path: its address, or NULL when it cannot be connected again
 */
void net_stream_init(struct virtio_net *n, const char *path);

extern const struct net_ops net_stream_ops;

#endif
