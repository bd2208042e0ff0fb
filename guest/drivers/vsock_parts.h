/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the vsock driver need of each other. */
#ifndef MOTE_GUEST_DRIVERS_VSOCK_PARTS_H
#define MOTE_GUEST_DRIVERS_VSOCK_PARTS_H

#include "guest/drivers/vsock.h"

/* ---- vsock.c ------------------------------------------------------------- */

/** vsock_new() - a connection both ends know of. NULL: no room, no memory. */
struct vsock_conn *vsock_new(struct vsock *v, uint64_t cid, uint32_t ours,
			     uint32_t theirs, enum vsock_stage stage);

/** vsock_find() - the one that a packet of the other end is for, or NULL */
struct vsock_conn *vsock_find(struct vsock *v, const struct vsock_hdr *hdr);

/** vsock_make_ready() - something has happened: vsock_ready() will return it */
void vsock_make_ready(struct vsock *v, struct vsock_conn *c);

/** vsock_die() - the other end does not know it any more */
void vsock_die(struct vsock *v, struct vsock_conn *c);

/* ---- vsock_packet.c ------------------------------------------------------ */

/** vsock_new_packet() - NULL if fewer than @spare would be left */
struct vsock_packet *vsock_new_packet(struct vsock *v, unsigned spare);
void vsock_transmit(struct vsock *v, struct vsock_packet *p);
struct vsock_hdr vsock_header(struct vsock *v, struct vsock_conn *c,
			      enum vsock_op op);

/** vsock_say() - a packet without payload, as soon as there is one */
void vsock_say(struct vsock *v, struct vsock_conn *c, enum vsock_op op);

/** vsock_said() - has it all gone? Bytes must not overtake the RESPONSE. */
bool vsock_said(struct vsock *v, struct vsock_conn *c);

/** vsock_reset() - RST, even if @c is forgotten right afterwards */
void vsock_reset(struct vsock *v, const struct vsock_conn *c);
void vsock_send_replies(struct vsock *v);

/** vsock_unstick() - go on with all that waited for packets, if there are */
void vsock_unstick(struct vsock *v);

/** vsock_give_buffer() - to receive into */
void vsock_give_buffer(struct vsock *v, struct vsock_packet *p);

/** vsock_receive() - take the packets that came */
void vsock_receive(struct vsock *v);

#endif
