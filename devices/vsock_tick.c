// SPDX-License-Identifier: Apache-2.0
/* Patience: a clock for all connections, which stands still while nobody
 * waits. */
#include "devices/vsock_tick.h"

#include <liburing.h>

#include "devices/vsock_conn.h"
#include "devices/vsock_host.h"
#include "monitor/container_of.h"

void vsock_tick_start(struct virtio_vsock *v)
{
	struct io_uring_sqe *sqe;

	if (v->ticking || !v->waiting)
		return;
	v->ticking = true;
	sqe = loop_sqe(v->loop);
	v->tick_time.tv_nsec = VSOCK_TICK_NS;
	io_uring_prep_timeout(sqe, &v->tick_time, 0, 0);
	loop_set_op(sqe, &v->tick_op);
}

void vsock_tick_wait(struct virtio_vsock *v, struct vsock_conn *c,
		     uint32_t ticks)
{
	v->waiting += !!ticks;
	v->waiting -= !!c->deadline;
	/* 0 says that there is none */
	c->deadline = ticks ? (v->tick + ticks) | 1 : 0;
	vsock_tick_start(v);
}

static void expired(struct virtio_vsock *v, struct vsock_conn *c)
{
	vsock_tick_wait(v, c, 0);
	switch ((enum vsock_state)c->state) {
	case VSOCK_DIALING:
	case VSOCK_ACCEPTING:
		vsock_host_retry(v, c);
		break;
	case VSOCK_CALLING: /* a guest that does not answer */
		vsock_conn_reset(v, c);
		break;
	case VSOCK_CLOSING:
		if (c->wants & VSOCK_WANT_RST)
			vsock_conn_end(v, c); /* nor takes packets */
		else
			vsock_conn_reset(v, c);
		break;
	case VSOCK_OPEN: /* and a guest without room */
		c->asking = false;
		vsock_conn_serve(v, c);
		break;
	case VSOCK_NONE:
	case VSOCK_GREETING:
	case VSOCK_DRAINING: /* a reader that does not read */
	case VSOCK_ENDING:
		vsock_conn_end(v, c);
		break;
	}
}

void vsock_tick_done(struct loop_op *op, int res, uint32_t flags)
{
	struct virtio_vsock *v = container_of(op, struct virtio_vsock, tick_op);

	(void)res;
	(void)flags;
	v->ticking = false;
	v->tick++;
	for (unsigned i = 0; i < v->used; i++) {
		struct vsock_conn *c = &v->conn[i];

		if (c->deadline && (int32_t)(v->tick - c->deadline) >= 0)
			expired(v, c);
	}
	vsock_tick_start(v);
}
