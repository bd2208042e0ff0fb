// SPDX-License-Identifier: Apache-2.0
/* Receive buffers: taken from the queue, filled, given back. */
#include "devices/net_rx.h"

#include <stddef.h>
#include <string.h>

#include "devices/virtio_net.h"

/* Kicks that may bring too little for a frame before it is dropped. */
#define KICKS_MAX 64

static bool mergeable(const struct virtio_net *n)
{
	return n->port->features & NET_F_MRG_RXBUF;
}

/* Make sure that the longest chain fits behind what is there. */
static bool make_space(struct net_stage *s)
{
	if (s->heads == NET_QUEUE_MAX ||
	    s->iovs + VIRTQ_CHAIN_MAX > NET_STAGE_IOVS)
		return false;
	if (s->first + s->heads == NET_QUEUE_MAX) {
		memmove(s->head, s->head + s->first,
			s->heads * sizeof(s->head[0]));
		s->first = 0;
	}
	if (s->iov_first + s->iovs + VIRTQ_CHAIN_MAX > NET_STAGE_IOVS) {
		memmove(s->iov, s->iov + s->iov_first,
			s->iovs * sizeof(s->iov[0]));
		s->iov_first = 0;
	}
	return true;
}

static void add_head(struct net_stage *s, const struct virtq_chain *c)
{
	uint32_t bytes =
		c->in_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)c->in_bytes;

	s->head[s->first + s->heads++] =
		(struct net_head){ c->head, c->in, bytes };
	memcpy(s->iov + s->iov_first + s->iovs, c->iov + c->out,
	       c->in * sizeof(c->iov[0]));
	s->iovs += c->in;
	s->bytes += bytes;
}

uint64_t net_rx_stage(struct virtio_net *n, uint64_t want)
{
	struct net_stage *s = &n->stage;

	if (!mergeable(n) && s->heads)
		return s->bytes;
	for (unsigned i = 0; s->bytes < want && i < NET_QUEUE_MAX; i++) {
		if (!make_space(s) || !virtio_pop(n->port, NET_RX, &n->chain))
			break;
		if (n->chain.in_bytes < NET_HDR) {
			virtio_net_drop(n, NET_DROP_RX_SHORT_BUFFER);
			virtio_complete(n->port, NET_RX, n->chain.head, 0);
			continue;
		}
		add_head(s, &n->chain);
		if (!mergeable(n))
			break;
	}
	return s->bytes;
}

bool net_rx_wait(struct virtio_net *n)
{
	return !virtq_notify_on(&n->port->vq[NET_RX]);
}

static bool exhausted(const struct virtio_net *n)
{
	const struct net_stage *s = &n->stage;

	if (!mergeable(n) && s->heads)
		return true;
	return s->heads >= n->port->vq[NET_RX].s.at.size ||
	       s->iovs + VIRTQ_CHAIN_MAX > NET_STAGE_IOVS ||
	       n->starved_kicks > KICKS_MAX;
}

enum net_room net_rx_room(struct virtio_net *n, uint32_t total)
{
	do {
		if (net_rx_stage(n, total) >= total) {
			n->starved_kicks = 0;
			return NET_ROOM;
		}
		if (exhausted(n)) {
			n->starved_kicks = 0;
			return NET_ROOM_NEVER;
		}
		n->starved_kicks++;
	} while (!net_rx_wait(n));
	return NET_ROOM_LATER;
}

void net_rx_put(struct virtio_net *n, size_t off, const void *src, size_t len)
{
	const struct net_stage *s = &n->stage;

	virtq_copy_to(s->iov + s->iov_first, s->iovs, off, src, len);
}

unsigned net_rx_ranges(const struct virtio_net *n, size_t off, size_t len,
		       struct iovec *ret)
{
	const struct net_stage *s = &n->stage;

	return virtq_slice(s->iov + s->iov_first, s->iovs, off, len, ret);
}

static uint16_t heads_for(const struct net_stage *s, uint32_t total)
{
	const struct net_head *h = &s->head[s->first];
	uint16_t count = 1;

	while (total > h->bytes) {
		total -= h->bytes;
		h++;
		count++;
	}
	return count;
}

void net_rx_deliver(struct virtio_net *n, uint32_t total)
{
	struct net_stage *s = &n->stage;
	uint16_t count = heads_for(s, total);

	net_rx_put(n, offsetof(struct net_hdr, num_buffers), &count,
		   sizeof(count));
	while (count--) {
		const struct net_head *h = &s->head[s->first++];
		uint32_t len = total < h->bytes ? total : h->bytes;

		virtio_complete(n->port, NET_RX, h->head, len);
		total -= len;
		s->heads--;
		s->bytes -= h->bytes;
		s->iov_first += h->iovs;
		s->iovs -= h->iovs;
	}
	if (!s->heads)
		s->first = s->iov_first = 0;
	n->stats.rx_frames++;
}

void net_rx_release(struct virtio_net *n)
{
	struct net_stage *s = &n->stage;

	for (unsigned i = 0; i < s->heads; i++)
		virtio_complete(n->port, NET_RX, s->head[s->first + i].head, 0);
	s->first = s->heads = s->iov_first = s->iovs = 0;
	s->bytes = 0;
	n->starved_kicks = 0;
}
