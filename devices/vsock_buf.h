/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's receive buffers, of a batch of packets to it. I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_BUF_H
#define MOTE_DEVICES_VSOCK_BUF_H

struct virtio_vsock;
struct vsock_buf;
struct vsock_hdr;

/**
 * vsock_buf_next() - the next one that is not in use
 * Who uses it counts v->rx.used up.
 * Return: NULL if there is none; then somebody will look again, at the end of
 * the batch or when the guest kicks.
 */
struct vsock_buf *vsock_buf_next(struct virtio_vsock *v);

/** vsock_buf_put() - a header for @buf, with @hdr->len bytes behind it: it is
 *  the guest's again */
void vsock_buf_put(struct virtio_vsock *v, struct vsock_buf *buf,
		   const struct vsock_hdr *hdr);

/** vsock_buf_compact() - the batch is over: what it did not fill comes first in
 *  the next one */
void vsock_buf_compact(struct virtio_vsock *v);

/** vsock_buf_release() - give all of them back unused: a reset */
void vsock_buf_release(struct virtio_vsock *v);

#endif
