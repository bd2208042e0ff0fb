// SPDX-License-Identifier: Apache-2.0
/* Bytes for the host: those that went, and those that wait in the fifo. */
#include "devices/vsock_flush.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>

#include "devices/msg.h"
#include "devices/vsock_conn.h"
#include "devices/vsock_tick.h"

void vsock_taken(struct virtio_vsock *v, struct vsock_conn *c, uint32_t len)
{
	c->credit.taken += len;
	if (c->state == VSOCK_OPEN && vsock_credit_due(&c->credit))
		vsock_conn_want(v, c, VSOCK_WANT_CREDIT);
}

/* Bytes that may go to the host's end now: all, or the first message. */
static uint32_t sendable(struct virtio_vsock *v, const struct vsock_conn *c)
{
	if (c->type == VSOCK_STREAM)
		return c->fifo.len;
	return vsock_ends_next(&v->ends[c->number], c->credit.taken,
			       c->fifo.len);
}

/* All that the guest sent is with the host's end: what comes after it? */
static void caught_up(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (c->state == VSOCK_DRAINING)
		vsock_conn_end(v, c);
	else if (c->state == VSOCK_OPEN && c->guest_shut & VSOCK_SHUT_SEND)
		vsock_conn_shut(v, c, SHUT_WR);
}

void vsock_refused(struct virtio_vsock *v, struct vsock_conn *c, int res)
{
	uint32_t len = c->fifo.len;

	if (c->state == VSOCK_OPEN && !vsock_is_gone(res)) {
		vsock_conn_reset(v, c);
		return;
	}
	vsock_fifo_drop(&v->pool, &c->fifo, len);
	vsock_taken(v, c, len);
	vsock_conn_host_shut(v, c, VSOCK_SHUT_RECEIVE);
	if (c->state == VSOCK_DRAINING)
		vsock_conn_end(v, c);
}

/* For a socket that answers EAGAIN instead of waiting. */
static void writable(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = vsock_conn_of_send(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)res;
	(void)flags;
	c->ops--;
	c->sending = false;
	vsock_flush(v, c);
	vsock_conn_settle(v, c);
}

static void await_writable(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	c->sending = true;
	c->send_op.done = writable;
	io_uring_prep_poll_add(sqe, vsock_conn_slot(v, c), POLLOUT);
	vsock_conn_submit(sqe, &c->send_op);
}

static void flushed(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = vsock_conn_of_send(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)flags;
	c->ops--;
	c->sending = false;
	if (c->state != VSOCK_OPEN && c->state != VSOCK_DRAINING) {
		vsock_conn_settle(v, c);
		return;
	}
	if (res == -EAGAIN) {
		await_writable(v, c);
		return;
	}
	if (res > 0) {
		vsock_fifo_drop(&v->pool, &c->fifo, (uint32_t)res);
		if (c->type == VSOCK_SEQPACKET)
			vsock_ends_flip(&v->ends[c->number],
					c->credit.taken + (uint32_t)res - 1);
		vsock_taken(v, c, (uint32_t)res);
		if (c->state == VSOCK_DRAINING)
			vsock_tick_wait(v, c, VSOCK_PATIENCE);
	} else if (res != -EINTR && res != -ECANCELED) {
		vsock_refused(v, c, res);
	}
	vsock_flush(v, c);
	vsock_conn_settle(v, c);
}

void vsock_flush(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe;
	unsigned iovs;
	uint32_t len;

	if (c->sending ||
	    (c->state != VSOCK_OPEN && c->state != VSOCK_DRAINING))
		return;
	len = sendable(v, c);
	if (!len) {
		caught_up(v, c);
		return;
	}
	iovs = vsock_fifo_peek(&v->pool, &c->fifo, len, c->flush_iov,
			       VSOCK_FLUSH);
	msg_set(&c->flush_msg, c->flush_iov, iovs);
	sqe = vsock_conn_sqe(v, c);
	c->sending = true;
	c->send_op.done = flushed;
	io_uring_prep_sendmsg(sqe, vsock_conn_slot(v, c), &c->flush_msg,
			      MSG_NOSIGNAL);
	vsock_conn_submit(sqe, &c->send_op);
}

void vsock_keep(struct virtio_vsock *v, struct vsock_conn *c,
		const struct iovec *iov, unsigned n, size_t off, uint32_t len)
{
	static struct iovec part[VSOCK_IOVS]; /* big, and one thread */
	unsigned parts = virtq_slice(iov, n, off, len, part);

	v->stats.copied_bytes += len;
	for (unsigned i = 0; i < parts; i++)
		vsock_fifo_put(&v->pool, &c->fifo, part[i].iov_base,
			       part[i].iov_len);
}
