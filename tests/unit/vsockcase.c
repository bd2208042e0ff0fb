// SPDX-License-Identifier: Apache-2.0
/* What the suites of vsock streams share. */
#include "tests/unit/vsockcase.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "tests/unit/vsockdrv.h"

void vsockcase_init(void)
{
	vsockdrv_init(16);
	vsockdrv_start(64);
}

struct vsock_conn *vsockcase_conn(uint32_t guest_port, uint32_t host_port)
{
	return vsock_conn_find(&vsockdrv_vsock, guest_port, host_port);
}

unsigned vsockcase_conns(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vsockdrv_vsock.used; i++)
		n += vsockdrv_vsock.conn[i].state != VSOCK_NONE &&
		     vsockdrv_vsock.conn[i].state != VSOCK_ACCEPTING;
	return n;
}

void vsockcase_nothing_left(void)
{
	struct vsock_hdr hdr;

	while (vsockdrv_take(&hdr, NULL))
		;
	cr_expect_eq(vsockcase_conns(), 0);
	cr_expect_eq(vsockdrv_vsock.pool.reserved, 0);
	cr_expect_eq(vsockdrv_vsock.waiting, 0);
	cr_expect_eq(vsockdrv.t.port.vq[VSOCK_TX].s.inflight, 0);
}
uint32_t vsockcase_fill_up(unsigned guest_port)
{
	const struct vsock_conn *c = vsockcase_conn(guest_port, HOST);
	uint32_t sent = 0;

	/* until its window and the socket are full */
	while (sent < 4 << 20) {
		uint32_t room =
			c->credit.alloc - (c->credit.got - c->credit.taken);

		if (!room)
			break;
		if (room > 30000)
			room = 30000;
		vsockdrv_data(guest_port, HOST, sent, room);
		sent += room;
		while (vsockdrv_op() >= 0)
			;
	}
	return sent;
}

void vsockcase_drain_from(int fd, size_t got, size_t want)
{
	static uint8_t buf[1 << 16];
	ssize_t len;

	for (unsigned i = 0; i < 10000 && got < want; i++) {
		size_t most = want - got;

		len = vsockdrv_read(fd, buf,
				    most < sizeof(buf) ? most : sizeof(buf));
		fake_loop_run();
		if (len <= 0)
			continue;
		cr_assert(vsockdrv_is(buf, got, (size_t)len), "at %zu", got);
		got += (size_t)len;
	}
	cr_assert_eq(got, want);
}

void vsockcase_drain(int fd, size_t want)
{
	vsockcase_drain_from(fd, 0, want);
}
