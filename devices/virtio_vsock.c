// SPDX-License-Identifier: Apache-2.0
/* The vsock device as the transport sees it. */
#include "devices/virtio_vsock.h"

#include <stddef.h>
#include <string.h>

#include "devices/vsock_conn.h"
#include "devices/vsock_host.h"
#include "devices/vsock_rx.h"
#include "devices/vsock_tick.h"
#include "devices/vsock_tx.h"
#include "monitor/container_of.h"

static uint64_t vsock_features(const void *dev)
{
	(void)dev;
	return VSOCK_F_STREAM | VSOCK_F_SEQPACKET;
}

static void vsock_config_get(const void *dev, uint64_t features, void *config)
{
	const struct virtio_vsock *v = dev;
	struct vsock_config c = { v->cid };

	(void)features;
	memcpy(config, &c, sizeof(c));
}

static void serve(struct loop_task *task)
{
	vsock_rx_run(container_of(task, struct virtio_vsock, service));
}

static bool waits_for_host(const struct virtio_vsock *v)
{
	for (unsigned i = 0; i < v->used; i++)
		if (v->conn[i].sending && v->conn[i].state != VSOCK_ENDING)
			return true;
	return v->tx.busy || v->tx.stashed ||
	       (v->port && virtq_has(&v->port->vq[VSOCK_TX]));
}

/* A guest that has sent, closed, and ended at once has done nothing wrong. */
static bool drained(struct loop_drain *drain)
{
	struct virtio_vsock *v =
		container_of(drain, struct virtio_vsock, drain);

	if (!v->last_tick) {
		v->last_tick = (v->tick + VSOCK_LAST) | 1;
		v->waiting++;
		vsock_tick_start(v);
	}
	vsock_tx_run(v);
	return !waits_for_host(v) || (int32_t)(v->tick - v->last_tick) >= 0;
}

void virtio_vsock_init(struct virtio_vsock *v, struct loop *loop)
{
	v->loop = loop;
	v->dir_fd = v->listener_fd = -1;
	v->service.run = serve;
	v->tick_op.done = vsock_tick_done;
	v->drain.idle = drained;
	v->rx.first = VSOCK_NOBODY;
}

static void vsock_activate(void *dev, struct virtio_port *port)
{
	struct virtio_vsock *v = dev;

	v->port = port;
	v->slot = loop_reserved(v->loop) + v->offset;
	for (unsigned i = 0; i < 3; i++)
		virtq_notify_off(&port->vq[i]);
	vsock_host_accept(v);
}

static void vsock_kick(void *dev, unsigned queue)
{
	struct virtio_vsock *v = dev;

	virtq_notify_off(&v->port->vq[queue]);
	if (queue == VSOCK_RX)
		vsock_rx_kick(v);
	else if (queue == VSOCK_TX)
		vsock_tx_run(v);
	/* The event queue tells of migration only: nothing to say. */
}

/*
 * The guest that knew these connections is gone. Programs on the host that
 * have only just connected may still be served by the next one.
 */
static void vsock_reset(void *dev)
{
	struct virtio_vsock *v = dev;

	for (unsigned i = 0; i < v->used; i++) {
		struct vsock_conn *c = &v->conn[i];

		c->listed = false;
		if (c->state == VSOCK_OPEN) /* it has taken the bytes: send */
			vsock_conn_drain(v, c);
		else if (vsock_conn_is_known(c))
			vsock_conn_end(v, c);
	}
	flow_ends(&v->flow, v->loop);
	v->rx.first = VSOCK_NOBODY;
	v->reply_first = v->replies = 0;
	vsock_tx_release(v);
	vsock_rx_release(v);
	if (!v->tx.busy && !v->rx.busy)
		v->port = NULL;
}

const struct virtio_ops virtio_vsock_ops = {
	.name = "virtio-vsock",
	.device_id = VIRTIO_VSOCK,
	.queues = 3,
	.queue_max = VSOCK_QUEUE_MAX,
	.config_len = sizeof(struct vsock_config),
	.features = vsock_features,
	.config_get = vsock_config_get,
	.activate = vsock_activate,
	.kick = vsock_kick,
	.reset = vsock_reset,
};
