// SPDX-License-Identifier: Apache-2.0
/* The life of a connection, and the table they are found in. */
#include "devices/vsock_conn.h"

#include <assert.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>

#include "devices/vsock_flush.h"
#include "devices/vsock_host.h"
#include "devices/vsock_tick.h"
#include "monitor/container_of.h"

struct virtio_vsock *vsock_conn_device(struct vsock_conn *c)
{
	return container_of(c - c->number, struct virtio_vsock, conn);
}

struct io_uring_sqe *vsock_conn_sqe(struct virtio_vsock *v,
				    struct vsock_conn *c)
{
	c->ops++;
	return loop_sqe(v->loop);
}

void vsock_conn_submit(struct io_uring_sqe *sqe, struct loop_op *op)
{
	sqe->flags |= IOSQE_FIXED_FILE;
	loop_set_op(sqe, op);
}

/* ---- the table ----------------------------------------------------------- */

static uint16_t *bucket(struct virtio_vsock *v, uint32_t guest_port,
			uint32_t host_port)
{
	uint32_t h = (guest_port * 2654435761U) ^ (host_port * 2246822519U);

	return &v->hash[(h >> 16) % VSOCK_HASH];
}

struct vsock_conn *vsock_conn_find(struct virtio_vsock *v, uint32_t guest_port,
				   uint32_t host_port)
{
	uint16_t n = *bucket(v, guest_port, host_port);

	while (n) {
		struct vsock_conn *c = &v->conn[n - 1];

		if (c->guest_port == guest_port && c->host_port == host_port)
			return c;
		n = c->next;
	}
	return NULL;
}

static void unlink_conn(struct virtio_vsock *v, const struct vsock_conn *c)
{
	uint16_t *n = bucket(v, c->guest_port, c->host_port);

	while (*n != c->number + 1)
		n = &v->conn[*n - 1].next;
	*n = c->next;
}

/* ---- windows ------------------------------------------------------------- */

/*
 * The largest window that leaves every connection which may still come the
 * smallest one. Messages larger than the second one do not fit the send buffer
 * that a Unix socket has by default.
 */
static void choose_window(struct virtio_vsock *v, struct vsock_conn *c)
{
	static const uint32_t windows[] = { 256U << 10, 64U << 10,
					    VSOCK_BLOCK };
	unsigned least = vsock_pool_blocks(VSOCK_BLOCK);
	unsigned others = (v->conns - v->windows - 1) * least;

	for (unsigned i = c->type == VSOCK_SEQPACKET; i < 3; i++) {
		unsigned blocks = vsock_pool_blocks(windows[i]);

		if (v->pool.reserved + blocks + others > VSOCK_BLOCKS)
			continue;
		v->windows++;
		v->pool.reserved += blocks;
		c->reserved = (uint16_t)blocks;
		c->credit.alloc = windows[i];
		return;
	}
	assert(false);
}
_Static_assert(VSOCK_ENDS == 64U << 10, "the second window");
_Static_assert(VSOCK_CONNS * 2 <= VSOCK_BLOCKS, "the smallest window for all");

void vsock_conn_know(struct virtio_vsock *v, struct vsock_conn *c)
{
	uint16_t *n = bucket(v, c->guest_port, c->host_port);

	c->next = *n;
	*n = (uint16_t)(c->number + 1);
	c->hint = 4096;
	choose_window(v, c);
}

/* ---- life ---------------------------------------------------------------- */

static struct vsock_conn *take_free(struct virtio_vsock *v)
{
	struct vsock_conn *c;

	if (v->free) {
		c = &v->conn[v->free - 1];
		v->free = c->next;
		return c;
	}
	if (v->used == v->conns)
		return NULL;
	c = &v->conn[v->used];
	c->number = (uint16_t)v->used++;
	return c;
}

struct vsock_conn *vsock_conn_new(struct virtio_vsock *v)
{
	struct vsock_conn *c = take_free(v);

	if (!c)
		return NULL;
	/* It may still be in the list of those to be served: then it will be,
	 * and found to want nothing. */
	*c = (struct vsock_conn){ .number = c->number,
				  .type = VSOCK_STREAM,
				  .next_service = c->next_service,
				  .listed = c->listed };
	c->poll_op.done = vsock_conn_polled;
	return c;
}

/* What waits at a socket begins anew, as if it had been interrupted. */
static void renew(struct virtio_vsock *v)
{
	for (unsigned i = 0; i < v->used; i++) {
		struct vsock_conn *c = &v->conn[i];

		if (c->state != VSOCK_OPEN && c->state != VSOCK_DRAINING)
			continue;
		if (c->polling)
			loop_cancel(v->loop, &c->poll_op);
		if (c->sending)
			loop_cancel(v->loop, &c->send_op);
	}
}

/* One connection that lasts would keep the sockets of all that end. */
static void count_release(struct virtio_vsock *v)
{
	if (loop_lets_go(v->loop) || ++v->released < VSOCK_RELEASES)
		return;
	v->released = 0;
	renew(v);
}

static void release(struct virtio_vsock *v, struct vsock_conn *c)
{
	count_release(v);
	vsock_fifo_drop(&v->pool, &c->fifo, c->fifo.len);
	v->pool.reserved -= c->reserved;
	v->windows -= c->reserved != 0;
	c->reserved = 0;
	c->state = VSOCK_NONE;
	c->next = v->free;
	v->free = (uint16_t)(c->number + 1);
	vsock_host_accept(v);
}

void vsock_conn_settle(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (c->state == VSOCK_ENDING && !c->ops)
		release(v, c);
}

/*
 * Nothing comes or goes any more; who waits for the socket wakes up. Shut last:
 * before Linux 6.3 a worker does that, and a cancellation finds it waiting.
 */
static void close_socket(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe;

	if (!c->socket)
		return;
	c->socket = false;
	if (c->ops) {
		sqe = loop_sqe(v->loop);
		io_uring_prep_cancel_fd(sqe, vsock_conn_slot(v, c),
					IORING_ASYNC_CANCEL_FD_FIXED |
						IORING_ASYNC_CANCEL_ALL);
		loop_set_op(sqe, NULL);
	}
	vsock_conn_shut(v, c, SHUT_RDWR);
}

void vsock_conn_end(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (c->state == VSOCK_ENDING)
		return;
	if (vsock_conn_is_known(c))
		unlink_conn(v, c);
	vsock_tick_wait(v, c, 0);
	c->wants = 0;
	c->state = VSOCK_ENDING;
	close_socket(v, c);
	vsock_conn_settle(v, c);
}

void vsock_conn_reset(struct virtio_vsock *v, struct vsock_conn *c)
{
	c->state = VSOCK_CLOSING;
	close_socket(v, c);
	c->wants = 0;
	vsock_tick_wait(v, c, VSOCK_PATIENCE);
	vsock_conn_want(v, c, VSOCK_WANT_RST);
}

void vsock_conn_drain(struct virtio_vsock *v, struct vsock_conn *c)
{
	unlink_conn(v, c);
	c->wants = 0;
	c->state = VSOCK_DRAINING;
	vsock_tick_wait(v, c, VSOCK_PATIENCE);
	vsock_conn_shut(v, c, SHUT_RD); /* who writes on shall see it */
	vsock_flush(v, c);
}

void vsock_conn_want(struct virtio_vsock *v, struct vsock_conn *c,
		     unsigned wants)
{
	c->wants |= (uint8_t)wants;
	vsock_conn_serve(v, c);
}

void vsock_conn_serve(struct virtio_vsock *v, struct vsock_conn *c)
{
	loop_defer(v->loop, &v->service);
	if (c->listed)
		return;
	c->listed = true;
	c->next_service = VSOCK_NOBODY;
	if (v->rx.first == VSOCK_NOBODY)
		v->rx.first = c->number;
	else
		v->conn[v->rx.last].next_service = c->number;
	v->rx.last = c->number;
}

/* ---- the host's end ------------------------------------------------------ */

static void poll_socket(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	c->polling = true;
	io_uring_prep_poll_multishot(sqe, vsock_conn_slot(v, c),
				     POLLIN | POLLRDHUP);
	vsock_conn_submit(sqe, &c->poll_op);
}

void vsock_conn_open(struct virtio_vsock *v, struct vsock_conn *c)
{
	c->state = VSOCK_OPEN;
	vsock_tick_wait(v, c, 0);
	poll_socket(v, c);
	if (c->line_at < c->line_len)
		vsock_conn_serve(v, c);
}

static void hear(struct virtio_vsock *v, struct vsock_conn *c, int res)
{
	c->hangup |= res < 0 || res & (POLLHUP | POLLERR);
	c->rdhup |= c->hangup || res & POLLRDHUP;
	c->readable = true;
	if (c->hangup && (c->host_shut & VSOCK_SHUT_SEND ||
			  c->guest_shut & VSOCK_SHUT_RECEIVE))
		vsock_conn_host_shut(v, c, VSOCK_SHUT_BOTH);
	else
		vsock_conn_serve(v, c);
}

void vsock_conn_polled(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = container_of(op, struct vsock_conn, poll_op);
	struct virtio_vsock *v = vsock_conn_device(c);
	bool canceled = res == -ECANCELED; /* by renew(), or a full ring */

	c->polling = flags & IORING_CQE_F_MORE;
	if (!c->polling)
		c->ops--;
	if (c->state == VSOCK_OPEN && !canceled)
		hear(v, c, res);
	if (c->state == VSOCK_OPEN && !c->polling && (canceled || res >= 0))
		poll_socket(v, c);
	vsock_conn_settle(v, c);
}

static void rest_done(struct loop_op *op, int res, uint32_t flags);

/*
 * The socket stays open until its slot is used again, and what the host's end
 * has sent, in it. While that is much, select(2) does not call the other end
 * writable, and who waits for it with that, as socat does, is not told that
 * nobody will read.
 */
static void throw_rest_away(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	c->rest_op.done = rest_done;
	io_uring_prep_recv(sqe, vsock_conn_slot(v, c), v->skipped, VSOCK_SKIP,
			   MSG_DONTWAIT);
	vsock_conn_submit(sqe, &c->rest_op);
}

static void rest_done(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = container_of(op, struct vsock_conn, rest_op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)flags;
	c->ops--;
	if (res > 0)
		throw_rest_away(v, c);
	vsock_conn_settle(v, c);
}

static void shut_done(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = container_of(op, struct vsock_conn, shut_op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)res;
	(void)flags;
	c->ops--;
	if (!c->socket)
		throw_rest_away(v, c);
	vsock_conn_settle(v, c);
}

void vsock_conn_shut(struct virtio_vsock *v, struct vsock_conn *c, int how)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	/* Several may be under way: nothing is kept in the operation. */
	c->shut_op.done = shut_done;
	io_uring_prep_shutdown(sqe, vsock_conn_slot(v, c), how);
	vsock_conn_submit(sqe, &c->shut_op);
}

void vsock_conn_host_shut(struct virtio_vsock *v, struct vsock_conn *c,
			  unsigned what)
{
	c->host_shut |= (uint8_t)what;
	if (c->state != VSOCK_OPEN)
		return;
	if (c->host_shut == VSOCK_SHUT_BOTH) {
		c->state = VSOCK_CLOSING;
		vsock_tick_wait(v, c, VSOCK_PATIENCE);
		close_socket(v, c);
	}
	if (c->host_shut & ~c->told_shut)
		vsock_conn_want(v, c, VSOCK_WANT_SHUTDOWN);
}
