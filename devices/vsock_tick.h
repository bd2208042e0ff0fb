/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, in ticks of VSOCK_TICK_NS. All on the I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_TICK_H
#define MOTE_DEVICES_VSOCK_TICK_H

#include <stdint.h>

struct loop_op;
struct virtio_vsock;
struct vsock_conn;

/** vsock_tick_wait() - @ticks of patience; 0: no deadline any more */
void vsock_tick_wait(struct virtio_vsock *v, struct vsock_conn *c,
		     uint32_t ticks);

/** vsock_tick_start() - somebody has a deadline (and is in v->waiting) */
void vsock_tick_start(struct virtio_vsock *v);

/** vsock_tick_done() - of v->tick_op: time passes, while somebody has one */
void vsock_tick_done(struct loop_op *op, int res, uint32_t flags);

#endif
