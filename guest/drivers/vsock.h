/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock: stream connections with the host.
 *
 *	vsock_open(&v, 16 * 1024);
 *	vsock_listen(&v, 1234);
 *	for (;;) {
 *		while ((c = vsock_ready(&v)))
 *			... vsock_peek(), vsock_take(), vsock_send() ...
 *		vsock_wait(&v, UINT64_MAX);
 *	}
 *
 * Nothing here blocks but vsock_wait(). To poll instead, leave it out:
 * vsock_ready() looks at the rings, too.
 *
 * Bytes that came wait in the connection's window, so that a connection whose
 * bytes nobody takes holds up no other. Bytes that go are copied to packets.
 */
#ifndef MOTE_GUEST_DRIVERS_VSOCK_H
#define MOTE_GUEST_DRIVERS_VSOCK_H

#include "devices/vsock_credit.h"
#include "devices/vsock_wire.h"
#include "guest/drivers/virtio.h"

#define VSOCK_CONNS	1024
#define VSOCK_LISTENERS 8
#define VSOCK_HASH	1024 /* power of two */
#define VSOCK_BUFS	128  /* of a page each, in either direction */
#define VSOCK_REPLIES	64
#define VSOCK_PAGE	4096U
/* Packets without payload find a buffer when those with payload find none. */
#define VSOCK_SPARE 16U
#define VSOCK_WANTED                                                           \
	(VIRTIO_VERSION_1 | VIRTIO_INDIRECT_DESC | VIRTIO_EVENT_IDX |          \
	 VSOCK_F_STREAM)

struct vsock_packet {
	struct vsock_hdr hdr;
	uint8_t data[VSOCK_PAGE - sizeof(struct vsock_hdr)];
};
_Static_assert(sizeof(struct vsock_packet) == VSOCK_PAGE, "a page");

/* What the program may do with a connection; it does not see the last one. */
enum vsock_stage {
	VSOCK_FREE,
	VSOCK_CALLED, /* vsock_connect(): no answer yet */
	VSOCK_UP,
	VSOCK_DEAD, /* the other end is gone; bytes may wait to be taken */
	VSOCK_LEFT, /* vsock_close(): waits for RST */
};

/**
 * struct vsock_conn
 * @user: the program's
 * @stage: enum vsock_stage
 * @refused: VSOCK_DEAD without ever having been VSOCK_UP
 * @their_shut, @our_shut: VSOCK_SHUT_*: what each end will not do any more
 * @credit: of vsock_credit.h, where "guest" is the other end
 * @window: bytes that came, @waiting of them from @at on
 */
struct vsock_conn {
	void *user;
	uint8_t stage;
	bool refused, listed, stuck;
	uint8_t their_shut, our_shut;
	uint8_t wants; /* packets to be sent, 1 << op */
	uint64_t cid;
	uint32_t our_port, their_port;
	struct vsock_credit credit;
	uint8_t *window;
	uint32_t at, waiting;
	uint16_t next, next_ready; /* number plus one */
};

/** struct vsock_stats - counted for tests and benchmarks */
struct vsock_stats {
	uint64_t accepted, refused, reset;
};

/**
 * struct vsock - the device; static storage, too large for the stack, zero
 * @window: bytes that a connection may have waiting
 */
struct vsock {
	struct virtio_device dev;
	struct virtio_queue rx, tx, event;
	uint64_t cid;
	uint32_t window, next_port;
	struct vsock_packet *free_packet[VSOCK_BUFS];
	unsigned free_packets;
	uint32_t listener[VSOCK_LISTENERS];
	unsigned listeners;
	unsigned used, open; /* of conn[]: ever, now */
	bool stuck;	     /* somebody wants to send and found no packet */
	uint16_t free, first_ready, last_ready;
	unsigned reply_first, replies;
	struct vsock_hdr reply[VSOCK_REPLIES];
	struct vsock_stats stats;
	uint16_t hash[VSOCK_HASH];
	struct vsock_conn conn[VSOCK_CONNS];
};

/**
 * vsock_open() - bring up the device
 * @window: bytes, a power of two
 * Return: false if there is none.
 */
bool vsock_open(struct vsock *v, uint32_t window);

/** vsock_listen() - accept connections to @port; they turn up as ready
 *  Return: false when that would be more than VSOCK_LISTENERS. */
bool vsock_listen(struct vsock *v, uint32_t port);

/**
 * vsock_connect() - to a port of the host (VSOCK_CID_HOST)
 * It is ready when it is up, or refused.
 * Return: NULL when too many are open, or there is no memory for its window.
 */
struct vsock_conn *vsock_connect(struct vsock *v, uint64_t cid, uint32_t port);

/**
 * vsock_ready() - the next connection that something has happened with
 * New, bytes have come, room to send after there was none, other end gone.
 * Each is returned once for what has happened so far; take all there is.
 * Return: NULL when there is none; then vsock_wait().
 */
struct vsock_conn *vsock_ready(struct vsock *v);

/** vsock_wait() - sleep until vsock_ready() may have one, or the deadline */
void vsock_wait(struct vsock *v, uint64_t deadline_ns);

/**
 * vsock_peek() - bytes that came, in one run
 * @ret_len: how many; 0: none now
 */
const void *vsock_peek(const struct vsock_conn *c, uint32_t *ret_len);

/** vsock_take() - @len of the bytes that vsock_peek() showed are done with */
void vsock_take(struct vsock *v, struct vsock_conn *c, uint32_t len);

/** vsock_recv() - copy what is there. Return: bytes, 0: none now. */
uint32_t vsock_recv(struct vsock *v, struct vsock_conn *c, void *buf,
		    uint32_t len);

/** vsock_ended() - all has been taken, and no more will come */
bool vsock_ended(const struct vsock_conn *c);

/**
 * vsock_send() - as much as there is room for
 * Return: bytes; when it is less than @len, @c will be ready again. What is
 * sent to an end that does not listen any more is lost.
 */
uint32_t vsock_send(struct vsock *v, struct vsock_conn *c, const void *buf,
		    uint32_t len);

/** vsock_finish() - nothing more will be sent; the other end reads to here */
void vsock_finish(struct vsock *v, struct vsock_conn *c);

/** vsock_close() - @c is not the program's any more; what was sent arrives */
void vsock_close(struct vsock *v, struct vsock_conn *c);

#endif
