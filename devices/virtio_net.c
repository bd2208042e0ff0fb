// SPDX-License-Identifier: Apache-2.0
/* The network card as the transport sees it. */
#include "devices/virtio_net.h"

#include <stddef.h>
#include <string.h>

#include "monitor/log.h"

static const char *const drop_names[NET_DROPS] = {
	[NET_DROP_TX_RUNT] = "sent with no room for a header",
	[NET_DROP_TX_GIANT] = "sent, longer than any can be",
	[NET_DROP_TX_REFUSED] = "sent, refused by the TAP",
	[NET_DROP_TX_NO_LINK] = "sent while the link is down",
	[NET_DROP_RX_RUNT] = "received with no room for a header",
	[NET_DROP_RX_GIANT] = "received, longer than any can be",
	[NET_DROP_RX_NO_ROOM] = "received, larger than all the guest's buffers",
	[NET_DROP_RX_SHORT_BUFFER] = "received into too small a buffer",
	[NET_DROP_RX_STALE] = "received in a form the driver does not take",
	[NET_DROP_RX_REFUSED] = "that could not be read from the TAP",
};

void virtio_net_drop(struct virtio_net *n, enum net_drop why)
{
	/* a back end that sends such frames speaks another language */
	enum log_level level = why == NET_DROP_RX_GIANT ? LOG_WARN : LOG_INFO;

	if (!n->stats.drops[why]++)
		log_line(level, "virtio-net", "frames are dropped: %s",
			 drop_names[why]);
}

void virtio_net_report(const struct virtio_net *n, unsigned number)
{
	log_info("virtio-net", "network %u: %llu frames sent, %llu received",
		 number, (unsigned long long)n->stats.tx_frames,
		 (unsigned long long)n->stats.rx_frames);
	for (unsigned why = 0; why < NET_DROPS; why++)
		if (n->stats.drops[why])
			log_info("virtio-net",
				 "network %u: %llu frames dropped: %s", number,
				 (unsigned long long)n->stats.drops[why],
				 drop_names[why]);
}

void virtio_net_moved(struct virtio_net *n, enum net_queue queue,
		      uint64_t bytes)
{
	flow_moved(&n->flow, n->loop, queue == NET_RX, bytes);
}

int virtio_net_tap_fd(const struct virtio_net *n)
{
	return n->ops == &net_tap_ops ? n->fd : -1;
}

bool virtio_net_peer_dir(const struct virtio_net *n,
			 char ret[NET_STREAM_PATH_MAX])
{
	char *slash;

	if (n->ops != &net_stream_ops || !*n->stream.addr.sun_path)
		return false;
	memcpy(ret, n->stream.addr.sun_path, NET_STREAM_PATH_MAX);
	slash = strrchr(ret, '/'); /* there is one: net_stream_init() */
	slash[slash == ret] = '\0';
	return true;
}

void virtio_net_set_link(struct virtio_net *n, bool up)
{
	if (atomic_load(&n->link_up) == up)
		return;
	atomic_store(&n->link_up, up);
	log_info("virtio-net", "link %s", up ? "up" : "down");
	if (n->port && !n->port->resetting)
		virtio_config_changed(n->port);
}

static uint64_t net_features(const void *dev)
{
	const struct virtio_net *n = dev;

	return n->offered;
}

static void net_config_get(const void *dev, uint64_t features, void *config)
{
	const struct virtio_net *n = dev;
	struct net_config c = { .max_virtqueue_pairs = 1, .mtu = n->mtu };

	(void)features;
	memcpy(c.mac, n->mac, sizeof(c.mac));
	if (atomic_load(&n->link_up))
		c.status = NET_S_LINK_UP;
	memcpy(config, &c, sizeof(c));
}

static void net_activate(void *dev, struct virtio_port *port)
{
	struct virtio_net *n = dev;

	n->port = port;
	for (unsigned i = 0; i < 2; i++)
		virtq_notify_off(&port->vq[i]);
	n->ops->start(n);
}

static void net_kick(void *dev, unsigned queue)
{
	struct virtio_net *n = dev;

	virtq_notify_off(&n->port->vq[queue]);
	if (queue == NET_TX) {
		n->ops->transmit(n);
		return;
	}
	n->ops->receive(n);
}

static void net_reset(void *dev)
{
	struct virtio_net *n = dev;

	flow_ends(&n->flow, n->loop);
	n->ops->stop(n);
}

const struct virtio_ops virtio_net_ops = {
	.name = "virtio-net",
	.device_id = VIRTIO_NET,
	.queues = 2,
	.queue_max = NET_QUEUE_MAX,
	.config_len = sizeof(struct net_config),
	.features = net_features,
	.config_get = net_config_get,
	.activate = net_activate,
	.kick = net_kick,
	.reset = net_reset,
};
