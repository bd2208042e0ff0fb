/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from the guest, and bytes to the host. All on the I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_TX_H
#define MOTE_DEVICES_VSOCK_TX_H

struct virtio_vsock;

/** vsock_tx_run() - work off packets, unless something has to be over first */
void vsock_tx_run(struct virtio_vsock *v);

/** vsock_tx_release() - a reset: give back what is not in flight */
void vsock_tx_release(struct virtio_vsock *v);

#endif
