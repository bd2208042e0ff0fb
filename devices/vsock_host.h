/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection gets its host's end: by accepting, or by dialing. */
#ifndef MOTE_DEVICES_VSOCK_HOST_H
#define MOTE_DEVICES_VSOCK_HOST_H

#include <stdint.h>

struct virtio_vsock;
struct vsock_conn;

/** vsock_host_accept() - wait for the next program on the host that connects,
 *  if there is a connection free for it */
void vsock_host_accept(struct virtio_vsock *v);

/** vsock_host_dial() - connect to who listens for the guest's @c */
void vsock_host_dial(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_host_retry() - what could not be done before */
void vsock_host_retry(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_host_answered() - the guest has accepted the host's call: say so */
void vsock_host_answered(struct virtio_vsock *v, struct vsock_conn *c);

#endif
