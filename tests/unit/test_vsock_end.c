// SPDX-License-Identifier: Apache-2.0
/* How vsock streams end, and readers on the host that are slow. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

TestSuite(vsock_end, .init = vsockcase_init, .fini = vsockdrv_deinit);

/* ---- endings --------------------------------------------------------------
 */

Test(vsock_end, half_closed_by_the_guest)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr;
	uint8_t buf[200];

	vsockdrv_data(GUEST, HOST, 0, 100);
	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_SEND);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 100);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 0);
	/* the other direction is open */
	cr_assert_eq(write(fd, "x", 1), 1);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.op, VSOCK_OP_RW);
	cr_expect_eq(buf[0], 'x');
	/* and this one is not */
	vsockdrv_data(GUEST, HOST, 100, 1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	close(fd);
	close(listener);
	vsockcase_nothing_left();
}

Test(vsock_end, a_guest_that_will_not_receive)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	char c;

	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_RECEIVE);
	cr_expect_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(errno, EPIPE);
	vsockdrv_data(GUEST, HOST, 0, 1);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 1);
	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_SEND); /* together: both */
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	close(listener);
	vsockcase_nothing_left();
}

Test(vsock_end, half_closed_by_the_host)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr;
	uint8_t buf[5000];

	cr_assert_eq(write(fd, "x", 1), 1);
	shutdown(fd, SHUT_WR);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RW);
	/* one event told of both */
	fake_loop_run();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_SEND);
	vsockdrv_data(GUEST, HOST, 0, 1000);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 1000);
	/* the rest of it */
	close(fd);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_BOTH);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_RST);
	close(listener);
	vsockcase_nothing_left();
}

/* The operation of this kind on @c's socket. */
static unsigned op_of(const struct vsock_conn *c, int opcode)
{
	unsigned i = 0;

	while (fake.op[i].opcode != opcode ||
	       fake.op[i].fd != vsock_conn_slot(&vsockdrv_vsock, c))
		cr_assert_lt(++i, fake.ops, "no operation %d", opcode);
	return i;
}

Test(vsock_end, an_event_in_the_middle_of_a_batch)
{
	int listener = vsockdrv_listen(HOST, 4);
	int a = vsockdrv_open(listener, GUEST, HOST);
	int b = vsockdrv_open(listener, GUEST + 1, HOST);
	struct vsock_conn *ca = vsockcase_conn(GUEST, HOST),
			  *cb = vsockcase_conn(GUEST + 1, HOST);
	struct vsock_hdr hdr;

	fake.hold = true;
	fake_complete(op_of(ca, IORING_OP_POLL_ADD), POLLIN);
	fake_complete(op_of(cb, IORING_OP_POLL_ADD), POLLIN);
	fake_loop_run();
	/* A byte comes right behind the attempt to read it. */
	fake_complete(op_of(ca, IORING_OP_RECVMSG), -EAGAIN);
	cr_assert_eq(write(a, "x", 1), 1);
	fake_complete(op_of(ca, IORING_OP_POLL_ADD), POLLIN);
	fake_complete(op_of(cb, IORING_OP_RECVMSG), -EAGAIN);
	/* It will not be told once more. */
	fake_sockets.fired[vsock_conn_slot(&vsockdrv_vsock, ca)] =
		fake_sockets.generation;
	fake.hold = false;
	fake_loop_run();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RW);
	cr_expect_eq(hdr.dst_port, GUEST);
	close(a);
	close(b);
	close(listener);
}

Test(vsock_end, what_the_host_sent_comes_before_its_end)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	static uint8_t buf[100000];
	struct vsock_hdr hdr;
	size_t got = 0;

	vsockdrv_fill(buf, 0, sizeof(buf));
	cr_assert_eq(write(fd, buf, sizeof(buf)), sizeof(buf));
	close(fd);
	fake_sockets_event();
	for (;;) {
		static uint8_t part[5000];

		fake_loop_run();
		cr_assert(vsockdrv_take(&hdr, part));
		if (hdr.op != VSOCK_OP_RW)
			break;
		cr_assert(vsockdrv_is(part, got, hdr.len));
		got += hdr.len;
	}
	cr_expect_eq(got, sizeof(buf));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_BOTH);
	/* a guest that never says RST is not waited for */
	vsockdrv_passes(VSOCK_PATIENCE + 2);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	close(listener);
	vsockcase_nothing_left();
}

Test(vsock_end, a_host_that_closes_with_bytes_unread)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);

	vsockdrv_data(GUEST, HOST, 0, 1000);
	close(fd);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	vsockdrv_data(GUEST, HOST, 1000, 1000);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST, "nobody there");
	close(listener);
	vsockcase_nothing_left();
}

/* ---- readers that are slow ------------------------------------------------
 */

Test(vsock_end, a_slow_reader_delays_nobody)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	int fast = vsockdrv_open(listener, GUEST + 1, HOST);
	uint32_t sent = vsockcase_fill_up(GUEST);
	uint8_t buf[1000];

	cr_expect_gt(sent, vsockcase_conn(GUEST, HOST)->credit.alloc);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->fifo.len,
		     vsockcase_conn(GUEST, HOST)->credit.alloc);
	cr_expect_eq(vsockdrv.t.port.vq[VSOCK_TX].s.inflight, 0,
		     "none of the guest's buffers is held");
	for (unsigned i = 0; i < 50; i++) {
		vsockdrv_data(GUEST + 1, HOST, i, 1000);
		cr_assert_eq(vsockdrv_read(fast, buf, sizeof(buf)), 1000);
	}
	vsockcase_drain(slow, sent);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->fifo.len, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_CREDIT_UPDATE);
	close(slow);
	close(fast);
	close(listener);
}

Test(vsock_end, more_than_the_credit_ends_the_connection)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);

	vsockcase_fill_up(GUEST);
	vsockdrv_data(GUEST, HOST, 0, 1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_vsock.stats.killed, 1);
	close(slow);
	close(listener);
	fake_loop_run();
	vsockcase_nothing_left();
}

Test(vsock_end, the_last_bytes_of_a_guest_that_closed)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	uint32_t sent = vsockcase_fill_up(GUEST);
	char c;

	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_BOTH);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST, "answered at once");
	cr_expect_null(vsockcase_conn(GUEST, HOST));
	vsockcase_drain(slow, sent);
	cr_expect_eq(vsockdrv_read(slow, &c, 1), 0);
	close(slow);
	close(listener);
	vsockcase_nothing_left();
}

Test(vsock_end, half_closed_behind_a_slow_reader)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	uint32_t sent = vsockcase_fill_up(GUEST);
	char c;

	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_SEND);
	vsockcase_drain(slow, sent);
	cr_expect_eq(vsockdrv_read(slow, &c, 1), 0);
	cr_expect_not_null(vsockcase_conn(GUEST, HOST));
	close(slow);
	close(listener);
}

Test(vsock_end, a_reader_that_never_reads_is_not_waited_for)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);

	vsockcase_fill_up(GUEST);
	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_BOTH);
	cr_expect_eq(vsockcase_conns(), 1);
	vsockdrv_passes(VSOCK_PATIENCE + 2);
	vsockcase_nothing_left();
	close(slow);
	close(listener);
}

/* However little the socket takes at once. */
Test(vsock_end, bytes_stay_in_order_whatever_the_socket_takes)
{
	int listener = vsockdrv_listen(HOST, 8);

	for (unsigned piece = 1; piece < 20000; piece = piece * 5 + 2) {
		int fd = vsockdrv_open(listener, GUEST, HOST);
		static uint8_t buf[1 << 16];
		size_t got = 0;
		uint32_t sent = 0;

		fake_sockets.short_bytes = piece;
		for (unsigned i = 0; i < 5; i++) {
			struct vsock_hdr hdr =
				vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);

			hdr.len = 1000 + i * 177;
			vsockdrv_queue(&hdr, sent);
			sent += hdr.len;
		}
		vdrv_kick(&vsockdrv, VSOCK_TX);
		fake_loop_run();
		while (got < sent) {
			ssize_t len = vsockdrv_read(fd, buf + got, sent - got);

			cr_assert_gt(len, 0, "piece %u", piece);
			got += (size_t)len;
			fake_loop_run();
		}
		cr_assert(vsockdrv_is(buf, 0, sent), "piece %u", piece);
		fake_sockets.short_bytes = 0;
		vsockdrv_send(GUEST, HOST, VSOCK_OP_RST);
		close(fd);
	}
	close(listener);
	vsockcase_nothing_left();
}
