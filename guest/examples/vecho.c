// SPDX-License-Identifier: Apache-2.0
/*
 * Echo over vsock: vecho [port=N] [connections=N] [requests=N] [hangup=N]
 * [window=BYTES] [poll]
 *
 * Sends back what comes to the port (7), and ends when so many connections are
 * over, or so many requests are answered: each run of bytes is one. With
 * hangup=N a connection is closed from here, in order, when 1 to N bytes have
 * been sent back: 1 + their port * 2654435761 / 65536 % N, in 32 bits. Prints
 * "ready", and at the end one line of figures.
 *
 * On the host (--vsock path=S): echo 'CONNECT 7' | socat - UNIX:S
 */
#include "guest/drivers/vsock.h"
#include "guest/kit.h"

static struct vsock v;
static uint64_t connections = UINT64_MAX, requests = UINT64_MAX;
static uint64_t over, answered, bytes;
static uint32_t port = 7, hangup, window = 16384;
static bool poll;

static void parse(int argc, char **argv)
{
	uint64_t n;

	for (int i = 1; i < argc; i++) {
		if (argument_number(argv[i], "port", &n))
			port = (uint32_t)n;
		else if (argument_number(argv[i], "hangup", &n))
			hangup = (uint32_t)n;
		else if (argument_number(argv[i], "window", &n))
			window = (uint32_t)n;
		else if (!strcmp(argv[i], "poll"))
			poll = true;
		else if (!argument_number(argv[i], "connections",
					  &connections) &&
			 !argument_number(argv[i], "requests", &requests))
			kit_panic("vecho: what is %s?", argv[i]);
	}
}

/* How many bytes @c may still send back before we close it. */
static uint32_t left(const struct vsock_conn *c)
{
	if (!hangup)
		return UINT32_MAX;
	return 1 + (c->their_port * 2654435761U >> 16) % hangup -
	       c->credit.sent;
}

static void finish(struct vsock_conn *c)
{
	vsock_close(&v, c);
	over++;
}

static void serve(struct vsock_conn *c)
{
	const void *from;
	uint32_t n, sent;

	while (from = vsock_peek(c, &n), n) {
		if (n > left(c))
			n = left(c);
		sent = vsock_send(&v, c, from, n);
		vsock_take(&v, c, sent);
		bytes += sent;
		answered += sent == n;
		if (!left(c)) {
			finish(c);
			return;
		}
		if (sent < n)
			return;
	}
	if (vsock_ended(c))
		finish(c);
}

int main(int argc, char **argv)
{
	struct vsock_conn *c;

	parse(argc, argv);
	if (!vsock_open(&v, window))
		kit_panic("no vsock: --vsock path=SOCKET");
	vsock_listen(&v, port);
	console_puts("ready\n");
	for (;;) {
		while ((c = vsock_ready(&v)))
			serve(c);
		if (!v.open && (over >= connections || answered >= requests))
			break;
		if (!poll)
			vsock_wait(&v, UINT64_MAX);
	}
	console_printf("vecho: connections=%lu requests=%lu bytes=%lu "
		       "reset=%lu doorbells=%lu sleeps=%lu\n",
		       over, answered, bytes, v.stats.reset,
		       v.rx.doorbells + v.tx.doorbells, v.rx.sleeps);
	return 0;
}
