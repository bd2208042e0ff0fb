// SPDX-License-Identifier: Apache-2.0
/* Frames over a stream socket: the connection, and frames to send. */
#include "devices/net_stream.h"

#include <endian.h>
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "devices/msg.h"
#include "devices/net_rx.h"
#include "devices/net_stream_parts.h"
#include "devices/net_tx.h"
#include "devices/virtio_net.h"
#include "monitor/container_of.h"
#include "monitor/log.h"

#define RETRY_NS 500000000L

static struct virtio_net *of_stream(struct net_stream *s)
{
	return container_of(s, struct virtio_net, stream);
}

static struct virtio_net *of_tx(struct loop_op *op)
{
	return of_stream(container_of(op, struct net_stream, tx.op));
}

static struct virtio_net *of_retry(struct loop_op *op)
{
	return of_stream(container_of(op, struct net_stream, retry));
}

/* ---- frames to send ------------------------------------------------------ */

static void complete_batch(struct virtio_net *n)
{
	struct net_stream_tx *tx = &n->stream.tx;

	for (unsigned i = 0; i < tx->heads; i++)
		virtio_complete(n->port, NET_TX, tx->head[i], 0);
	tx->heads = 0;
	tx->iov_first = tx->iovs = 0;
}

static void add_frame(struct virtio_net *n, const struct virtq_chain *c)
{
	struct net_stream_tx *tx = &n->stream.tx;
	uint32_t len = (uint32_t)c->out_bytes - NET_HDR;
	struct iovec *first = &tx->iov[tx->iovs + 1], *iov = first;
	unsigned i = tx->heads++, iovs = c->out;

	virtio_net_moved(n, NET_TX, len);
	tx->head[i] = c->head;
	tx->bytes[i] = len + 4;
	tx->len[i] = htobe32(len);
	memcpy(first, c->iov, iovs * sizeof(*first));
	iovs = virtq_skip(&iov, iovs, NET_HDR);
	/* the ranges behind the header move up if it had some of its own */
	memmove(first, iov, iovs * sizeof(*first));
	tx->iov[tx->iovs] = (struct iovec){ &tx->len[i], 4 };
	tx->iovs += iovs + 1;
}

static bool fill_batch(struct virtio_net *n)
{
	struct net_stream_tx *tx = &n->stream.tx;

	tx->sent = 0;
	tx->iov_first = tx->iovs = 0;
	while (tx->heads < NET_STREAM_BATCH &&
	       tx->iovs + 1 + VIRTQ_CHAIN_MAX <= NET_STREAM_IOVS &&
	       net_tx_pop(n, &n->chain))
		add_frame(n, &n->chain);
	return tx->heads;
}

/* What is left of the batch, or of a frame before it. */
static void submit_send(struct virtio_net *n)
{
	struct net_stream_tx *tx = &n->stream.tx;
	struct io_uring_sqe *sqe = loop_sqe(n->loop);

	tx->busy = true;
	if (tx->tail_len) {
		io_uring_prep_send(sqe, n->slot, tx->tail + tx->tail_at,
				   tx->tail_len, MSG_NOSIGNAL);
	} else {
		msg_set(&tx->msg, tx->iov + tx->iov_first, tx->iovs);
		io_uring_prep_sendmsg(sqe, n->slot, &tx->msg, MSG_NOSIGNAL);
	}
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &tx->op);
}

static void drop_queued(struct virtio_net *n)
{
	for (unsigned i = 0; i < NET_BUDGET; i++) {
		if (!net_tx_pop(n, &n->chain))
			return;
		virtio_net_drop(n, NET_DROP_TX_NO_LINK);
		virtio_complete(n->port, NET_TX, n->chain.head, 0);
	}
	virtio_again(n->port, NET_TX);
}

static void stream_transmit(struct virtio_net *n)
{
	struct net_stream_tx *tx = &n->stream.tx;

	if (tx->busy)
		return;
	if (!atomic_load(&n->link_up))
		drop_queued(n);
	else if (tx->tail_len || fill_batch(n))
		submit_send(n);
}

/* Account for @len bytes sent. Return: true when nothing is left. */
static bool advance(struct net_stream_tx *tx, size_t len)
{
	struct iovec *iov = tx->iov + tx->iov_first;

	if (tx->tail_len) {
		tx->tail_at += (unsigned)len;
		tx->tail_len -= (unsigned)len;
		return !tx->tail_len;
	}
	tx->sent += len;
	tx->iovs = virtq_skip(&iov, tx->iovs, len);
	tx->iov_first = (unsigned)(iov - tx->iov);
	return !tx->iovs;
}

/* The frame that was sent in part must be sent whole: keep its rest. */
static void keep_tail(struct net_stream_tx *tx)
{
	uint64_t begin = 0;

	for (unsigned i = 0; i < tx->heads; i++) {
		uint64_t end = begin + tx->bytes[i];

		if (tx->sent > begin && tx->sent < end) {
			tx->tail_at = 0;
			tx->tail_len = (unsigned)virtq_copy_from(
				tx->iov + tx->iov_first, tx->iovs, 0, tx->tail,
				end - tx->sent);
		}
		begin = end;
	}
}

static void send_done(struct loop_op *op, int res, uint32_t flags)
{
	struct virtio_net *n = of_tx(op);
	struct net_stream_tx *tx = &n->stream.tx;
	bool over = false;

	(void)flags;
	tx->busy = false;
	if (res > 0)
		over = advance(tx, (size_t)res);
	else if (!net_stream_passes(res))
		net_stream_lost(n, res);
	if (!net_stream_usable(n)) {
		if (tx->heads && !over)
			keep_tail(tx);
		if (tx->heads)
			complete_batch(n);
		net_stream_settle(n);
		/* no link: what waits in the queue goes the same way */
		if (n->port && !n->port->resetting)
			stream_transmit(n);
	} else if (!over) {
		submit_send(n);
	} else {
		n->stats.tx_frames += tx->heads;
		complete_batch(n);
		stream_transmit(n);
	}
}

/* ---- the connection ------------------------------------------------------ */

bool net_stream_usable(const struct virtio_net *n)
{
	return n->port && !n->port->resetting && atomic_load(&n->link_up);
}

void net_stream_lost(struct virtio_net *n, int res)
{
	struct net_stream *s = &n->stream;

	if (!atomic_load(&n->link_up))
		return;
	log_warn("virtio-net", "the network's socket was closed: %s%s",
		 res ? strerror(-res) : "by the other side",
		 *s->addr.sun_path ? "; mote connects again when it can" : "");
	virtio_net_set_link(n, false);
	if (s->tx.busy)
		loop_cancel(n->loop, &s->tx.op);
	if (s->rx.busy)
		loop_cancel(n->loop, &s->rx.op);
}

static void forget(struct net_stream *s)
{
	s->rx.at = s->rx.end = 0;
	s->rx.frame = s->rx.got = s->rx.skip = 0;
	s->tx.tail_len = 0;
}

static void step(struct virtio_net *n, enum net_stream_step what)
{
	struct net_stream *s = &n->stream;
	struct io_uring_sqe *sqe = loop_sqe(n->loop);

	s->step = what;
	switch (what) {
	case NET_STREAM_PAUSE:
		io_uring_prep_timeout(sqe, &s->pause, 0, 0);
		break;
	case NET_STREAM_SOCKET:
		n->slot = (int)(loop_reserved(n->loop) + s->spare);
		io_uring_prep_socket_direct(sqe, AF_UNIX, SOCK_STREAM, 0,
					    (unsigned)n->slot, 0);
		break;
	case NET_STREAM_CONNECT:
		io_uring_prep_connect(sqe, n->slot, (struct sockaddr *)&s->addr,
				      sizeof(s->addr));
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
		break;
	case NET_STREAM_CONNECTED:
		break;
	}
	loop_set_op(sqe, &s->retry);
}

static void step_done(struct loop_op *op, int res, uint32_t flags)
{
	struct virtio_net *n = of_retry(op);
	struct net_stream *s = &n->stream;

	(void)flags;
	if (s->step == NET_STREAM_PAUSE) {
		step(n, NET_STREAM_SOCKET);
	} else if (res < 0) {
		step(n, NET_STREAM_PAUSE);
	} else if (s->step == NET_STREAM_SOCKET) {
		step(n, NET_STREAM_CONNECT);
	} else {
		s->step = NET_STREAM_CONNECTED;
		virtio_net_set_link(n, true);
		if (!net_stream_usable(n))
			return;
		net_stream_receive(n);
		stream_transmit(n);
	}
}

void net_stream_settle(struct virtio_net *n)
{
	struct net_stream *s = &n->stream;

	if (n->port && n->port->resetting && !s->rx.direct && !s->tx.heads) {
		net_rx_release(n);
		n->port = NULL;
	}
	if (!atomic_load(&n->link_up)) {
		if (s->rx.busy || s->tx.busy ||
		    s->step != NET_STREAM_CONNECTED || !*s->addr.sun_path)
			return;
		forget(s);
		step(n, NET_STREAM_PAUSE);
	} else if (!n->port && s->tx.tail_len && !s->tx.busy) {
		submit_send(n);
	}
}

/* ---- life ---------------------------------------------------------------- */

static void stream_start(struct virtio_net *n)
{
	(void)n; /* the queues are looked at next */
}

static void stream_stop(struct virtio_net *n)
{
	struct net_stream *s = &n->stream;

	if (s->tx.busy && s->tx.heads)
		loop_cancel(n->loop, &s->tx.op);
	if (s->rx.direct)
		loop_cancel(n->loop, &s->rx.op);
	net_stream_settle(n);
}

const struct net_ops net_stream_ops = {
	.frame_max = NET_STREAM_FRAME_MAX,
	.start = stream_start,
	.receive = net_stream_receive,
	.transmit = stream_transmit,
	.stop = stream_stop,
};

void net_stream_init(struct virtio_net *n, const char *path)
{
	struct net_stream *s = &n->stream;
	int spare;

	n->ops = &net_stream_ops;
	s->addr.sun_family = AF_UNIX;
	if (path && strlen(path) < sizeof(s->addr.sun_path)) {
		spare = loop_reserve_files(n->loop, 1);
		s->spare = (unsigned)spare;
		if (spare >= 0)
			strcpy(s->addr.sun_path, path);
	}
	s->pause.tv_nsec = RETRY_NS;
	s->step = NET_STREAM_CONNECTED;
	s->retry.done = step_done;
	s->tx.op.done = send_done;
	net_stream_init_rx(s);
}
