// SPDX-License-Identifier: Apache-2.0
/*
 * A server that greets whoever calls, when there was no packet for the answer
 * to the call: the greeting must not overtake it. Ends at the end of the
 * connection.
 */
#include "guest/drivers/vsock.h"
#include "tests/guest/check.h"

static struct vsock v;

int main(void)
{
	struct vsock_conn *c;
	unsigned kept;

	CHECK(vsock_open(&v, 4096));
	vsock_listen(&v, 7);
	console_puts("ready\n");
	kept = v.free_packets;
	v.free_packets = 0;
	while (!(c = vsock_ready(&v)))
		vsock_wait(&v, UINT64_MAX);
	CHECK(c->wants); /* the answer */
	v.free_packets = kept;
	CHECK(vsock_send(&v, c, "hello\n", 6) == 6);
	while (!vsock_ended(c)) {
		vsock_wait(&v, UINT64_MAX);
		vsock_ready(&v);
	}
	vsock_close(&v, c);
	return check_done("vsock_order");
}
