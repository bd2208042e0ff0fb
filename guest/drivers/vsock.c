// SPDX-License-Identifier: Apache-2.0
/* virtio-vsock (virtio 1.2 §5.10) as programs see it, and connections. */
#include "guest/drivers/vsock.h"

#include "guest/drivers/vsock_parts.h"
#include "guest/kit.h"

#define PAYLOAD	  ((uint32_t)sizeof(((struct vsock_packet *)0)->data))
#define OWN_PORTS 0x80000000U /* of connections we make: up from here */

/* ---- the table ----------------------------------------------------------- */

static uint16_t number(const struct vsock *v, const struct vsock_conn *c)
{
	return (uint16_t)(c - v->conn + 1);
}

static uint16_t *bucket(struct vsock *v, uint32_t ours, uint32_t theirs)
{
	uint32_t h = ours * 2654435761U ^ theirs * 2246822519U;

	return &v->hash[(h >> 16) % VSOCK_HASH];
}

struct vsock_conn *vsock_find(struct vsock *v, const struct vsock_hdr *hdr)
{
	uint16_t n = *bucket(v, hdr->dst_port, hdr->src_port);

	for (; n; n = v->conn[n - 1].next) {
		struct vsock_conn *c = &v->conn[n - 1];

		if (c->our_port == hdr->dst_port &&
		    c->their_port == hdr->src_port && c->cid == hdr->src_cid)
			return c;
	}
	return NULL;
}

static struct vsock_conn *take_slot(struct vsock *v)
{
	struct vsock_conn *c;

	if (v->free) {
		c = &v->conn[v->free - 1];
		v->free = c->next;
		return c;
	}
	return v->used < VSOCK_CONNS ? &v->conn[v->used++] : NULL;
}

static void free_slot(struct vsock *v, struct vsock_conn *c)
{
	c->next = v->free;
	v->free = number(v, c);
}

struct vsock_conn *vsock_new(struct vsock *v, uint64_t cid, uint32_t ours,
			     uint32_t theirs, enum vsock_stage stage)
{
	struct vsock_conn *c = take_slot(v);
	uint16_t *head = bucket(v, ours, theirs);

	if (!c)
		return NULL;
	if (!c->window)
		c->window =
			heap_buffers((v->window + VSOCK_PAGE - 1) / VSOCK_PAGE);
	if (!c->window) {
		free_slot(v, c);
		return NULL;
	}
	/* It may still be in the list of those that are ready. */
	*c = (struct vsock_conn){ .window = c->window,
				  .listed = c->listed,
				  .next_ready = c->next_ready,
				  .stage = (uint8_t)stage,
				  .cid = cid,
				  .our_port = ours,
				  .their_port = theirs,
				  .credit.alloc = v->window,
				  .next = *head };
	*head = number(v, c);
	v->open++;
	return c;
}

/* The other end does not know it any more. */
static void forget(struct vsock *v, const struct vsock_conn *c)
{
	uint16_t *n = bucket(v, c->our_port, c->their_port);

	while (*n != number(v, c))
		n = &v->conn[*n - 1].next;
	*n = c->next;
}

static void release(struct vsock *v, struct vsock_conn *c)
{
	c->stage = VSOCK_FREE;
	c->wants = 0;
	free_slot(v, c);
	v->open--;
}

void vsock_make_ready(struct vsock *v, struct vsock_conn *c)
{
	if (c->listed)
		return;
	c->listed = true;
	c->next_ready = 0;
	if (v->first_ready)
		v->conn[v->last_ready - 1].next_ready = number(v, c);
	else
		v->first_ready = number(v, c);
	v->last_ready = number(v, c);
}

/* It is gone; the program may still take what came. */
void vsock_die(struct vsock *v, struct vsock_conn *c)
{
	forget(v, c);
	if (c->stage == VSOCK_LEFT) {
		release(v, c);
		return;
	}
	c->refused = c->stage == VSOCK_CALLED;
	c->stage = VSOCK_DEAD;
	c->wants = 0;
	c->their_shut = VSOCK_SHUT_BOTH;
	vsock_make_ready(v, c);
}

/* ---- for the program ----------------------------------------------------- */

bool vsock_open(struct vsock *v, uint32_t window)
{
	static const struct virtio_field cid_field =
		VIRTIO_FIELD(struct vsock_config, guest_cid, 0);
	struct vsock_config config;
	struct vsock_packet *p;

	/* @v is zero: clearing it again would touch 90 pages. */
	if (!virtio_find(&v->dev, VIRTIO_VSOCK, 0))
		return false;
	if (!window || window & (window - 1))
		kit_panic("vsock: a window of %u bytes", window);
	v->window = window;
	virtio_negotiate(&v->dev, VSOCK_WANTED);
	virtio_config(&v->dev, &cid_field, 1, &config);
	v->cid = config.guest_cid;
	virtio_queue_open(&v->rx, &v->dev, VSOCK_RX, VSOCK_BUFS);
	virtio_queue_open(&v->tx, &v->dev, VSOCK_TX, VSOCK_BUFS);
	/* It says that we have migrated, if it ever says anything. */
	virtio_queue_open(&v->event, &v->dev, VSOCK_EVENT, 1);
	p = heap_buffers(v->rx.size + v->tx.size);
	if (!p)
		kit_panic("vsock: no memory");
	for (unsigned i = 0; i < v->rx.size; i++)
		vsock_give_buffer(v, p++);
	/* Packets used last are used first again: few pages are touched. */
	for (unsigned i = 0; i < v->tx.size; i++)
		v->free_packet[v->free_packets++] = p++;
	virtio_start(&v->dev);
	virtio_kick(&v->rx);
	return true;
}

bool vsock_listen(struct vsock *v, uint32_t port)
{
	if (v->listeners == VSOCK_LISTENERS)
		return false;
	v->listener[v->listeners++] = port;
	return true;
}

struct vsock_conn *vsock_connect(struct vsock *v, uint64_t cid, uint32_t port)
{
	struct vsock_hdr as_if = { .src_cid = cid, .src_port = port };
	struct vsock_conn *c;

	do
		as_if.dst_port = OWN_PORTS + v->next_port++ % OWN_PORTS;
	while (vsock_find(v, &as_if));
	c = vsock_new(v, cid, as_if.dst_port, port, VSOCK_CALLED);
	if (c)
		vsock_say(v, c, VSOCK_OP_REQUEST);
	return c;
}

struct vsock_conn *vsock_ready(struct vsock *v)
{
	if (!v->first_ready) {
		virtio_kick(&v->tx);
		vsock_receive(v);
		vsock_unstick(v);
	}
	while (v->first_ready) {
		struct vsock_conn *c = &v->conn[v->first_ready - 1];

		v->first_ready = c->next_ready;
		c->listed = false;
		if (c->stage == VSOCK_FREE || c->stage == VSOCK_LEFT)
			continue;
		return c;
	}
	return NULL;
}

void vsock_wait(struct vsock *v, uint64_t deadline_ns)
{
	struct virtio_queue *const q[] = { &v->rx, &v->tx };

	virtio_kick(&v->tx);
	if (v->first_ready)
		return;
	virtio_wait_any(q, v->stuck ? 2 : 1, deadline_ns);
}

const void *vsock_peek(const struct vsock_conn *c, uint32_t *ret_len)
{
	uint32_t run = c->credit.alloc - c->at;

	*ret_len = c->waiting < run ? c->waiting : run;
	return c->window + c->at;
}

void vsock_take(struct vsock *v, struct vsock_conn *c, uint32_t len)
{
	c->waiting -= len;
	c->credit.taken += len;
	/* From the start whenever it is empty: few pages are touched. */
	c->at = c->waiting ? (c->at + len) & (v->window - 1) : 0;
	if (c->stage == VSOCK_UP && vsock_credit_due(&c->credit))
		vsock_say(v, c, VSOCK_OP_CREDIT_UPDATE);
}

uint32_t vsock_recv(struct vsock *v, struct vsock_conn *c, void *buf,
		    uint32_t len)
{
	uint8_t *to = buf;
	uint32_t n, done = 0;
	const void *from;

	while (done < len && (from = vsock_peek(c, &n), n)) {
		if (n > len - done)
			n = len - done;
		memcpy(to + done, from, n);
		done += n;
		vsock_take(v, c, n);
	}
	return done;
}

bool vsock_ended(const struct vsock_conn *c)
{
	return !c->waiting && c->their_shut & VSOCK_SHUT_SEND;
}

/* A device may have smaller queues than we ask for. */
static unsigned spare(const struct vsock *v)
{
	unsigned quarter = v->tx.size / 4U;

	return quarter < VSOCK_SPARE ? quarter : VSOCK_SPARE;
}

uint32_t vsock_send(struct vsock *v, struct vsock_conn *c, const void *buf,
		    uint32_t len)
{
	const uint8_t *from = buf;
	uint32_t done = 0;

	if (c->stage == VSOCK_DEAD || c->their_shut & VSOCK_SHUT_RECEIVE ||
	    c->our_shut & VSOCK_SHUT_SEND)
		return len;
	c->stuck = false;
	while (done < len) {
		uint32_t part = vsock_credit_to_guest(&c->credit);
		struct vsock_packet *p = NULL;

		if (part > len - done)
			part = len - done;
		if (part > PAYLOAD)
			part = PAYLOAD;
		if (part && c->stage == VSOCK_UP && vsock_said(v, c)) {
			p = vsock_new_packet(v, spare(v));
			v->stuck |= !p;
		}
		if (!p) {
			c->stuck = true;
			break;
		}
		p->hdr = vsock_header(v, c, VSOCK_OP_RW);
		p->hdr.len = part;
		memcpy(p->data, from + done, part);
		vsock_transmit(v, p);
		c->credit.sent += part;
		done += part;
	}
	return done;
}

void vsock_finish(struct vsock *v, struct vsock_conn *c)
{
	c->our_shut |= VSOCK_SHUT_SEND;
	if (c->stage == VSOCK_UP)
		vsock_say(v, c, VSOCK_OP_SHUTDOWN);
}

void vsock_close(struct vsock *v, struct vsock_conn *c)
{
	enum vsock_stage stage = (enum vsock_stage)c->stage;

	c->our_shut = VSOCK_SHUT_BOTH;
	c->stuck = false;
	c->stage = VSOCK_LEFT;
	if (stage == VSOCK_DEAD) {
		release(v, c);
	} else if (stage == VSOCK_UP) {
		vsock_say(v, c, VSOCK_OP_SHUTDOWN);
	} else {
		vsock_reset(v, c);
		vsock_send_replies(v);
		vsock_die(v, c);
	}
}
