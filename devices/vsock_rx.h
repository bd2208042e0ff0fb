/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to the guest, and bytes from the host. All on the I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_RX_H
#define MOTE_DEVICES_VSOCK_RX_H

struct virtio_vsock;
struct vsock_hdr;

/** vsock_rx_run() - serve those who have something for the guest, while it
 *  has buffers */
void vsock_rx_run(struct virtio_vsock *v);

/** vsock_rx_kick() - the guest has given buffers */
void vsock_rx_kick(struct virtio_vsock *v);

/** vsock_rx_release() - a reset: give back what is not in flight */
void vsock_rx_release(struct virtio_vsock *v);

/** vsock_rx_refuse() - answer RST to a packet that is none itself; there must
 *  be room in v->reply[] */
void vsock_rx_refuse(struct virtio_vsock *v, const struct vsock_hdr *to);

#endif
