/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from the guest, and bytes to the host. All on the I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_TX_H
#define MOTE_DEVICES_VSOCK_TX_H

#include <errno.h>
#include <stdbool.h>

struct virtio_vsock;
struct vsock_conn;

/** vsock_tx_run() - work off packets, unless something has to be over first */
void vsock_tx_run(struct virtio_vsock *v);

/** vsock_tx_release() - a reset: give back what is not in flight */
void vsock_tx_release(struct virtio_vsock *v);

/** vsock_flush() - go on sending what waits in @c's fifo */
void vsock_flush(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_is_gone() - does a send's error say that the host's end is shut? */
static inline bool vsock_is_gone(int res)
{
	return res == -EPIPE || res == -ECONNRESET;
}

#endif
