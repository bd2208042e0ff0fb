// SPDX-License-Identifier: Apache-2.0
/* Receive buffers at hand: taken from the queue, used in order, given back. */
#include "devices/vsock_buf.h"

#include <string.h>

#include "devices/virtio_vsock.h"

static void add_buffer(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;
	const struct virtq_chain *c = &rx->chain;

	if (c->in_bytes <= VSOCK_HDR) {
		v->stats.malformed++;
		virtio_complete(v->port, VSOCK_RX, c->head, 0);
		return;
	}
	rx->buf[rx->bufs++] = (struct vsock_buf){
		.head = c->head,
		.iov = (uint16_t)rx->iovs,
		.iovs = c->in,
		.bytes = c->in_bytes > UINT32_MAX ? UINT32_MAX
						  : (uint32_t)c->in_bytes,
	};
	memcpy(rx->iov + rx->iovs, c->iov + c->out, c->in * sizeof(c->iov[0]));
	rx->iovs += c->in;
}

struct vsock_buf *vsock_buf_next(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;

	for (unsigned i = 0; i < VSOCK_QUEUE_MAX; i++) {
		if (rx->used < rx->bufs)
			return &rx->buf[rx->used];
		if (rx->bufs == VSOCK_QUEUE_MAX ||
		    rx->iovs + VIRTQ_CHAIN_MAX > VSOCK_IOVS)
			return NULL;
		if (virtio_pop(v->port, VSOCK_RX, &rx->chain)) {
			add_buffer(v);
		} else if (rx->used) {
			return NULL;
		} else if (!virtq_notify_on(&v->port->vq[VSOCK_RX])) {
			rx->starved = true;
			return NULL;
		}
	}
	virtio_again(v->port, VSOCK_RX); /* useless ones without end */
	return NULL;
}

/* A buffer is the guest's again; its place is cleared up by
 * vsock_buf_compact(). */
static void give_back(struct virtio_vsock *v, struct vsock_buf *buf,
		      uint32_t len)
{
	virtio_complete(v->port, VSOCK_RX, buf->head, len);
	buf->bytes = 0;
}

void vsock_buf_put(struct virtio_vsock *v, struct vsock_buf *buf,
		   const struct vsock_hdr *hdr)
{
	virtq_copy_to(v->rx.iov + buf->iov, buf->iovs, 0, hdr, VSOCK_HDR);
	give_back(v, buf, VSOCK_HDR + hdr->len);
}

void vsock_buf_compact(struct virtio_vsock *v)
{
	struct vsock_rx *rx = &v->rx;
	unsigned bufs = 0, iovs = 0;

	for (unsigned i = 0; i < rx->bufs; i++) {
		struct vsock_buf buf = rx->buf[i];

		if (!buf.bytes)
			continue;
		memmove(rx->iov + iovs, rx->iov + buf.iov,
			buf.iovs * sizeof(rx->iov[0]));
		buf.iov = (uint16_t)iovs;
		iovs += buf.iovs;
		rx->buf[bufs++] = buf;
	}
	rx->bufs = bufs;
	rx->iovs = iovs;
	rx->used = rx->runs = rx->datas = 0;
}

void vsock_buf_release(struct virtio_vsock *v)
{
	for (unsigned i = 0; i < v->rx.bufs; i++)
		if (v->rx.buf[i].bytes)
			give_back(v, &v->rx.buf[i], 0);
	vsock_buf_compact(v);
	v->rx.starved = false;
}
