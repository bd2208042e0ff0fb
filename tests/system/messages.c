// SPDX-License-Identifier: Apache-2.0
/*
 * Messages of a SOCK_SEQPACKET between a Linux guest and its host.
 *
 *	messages guest PORT COUNT SEED	call the host's PORT
 *	messages host PATH COUNT SEED	be called, at PATH
 *
 * First the guest sends COUNT messages to a host that sleeps for a moment, then
 * the host sends as many, larger ones, to a guest that does. Each side knows
 * what the other has to send, and says how much of it was right.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define FROM_GUEST (64U << 10) /* at most, in one message */
#define FROM_HOST  200000U

static uint8_t buf[FROM_HOST + 1], want[FROM_HOST];

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "messages: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Small ones, any ones and the largest ones. Return: its bytes */
static size_t make(uint8_t *p, uint64_t *x, uint32_t max)
{
	uint64_t kind = next(x) % 8, len = 1 + next(x) % max;

	if (kind < 3)
		len = 1 + len % 100;
	else if (kind == 3)
		len = max;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(*x >> 8 * (i % 8)) ^ (uint8_t)(i >> 6);
	return len;
}

static void send_all(int fd, unsigned count, uint64_t x, uint32_t max)
{
	while (count--) {
		size_t len = make(want, &x, max);

		if (send(fd, want, len, 0) != (ssize_t)len)
			fail("send");
	}
}

static void expect_all(int fd, unsigned count, uint64_t x, uint32_t max)
{
	uint64_t bytes = 0;

	sleep(1);
	for (unsigned i = 0; i < count; i++) {
		size_t len = make(want, &x, max);
		ssize_t got = recv(fd, buf, sizeof(buf), 0);

		if (got < 0)
			fail("recv");
		if ((size_t)got != len || memcmp(buf, want, len)) {
			printf("message %u: %zd bytes, not the %zu sent\n", i,
			       got, len);
			exit(1);
		}
		bytes += len;
	}
	printf("%u messages of %llu bytes came as they were sent\n", count,
	       (unsigned long long)bytes);
}

static int call(unsigned port)
{
	struct sockaddr_vm addr = { .svm_family = AF_VSOCK,
				    .svm_cid = VMADDR_CID_HOST,
				    .svm_port = port };
	int fd = socket(AF_VSOCK, SOCK_SEQPACKET, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fail("connect");
	return fd;
}

static int be_called(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), end;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 1))
		fail(path);
	end = accept(fd, NULL, NULL);
	if (end < 0)
		fail("accept");
	return end;
}

int main(int argc, char **argv)
{
	bool guest = argc == 5 && !strcmp(argv[1], "guest");
	unsigned count;
	uint64_t seed;
	int fd;

	if (!guest && (argc != 5 || strcmp(argv[1], "host"))) {
		fprintf(stderr, "usage: messages guest PORT|host PATH COUNT "
				"SEED\n");
		return 2;
	}
	count = (unsigned)atoi(argv[3]);
	seed = strtoull(argv[4], NULL, 10);
	fd = guest ? call((unsigned)atoi(argv[2])) : be_called(argv[2]);
	if (guest) {
		send_all(fd, count, seed, FROM_GUEST);
		expect_all(fd, count, seed + 1, FROM_HOST);
	} else {
		expect_all(fd, count, seed, FROM_GUEST);
		send_all(fd, count, seed + 1, FROM_HOST);
		shutdown(fd, SHUT_WR);
	}
	if (recv(fd, buf, sizeof(buf), 0) != 0)
		fail("the other's end");
	return 0;
}
