// SPDX-License-Identifier: Apache-2.0
/* Frames over a stream socket: those that come. */
#include "devices/net_stream.h"

#include <endian.h>
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "devices/msg.h"
#include "devices/net_rx.h"
#include "devices/net_stream_parts.h"
#include "devices/virtio_net.h"
#include "monitor/container_of.h"

static struct virtio_net *of_rx(struct loop_op *op)
{
	return container_of(op, struct virtio_net, stream.rx.op);
}

static void submit_receive(struct virtio_net *n)
{
	struct net_stream_rx *rx = &n->stream.rx;
	struct io_uring_sqe *sqe = loop_sqe(n->loop);
	unsigned iovs = 0, room = sizeof(rx->buf) - rx->end;

	rx->busy = true;
	rx->direct = rx->frame;
	if (rx->direct) {
		iovs = net_rx_ranges(n, rx->got, rx->frame - rx->got, rx->iov);
		if (room > NET_STREAM_BEHIND)
			room = NET_STREAM_BEHIND;
	}
	rx->iov[iovs++] = (struct iovec){ rx->buf + rx->end, room };
	msg_set(&rx->msg, rx->iov, iovs);
	io_uring_prep_recvmsg(sqe, n->slot, &rx->msg, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &rx->op);
}

static void skip_some(struct net_stream_rx *rx)
{
	uint32_t here = rx->end - rx->at;

	if (here > rx->skip)
		here = rx->skip;
	rx->at += here;
	rx->skip -= here;
}

/* A frame of @len bytes is not wanted; its length stands at rx->at. */
static void drop_frame(struct virtio_net *n, uint32_t len, enum net_drop why)
{
	struct net_stream_rx *rx = &n->stream.rx;

	virtio_net_drop(n, why);
	rx->at += 4;
	rx->skip = len;
}

/* There is room for a frame of @len bytes: put in it what has come. */
static void begin_frame(struct virtio_net *n, uint32_t len)
{
	static const struct net_hdr plain;
	struct net_stream_rx *rx = &n->stream.rx;
	uint32_t here;

	virtio_net_moved(n, NET_RX, len);
	rx->at += 4;
	here = rx->end - rx->at;
	if (here > len)
		here = len;
	net_rx_put(n, 0, &plain, sizeof(plain));
	net_rx_put(n, NET_HDR, rx->buf + rx->at, here);
	rx->at += here;
	if (here == len) {
		net_rx_deliver(n, NET_HDR + len);
		return;
	}
	rx->frame = NET_HDR + len;
	rx->got = NET_HDR + here;
}

/* Return: false if the guest has to give buffers first. */
static bool take_frame(struct virtio_net *n)
{
	struct net_stream_rx *rx = &n->stream.rx;
	uint32_t len;

	memcpy(&len, rx->buf + rx->at, sizeof(len));
	len = be32toh(len);
	if (len < NET_FRAME_MIN) {
		drop_frame(n, len, NET_DROP_RX_RUNT);
		return true;
	}
	if (len > NET_FRAME_MAX) {
		drop_frame(n, len, NET_DROP_RX_GIANT);
		return true;
	}
	switch (net_rx_room(n, NET_HDR + len)) {
	case NET_ROOM_LATER:
		return false;
	case NET_ROOM_NEVER:
		drop_frame(n, len,
			   n->port->features & NET_F_MRG_RXBUF
				   ? NET_DROP_RX_NO_ROOM
				   : NET_DROP_RX_SHORT_BUFFER);
		break;
	case NET_ROOM:
		begin_frame(n, len);
		break;
	}
	return true;
}

static bool parse(struct virtio_net *n)
{
	struct net_stream_rx *rx = &n->stream.rx;

	while (!rx->frame) {
		skip_some(rx);
		if (rx->skip || rx->end - rx->at < 4)
			return true;
		if (!take_frame(n))
			return false;
	}
	return true;
}

void net_stream_receive(struct virtio_net *n)
{
	struct net_stream_rx *rx = &n->stream.rx;

	if (rx->busy || !net_stream_usable(n) || !parse(n))
		return;
	memmove(rx->buf, rx->buf + rx->at, rx->end - rx->at);
	rx->end -= rx->at;
	rx->at = 0;
	submit_receive(n);
}

/* @len bytes came: first into the frame begun, if any, then into buf. */
static void account(struct virtio_net *n, uint32_t len)
{
	struct net_stream_rx *rx = &n->stream.rx;
	uint32_t direct = rx->frame - rx->got;

	if (direct > len)
		direct = len;
	rx->got += direct;
	rx->end += len - direct;
}

static void receive_done(struct loop_op *op, int res, uint32_t flags)
{
	struct virtio_net *n = of_rx(op);
	struct net_stream_rx *rx = &n->stream.rx;

	(void)flags;
	rx->busy = rx->direct = false;
	if (res > 0)
		account(n, (uint32_t)res);
	else if (!net_stream_passes(res))
		net_stream_lost(n, res);
	if (rx->frame && rx->got == rx->frame && net_stream_usable(n)) {
		net_rx_deliver(n, rx->frame);
		rx->frame = rx->got = 0;
	}
	if (net_stream_usable(n)) {
		net_stream_receive(n);
		return;
	}
	/* The guest or the peer has gone; the former's frame is not for the
	 * next driver. */
	rx->skip += rx->frame - rx->got;
	rx->frame = rx->got = 0;
	net_stream_settle(n);
}

void net_stream_init_rx(struct net_stream *s)
{
	s->rx.op.done = receive_done;
}
