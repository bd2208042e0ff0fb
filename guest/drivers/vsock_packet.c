// SPDX-License-Identifier: Apache-2.0
/* vsock packets: made, sent, and what those that come do. */
#include "guest/drivers/vsock_parts.h"
#include "guest/kit.h"

static uint8_t bit(enum vsock_op op)
{
	return (uint8_t)(1U << op);
}

/* ---- packets to the other end -------------------------------------------- */

static void reclaim(struct vsock *v)
{
	struct vsock_packet *p;
	uint32_t len;

	while ((p = virtio_take(&v->tx, &len)))
		v->free_packet[v->free_packets++] = p;
}

/* Return: NULL if fewer than @spare would be left. */
struct vsock_packet *vsock_new_packet(struct vsock *v, unsigned spare)
{
	reclaim(v);
	if (v->free_packets <= spare) {
		virtio_kick(&v->tx);
		reclaim(v);
	}
	if (v->free_packets <= spare)
		return NULL;
	return v->free_packet[--v->free_packets];
}

void vsock_transmit(struct vsock *v, struct vsock_packet *p)
{
	struct virtio_part part = { p, VSOCK_HDR + p->hdr.len };

	/* There are as many packets as the ring has entries. */
	if (!virtio_add(&v->tx, &part, 1, 0, p))
		kit_panic("vsock: more packets than the ring holds");
}

struct vsock_hdr vsock_header(struct vsock *v, struct vsock_conn *c,
			      enum vsock_op op)
{
	c->credit.told = c->credit.taken;
	return (struct vsock_hdr){
		.src_cid = v->cid,
		.dst_cid = c->cid,
		.src_port = c->our_port,
		.dst_port = c->their_port,
		.type = VSOCK_STREAM,
		.op = (uint16_t)op,
		.flags = op == VSOCK_OP_SHUTDOWN ? c->our_shut : 0,
		.buf_alloc = c->credit.alloc,
		.fwd_cnt = c->credit.taken,
	};
}

/* What it wants to say; later, if there is no packet now. */
static void speak(struct vsock *v, struct vsock_conn *c)
{
	while (c->wants) {
		unsigned op = (unsigned)__builtin_ctz(c->wants);
		struct vsock_packet *p = vsock_new_packet(v, 0);

		if (!p) {
			v->stuck = true;
			return;
		}
		p->hdr = vsock_header(v, c, (enum vsock_op)op);
		vsock_transmit(v, p);
		c->wants &= (uint8_t)~bit((enum vsock_op)op);
	}
}

void vsock_say(struct vsock *v, struct vsock_conn *c, enum vsock_op op)
{
	c->wants |= bit(op);
	speak(v, c);
}

bool vsock_said(struct vsock *v, struct vsock_conn *c)
{
	speak(v, c);
	return !c->wants;
}

/* RST to whom we have no connection with. There is room: vsock_receive() takes
 * no more packets while there are many to answer. */
static void refuse(struct vsock *v, const struct vsock_hdr *to)
{
	if (to->op == VSOCK_OP_RST || v->replies == VSOCK_REPLIES)
		return;
	v->reply[(v->reply_first + v->replies++) % VSOCK_REPLIES] =
		(struct vsock_hdr){ .src_cid = v->cid,
				    .dst_cid = to->src_cid,
				    .src_port = to->dst_port,
				    .dst_port = to->src_port,
				    .type = to->type,
				    .op = VSOCK_OP_RST };
}

void vsock_reset(struct vsock *v, const struct vsock_conn *c)
{
	struct vsock_hdr from_it = { .src_cid = c->cid,
				     .src_port = c->their_port,
				     .dst_port = c->our_port,
				     .type = VSOCK_STREAM };

	refuse(v, &from_it);
}

void vsock_send_replies(struct vsock *v)
{
	while (v->replies) {
		struct vsock_packet *p = vsock_new_packet(v, 0);

		if (!p) {
			v->stuck = true;
			return;
		}
		p->hdr = v->reply[v->reply_first];
		v->reply_first = (v->reply_first + 1) % VSOCK_REPLIES;
		v->replies--;
		vsock_transmit(v, p);
	}
}

/* There are packets again: for all who could not send. */
void vsock_unstick(struct vsock *v)
{
	if (!v->stuck)
		return;
	reclaim(v);
	if (v->free_packets < v->tx.size / 2u)
		return;
	v->stuck = false;
	vsock_send_replies(v);
	for (unsigned i = 0; i < v->used; i++) {
		struct vsock_conn *c = &v->conn[i];

		speak(v, c);
		if (c->stuck)
			vsock_make_ready(v, c);
	}
}

/* ---- packets from the other end ------------------------------------------ */

static void take_request(struct vsock *v, const struct vsock_hdr *hdr)
{
	struct vsock_conn *c = NULL;

	for (unsigned i = 0; i < v->listeners && !c; i++)
		if (v->listener[i] == hdr->dst_port)
			c = vsock_new(v, hdr->src_cid, hdr->dst_port,
				      hdr->src_port, VSOCK_UP);
	if (!c) {
		v->stats.refused++;
		refuse(v, hdr);
		return;
	}
	v->stats.accepted++;
	vsock_credit_heard(&c->credit, hdr->buf_alloc, hdr->fwd_cnt);
	vsock_say(v, c, VSOCK_OP_RESPONSE);
	vsock_make_ready(v, c);
}

static void take_data(struct vsock *v, struct vsock_conn *c,
		      const struct vsock_packet *p)
{
	uint32_t end = (c->at + c->waiting) & (v->window - 1);
	uint32_t first = v->window - end, len = p->hdr.len;

	if (first > len)
		first = len;
	memcpy(c->window + end, p->data, first);
	memcpy(c->window, p->data + first, len - first);
	c->waiting += len;
	vsock_make_ready(v, c);
}

static bool may_come(const struct vsock_conn *c, uint32_t len)
{
	return c->stage == VSOCK_UP && !(c->their_shut & VSOCK_SHUT_SEND) &&
	       c->credit.got - c->credit.taken + len <= c->credit.alloc;
}

static void they_shut(struct vsock *v, struct vsock_conn *c, uint32_t flags)
{
	c->their_shut |= flags & VSOCK_SHUT_BOTH;
	vsock_make_ready(v, c);
	if (c->their_shut != VSOCK_SHUT_BOTH)
		return;
	vsock_reset(v, c);
	vsock_die(v, c);
}

/* A packet for a connection that is there. Return: false if it has no right
 * to be. */
static bool take_known(struct vsock *v, struct vsock_conn *c,
		       const struct vsock_packet *p)
{
	const struct vsock_hdr *hdr = &p->hdr;

	vsock_credit_heard(&c->credit, hdr->buf_alloc, hdr->fwd_cnt);
	if (c->stuck && vsock_credit_to_guest(&c->credit))
		vsock_make_ready(v, c);
	switch ((enum vsock_op)hdr->op) {
	case VSOCK_OP_RESPONSE:
		if (c->stage != VSOCK_CALLED)
			return c->stage == VSOCK_LEFT;
		c->stage = VSOCK_UP;
		if (c->our_shut)
			vsock_say(v, c, VSOCK_OP_SHUTDOWN);
		vsock_make_ready(v, c);
		return true;
	case VSOCK_OP_RST:
		v->stats.reset += c->stage == VSOCK_UP;
		vsock_die(v, c);
		return true;
	case VSOCK_OP_SHUTDOWN:
		they_shut(v, c, hdr->flags);
		return true;
	case VSOCK_OP_RW:
		if (c->stage == VSOCK_LEFT)
			return true; /* nobody wants it */
		if (!may_come(c, hdr->len))
			return false;
		c->credit.got += hdr->len;
		take_data(v, c, p);
		return true;
	case VSOCK_OP_CREDIT_UPDATE:
		return true;
	case VSOCK_OP_CREDIT_REQUEST:
		vsock_say(v, c, VSOCK_OP_CREDIT_UPDATE);
		return true;
	case VSOCK_OP_INVALID:
	case VSOCK_OP_REQUEST:
	case VSOCK_OPS:
		break;
	}
	return false;
}

static void take_packet(struct vsock *v, const struct vsock_packet *p,
			uint32_t len)
{
	const struct vsock_hdr *hdr = &p->hdr;
	struct vsock_conn *c;

	if (len < VSOCK_HDR || hdr->dst_cid != v->cid ||
	    (hdr->op == VSOCK_OP_RW && hdr->len > len - VSOCK_HDR))
		return;
	c = hdr->type == VSOCK_STREAM ? vsock_find(v, hdr) : NULL;
	if (!c && hdr->type == VSOCK_STREAM && hdr->op == VSOCK_OP_REQUEST) {
		take_request(v, hdr);
	} else if (!c) {
		refuse(v, hdr);
	} else if (!take_known(v, c, p)) {
		refuse(v, hdr);
		vsock_die(v, c);
	}
}

void vsock_give_buffer(struct vsock *v, struct vsock_packet *p)
{
	struct virtio_part part = { p, sizeof(*p) };

	if (!virtio_add(&v->rx, &part, 0, 1, p))
		kit_panic("vsock: more buffers than the ring holds");
}

void vsock_receive(struct vsock *v)
{
	struct vsock_packet *p;
	uint32_t len;

	vsock_send_replies(v);
	/* What cannot be answered now waits in the ring. */
	while (v->replies < VSOCK_REPLIES / 2 &&
	       (p = virtio_take(&v->rx, &len))) {
		take_packet(v, p, len);
		vsock_give_buffer(v, p);
		vsock_send_replies(v);
	}
	virtio_kick(&v->rx);
}
