// SPDX-License-Identifier: Apache-2.0
/*
 * Network and vsock figures between a guest and its host.
 *
 *	nettest serve PATH	on the host: TCP, UDP, and Unix sockets PATH_...
 *				that vsock reaches; for ever
 *	nettest run HOST JOB	in the guest; prints "job JOB VALUE [VALUE]"
 *
 * Jobs: tcp-up tcp-down vsock-up vsock-down (MB/s), tcp-rr udp-rr vsock-rr
 * (us for one byte there and back), udp-up udp-down (kpps sent, delivered; 64
 * bytes).
 */
#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum port { SINK = 7001, SOURCE, ECHO, COUNTER, FLOOD };

#define BULK	(128U << 20)
#define ROUNDS	2000
#define PACKETS 20000
#define SMALL	64

static char buf[128 << 10];

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in inet_address(const char *host, enum port port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };

	if (host && inet_pton(AF_INET, host, &a.sin_addr) != 1)
		die(host);
	return a;
}

/* ---- the host ------------------------------------------------------------ */

static void sink(int fd)
{
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	if (write(fd, "x", 1) < 0)
		return; /* all is here */
}

static void source(int fd)
{
	uint64_t left = 0;

	if (read(fd, &left, sizeof(left)) != sizeof(left))
		return;
	while (left) {
		ssize_t n =
			write(fd, buf, left < sizeof(buf) ? left : sizeof(buf));

		if (n <= 0)
			return;
		left -= (uint64_t)n;
	}
}

static void echo(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
}

static void no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void serve_stream(int listener, void (*talk)(int))
{
	if (fork())
		return;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			die("accept");
		no_delay(fd);
		talk(fd);
		close(fd);
	}
}

static void serve_tcp(enum port port, void (*talk)(int))
{
	struct sockaddr_in a = inet_address(NULL, port);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		die("tcp");
	serve_stream(fd, talk);
}

static void serve_unix(const char *path, enum port port, void (*talk)(int))
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.90s_%d", path, (int)port);
	unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16))
		die(a.sun_path);
	serve_stream(fd, talk);
}

static int udp_socket(enum port port)
{
	struct sockaddr_in a = inet_address(NULL, port);
	int size = 8 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("udp");
	return fd;
}

/* One byte is echoed, or asks how many longer ones came. */
static void serve_udp(enum port port)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint64_t count = 0;
	int fd = udp_socket(port);

	if (fork())
		return;
	for (;; len = sizeof(from)) {
		ssize_t n = recvfrom(fd, buf, SMALL, 0,
				     (struct sockaddr *)&from, &len);

		if (n > 1) {
			count++;
			continue;
		}
		sendto(fd, port == ECHO ? (void *)buf : (void *)&count,
		       port == ECHO ? 1 : sizeof(count), 0,
		       (struct sockaddr *)&from, len);
		count = 0;
	}
}

/* Whoever asks gets PACKETS of them, and the time it took to send them. */
static void serve_flood(void)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int fd = udp_socket(FLOOD);

	if (fork())
		return;
	for (;; len = sizeof(from)) {
		double begin, took;

		if (recvfrom(fd, buf, SMALL, 0, (struct sockaddr *)&from,
			     &len) < 0)
			die("flood");
		begin = now();
		for (unsigned i = 0; i < PACKETS; i++)
			sendto(fd, buf, SMALL, 0, (struct sockaddr *)&from,
			       len);
		took = now() - begin;
		usleep(300000);
		sendto(fd, &took, sizeof(took), 0, (struct sockaddr *)&from,
		       len);
	}
}

static void serve(const char *path)
{
	serve_tcp(SINK, sink);
	serve_tcp(SOURCE, source);
	serve_tcp(ECHO, echo);
	serve_unix(path, SINK, sink);
	serve_unix(path, SOURCE, source);
	serve_unix(path, ECHO, echo);
	serve_udp(ECHO);
	serve_udp(COUNTER);
	serve_flood();
	for (;;)
		pause();
}

/* ---- the guest ----------------------------------------------------------- */

static int reach(const char *host, enum port port, int type)
{
	struct sockaddr_in in = inet_address(host, port);
	struct sockaddr_vm vm = { .svm_family = AF_VSOCK,
				  .svm_port = (unsigned)port,
				  .svm_cid = 2 };
	const void *a = host ? (void *)&in : (void *)&vm;
	_Static_assert(sizeof(in) == sizeof(vm), "one length for both");
	int fd = socket(host ? AF_INET : AF_VSOCK, type, 0);

	if (fd < 0 || connect(fd, a, sizeof(in)))
		die("connect");
	if (host && type == SOCK_STREAM)
		no_delay(fd);
	return fd;
}

static double up(const char *host)
{
	int fd = reach(host, SINK, SOCK_STREAM);
	double begin = now();

	for (uint64_t left = BULK; left;) {
		ssize_t n = write(fd, buf, sizeof(buf));

		if (n <= 0)
			die("write");
		left -= (uint64_t)n < left ? (uint64_t)n : left;
	}
	shutdown(fd, SHUT_WR);
	if (read(fd, buf, 1) != 1)
		die("the end");
	return BULK / (now() - begin) / 1e6;
}

static double down(const char *host)
{
	int fd = reach(host, SOURCE, SOCK_STREAM);
	uint64_t left = BULK;
	double begin = now();

	if (write(fd, &left, sizeof(left)) != sizeof(left))
		die("write");
	while (left) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			die("read");
		left -= (uint64_t)n;
	}
	return BULK / (now() - begin) / 1e6;
}

static double round_trip(const char *host, int type)
{
	int fd = reach(host, ECHO, type);
	double begin = 0;

	for (int i = -10; i < ROUNDS; i++) {
		char c = 'x';

		if (!i)
			begin = now();
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			die("echo");
	}
	return (now() - begin) / ROUNDS * 1e6;
}

static void udp_up(const char *host)
{
	int fd = reach(host, COUNTER, SOCK_DGRAM);
	uint64_t count;
	double took, begin = now();

	for (unsigned i = 0; i < PACKETS; i++)
		if (write(fd, buf, SMALL) < 0)
			usleep(100);
	took = now() - begin;
	usleep(300000);
	if (write(fd, "q", 1) != 1 ||
	    read(fd, &count, sizeof(count)) != sizeof(count))
		die("count");
	printf("job udp-up %.2f %.2f\n", PACKETS / took / 1e3,
	       (double)count / took / 1e3);
}

static void udp_down(const char *host)
{
	int size = 8 << 20, fd = reach(host, FLOOD, SOCK_DGRAM);
	uint64_t count = 0;
	double took = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (write(fd, "q", 1) != 1)
		die("flood");
	for (;;) {
		ssize_t n = read(fd, buf, SMALL);

		if (n == sizeof(took))
			break;
		count += n == SMALL;
	}
	memcpy(&took, buf, sizeof(took));
	printf("job udp-down %.2f %.2f\n", PACKETS / took / 1e3,
	       (double)count / took / 1e3);
}

static int run(const char *host, const char *job)
{
	const char *where = strncmp(job, "vsock", 5) ? host : NULL;
	const char *what = strchr(job, '-') + 1;
	double value;

	if (!strcmp(job, "udp-up")) {
		udp_up(host);
		return 0;
	}
	if (!strcmp(job, "udp-down")) {
		udp_down(host);
		return 0;
	}
	if (!strcmp(what, "up"))
		value = up(where);
	else if (!strcmp(what, "down"))
		value = down(where);
	else
		value = round_trip(where, strncmp(job, "udp", 3) ? SOCK_STREAM
								 : SOCK_DGRAM);
	printf("job %s %.2f\n", job, value);
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "run") && strchr(argv[3], '-'))
		return run(argv[2], argv[3]);
	fprintf(stderr, "nettest serve PATH | nettest run HOST JOB\n");
	return 2;
}
