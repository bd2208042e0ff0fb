// SPDX-License-Identifier: Apache-2.0
/*
 * A crowd of clients for guest/examples/vecho, through mote's Unix socket.
 *
 *	vsockload PATH PORT crowd CONNECTIONS HANGUP SEED
 *	vsockload PATH PORT ping COUNT
 *	vsockload PATH PORT exchange BYTES
 *	vsockload PATH PORT refused CONNECTIONS
 *
 * crowd: all connect, and when all are connected, each sends some bytes in
 * random portions and reads what comes back. Two of three finish sending, read
 * to the end and must have got every byte: as many as they sent, or as vecho's
 * hangup=HANGUP says for their port. The third closes at a random moment and
 * must have got the right ones up to there. Prints one line; status 1 if a
 * byte was wrong or missing.
 *
 * ping: one byte there and back, COUNT times; prints the mean.
 *
 * refused: all call a port where nobody listens, and shall soon hear so.
 *
 * exchange: listen at PATH_PORT for one that connects from the guest; send it
 * BYTES bytes of a pattern and expect the same from it, then its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CROWD_MAX 1024
#define BYTES_MAX 40000
#define PORTION	  3000
#define SOON	  8000	/* ms; mote itself ends what nobody answers in 10 s */
#define PATIENCE  40000 /* ms without anything happening at all */

struct client {
	int fd;
	bool leaves;	 /* at a random moment */
	bool ended;	 /* all has been read */
	uint32_t bytes;	 /* to send */
	uint32_t expect; /* to get; @leaves: to get before it closes */
	uint32_t sent, got;
};

static struct client client[CROWD_MAX];
static struct pollfd pollfd[CROWD_MAX];
static uint64_t state;

static _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "vsockload: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, " (%s)\n", strerror(errno));
	va_end(ap);
	exit(1);
}

static uint32_t random_below(uint32_t n)
{
	/* xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

/* Byte @at of what client @who sends. */
static uint8_t byte_of(unsigned who, uint32_t at)
{
	return (uint8_t)((who * 31 + at) * 2654435761U >> 13);
}

static int call(const char *path, const char *port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[64];
	int len;

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		die("no socket for %s", path);
	strcpy(addr.sun_path, path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		die("connect %s", path);
	len = snprintf(line, sizeof(line), "CONNECT %s\n", port);
	if (write(fd, line, (size_t)len) != len)
		die("write");
	return fd;
}

/* "OK PORT\n". Return: PORT. */
static uint32_t answer(int fd)
{
	char line[32];
	size_t len = 0;
	uint32_t port;

	do
		if (len == sizeof(line) - 1 || read(fd, line + len, 1) != 1)
			die("no OK; %zu bytes came", len);
	while (line[len++] != '\n');
	line[len] = '\0';
	if (sscanf(line, "OK %u\n", &port) != 1)
		die("no OK but %s", line);
	return port;
}

static void decide(struct client *c, uint32_t port, uint32_t hangup)
{
	c->leaves = random_below(3) == 0;
	c->bytes = 1 + random_below(BYTES_MAX);
	c->expect = c->bytes;
	if (hangup && c->expect > 1 + (port * 2654435761U >> 16) % hangup)
		c->expect = 1 + (port * 2654435761U >> 16) % hangup;
	if (c->leaves)
		c->expect = random_below(c->expect + 1);
}

static void leave(struct client *c)
{
	close(c->fd);
	c->fd = -1;
}

static void send_some(struct client *c)
{
	uint32_t n = 1 + random_below(PORTION);
	uint8_t buf[PORTION];
	ssize_t done;

	if (n > c->bytes - c->sent)
		n = c->bytes - c->sent;
	for (uint32_t i = 0; i < n; i++)
		buf[i] = byte_of((unsigned)(c - client), c->sent + i);
	done = send(c->fd, buf, n, MSG_NOSIGNAL);
	if (done > 0)
		c->sent += (uint32_t)done;
	else if (errno == EPIPE || errno == ECONNRESET)
		c->sent = c->bytes; /* it hung up; what came is to be read */
	else if (errno != EAGAIN)
		die("send");
	if (c->sent >= c->bytes)
		shutdown(c->fd, SHUT_WR);
}

static void read_some(struct client *c)
{
	unsigned who = (unsigned)(c - client);
	uint8_t buf[PORTION];
	ssize_t n = recv(c->fd, buf, 1 + random_below(PORTION), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0 && errno != ECONNRESET)
		die("recv");
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != byte_of(who, c->got + (uint32_t)i))
			die("client %u: byte %u is wrong", who,
			    c->got + (uint32_t)i);
	if (n > 0) {
		c->got += (uint32_t)n;
		if (c->leaves && c->got >= c->expect)
			leave(c);
		return;
	}
	if (c->got != c->expect)
		die("client %u of %u bytes got %u, not %u", who, c->bytes,
		    c->got, c->expect);
	c->ended = true;
}

static _Noreturn void give_up(unsigned left, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct client *c = &client[i];

		if (c->fd >= 0)
			fprintf(stderr,
				"client %u: sent %u of %u, got %u of %u%s\n", i,
				c->sent, c->bytes, c->got, c->expect,
				c->leaves ? ", then leaves" : "");
	}
	fprintf(stderr, "vsockload: %u of %u clients wait in vain\n", left,
		count);
	exit(1);
}

static void run(unsigned count)
{
	unsigned left = count;

	while (left) {
		for (unsigned i = 0; i < count; i++) {
			struct client *c = &client[i];

			pollfd[i].fd = c->fd;
			pollfd[i].events = c->ended ? 0 : POLLIN;
			if (c->sent < c->bytes)
				pollfd[i].events |= POLLOUT;
		}
		if (poll(pollfd, count, PATIENCE) <= 0)
			give_up(left, count);
		for (unsigned i = 0; i < count; i++) {
			struct client *c = &client[i];

			if (c->fd < 0)
				continue;
			if (pollfd[i].revents & POLLOUT && c->sent < c->bytes)
				send_some(c);
			if (!c->ended &&
			    pollfd[i].revents & (POLLIN | POLLHUP | POLLERR))
				read_some(c);
			/* A socket full of what nobody will read takes no
			 * more, and so never says EPIPE. */
			if (c->ended && (c->sent == c->bytes ||
					 pollfd[i].revents & POLLHUP))
				leave(c);
			left -= c->fd < 0;
		}
	}
}

static void crowd(const char *path, const char *port, unsigned count,
		  uint32_t hangup)
{
	struct rlimit r;
	uint64_t bytes = 0;
	unsigned leavers = 0;

	if (!count || count > CROWD_MAX)
		die("1 to %d connections", CROWD_MAX);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	for (unsigned i = 0; i < count; i++)
		client[i].fd = call(path, port);
	for (unsigned i = 0; i < count; i++) {
		decide(&client[i], answer(client[i].fd), hangup);
		fcntl(client[i].fd, F_SETFL, O_RDWR | O_NONBLOCK);
		leavers += client[i].leaves;
	}
	run(count);
	for (unsigned i = 0; i < count; i++)
		bytes += client[i].got;
	printf("vsockload: %u connections at once, %u left early, %llu bytes "
	       "came back\n",
	       count, leavers, (unsigned long long)bytes);
}

static void ping(const char *path, const char *port, unsigned count)
{
	int fd = call(path, port);
	struct timespec from, to;
	char byte = 'x';

	answer(fd);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < count; i++)
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			die("ping %u", i);
	clock_gettime(CLOCK_MONOTONIC, &to);
	close(fd);
	printf("vsockload: %u pings, %.1f us each\n", count,
	       ((double)(to.tv_sec - from.tv_sec) * 1e9 +
		(double)(to.tv_nsec - from.tv_nsec)) /
		       1e3 / count);
}

static int listen_at(const char *path, const char *port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || snprintf(addr.sun_path, sizeof(addr.sun_path), "%s_%s",
			       path, port) >= (int)sizeof(addr.sun_path))
		die("no socket for %s", path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4))
		die("%s", addr.sun_path);
	puts("listening");
	fflush(stdout);
	return fd;
}

static void exchange(const char *path, const char *port, uint32_t bytes)
{
	struct client *c = &client[0];
	int listener = listen_at(path, port);

	c->fd = accept(listener, NULL, NULL);
	if (c->fd < 0)
		die("accept");
	close(listener);
	fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK);
	c->bytes = c->expect = bytes;
	run(1);
	printf("vsockload: exchanged %u bytes\n", bytes);
}

static void refused(const char *path, const char *port, unsigned n)
{
	struct pollfd fd[CROWD_MAX];
	unsigned waiting = 0;
	char c;

	if (n > CROWD_MAX)
		n = CROWD_MAX;
	for (unsigned i = 0; i < n; i++)
		fd[i] = (struct pollfd){ call(path, port), POLLIN, 0 };
	for (unsigned i = 0; i < n; i++) {
		if (poll(&fd[i], 1, waiting ? 0 : SOON) != 1)
			waiting++;
		else if (read(fd[i].fd, &c, 1) > 0)
			die("call %u was answered", i);
	}
	if (waiting) {
		printf("vsockload: %u of %u wait for an answer\n", waiting, n);
		exit(1);
	}
	printf("vsockload: %u calls refused\n", n);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 7 && !strcmp(argv[3], "crowd")) {
		state = strtoull(argv[6], NULL, 10) * 2 + 1;
		crowd(argv[1], argv[2], (unsigned)atoi(argv[4]),
		      (uint32_t)atoi(argv[5]));
	} else if (argc == 5 && !strcmp(argv[3], "ping")) {
		ping(argv[1], argv[2], (unsigned)atoi(argv[4]));
	} else if (argc == 5 && !strcmp(argv[3], "refused")) {
		refused(argv[1], argv[2], (unsigned)atoi(argv[4]));
	} else if (argc == 5 && !strcmp(argv[3], "exchange")) {
		state = 1;
		exchange(argv[1], argv[2], (uint32_t)atol(argv[4]));
	} else {
		fprintf(stderr, "vsockload PATH PORT crowd CONNECTIONS HANGUP "
				"SEED | ping COUNT | exchange BYTES | "
				"refused CONNECTIONS\n");
		return 2;
	}
	return 0;
}
