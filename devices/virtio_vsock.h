/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock (virtio 1.2 §5.10): sockets between guest and host, which on
 * the host are Unix sockets. The protocol there is Firecracker's:
 *
 *   a host's program connects to PATH, writes "CONNECT <port>\n", reads
 *   "OK <its own port>\n", and is connected to the guest's port;
 *   a guest's program that connects to port P of CID 2 is connected to
 *   whoever listens at PATH_P.
 *
 * All sockets live in the io_uring's file table only, in slots reserved for
 * them. Bytes move straight between guest memory and socket. What goes
 * to the host is offered to the socket once; what it does not take then is
 * copied into the connection's fifo, so a slow reader holds none of the
 * guest's buffers, and delays nobody. What comes from the host is read when
 * the guest has credit and buffers for it, and waits in the socket otherwise.
 *
 * Bounds: VSOCK_CONNS connections; for each, the bytes it was given credit
 * for; for all, VSOCK_BLOCKS blocks. The first ones get large windows, and
 * when many come, the later ones smaller: vsock_conn.c.
 *
 * A guest's SOCK_SEQPACKET reaches a PATH_P that is one, too. A message is
 * offered to the host whole: it waits in the fifo for its end, so it has at
 * most the bytes of the window. One from the host is given to the guest in as
 * many parts as it has buffers for, at most VSOCK_MESSAGE bytes. An empty one
 * is none: whoever gets it takes it for the end. Programs on the host cannot
 * call a guest's: PATH has one type.
 *
 * A guest that breaks the rules gets RST for it (vsock_table.c). What one has
 * sent before it ended is offered to the host for VSOCK_LAST ticks more.
 */
#ifndef MOTE_DEVICES_VIRTIO_VSOCK_H
#define MOTE_DEVICES_VIRTIO_VSOCK_H

#include <linux/time_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "devices/flow.h"
#include "devices/virtio.h"
#include "devices/vsock_credit.h"
#include "devices/vsock_ends.h"
#include "devices/vsock_fifo.h"
#include "devices/vsock_table.h"
#include "devices/vsock_wire.h"
#include "monitor/loop.h"

struct config_vsock;
struct err;

#define VSOCK_QUEUE_MAX 256
#define VSOCK_CONNS	1024 /* connections, or as many as rlimits allow */
#define VSOCK_CONNS_MIN 16
#define VSOCK_HASH	1024 /* power of two */
#define VSOCK_LINE	64   /* "CONNECT 4294967295\n", and more than that */
#define VSOCK_FLUSH	5    /* blocks sent from a fifo at once: a message */
#define VSOCK_REPLIES	64   /* RSTs that wait for a receive buffer */
#define VSOCK_SKIPS	4    /* ranges for what is read over */
#define VSOCK_IOVS	1020 /* with these as many as one operation takes */
#define VSOCK_NOBODY	UINT16_MAX
#define VSOCK_SKIP	(64U << 10)
#define VSOCK_MESSAGE	(VSOCK_SKIPS * VSOCK_SKIP)
#define VSOCK_RELEASES	64 /* connections that end between two renewals */
/* PATH's last part; "/proc/self/fd/2147483647/" before it, or "_4294967295"
 * behind it, must fit a sockaddr_un. */
#define VSOCK_NAME (108 - 25)

#define VSOCK_TICK_NS	    100000000L
#define VSOCK_PATIENCE	    100 /* ticks: for an answer, or a reader */
#define VSOCK_GREETING_TIME 600 /* ticks: for "CONNECT", by hand perhaps */
#define VSOCK_LAST	    20 /* ticks: for what a guest that ended has sent */
#define VSOCK_REDIALS	    4 /* 2^n ticks apart: a listener's backlog is full */
#define VSOCK_ASKS	    16 /* questions for credit, as fast as answered; */
#define VSOCK_ASKS_SLOW	    6  /* then 2^n ticks apart, up to this n */
#define VSOCK_PORT_BASE	    0x40000000U /* of the host's ends: up from here */

/* Packets that a connection wants to send to the guest; in this order. */
enum vsock_want {
	VSOCK_WANT_RST = 1,
	VSOCK_WANT_REQUEST = 2,
	VSOCK_WANT_RESPONSE = 4,
	VSOCK_WANT_CREDIT = 8,	     /* CREDIT_UPDATE */
	VSOCK_WANT_MORE_CREDIT = 16, /* CREDIT_REQUEST */
	VSOCK_WANT_SHUTDOWN = 32,
};

/**
 * struct vsock_conn - one connection; I/O thread
 * @number: its own, constant
 * @next: in the free list, or in its hash chain
 * @next_service: in the list of those that have something for the guest
 * @listed: it is in that list
 * @socket: its slot holds a socket
 * @polling: poll_op is armed; @sending: send_op is in flight
 * @readable: the socket may have bytes, or its end
 * @rdhup: the host's end will send no more, @hangup: nor receive, says the
 *        poll; there may be bytes before that
 * @host_shut: what the host's end will not do any more, and @told_shut, as
 *        the guest was told; @guest_shut: what the guest will not do
 *        (VSOCK_SHUT_*, each from the view of the one who will not)
 * @asking: CREDIT_REQUEST was sent, and nothing heard since
 * @asked: how often since the guest took something; many times, and there is a
 *	deadline until which it is not asked again
 * @wants: enum vsock_want
 * @ops: operations in flight
 * @deadline: tick at which patience ends, 0: none
 * @reserved: blocks of the pool
 * @message: length of the host's next message, 0: not known; @message_at: of
 *        it, with the guest
 * @empty: the host's next message is; it is to be taken out
 * @tx_run, @rx_run: its runs, while send_op or recv_op is part of a batch
 * @hint: bytes to read at once
 * @line, @line_len, @line_at: what a host's end said first; behind its first
 *        line there may be bytes for the guest
 */
struct vsock_conn {
	uint16_t number, next, next_service;
	uint16_t reserved;
	uint16_t tx_run, rx_run;
	uint8_t state; /* enum vsock_state */
	uint8_t type;  /* enum vsock_type */
	uint8_t wants;
	uint8_t ops;
	uint8_t host_shut, told_shut, guest_shut;
	uint8_t asked;
	bool listed, socket, polling, sending, readable, asking, rdhup, hangup;
	bool empty;
	uint8_t line_len, line_at;
	uint32_t guest_port, host_port;
	uint32_t deadline;
	uint32_t hint;
	uint32_t message, message_at;
	struct vsock_credit credit;
	struct vsock_fifo fifo;
	struct loop_op host_op; /* accept, greeting, socket, connect, OK */
	struct loop_op poll_op, recv_op, send_op, shut_op, rest_op;
	struct msghdr flush_msg;
	struct iovec flush_iov[VSOCK_FLUSH];
	char line[VSOCK_LINE];
	struct sockaddr_un addr;
};

/* RST for a packet that has no connection, or not any more. */
struct vsock_reply {
	uint64_t cid; /* that it was sent to */
	uint32_t guest_port, host_port;
	uint16_t type;
};

/**
 * struct vsock_run - consecutive ranges of a batch, for one connection
 * @conn: number
 * @first, @count: of the batch's buffers; none: it asks for the length of the
 *        next message
 * @iov, @iovs: of the batch's ranges
 * @bytes: in them
 * @res: the operation's result; @more: there is more in the socket
 */
struct vsock_run {
	uint16_t conn;
	uint16_t first, count;
	uint16_t iov, iovs;
	uint32_t bytes;
	int res;
	bool more;
	struct msghdr msg;
};

/**
 * struct vsock_tx - packets from the guest being worked off
 * @head, @heads: buffers of the batch, given back when all of it is over
 * @stashed: @chain is the next packet; it has to wait for the batch
 * @busy: runs whose operation is in flight
 */
struct vsock_tx {
	bool stashed;
	unsigned heads, iovs, runs, busy;
	uint16_t head[VSOCK_QUEUE_MAX];
	struct vsock_run run[VSOCK_QUEUE_MAX];
	struct iovec iov[VSOCK_IOVS];
	struct virtq_chain chain;
};

/* A receive buffer taken: its ranges in vsock_rx.iov, and its size. */
struct vsock_buf {
	uint16_t head, iov, iovs;
	uint32_t bytes;
};

/**
 * struct vsock_rx - packets to the guest
 * @buf, @bufs, @iov, @iovs: buffers taken from the queue; of these @used are
 *        in the present batch
 * @data, @datas: ranges behind the headers, for the operations of the batch
 * @starved: waits for the guest to give buffers
 * @first, @last: connections that have something to send
 */
struct vsock_rx {
	bool starved;
	unsigned bufs, iovs, used, datas, runs, busy;
	uint16_t first, last;
	struct vsock_buf buf[VSOCK_QUEUE_MAX];
	struct iovec iov[VSOCK_IOVS];
	struct iovec data[VSOCK_IOVS + VSOCK_QUEUE_MAX * VSOCK_SKIPS];
	struct vsock_run run[VSOCK_QUEUE_MAX];
	struct virtq_chain chain;
};

/** struct vsock_stats - counted for the tests; I/O thread */
struct vsock_stats {
	uint64_t malformed, killed, copied_bytes;
};

/**
 * struct virtio_vsock
 *
 * Static storage: what is not used is not touched.
 */
struct virtio_vsock {
	/* constant after virtio_vsock_open() */
	struct loop *loop;
	uint64_t cid;
	int listener;	 /* slot */
	int listener_fd; /* owned */
	int dir_fd;	 /* PATH's directory; -1 after virtio_vsock_enter() */
	unsigned conns;	 /* that there may be */
	unsigned offset; /* of their slots, among the reserved ones */
	char name[VSOCK_NAME]; /* in it */

	/* I/O thread */
	struct virtio_port *port; /* NULL while there is no driver */
	unsigned slot;		  /* of conn[0] */
	bool accepting, ticking;
	unsigned used;	   /* of conn[], ever */
	unsigned windows;  /* connections with blocks reserved */
	unsigned waiting;  /* that have a deadline */
	unsigned released; /* since all operations were renewed */
	uint32_t tick, next_port;
	/* when the process ends at the latest; 0: it runs */
	uint32_t last_tick;
	uint16_t free;
	struct loop_task service;
	struct loop_op tick_op;
	struct loop_drain drain;
	struct __kernel_timespec tick_time;
	struct flow flow;
	struct vsock_stats stats;
	unsigned reply_first, replies;
	struct vsock_reply reply[VSOCK_REPLIES];
	uint16_t hash[VSOCK_HASH]; /* number plus one; 0: none */
	struct vsock_tx tx;
	struct vsock_rx rx;
	struct vsock_conn conn[VSOCK_CONNS];
	struct vsock_pool pool;
	struct vsock_ends ends[VSOCK_CONNS]; /* of SOCK_SEQPACKETs */
	uint8_t skipped[VSOCK_SKIP];	     /* written, never read */
};

/** virtio_vsock_init() - what needs no descriptors; open() does it, too */
void virtio_vsock_init(struct virtio_vsock *v, struct loop *loop);

/**
 * virtio_vsock_open() - open PATH's directory and listen at PATH
 * A socket that nobody listens at any more is replaced.
 * @v: zeroed
 * Main thread, stage "open".
 * Return: 0, or negative errno with @e filled.
 */
int virtio_vsock_open(struct virtio_vsock *v, const struct config_vsock *cfg,
		      struct loop *loop, struct err *e);

/**
 * virtio_vsock_enter() - make PATH's directory the working directory
 * @inside: it is already (a jail sees to that)
 *
 * Sockets PATH_P are connected to by their name in it, which works whatever
 * the root directory has become. To be called once, when no other relative
 * path is needed any more.
 * Return: 0, or negative errno with @e filled.
 */
int virtio_vsock_enter(struct virtio_vsock *v, bool inside, struct err *e);

extern const struct virtio_ops virtio_vsock_ops;

#endif
