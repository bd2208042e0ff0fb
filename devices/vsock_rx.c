// SPDX-License-Identifier: Apache-2.0
/*
 * Packets to the guest.
 *
 * Connections that have something to say stand in a line. Each in turn sends
 * the packets it wants, and then reads from its socket straight into the
 * guest's buffers, behind the headers: as many buffers as the guest's credit
 * and the connection's last reads suggest, by one operation that does not
 * wait. So a batch of such reads is over within a round; then headers are
 * written to what was filled, and the rest is used again.
 */
#include "devices/vsock_rx.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "devices/msg.h"
#include "devices/vsock_buf.h"
#include "devices/vsock_conn.h"
#include "devices/vsock_tick.h"
#include "monitor/container_of.h"

#define HINT_MIN 4096U
#define HINT_MAX (256U << 10)

/* ---- packets without payload --------------------------------------------- */

static struct vsock_hdr header(const struct virtio_vsock *v,
			       struct vsock_conn *c, enum vsock_op op)
{
	c->credit.told = c->credit.taken;
	return (struct vsock_hdr){
		.src_cid = VSOCK_CID_HOST,
		.dst_cid = v->cid,
		.src_port = c->host_port,
		.dst_port = c->guest_port,
		.type = c->type,
		.op = (uint16_t)op,
		.buf_alloc = c->credit.alloc,
		.fwd_cnt = c->credit.taken,
	};
}

/* Return: false if the guest has no buffer for one of them. */
static bool send_wanted(struct virtio_vsock *v, struct vsock_conn *c)
{
	static const uint8_t ops[] = {
		VSOCK_OP_RST,
		VSOCK_OP_REQUEST,
		VSOCK_OP_RESPONSE,
		VSOCK_OP_CREDIT_UPDATE,
		VSOCK_OP_CREDIT_REQUEST,
		VSOCK_OP_SHUTDOWN,
	};

	while (c->wants) {
		unsigned bit = (unsigned)__builtin_ctz(c->wants);
		struct vsock_buf *buf = vsock_buf_next(v);
		struct vsock_hdr hdr;

		if (!buf)
			return false;
		hdr = header(v, c, (enum vsock_op)ops[bit]);
		if (hdr.op == VSOCK_OP_SHUTDOWN) {
			hdr.flags = c->host_shut;
			c->told_shut = c->host_shut;
		}
		v->rx.used++;
		vsock_buf_put(v, buf, &hdr);
		c->wants &= (uint8_t) ~(1U << bit);
		if (hdr.op == VSOCK_OP_RST)
			vsock_conn_end(v, c);
	}
	return true;
}

void vsock_rx_refuse(struct virtio_vsock *v, const struct vsock_hdr *to)
{
	unsigned i = (v->reply_first + v->replies) % VSOCK_REPLIES;

	if (to->op == VSOCK_OP_RST)
		return;
	v->replies++;
	v->reply[i] = (struct vsock_reply){ to->dst_cid, to->src_port,
					    to->dst_port, to->type };
	loop_defer(v->loop, &v->service);
}

static void send_replies(struct virtio_vsock *v)
{
	while (v->replies) {
		const struct vsock_reply *r = &v->reply[v->reply_first];
		struct vsock_buf *buf = vsock_buf_next(v);
		struct vsock_hdr hdr;

		if (!buf)
			return;
		hdr = (struct vsock_hdr){
			.src_cid = r->cid,
			.dst_cid = v->cid,
			.src_port = r->host_port,
			.dst_port = r->guest_port,
			.type = r->type,
			.op = VSOCK_OP_RST,
		};
		v->rx.used++;
		vsock_buf_put(v, buf, &hdr);
		v->reply_first = (v->reply_first + 1) % VSOCK_REPLIES;
		v->replies--;
	}
}

/* ---- bytes --------------------------------------------------------------- */

static struct vsock_conn *of_receive(struct loop_op *op)
{
	return container_of(op, struct vsock_conn, recv_op);
}

/* The ranges of at most @max bytes behind a buffer's header. */
static uint32_t add_data(struct vsock_rx *rx, struct vsock_run *run,
			 const struct vsock_buf *buf, uint32_t max)
{
	struct iovec *to = rx->data + rx->datas;
	uint16_t n =
		virtq_slice(rx->iov + buf->iov, buf->iovs, VSOCK_HDR, max, to);
	size_t got = 0;

	for (unsigned i = 0; i < n; i++)
		got += to[i].iov_len;
	rx->datas += n;
	run->iovs += n;
	return (uint32_t)got;
}

static void receive_done(struct loop_op *op, int res, uint32_t flags);

static void submit_run(struct virtio_vsock *v, struct vsock_run *run)
{
	struct vsock_conn *c = &v->conn[run->conn];
	struct iovec *iov = v->rx.data + run->iov;
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);
	int slot = vsock_conn_slot(v, c), flags = MSG_DONTWAIT;

	if (!run->count) /* how long is it? */
		flags |= c->empty ? 0 : MSG_PEEK | MSG_TRUNC;
	else if (c->message_at + run->bytes < c->message) /* all but its end */
		flags |= MSG_PEEK;
	c->recv_op.done = receive_done;
	if (run->iovs == 1) {
		io_uring_prep_recv(sqe, slot, iov->iov_base, iov->iov_len,
				   flags);
	} else {
		msg_set(&run->msg, iov, run->iovs);
		io_uring_prep_recvmsg(sqe, slot, &run->msg, (unsigned)flags);
	}
	vsock_conn_submit(sqe, &c->recv_op);
}

/* The first @len bytes of a message are with the guest already. */
static void add_skip(struct virtio_vsock *v, struct vsock_run *run,
		     uint32_t len)
{
	while (len) {
		uint32_t part = len < VSOCK_SKIP ? len : VSOCK_SKIP;

		v->rx.data[v->rx.datas++] = (struct iovec){ v->skipped, part };
		run->iovs++;
		len -= part;
	}
}

static struct vsock_run *new_run(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct vsock_rx *rx = &v->rx;
	struct vsock_run *run = &rx->run[rx->runs];

	*run = (struct vsock_run){ .conn = c->number,
				   .first = (uint16_t)rx->used,
				   .iov = (uint16_t)rx->datas };
	c->rx_run = (uint16_t)rx->runs++;
	/* What is heard from here on may be about what it does not read. */
	c->readable = false;
	return run;
}

/* Return: false if the guest has no buffer. */
static bool add_run(struct virtio_vsock *v, struct vsock_conn *c, uint32_t want)
{
	struct vsock_rx *rx = &v->rx;
	const struct vsock_buf *buf = vsock_buf_next(v);
	struct vsock_run *run;

	if (!buf)
		return false;
	run = new_run(v, c);
	add_skip(v, run, c->message_at);
	do {
		run->bytes += add_data(rx, run, buf, want - run->bytes);
		run->count++;
		rx->used++;
	} while (run->bytes < want && (buf = vsock_buf_next(v)));
	return true;
}

/*
 * How long is the next message? It must not be cut. The question fills no
 * buffer, but has one: a reset waits only for those in use.
 * Return: false if the guest has none.
 */
static bool add_question(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (!vsock_buf_next(v))
		return false;
	add_skip(v, new_run(v, c), 1);
	v->rx.used++;
	return true;
}

/* What a host's program sent right behind its greeting. */
static bool send_line(struct virtio_vsock *v, struct vsock_conn *c,
		      uint32_t credit)
{
	struct vsock_buf *buf = vsock_buf_next(v);
	uint32_t len = (uint32_t)(c->line_len - c->line_at);
	struct vsock_hdr hdr;

	if (!buf)
		return false;
	if (len > credit)
		len = credit;
	if (len > buf->bytes - VSOCK_HDR)
		len = buf->bytes - VSOCK_HDR;
	hdr = header(v, c, VSOCK_OP_RW);
	hdr.len = len;
	virtq_copy_to(v->rx.iov + buf->iov, buf->iovs, VSOCK_HDR,
		      c->line + c->line_at, len);
	c->line_at = (uint8_t)(c->line_at + len);
	c->credit.sent += len;
	v->rx.used++;
	vsock_buf_put(v, buf, &hdr);
	if (c->line_at < c->line_len || c->readable)
		vsock_conn_serve(v, c);
	return true;
}

/*
 * The guest has no room. Most say so when they have some again, but they need
 * not unless they are asked (§5.10.6.3); and they answer at once, whether they
 * have or not. So it is asked at once while its program takes bytes, and less
 * and less often while that does not: it was 30,000 times a second.
 */
static bool ask_for_credit(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (c->asking || c->deadline)
		return true;
	if (c->asked >= VSOCK_ASKS)
		vsock_tick_wait(v, c, 1U << (c->asked - VSOCK_ASKS));
	if (c->asked < VSOCK_ASKS + VSOCK_ASKS_SLOW)
		c->asked++;
	c->asking = true;
	c->wants = VSOCK_WANT_MORE_CREDIT;
	return send_wanted(v, c);
}

/* Return: false if the guest has no buffer for what @c has to send. */
static bool serve(struct virtio_vsock *v, struct vsock_conn *c)
{
	uint32_t want, credit = vsock_credit_to_guest(&c->credit);
	bool line = c->line_at < c->line_len;

	if (!send_wanted(v, c))
		return false;
	if (c->state != VSOCK_OPEN || c->guest_shut & VSOCK_SHUT_RECEIVE)
		return true;
	if (!line && (!c->readable || c->host_shut & VSOCK_SHUT_SEND))
		return true;
	if (c->type == VSOCK_SEQPACKET && !c->message)
		return add_question(v, c);
	if (c->message > VSOCK_MESSAGE || c->message > c->credit.peer_alloc) {
		vsock_conn_reset(v, c); /* it never could take it */
		return true;
	}
	if (!credit)
		return ask_for_credit(v, c);
	c->asked = 0;
	if (c->deadline)
		vsock_tick_wait(v, c, 0);
	if (line)
		return send_line(v, c, credit);
	want = c->message ? c->message - c->message_at : c->hint;
	return add_run(v, c, credit < want ? credit : want);
}

static void serve_all(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;

	/* Each one once: who has more to send stands in the line again. */
	for (unsigned n = v->used; n && rx->first != VSOCK_NOBODY; n--) {
		struct vsock_conn *c = &v->conn[rx->first];

		if (rx->runs == VSOCK_QUEUE_MAX)
			return;
		/* While it is served it may get in line, behind all others. */
		rx->first = c->next_service;
		c->listed = false;
		if (serve(v, c))
			continue;
		if (!c->listed) {
			c->listed = true;
			c->next_service = rx->first;
			if (rx->first == VSOCK_NOBODY)
				rx->last = c->number;
			rx->first = c->number;
		}
		return;
	}
}

/* @len bytes came for @run: headers for the buffers they fill. */
static void fill_buffers(struct virtio_vsock *v, struct vsock_conn *c,
			 const struct vsock_run *run, uint32_t len)
{
	struct vsock_buf *buf = &v->rx.buf[run->first];

	c->credit.sent += len;
	for (; len; buf++) {
		struct vsock_hdr hdr = header(v, c, VSOCK_OP_RW);

		hdr.len = buf->bytes - VSOCK_HDR;
		if (hdr.len > len)
			hdr.len = len;
		len -= hdr.len;
		if (c->message && (c->message_at += hdr.len) == c->message) {
			hdr.flags = VSOCK_SEQ_EOM;
			c->message = c->message_at = 0;
		}
		vsock_buf_put(v, buf, &hdr);
	}
}

static void take_bytes(struct virtio_vsock *v, struct vsock_conn *c,
		       const struct vsock_run *run)
{
	uint32_t len = (uint32_t)run->res - c->message_at;

	flow_moved(&v->flow, v->loop, true, len);
	fill_buffers(v, c, run, len);
	/* Its end was told with the bytes: not again. */
	c->readable |= c->rdhup || run->more || len == run->bytes;
	c->hint = len * 2;
	if (c->hint < HINT_MIN)
		c->hint = HINT_MIN;
	if (c->hint > HINT_MAX)
		c->hint = HINT_MAX;
}

static void finish_run(struct virtio_vsock *v, const struct vsock_run *run)
{
	struct vsock_conn *c = &v->conn[run->conn];

	c->ops--;
	if (c->state != VSOCK_OPEN || v->port->resetting) {
		vsock_conn_settle(v, c);
		return;
	}
	if (run->res > 0 && !run->count) {
		c->message = (uint32_t)run->res;
		c->readable = true;
	} else if (!run->res && !run->count && (!c->rdhup || c->empty)) {
		/* An empty message, which is none for the guest: take it out.
		 * Or the end, if nothing goes: the poll will tell. */
		c->empty = !c->empty;
		c->readable = true;
	} else if (run->res > 0) {
		take_bytes(v, c, run);
	} else if (!run->res ||
		   (run->res == -EAGAIN && c->rdhup && !c->readable)) {
		c->readable = false;
		vsock_conn_host_shut(
			v, c, c->hangup ? VSOCK_SHUT_BOTH : VSOCK_SHUT_SEND);
	} else if (run->res == -EINTR ||
		   (run->res == -ECONNRESET && c->type == VSOCK_SEQPACKET)) {
		/* The latter is said once, and before the messages that are
		 * still there: the host's end closed with some unread. */
		c->readable = true;
	} else if (run->res != -EAGAIN) {
		vsock_conn_reset(v, c);
	}
	if (c->readable)
		vsock_conn_serve(v, c);
}

static void finish_batch(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;

	for (unsigned i = 0; i < rx->runs; i++)
		finish_run(v, &rx->run[i]);
	if (v->port->resetting) {
		vsock_buf_release(v);
		v->port = v->tx.busy ? v->port : NULL;
		return;
	}
	vsock_buf_compact(v);
	loop_defer(v->loop, &v->service);
}

static void receive_done(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = of_receive(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	v->rx.run[c->rx_run].res = res;
	/* Also a read that was cut short, as where descriptors were sent along;
	 * Linux before 6.17 does not say it of a Unix socket. */
	v->rx.run[c->rx_run].more = flags & IORING_CQE_F_SOCK_NONEMPTY;
	if (!--v->rx.busy)
		finish_batch(v);
}

/* ---- the queue ----------------------------------------------------------- */

void vsock_rx_run(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;
	bool tx_waits = v->replies == VSOCK_REPLIES;

	if (!v->port || v->port->resetting || rx->busy || rx->starved)
		return;
	send_replies(v);
	if (!v->replies)
		serve_all(v);
	rx->busy = rx->runs;
	for (unsigned i = 0; i < rx->runs; i++)
		submit_run(v, &rx->run[i]);
	if (!rx->busy) {
		vsock_buf_compact(v);
		if ((v->replies || rx->first != VSOCK_NOBODY) && !rx->starved)
			virtio_again(v->port, VSOCK_RX);
	}
	/* (in the next round: a guest could have more ready without end) */
	if (tx_waits && v->replies < VSOCK_REPLIES)
		virtio_again(v->port, VSOCK_TX);
}

void vsock_rx_kick(struct virtio_vsock *v)
{
	v->rx.starved = false;
	vsock_rx_run(v);
}

void vsock_rx_release(struct virtio_vsock *v)
{
	if (!v->rx.busy)
		vsock_buf_release(v);
}
