// SPDX-License-Identifier: Apache-2.0
/* Frames to send: taken from the queue, looked at for their length only. */
#include "devices/net_tx.h"

#include <stdint.h>
#include <sys/uio.h>

#include "devices/virtio_net.h"

static bool is_frame(struct virtio_net *n, const struct virtq_chain *c)
{
	if (c->out_bytes < NET_HDR + NET_FRAME_MIN)
		virtio_net_drop(n, NET_DROP_TX_RUNT);
	else if (c->out_bytes > NET_HDR + n->ops->frame_max)
		virtio_net_drop(n, NET_DROP_TX_GIANT);
	else
		return true;
	return false;
}

bool net_tx_pop(struct virtio_net *n, struct virtq_chain *chain)
{
	/* Bounded: a driver cannot keep us here with frames that are none. */
	for (unsigned i = 0; i < NET_QUEUE_MAX; i++) {
		while (!virtio_pop(n->port, NET_TX, chain))
			if (!virtq_notify_on(&n->port->vq[NET_TX]))
				return false;
		if (is_frame(n, chain))
			return true;
		virtio_complete(n->port, NET_TX, chain->head, 0);
	}
	virtio_again(n->port, NET_TX);
	return false;
}
