// SPDX-License-Identifier: Apache-2.0
/*
 * A web server: httpd [port=N] [bytes=N] [requests=N] [quit] [poll] [stack's
 * words]
 *
 * Serves one page of N bytes at / over HTTP/1.1 with keep-alive and pipelining,
 * on port 80; prints its address when it has one. Ends when so many requests
 * are answered, or with `quit` when /quit was asked for, and all connections
 * are closed. For ip= and other words see guest/lwip/stack.h: DHCP, if nothing
 * is said.
 */
#include "guest/kit.h"
#include "guest/lwip/stack.h"
#include "lwip/tcp.h"

#define HEAD_MAX   2048 /* bytes of a request */
#define IDLE_TICKS 4	/* of lwIP's coarse timer: half seconds */
#define IDLE_MAX   30	/* times IDLE_TICKS: a minute */

/* An answer as it goes over the wire; closed or kept behind it. */
struct answer {
	const char *status;
	const char *body;
	char *text[2]; /* [keep] */
	size_t head[2], len[2];
};

enum { OK, BAD_REQUEST, NOT_FOUND, BAD_METHOD, TOO_LARGE, ANSWERS };

static struct answer answers[ANSWERS] = {
	[OK] = { .status = "200 OK" },
	[BAD_REQUEST] = { .status = "400 Bad Request",
			  .body = "that is not HTTP\n" },
	[NOT_FOUND] = { .status = "404 Not Found",
			.body = "there is only /\n" },
	[BAD_METHOD] = { .status = "405 Method Not Allowed",
			 .body = "GET and HEAD only\n" },
	[TOO_LARGE] = { .status = "431 Request Header Fields Too Large",
			.body = "too long\n" },
};

struct client {
	struct tcp_pcb *pcb;
	const char *out; /* what is left of the answer under way */
	size_t left;
	bool keep;
	unsigned idle, used;
	char in[HEAD_MAX];
};

static struct stack stack;
static struct tcp_pcb *listener;
static uint64_t requests = UINT64_MAX, served, clients, accepted;
static uint64_t page_bytes = 512, port = 80;
static bool poll, may_quit;

/* ---- answers ------------------------------------------------------------- */

static char *make_page(void)
{
	static const char text[] = "<!doctype html><title>mote</title>"
				   "<p>This page comes from a unikernel.\n";
	char *page = malloc(page_bytes + 1);

	if (!page)
		kit_panic("httpd: no memory for the page");
	memset(page, ' ', page_bytes);
	page[page_bytes] = '\0';
	if (page_bytes)
		page[page_bytes - 1] = '\n';
	for (size_t i = 0; i < sizeof(text) - 1 && i < page_bytes; i++)
		page[i] = text[i];
	return page;
}

static void make_answers(void)
{
	answers[OK].body = make_page();
	for (unsigned i = 0; i < ANSWERS; i++)
		for (unsigned keep = 0; keep < 2; keep++) {
			struct answer *a = &answers[i];
			size_t body = strlen(a->body), size = body + 256;
			char *text = malloc(size);
			int head;

			if (!text)
				kit_panic("httpd: no memory");
			head = snprintf(text, size,
					"HTTP/1.1 %s\r\nServer: mote\r\n"
					"Content-Type: text/html\r\n"
					"Content-Length: %zu\r\n"
					"Connection: %s\r\n\r\n",
					a->status, body,
					keep ? "keep-alive" : "close");
			memcpy(text + head, a->body, body);
			a->text[keep] = text;
			a->head[keep] = (size_t)head;
			a->len[keep] = (size_t)head + body;
		}
}

/* ---- requests ------------------------------------------------------------ */

static bool starts(const char *s, const char *end, const char *with)
{
	size_t len = strlen(with);

	return (size_t)(end - s) >= len && !memcmp(s, with, len);
}

/* @with is in lower case. */
static bool starts_any_case(const char *s, const char *end, const char *with)
{
	for (; *with; s++, with++) {
		char c = s < end ? *s : '\0';

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (c != *with)
			return false;
	}
	return true;
}

static const char *end_of_line(const char *s, const char *end)
{
	while (s + 1 < end && (s[0] != '\r' || s[1] != '\n'))
		s++;
	return s;
}

static bool keeps(const char *s, const char *end, bool by_default)
{
	static const char name[] = "connection:";

	for (; s < end; s = end_of_line(s, end) + 2) {
		if (!starts_any_case(s, end, name))
			continue;
		for (s += sizeof(name) - 1; s < end && *s == ' '; s++)
			;
		if (starts_any_case(s, end, "close"))
			return false;
		if (starts_any_case(s, end, "keep-alive"))
			return true;
	}
	return by_default;
}

static void answer(struct client *c, unsigned which, bool keep, bool head_only)
{
	const struct answer *a = &answers[which];

	c->out = a->text[keep];
	c->left = head_only ? a->head[keep] : a->len[keep];
	c->keep = keep;
	served++;
}

/* One request from @s to @end, with the empty line. */
static void handle(struct client *c, const char *s, const char *end)
{
	const char *line = end_of_line(s, end);
	bool head = starts(s, end, "HEAD "), keep;

	if (line - s < 9 || !starts(line - 9, line, " HTTP/1.")) {
		answer(c, BAD_REQUEST, false, false);
		return;
	}
	keep = keeps(line + 2, end, line[-1] != '0');
	if (!head && !starts(s, end, "GET ")) {
		/* It may have a body, which we would take for a request. */
		answer(c, BAD_METHOD, false, false);
		return;
	}
	s += head ? 5 : 4;
	if (may_quit && starts(s, line, "/quit "))
		requests = 0;
	answer(c,
	       starts(s, line, "/ ") || starts(s, line, "/?") ? OK : NOT_FOUND,
	       keep, head);
}

/* ---- connections --------------------------------------------------------- */

static void forget(struct client *c)
{
	clients--;
	free(c);
}

static void finish(struct client *c)
{
	tcp_arg(c->pcb, NULL);
	tcp_recv(c->pcb, NULL);
	tcp_sent(c->pcb, NULL);
	tcp_poll(c->pcb, NULL, 0);
	tcp_err(c->pcb, NULL);
	/* Only memory can be short; then the other end hears of it so. */
	if (tcp_close(c->pcb) != ERR_OK)
		tcp_abort(c->pcb);
	forget(c);
}

/* Return: false if there is no room for more now. */
static bool send_some(struct client *c)
{
	while (c->left) {
		size_t n = tcp_sndbuf(c->pcb);

		if (n > c->left)
			n = c->left;
		if (n > UINT16_MAX)
			n = UINT16_MAX;
		if (!n || tcp_write(c->pcb, c->out, (u16_t)n,
				    n < c->left ? TCP_WRITE_FLAG_MORE : 0))
			return false;
		c->out += n;
		c->left -= n;
	}
	return true;
}

/* The end of the request that in[] begins with, or NULL. */
static const char *request_end(const struct client *c)
{
	for (unsigned i = 3; i < c->used; i++)
		if (c->in[i] == '\n' && !memcmp(c->in + i - 3, "\r\n\r\n", 4))
			return c->in + i + 1;
	return NULL;
}

/* Return: false when @c is no more. */
static bool go_on(struct client *c)
{
	const char *end;

	for (;;) {
		if (!send_some(c))
			return true;
		if (!c->keep) {
			finish(c);
			return false;
		}
		end = request_end(c);
		if (end) {
			handle(c, c->in, end);
			c->used -= (unsigned)(end - c->in);
			memmove(c->in, end, c->used);
		} else if (c->used == HEAD_MAX) {
			answer(c, TOO_LARGE, false, false);
		} else {
			return true;
		}
	}
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct client *c = arg;
	u16_t n;

	(void)err;
	if (!p) { /* it has no more to say; one that waits hears no more */
		finish(c);
		return ERR_OK;
	}
	c->idle = 0;
	n = pbuf_copy_partial(p, c->in + c->used, (u16_t)(HEAD_MAX - c->used),
			      0);
	if (n < p->tot_len && c->left) /* later: lwIP keeps it */
		return ERR_MEM;
	c->used += n;
	tcp_recved(pcb, p->tot_len);
	if (!go_on(c)) {
		pbuf_free(p);
		return ERR_OK;
	}
	for (u16_t at = n; at < p->tot_len; at = (u16_t)(at + n)) {
		n = pbuf_copy_partial(p, c->in + c->used,
				      (u16_t)(HEAD_MAX - c->used), at);
		c->used += n;
		if (!n || !go_on(c))
			break;
	}
	pbuf_free(p);
	return ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct client *c = arg;

	(void)pcb;
	(void)len;
	c->idle = 0;
	if (c->left)
		go_on(c);
	return ERR_OK;
}

static err_t idled(void *arg, struct tcp_pcb *pcb)
{
	struct client *c = arg;

	if (++c->idle < IDLE_MAX)
		return ERR_OK;
	tcp_abort(pcb); /* which calls failed() */
	return ERR_ABRT;
}

static void failed(void *arg, err_t err)
{
	(void)err;
	forget(arg);
}

static err_t accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct client *c;

	(void)arg;
	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	c = malloc(sizeof(*c));
	if (!c)
		return ERR_MEM; /* lwIP resets it */
	c->pcb = pcb;
	c->out = NULL;
	c->left = c->used = c->idle = 0;
	c->keep = true;
	clients++;
	accepted++;
	tcp_arg(pcb, c);
	tcp_recv(pcb, received);
	tcp_sent(pcb, sent);
	tcp_err(pcb, failed);
	tcp_poll(pcb, idled, IDLE_TICKS);
	tcp_nagle_disable(pcb);
	return ERR_OK;
}

/* ---- the program --------------------------------------------------------- */

static void parse(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "poll"))
			poll = true;
		else if (!strcmp(argv[i], "quit"))
			may_quit = true;
		else if (!argument_number(argv[i], "port", &port) &&
			 !argument_number(argv[i], "bytes", &page_bytes) &&
			 !argument_number(argv[i], "requests", &requests) &&
			 !stack_word(&stack, argv[i]))
			kit_panic("httpd: what is %s?", argv[i]);
	}
}

static void listen_there(void)
{
	struct tcp_pcb *pcb = tcp_new();

	if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, (u16_t)port) != ERR_OK)
		kit_panic("httpd: cannot have port %lu", port);
	listener = tcp_listen(pcb);
	if (!listener)
		kit_panic("httpd: no memory");
	tcp_accept(listener, accept);
}

static void say_where(void)
{
	static bool said;

	if (said || !stack_up(&stack))
		return;
	said = true;
	console_printf("httpd: http://%s:%lu/\n",
		       ip4addr_ntoa(netif_ip4_addr(&stack.netif)), port);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	make_answers();
	stack_open(&stack);
	listen_there();
	for (;;) {
		stack_poll(&stack);
		say_where();
		if (served >= requests && !clients)
			break;
		if (!poll)
			stack_wait(&stack, UINT64_MAX);
	}
	stack_flush(&stack);
	console_printf("httpd: requests=%lu connections=%lu doorbells=%lu "
		       "sleeps=%lu\n",
		       served, accepted,
		       stack.card.rx.doorbells + stack.card.tx.doorbells,
		       stack.card.rx.sleeps);
	return 0;
}
