// SPDX-License-Identifier: Apache-2.0
/* The host's side: programs that connect, and sockets to connect to. */
#include "devices/vsock_host.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "devices/vsock_conn.h"
#include "devices/vsock_flush.h"
#include "devices/vsock_tick.h"
#include "monitor/container_of.h"
#include "monitor/fmt.h"
#include "monitor/log.h"

static struct vsock_conn *of_host(struct loop_op *op)
{
	return container_of(op, struct vsock_conn, host_op);
}

/* ---- programs that connect ----------------------------------------------- */

static void submit_accept(struct virtio_vsock *v, struct vsock_conn *c);

static void read_greeting(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	io_uring_prep_recv(sqe, vsock_conn_slot(v, c), c->line + c->line_len,
			   (size_t)(VSOCK_LINE - c->line_len), 0);
	vsock_conn_submit(sqe, &c->host_op);
}

/*
 * "CONNECT <port>", in any case; there is a NUL at @end.
 * Return: false if it is something else.
 */
static bool parse_greeting(const char *line, const char *end,
			   uint32_t *ret_port)
{
	static const char word[] = "connect ";
	uint64_t port = 0;
	unsigned digits = 0;

	for (unsigned i = 0; word[i]; i++, line++)
		if ((word[i] == ' ' ? *line : *line | 0x20) != word[i])
			return false;
	for (; *line >= '0' && *line <= '9' && digits < 10; line++, digits++)
		port = port * 10 + (unsigned)(*line - '0');
	if (*line == '\r')
		line++;
	if (line != end || !digits || port > UINT32_MAX)
		return false;
	*ret_port = (uint32_t)port;
	return true;
}

/* A port for the host's end that is not in use with that of the guest. */
static uint32_t free_port(struct virtio_vsock *v, uint32_t guest_port)
{
	uint32_t port;

	do
		port = VSOCK_PORT_BASE + v->next_port++ % VSOCK_PORT_BASE;
	while (vsock_conn_find(v, guest_port, port));
	return port;
}

static void call_guest(struct virtio_vsock *v, struct vsock_conn *c)
{
	c->host_port = free_port(v, c->guest_port);
	c->state = VSOCK_CALLING;
	vsock_conn_know(v, c);
	vsock_tick_wait(v, c, VSOCK_PATIENCE);
	vsock_conn_want(v, c, VSOCK_WANT_REQUEST);
}

static void greeted(struct virtio_vsock *v, struct vsock_conn *c, int res)
{
	char *end;

	if (res <= 0) {
		vsock_conn_end(v, c);
		return;
	}
	c->line_len = (uint8_t)(c->line_len + res);
	end = memchr(c->line, '\n', c->line_len);
	if (!end && c->line_len < VSOCK_LINE) {
		read_greeting(v, c);
		return;
	}
	if (end)
		*end = '\0';
	if (!end || !parse_greeting(c->line, end, &c->guest_port)) {
		log_guest(LOG_WARN, "virtio-vsock",
			  "a program connected and did not say CONNECT and a "
			  "port");
		vsock_conn_end(v, c);
		return;
	}
	c->line_at = (uint8_t)(end + 1 - c->line);
	call_guest(v, c);
}

static void accepted(struct virtio_vsock *v, struct vsock_conn *c, int res)
{
	if (res < 0) {
		log_guest(LOG_WARN, "virtio-vsock", "accept: %s",
			  strerror(-res));
		vsock_tick_wait(v, c, 1);
		return;
	}
	v->accepting = false;
	c->socket = true;
	c->state = VSOCK_GREETING;
	vsock_tick_wait(v, c, VSOCK_GREETING_TIME);
	read_greeting(v, c);
	vsock_host_accept(v);
}

static void accept_done(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = of_host(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)flags;
	c->ops--;
	if (c->state == VSOCK_ACCEPTING)
		accepted(v, c, res);
	else if (c->state == VSOCK_GREETING)
		greeted(v, c, res);
	vsock_conn_settle(v, c);
}

static void submit_accept(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	io_uring_prep_accept_direct(sqe, v->listener, NULL, NULL, 0,
				    (unsigned)vsock_conn_slot(v, c));
	vsock_conn_submit(sqe, &c->host_op);
}

void vsock_host_accept(struct virtio_vsock *v)
{
	struct vsock_conn *c;

	if (v->accepting || !v->port)
		return;
	c = vsock_conn_new(v);
	if (!c)
		return; /* when one is free again */
	v->accepting = true;
	c->state = VSOCK_ACCEPTING;
	c->host_op.done = accept_done;
	submit_accept(v, c);
}

/* ---- the guest has accepted ---------------------------------------------- */

static void told_host(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = of_host(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)flags;
	c->ops--;
	c->sending = false;
	/* If it has gone, the next operation will say so. */
	if (res < 0 && !vsock_is_gone(res)) {
		if (c->state == VSOCK_OPEN)
			vsock_conn_reset(v, c);
		else if (c->state == VSOCK_DRAINING)
			vsock_conn_end(v, c);
	}
	vsock_flush(v, c);
	vsock_conn_settle(v, c);
}

void vsock_host_answered(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);
	char *text = c->addr.sun_path; /* of no other use to this one */
	int len = fmt_print(text, 20, "OK %u\n", c->host_port);

	/* Nothing else goes to the host before it. */
	c->sending = true;
	c->host_op.done = told_host;
	io_uring_prep_send(sqe, vsock_conn_slot(v, c), text, (size_t)len,
			   MSG_NOSIGNAL);
	vsock_conn_submit(sqe, &c->host_op);
	vsock_conn_open(v, c);
}

/* ---- sockets to connect to ----------------------------------------------- */

static void submit_connect(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	io_uring_prep_connect(sqe, vsock_conn_slot(v, c),
			      (struct sockaddr *)&c->addr, sizeof(c->addr));
	vsock_conn_submit(sqe, &c->host_op);
}

static void dialed(struct virtio_vsock *v, struct vsock_conn *c, int res)
{
	if (!c->socket && res >= 0) {
		c->socket = true;
		submit_connect(v, c);
	} else if ((res == -EAGAIN || res == -ECANCELED) &&
		   c->hint < VSOCK_REDIALS) {
		/* The listener's backlog is full (or there was no thread to
		 * wait for it). The hint has another use only when the
		 * connection is open. */
		vsock_tick_wait(v, c, 1U << c->hint++);
	} else if (res < 0) {
		log_guest(LOG_DEBUG, "virtio-vsock", "no host for port %u: %s",
			  c->host_port, strerror(-res));
		vsock_conn_reset(v, c);
	} else {
		c->hint = 4096;
		vsock_conn_want(v, c, VSOCK_WANT_RESPONSE);
		vsock_conn_open(v, c);
	}
}

static void dial_done(struct loop_op *op, int res, uint32_t flags)
{
	struct vsock_conn *c = of_host(op);
	struct virtio_vsock *v = vsock_conn_device(c);

	(void)flags;
	c->ops--;
	if (c->state == VSOCK_DIALING)
		dialed(v, c, res);
	else if (res >= 0) /* it was given up, and shut too early for this */
		vsock_conn_shut(v, c, SHUT_RDWR);
	vsock_conn_settle(v, c);
}

void vsock_host_dial(struct virtio_vsock *v, struct vsock_conn *c)
{
	struct io_uring_sqe *sqe = vsock_conn_sqe(v, c);

	c->state = VSOCK_DIALING;
	vsock_conn_know(v, c);
	c->hint = 0;
	c->addr.sun_family = AF_UNIX;
	fmt_print(c->addr.sun_path, sizeof(c->addr.sun_path), "%s_%u", v->name,
		  c->host_port);
	c->host_op.done = dial_done;
	/* Non-blocking, so that a full backlog keeps no kernel thread. */
	io_uring_prep_socket_direct(
		sqe, AF_UNIX,
		(c->type == VSOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET) |
			SOCK_NONBLOCK,
		0, (unsigned)vsock_conn_slot(v, c), 0);
	loop_set_op(sqe, &c->host_op);
}

void vsock_host_retry(struct virtio_vsock *v, struct vsock_conn *c)
{
	if (c->state == VSOCK_ACCEPTING)
		submit_accept(v, c);
	else
		submit_connect(v, c);
}
