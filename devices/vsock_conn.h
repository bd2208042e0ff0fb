/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: found, made and ended. All on the I/O thread. */
#ifndef MOTE_DEVICES_VSOCK_CONN_H
#define MOTE_DEVICES_VSOCK_CONN_H

#include <stddef.h>

#include "devices/virtio_vsock.h"
#include "monitor/container_of.h"

/** vsock_conn_new() - a free one, with nothing set but its number
 *  Return: NULL if there is none. */
struct vsock_conn *vsock_conn_new(struct virtio_vsock *v);

/** vsock_conn_find() - the one the guest knows by these ports, or NULL */
struct vsock_conn *vsock_conn_find(struct virtio_vsock *v, uint32_t guest_port,
				   uint32_t host_port);

/** vsock_conn_know() - from now on the guest knows it, by its ports; window
 *  and credit are set up */
void vsock_conn_know(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_is_known() - does the guest know it, and can it be found? */
static inline bool vsock_conn_is_known(const struct vsock_conn *c)
{
	return c->state > VSOCK_NONE && c->state < VSOCK_KNOWN_STATES;
}

/** vsock_conn_open() - both ends are there: wait for the host's bytes */
void vsock_conn_open(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_want() - send the guest a packet, when it has a buffer */
void vsock_conn_want(struct virtio_vsock *v, struct vsock_conn *c,
		     unsigned wants);

/** vsock_conn_serve() - there may be something for the guest */
void vsock_conn_serve(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_polled() - something has happened at the host's end */
void vsock_conn_polled(struct loop_op *op, int res, uint32_t flags);

/** vsock_conn_shut() - shutdown(2) the host's end: SHUT_RD, SHUT_WR or both */
void vsock_conn_shut(struct virtio_vsock *v, struct vsock_conn *c, int how);

/** vsock_conn_host_shut() - the host's end will not send or receive any more */
void vsock_conn_host_shut(struct virtio_vsock *v, struct vsock_conn *c,
			  unsigned what);

/** vsock_conn_reset() - close the host's end, tell the guest RST, then end */
void vsock_conn_reset(struct virtio_vsock *v, struct vsock_conn *c);

/**
 * vsock_conn_end() - close the host's end, forget the connection
 * The guest is told nothing. Free when no operation is in flight any more.
 */
void vsock_conn_end(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_drain() - the guest has closed: bytes that wait go out first */
void vsock_conn_drain(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_settle() - an operation is over (c->ops was counted down) */
void vsock_conn_settle(struct virtio_vsock *v, struct vsock_conn *c);

/** vsock_conn_slot() - its place in the loop's file table */
static inline int vsock_conn_slot(const struct virtio_vsock *v,
				  const struct vsock_conn *c)
{
	return (int)(v->slot + (unsigned)(c - v->conn));
}

/** vsock_conn_of_send() - the connection whose send_op this is */
static inline struct vsock_conn *vsock_conn_of_send(struct loop_op *op)
{
	return container_of(op, struct vsock_conn, send_op);
}

/** vsock_conn_device() - the device, from one of its connections */
struct virtio_vsock *vsock_conn_device(struct vsock_conn *c);

/**
 * vsock_conn_sqe() - an entry for one of @c's operations, which is counted
 * Fill it with io_uring_prep_*(); then vsock_conn_submit() if it is for a slot,
 * or loop_set_op().
 */
struct io_uring_sqe *vsock_conn_sqe(struct virtio_vsock *v,
				    struct vsock_conn *c);
void vsock_conn_submit(struct io_uring_sqe *sqe, struct loop_op *op);

#endif
