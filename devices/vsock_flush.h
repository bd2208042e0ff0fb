/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection's guest has sent, on its way to the host. I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_FLUSH_H
#define MOTE_DEVICES_VSOCK_FLUSH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iovec;
struct virtio_vsock;
struct vsock_conn;

/** vsock_flush() - go on sending what waits in @c's fifo */
void vsock_flush(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_keep() - put @len bytes of the @n ranges @iov (VSOCK_IOVS at most),
 *  from byte @off on, at the end of @c's fifo */
void vsock_keep(struct virtio_vsock *v, struct vsock_conn *c,
		const struct iovec *iov, unsigned n, size_t off, uint32_t len);

/** vsock_taken() - the host's end has taken @len bytes, or never will */
void vsock_taken(struct virtio_vsock *v, struct vsock_conn *c, uint32_t len);

/**
 * vsock_refused() - the host's end takes no more; what waits for it is lost
 * @res: what a send said. If that is not the host's own will (there was no
 *	memory), both sides shall see that it broke off.
 */
void vsock_refused(struct virtio_vsock *v, struct vsock_conn *c, int res);

/** vsock_is_gone() - does a send's error say that the host's end is shut? */
static inline bool vsock_is_gone(int res)
{
	return res == -EPIPE || res == -ECONNRESET;
}

#endif
