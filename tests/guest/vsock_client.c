// SPDX-License-Identifier: Apache-2.0
/*
 * The guest connects: to a port that nobody listens at, and is refused; then to
 * port 52, where it exchanges bytes=N bytes of the pattern of
 * tests/system/vsockload.c, takes them in its own time, and ends in order.
 */
#include "guest/drivers/vsock.h"
#include "tests/guest/check.h"

#define NOBODY	9999
#define PORT	52
#define PORTION 777U

static struct vsock v;

static uint8_t byte_of(uint32_t at)
{
	return (uint8_t)(at * 2654435761U >> 13);
}

static struct vsock_conn *next_ready(void)
{
	struct vsock_conn *c;

	while (!(c = vsock_ready(&v)))
		vsock_wait(&v, UINT64_MAX);
	return c;
}

static void is_refused(void)
{
	struct vsock_conn *c = vsock_connect(&v, VSOCK_CID_HOST, NOBODY);

	CHECK(c && next_ready() == c && c->stage == VSOCK_DEAD && c->refused);
	vsock_close(&v, c);
	CHECK(!v.open);
}

static uint32_t send_some(struct vsock_conn *c, uint32_t from, uint32_t end)
{
	uint8_t buf[PORTION];
	uint32_t n = end - from < PORTION ? end - from : PORTION;

	for (uint32_t i = 0; i < n; i++)
		buf[i] = byte_of(from + i);
	return vsock_send(&v, c, buf, n);
}

static void exchange(uint32_t bytes)
{
	struct vsock_conn *c = vsock_connect(&v, VSOCK_CID_HOST, PORT);
	uint32_t sent = 0, got = 0, n;
	uint8_t buf[PORTION];

	CHECK(c && next_ready() == c && c->stage == VSOCK_UP);
	do {
		while (sent < bytes && (n = send_some(c, sent, bytes)))
			sent += n;
		while ((n = vsock_recv(&v, c, buf, sizeof(buf))))
			for (uint32_t i = 0; i < n; i++, got++)
				CHECK(buf[i] == byte_of(got));
		if (sent == bytes && !c->our_shut)
			vsock_finish(&v, c);
	} while ((sent < bytes || !vsock_ended(c)) && next_ready());
	CHECK(got == bytes);
	vsock_close(&v, c);
	while (v.open) {
		CHECK(!vsock_ready(&v));
		if (v.open)
			vsock_wait(&v, UINT64_MAX);
	}
}

int main(int argc, char **argv)
{
	uint32_t bytes = 1000000;

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], "bytes=", 6))
			bytes = (uint32_t)strtou64(argv[i] + 6, NULL);
	CHECK(vsock_open(&v, 8192));
	is_refused();
	exchange(bytes);
	return check_done("vsock_client");
}
