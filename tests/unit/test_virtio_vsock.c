// SPDX-License-Identifier: Apache-2.0
/* vsock connections between a driver in guest memory and Unix sockets. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "monitor/loop_parts.h"
#include "tests/unit/vsockdrv.h"

#define GUEST	 1000U /* ports */
#define HOST	 52U
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void init(void)
{
	vsockdrv_init(16);
	vsockdrv_start(64);
}

TestSuite(virtio_vsock, .init = init, .fini = vsockdrv_deinit);

static struct vsock_conn *conn(uint32_t guest_port, uint32_t host_port)
{
	return vsock_conn_find(&vsockdrv_vsock, guest_port, host_port);
}

static unsigned conns(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vsockdrv_vsock.used; i++)
		n += vsockdrv_vsock.conn[i].state != VSOCK_NONE &&
		     vsockdrv_vsock.conn[i].state != VSOCK_ACCEPTING;
	return n;
}

/* All is given back: buffers, connections, blocks. */
static void expect_nothing_left(void)
{
	struct vsock_hdr hdr;

	while (vsockdrv_take(&hdr, NULL))
		;
	cr_expect_eq(conns(), 0);
	cr_expect_eq(vsockdrv_vsock.pool.reserved, 0);
	cr_expect_eq(vsockdrv_vsock.waiting, 0);
	cr_expect_eq(vsockdrv.t.port.vq[VSOCK_TX].s.inflight, 0);
}

/* ---- what it says of itself ---------------------------------------------- */

Test(virtio_vsock, tells_the_guest_its_cid)
{
	cr_expect_eq(vdrv_get(&vsockdrv, MMIO_DEVICE_ID), 19);
	cr_expect_eq(vdrv_get(&vsockdrv, MMIO_CONFIG), VSOCKDRV_CID);
	cr_expect_eq(vdrv_get(&vsockdrv, MMIO_CONFIG + 4), 0);
}

/* ---- every state, every packet --------------------------------------------
 */

/* One line of the table as the specification would have it: what a packet is
 * answered with, and whether the connection is there afterwards. */
struct step {
	enum vsock_state state;
	int answer; /* operation, or -1 */
	bool there;
};

static const struct step steps[][5] = {
#define ROW(op_, ...) [op_] = { __VA_ARGS__ }
	ROW(VSOCK_OP_INVALID, { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_RST, false },
	    { VSOCK_CLOSING, VSOCK_OP_RST, false }),
	ROW(VSOCK_OP_REQUEST, { VSOCK_NONE, VSOCK_OP_RESPONSE, true },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_RST, false },
	    { VSOCK_CLOSING, VSOCK_OP_RST, false }),
	ROW(VSOCK_OP_RESPONSE, { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, -1, true }, { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_RST, false },
	    { VSOCK_CLOSING, VSOCK_OP_RST, false }),
	ROW(VSOCK_OP_RST, { VSOCK_NONE, -1, false },
	    { VSOCK_CALLING, -1, false }, { VSOCK_DIALING, -1, false },
	    { VSOCK_OPEN, -1, false }, { VSOCK_CLOSING, -1, false }),
	ROW(VSOCK_OP_SHUTDOWN, /* both directions */
	    { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_RST, false },
	    { VSOCK_CLOSING, VSOCK_OP_RST, false }),
	ROW(VSOCK_OP_RW, { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false }, { VSOCK_OPEN, -1, true },
	    { VSOCK_CLOSING, -1, true }),
	ROW(VSOCK_OP_CREDIT_UPDATE, { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false }, { VSOCK_OPEN, -1, true },
	    { VSOCK_CLOSING, -1, true }),
	ROW(VSOCK_OP_CREDIT_REQUEST, { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_CREDIT_UPDATE, true },
	    { VSOCK_CLOSING, -1, true }),
	ROW(VSOCK_OPS, /* one that does not exist */
	    { VSOCK_NONE, VSOCK_OP_RST, false },
	    { VSOCK_CALLING, VSOCK_OP_RST, false },
	    { VSOCK_DIALING, VSOCK_OP_RST, false },
	    { VSOCK_OPEN, VSOCK_OP_RST, false },
	    { VSOCK_CLOSING, VSOCK_OP_RST, false }),
#undef ROW
};

/* Bring a connection into @state. Return: a host's end to be closed, or -1. */
static int reach(enum vsock_state state, int listener, uint32_t *ret_port)
{
	struct vsock_hdr hdr;
	int fd = -1;

	*ret_port = HOST;
	switch ((unsigned)state) {
	case VSOCK_CALLING:
		fd = vsockdrv_connect();
		cr_assert_eq(write(fd, "CONNECT 1000\n", 13), 13);
		fake_sockets_event();
		cr_assert(vsockdrv_take(&hdr, NULL));
		cr_assert_eq(hdr.op, VSOCK_OP_REQUEST);
		*ret_port = hdr.src_port;
		break;
	case VSOCK_DIALING:
		/* the socket is not there yet */
		fake_sockets.fail_op = IORING_OP_CONNECT;
		fake_sockets.fail_res = -EAGAIN;
		vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
		fake_sockets.fail_op = 0;
		break;
	case VSOCK_OPEN:
		fd = vsockdrv_open(listener, GUEST, HOST);
		break;
	case VSOCK_CLOSING:
		close(vsockdrv_open(listener, GUEST, HOST));
		fake_sockets_event();
		cr_assert(vsockdrv_take(&hdr, NULL));
		cr_assert_eq(hdr.op, VSOCK_OP_SHUTDOWN);
		cr_assert_eq(hdr.flags, VSOCK_SHUT_BOTH);
		break;
	default:
		break;
	}
	return fd;
}

Test(virtio_vsock, every_packet_in_every_state)
{
	int listener = vsockdrv_listen(HOST, 16);

	for (unsigned op = 0; op < COUNT(steps); op++) {
		for (unsigned i = 0; i < 5; i++) {
			const struct step *s = &steps[op][i];
			struct vsock_hdr hdr, answer;
			uint32_t port;
			int fd = reach(s->state, listener, &port);
			const struct vsock_conn *c = conn(GUEST, port);

			cr_assert_eq(c ? c->state : VSOCK_NONE, s->state);
			hdr = vsockdrv_hdr(GUEST, port, (enum vsock_op)op);
			hdr.flags = VSOCK_SHUT_BOTH;
			hdr.len = op == VSOCK_OP_RW ? 10 : 0;
			vsockdrv_packet(&hdr, 0);
			if (!vsockdrv_take(&answer, NULL))
				answer.op = UINT16_MAX;
			cr_expect_eq((int16_t)answer.op, s->answer,
				     "state %d op %u: answer %d", s->state, op,
				     (int16_t)answer.op);
			if (s->answer >= 0) {
				cr_expect_eq(answer.src_port, port);
				cr_expect_eq(answer.dst_port, GUEST);
				cr_expect_eq(answer.src_cid, VSOCK_CID_HOST);
				cr_expect_eq(answer.dst_cid, VSOCKDRV_CID);
				cr_expect_eq(answer.type, VSOCK_STREAM);
			}
			cr_expect_eq(conn(GUEST, port) != NULL, s->there,
				     "state %d op %u", s->state, op);
			if (s->there)
				vsockdrv_send(GUEST, port, VSOCK_OP_RST);
			if (fd >= 0)
				close(fd);
			fake_sockets_event();
			while ((fd = accept4(listener, NULL, NULL,
					     SOCK_NONBLOCK)) >= 0)
				close(fd);
			vsockdrv_passes(2);
			expect_nothing_left();
		}
	}
	close(listener);
}

/* ---- connections ----------------------------------------------------------
 */

Test(virtio_vsock, the_guest_connects_and_talks)
{
	static uint8_t buf[100000];
	int listener = vsockdrv_listen(HOST, 4);
	struct vsock_hdr hdr;
	int fd;

	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RESPONSE);
	cr_expect_eq(hdr.buf_alloc, 256 << 10);
	fd = accept(listener, NULL, NULL);
	cr_assert_geq(fd, 0);

	vsockdrv_data(GUEST, HOST, 0, 5000);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 5000);
	cr_expect(vsockdrv_is(buf, 0, 5000));
	cr_expect_eq(vsockdrv_vsock.stats.copied_bytes, 0);

	vsockdrv_fill(buf, 7, 300);
	cr_assert_eq(write(fd, buf, 300), 300);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.op, VSOCK_OP_RW);
	cr_expect_eq(hdr.len, 300);
	cr_expect_eq(hdr.fwd_cnt, 5000);
	cr_expect(vsockdrv_is(buf, 7, 300));
	close(fd);
	close(listener);
}

Test(virtio_vsock, a_guest_that_calls_nobody_is_refused)
{
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	expect_nothing_left();
}

Test(virtio_vsock, dials_again_while_the_backlog_is_full)
{
	int listener = vsockdrv_listen(HOST, 0), fd;

	for (unsigned i = 0; i < 4; i++)
		vsockdrv_send(GUEST + i, HOST, VSOCK_OP_REQUEST);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RESPONSE);
	for (unsigned i = 0; i < 3; i++) {
		fd = accept(listener, NULL, NULL);
		cr_assert_geq(fd, 0);
		vsockdrv_passes(2U << i); /* it waits longer and longer */
		cr_expect_eq(vsockdrv_op(), VSOCK_OP_RESPONSE, "call %u", i);
		vsockdrv_send(GUEST + i, HOST, VSOCK_OP_RST);
		close(fd);
	}
	vsockdrv_send(GUEST + 3, HOST, VSOCK_OP_RST);
	/* and gives up in time */
	vsockdrv_send(1, HOST, VSOCK_OP_REQUEST);
	vsockdrv_send(2, HOST, VSOCK_OP_REQUEST);
	vsockdrv_passes((1 << VSOCK_REDIALS) + 4);
	fake_loop_run();
	close(listener);
	expect_nothing_left();
}

Test(virtio_vsock, the_host_connects_and_talks)
{
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr;
	char text[64] = "", want[64];
	uint8_t buf[100];

	fake_sockets_event();
	cr_assert_eq(write(fd, "connect 77\n", 11), 11);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_REQUEST);
	cr_expect_eq(hdr.dst_port, 77);
	cr_expect_eq(vsockdrv_read(fd, text, sizeof(text)), -EAGAIN);
	vsockdrv_send(77, hdr.src_port, VSOCK_OP_RESPONSE);
	snprintf(want, sizeof(want), "OK %u\n", hdr.src_port);
	cr_expect_eq(vsockdrv_read(fd, text, sizeof(text)), strlen(want));
	cr_expect_str_eq(text, want);
	vsockdrv_data(77, hdr.src_port, 3, 100);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 100);
	cr_expect(vsockdrv_is(buf, 3, 100));
	vsockdrv_send(77, hdr.src_port, VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 0);
	close(fd);
	expect_nothing_left();
}

/* What follows the greeting at once is not lost, and comes first. */
Test(virtio_vsock, bytes_behind_the_greeting)
{
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr;
	uint8_t buf[5000];
	uint32_t port;

	cr_assert_eq(write(fd, "CONNECT 77\nhello", 16), 16);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	port = hdr.src_port;
	cr_assert_eq(write(fd, " world", 6), 6);
	fake_sockets_event();
	vsockdrv_send(77, port, VSOCK_OP_RESPONSE);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 5);
	cr_expect_arr_eq(buf, "hello", 5);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 6);
	cr_expect_arr_eq(buf, " world", 6);
	close(fd);
}

/* Nor is it forgotten when the guest has room for a part of it only. */
Test(virtio_vsock, bytes_behind_the_greeting_wait_for_credit)
{
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr, more;
	uint8_t buf[5000];

	cr_assert_eq(write(fd, "CONNECT 77\nhello", 16), 16);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	more = vsockdrv_hdr(77, hdr.src_port, VSOCK_OP_RESPONSE);
	more.buf_alloc = 3;
	vsockdrv_packet(&more, 0);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 3);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_CREDIT_REQUEST);
	more.op = VSOCK_OP_CREDIT_UPDATE;
	more.fwd_cnt = 3;
	vsockdrv_packet(&more, 0);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 2);
	cr_expect_arr_eq(buf, "lo", 2);
	close(fd);
}

Test(virtio_vsock, a_greeting_byte_by_byte)
{
	static const char text[] = "CONNECT 4294967295\n";
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr;

	for (unsigned i = 0; text[i]; i++) {
		fake_sockets_event();
		cr_expect_eq(vsockdrv_op(), -1);
		cr_assert_eq(write(fd, text + i, 1), 1);
	}
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_REQUEST);
	cr_expect_eq(hdr.dst_port, UINT32_MAX);
	close(fd);
}

Test(virtio_vsock, other_greetings_are_not_answered)
{
	static const char *const bad[] = {
		"\n",
		"CONNECT\n",
		"CONNECT \n",
		"CONNECT 4294967296\n",
		"CONNECT 99999999999\n",
		"CONNECT 1 2\n",
		"CONNECT -1\n",
		"CONNECT 0x10\n",
		"CONNECT  5\n",
		"GET / HTTP/1.1\r\n",
		"CONNECT 00000000000000000000000000000000000000000000000000000"
		"000000000000000000000000000000000\n",
	};

	for (unsigned i = 0; i < COUNT(bad); i++) {
		int fd = vsockdrv_connect();
		char c;

		cr_assert_eq(write(fd, bad[i], strlen(bad[i])),
			     (ssize_t)strlen(bad[i]));
		fake_sockets_event();
		cr_expect_eq(vsockdrv_op(), -1, "%s", bad[i]);
		cr_expect_eq(vsockdrv_read(fd, &c, 1), 0, "%s", bad[i]);
		close(fd);
		fake_sockets_event();
		expect_nothing_left();
	}
}

Test(virtio_vsock, a_guest_that_refuses_the_call)
{
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr;
	char c;

	cr_assert_eq(write(fd, "CONNECT 77\n", 11), 11);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	vsockdrv_send(77, hdr.src_port, VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	expect_nothing_left();
}

Test(virtio_vsock, a_guest_that_does_not_answer_the_call)
{
	int fd = vsockdrv_connect();
	char c;

	cr_assert_eq(write(fd, "CONNECT 77\n", 11), 11);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_REQUEST);
	vsockdrv_passes(VSOCK_PATIENCE - 1);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), -EAGAIN);
	vsockdrv_passes(3);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	expect_nothing_left();
}

/* ---- endings --------------------------------------------------------------
 */

Test(virtio_vsock, half_closed_by_the_guest)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);
	uint8_t buf[200];

	vsockdrv_data(GUEST, HOST, 0, 100);
	hdr.flags = VSOCK_SHUT_SEND;
	vsockdrv_packet(&hdr, 0);
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
	expect_nothing_left();
}

Test(virtio_vsock, a_guest_that_will_not_receive)
{
	int listener = vsockdrv_listen(HOST, 4);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);
	char c;

	hdr.flags = VSOCK_SHUT_RECEIVE;
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(errno, EPIPE);
	vsockdrv_data(GUEST, HOST, 0, 1);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 1);
	hdr.flags = VSOCK_SHUT_SEND; /* together: both */
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	close(listener);
	expect_nothing_left();
}

Test(virtio_vsock, half_closed_by_the_host)
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
	expect_nothing_left();
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

Test(virtio_vsock, an_event_in_the_middle_of_a_batch)
{
	int listener = vsockdrv_listen(HOST, 4);
	int a = vsockdrv_open(listener, GUEST, HOST);
	int b = vsockdrv_open(listener, GUEST + 1, HOST);
	struct vsock_conn *ca = conn(GUEST, HOST), *cb = conn(GUEST + 1, HOST);
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

Test(virtio_vsock, what_the_host_sent_comes_before_its_end)
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
	expect_nothing_left();
}

Test(virtio_vsock, a_host_that_closes_with_bytes_unread)
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
	expect_nothing_left();
}

/* ---- readers that are slow ------------------------------------------------
 */

static uint32_t fill_up(unsigned guest_port)
{
	const struct vsock_conn *c = conn(guest_port, HOST);
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

/* The host's end reads the pattern from byte @got to byte @want. */
static void drain_from(int fd, size_t got, size_t want)
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

static void drain(int fd, size_t want)
{
	drain_from(fd, 0, want);
}

Test(virtio_vsock, a_slow_reader_delays_nobody)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	int fast = vsockdrv_open(listener, GUEST + 1, HOST);
	uint32_t sent = fill_up(GUEST);
	uint8_t buf[1000];

	cr_expect_gt(sent, conn(GUEST, HOST)->credit.alloc);
	cr_expect_eq(conn(GUEST, HOST)->fifo.len,
		     conn(GUEST, HOST)->credit.alloc);
	cr_expect_eq(vsockdrv.t.port.vq[VSOCK_TX].s.inflight, 0,
		     "none of the guest's buffers is held");
	for (unsigned i = 0; i < 50; i++) {
		vsockdrv_data(GUEST + 1, HOST, i, 1000);
		cr_assert_eq(vsockdrv_read(fast, buf, sizeof(buf)), 1000);
	}
	drain(slow, sent);
	cr_expect_eq(conn(GUEST, HOST)->fifo.len, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_CREDIT_UPDATE);
	close(slow);
	close(fast);
	close(listener);
}

Test(virtio_vsock, more_than_the_credit_ends_the_connection)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);

	fill_up(GUEST);
	vsockdrv_data(GUEST, HOST, 0, 1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_vsock.stats.killed, 1);
	close(slow);
	close(listener);
	fake_loop_run();
	expect_nothing_left();
}

Test(virtio_vsock, the_last_bytes_of_a_guest_that_closed)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	uint32_t sent = fill_up(GUEST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);
	char c;

	hdr.flags = VSOCK_SHUT_BOTH;
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST, "answered at once");
	cr_expect_null(conn(GUEST, HOST));
	drain(slow, sent);
	cr_expect_eq(vsockdrv_read(slow, &c, 1), 0);
	close(slow);
	close(listener);
	expect_nothing_left();
}

Test(virtio_vsock, half_closed_behind_a_slow_reader)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	uint32_t sent = fill_up(GUEST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);
	char c;

	hdr.flags = VSOCK_SHUT_SEND;
	vsockdrv_packet(&hdr, 0);
	drain(slow, sent);
	cr_expect_eq(vsockdrv_read(slow, &c, 1), 0);
	cr_expect_not_null(conn(GUEST, HOST));
	close(slow);
	close(listener);
}

Test(virtio_vsock, a_reader_that_never_reads_is_not_waited_for)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);

	fill_up(GUEST);
	hdr.flags = VSOCK_SHUT_BOTH;
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(conns(), 1);
	vsockdrv_passes(VSOCK_PATIENCE + 2);
	expect_nothing_left();
	close(slow);
	close(listener);
}

/* However little the socket takes at once. */
Test(virtio_vsock, bytes_stay_in_order_whatever_the_socket_takes)
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
	expect_nothing_left();
}

/* ---- bytes to the guest ---------------------------------------------------
 */

/* Reads on behalf of the guest until @want bytes have come. */
static void guest_reads(size_t want, uint32_t *ret_last_fwd)
{
	static uint8_t part[5000];
	struct vsock_hdr hdr;
	size_t got = 0;

	for (unsigned i = 0; i < 100000 && got < want; i++) {
		if (!vsockdrv_take(&hdr, part)) {
			fake_loop_run();
			continue;
		}
		if (hdr.op != VSOCK_OP_RW)
			continue;
		cr_assert(vsockdrv_is(part, got, hdr.len), "at %zu", got);
		got += hdr.len;
		*ret_last_fwd = hdr.fwd_cnt;
	}
	cr_assert_eq(got, want);
}

Test(virtio_vsock, many_bytes_for_the_guest)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	static uint8_t buf[150000];
	uint32_t fwd;

	vsockdrv_fill(buf, 0, sizeof(buf));
	cr_assert_eq(write(fd, buf, sizeof(buf)), sizeof(buf));
	fake_sockets_event();
	guest_reads(sizeof(buf), &fwd);
	cr_expect_lt(fake.submitted, 60, "many buffers by one operation");
	close(fd);
	close(listener);
}

/* The guest, with room for @alloc bytes, connects to a program that sends it
 * @len. Return: the program's end. */
static int send_to_a_guest(int listener, uint32_t alloc, size_t len)
{
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_REQUEST);
	static uint8_t buf[2500];
	int fd;

	cr_assert_leq(len, sizeof(buf));
	hdr.buf_alloc = alloc;
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RESPONSE);
	fd = accept(listener, NULL, NULL);
	vsockdrv_fill(buf, 0, len);
	cr_assert_eq(write(fd, buf, len), (ssize_t)len);
	fake_sockets_event();
	return fd;
}

Test(virtio_vsock, no_more_than_the_guest_has_credit_for)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = send_to_a_guest(listener, 1000, 2500);
	static uint8_t buf[5000];
	struct vsock_hdr hdr;

	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 1000);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_CREDIT_REQUEST);
	cr_expect_eq(vsockdrv_op(), -1, "asked once");
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), -1);
	/* it took 600, and makes its buffer smaller */
	hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_CREDIT_UPDATE);
	hdr.buf_alloc = 300;
	hdr.fwd_cnt = 600;
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_CREDIT_REQUEST);
	hdr.buf_alloc = 4000;
	hdr.fwd_cnt = 1000;
	vsockdrv_packet(&hdr, 0);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 1500);
	cr_expect(vsockdrv_is(buf, 1000, 1500));
	close(fd);
	close(listener);
}

/* Guests answer at once, whether they have room or not: a reader that does not
 * read must not cost more than now and then. */
Test(virtio_vsock, asks_a_guest_without_room_at_its_leisure)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = send_to_a_guest(listener, 50, 100);
	struct vsock_hdr hdr =
		vsockdrv_hdr(GUEST, HOST, VSOCK_OP_CREDIT_UPDATE);
	unsigned asked = 0;
	uint8_t buf[100];

	hdr.buf_alloc = 50;
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RW);
	for (unsigned tick = 0; tick < 1000; tick++) {
		while (asked < 1000 &&
		       vsockdrv_op() == VSOCK_OP_CREDIT_REQUEST) {
			asked++;
			vsockdrv_packet(&hdr, 0);
		}
		if (tick == 0)
			cr_expect_eq(asked, VSOCK_ASKS + 1);
		if (tick == 1)
			cr_expect_eq(asked, VSOCK_ASKS + 2);
		vsockdrv_passes(1);
	}
	cr_expect(asked > 25 && asked < 45, "%u times", asked);
	cr_expect_eq(conns(), 1);
	hdr.fwd_cnt = 50;
	hdr.buf_alloc = 1000;
	vsockdrv_packet(&hdr, 0);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 50);
	cr_expect_eq(vsockdrv_vsock.waiting, 0);
	vsockdrv_passes(200);
	cr_expect_eq(vsockdrv_op(), -1);
	close(fd);
	close(listener);
}

Test(virtio_vsock, waits_for_receive_buffers)
{
	int listener = vsockdrv_listen(HOST, 8), fd;
	uint32_t fwd;
	static uint8_t buf[20000];

	vsockdrv_start(0); /* once more, without buffers */
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	fd = accept(listener, NULL, NULL);
	vsockdrv_fill(buf, 0, sizeof(buf));
	cr_assert_eq(write(fd, buf, sizeof(buf)), sizeof(buf));
	fake_sockets_event();
	vsockdrv_give(1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RESPONSE);
	fake_loop_run();
	guest_reads(sizeof(buf), &fwd);
	close(fd);
	close(listener);
}

Test(virtio_vsock, nobody_is_forgotten_when_buffers_are_few)
{
	int listener = vsockdrv_listen(HOST, 16), fd[8];
	unsigned seen = 0;
	struct vsock_hdr hdr;

	vsockdrv_start(2);
	for (unsigned i = 0; i < 8; i++)
		fd[i] = vsockdrv_open(listener, GUEST + i, HOST);
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(write(fd[i], "x", 1), 1);
	fake_sockets_event();
	for (unsigned i = 0; i < 100 && seen != 0xff; i++) {
		if (vsockdrv_take(&hdr, NULL) && hdr.op == VSOCK_OP_RW)
			seen |= 1U << (hdr.dst_port - GUEST);
		fake_loop_run();
	}
	cr_expect_eq(seen, 0xff);
	for (unsigned i = 0; i < 8; i++)
		close(fd[i]);
	close(listener);
}

/* The host's program sends @len bytes, and the guest takes them. */
static void host_says(int fd, uint32_t len)
{
	static uint8_t buf[4000];
	struct vsock_hdr hdr;

	cr_assert_eq(write(fd, buf, len), len);
	fake_sockets_event();
	fake_loop_run();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_assert_eq(hdr.len, len);
}

Test(virtio_vsock, tells_a_stream_from_answers)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	const bool *bulk = &vsockdrv_vsock.loop->bulk;
	char c;

	for (unsigned i = 0; i < 64; i++) {
		cr_expect(!*bulk, "after %u", i);
		host_says(fd, 4000);
	}
	cr_expect(*bulk);
	for (unsigned i = 0; i < 64; i++) {
		vsockdrv_data(GUEST, HOST, 0, 1);
		cr_assert_eq(read(fd, &c, 1), 1);
		host_says(fd, 1);
	}
	cr_expect(!*bulk);
	host_says(fd, 4000);
	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	cr_expect(!*bulk);
	close(fd);
	close(listener);
}

/* Header and payload cut anywhere, in both directions (§2.7.4). */
Test(virtio_vsock, does_not_care_how_a_packet_is_cut)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vring *tx = &vsockdrv.ring[VSOCK_TX];

	for (uint32_t cut = 1; cut < VSOCK_HDR + 20; cut++) {
		struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
		struct vseg seg[] = { { VSOCKDRV_TX, cut },
				      { VSOCKDRV_TX + 0x1000,
					VSOCK_HDR + 20 - cut } };
		uint8_t all[VSOCK_HDR + 20], buf[100];

		hdr.len = 20;
		memcpy(all, &hdr, VSOCK_HDR);
		vsockdrv_fill(all + VSOCK_HDR, cut, 20);
		memcpy(vdrv_at(&vsockdrv, seg[0].addr, cut), all, cut);
		memcpy(vdrv_at(&vsockdrv, seg[1].addr, sizeof(all) - cut),
		       all + cut, sizeof(all) - cut);
		vring_add(tx, seg, 2, 0);
		vdrv_kick(&vsockdrv, VSOCK_TX);
		fake_loop_run();
		cr_assert_eq(vsockdrv_read(fd, buf, sizeof(buf)), 20, "cut %u",
			     cut);
		cr_assert(vsockdrv_is(buf, cut, 20), "cut %u", cut);
	}
	close(fd);
	close(listener);
}

Test(virtio_vsock, receive_buffers_cut_anywhere)
{
	struct vring *rx = &vsockdrv.ring[VSOCK_RX];
	int listener = vsockdrv_listen(HOST, 8), fd;

	vsockdrv_start(1);
	fd = vsockdrv_open(listener, GUEST, HOST);
	/* use up the buffer that taking the answer has given back */
	cr_assert_eq(write(fd, "x", 1), 1);
	fake_sockets_event();
	for (uint32_t cut = 1; cut < VSOCK_HDR + 20; cut++) {
		struct vseg seg[] = { { VSOCKDRV_TX, cut },
				      { VSOCKDRV_TX + 0x1000,
					VSOCK_HDR + 20 - cut } };
		uint8_t all[VSOCK_HDR + 20], sent[20];
		struct ring_used_elem e;

		while (vring_take(rx, &e))
			;
		vring_add(rx, seg, 0, 2);
		vsockdrv_give(0);
		vsockdrv_fill(sent, cut, 20);
		cr_assert_eq(write(fd, sent, 20), 20);
		fake_sockets_event();
		cr_assert(vring_take(rx, &e));
		cr_assert_eq(e.len, VSOCK_HDR + 20, "cut %u", cut);
		memcpy(all, vdrv_at(&vsockdrv, seg[0].addr, cut), cut);
		memcpy(all + cut,
		       vdrv_at(&vsockdrv, seg[1].addr, sizeof(all) - cut),
		       sizeof(all) - cut);
		cr_assert(vsockdrv_is(all + VSOCK_HDR, cut, 20), "cut %u", cut);
	}
	close(fd);
	close(listener);
}

/* ---- credit at its wrap ---------------------------------------------------
 */

Test(virtio_vsock, counters_wrap)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_conn *c = conn(GUEST, HOST);
	static uint8_t buf[40000];
	uint32_t at = UINT32_MAX - 50000;

	c->credit.sent = c->credit.peer_taken = at;
	c->credit.got = c->credit.taken = c->credit.told = at;
	for (unsigned i = 0; i < 5; i++) {
		struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
		uint32_t fwd = 0;

		/* to the host */
		hdr.len = 40000;
		hdr.fwd_cnt = at + i * 40000;
		vsockdrv_packet(&hdr, i * 40000);
		cr_assert_eq(vsockdrv_read(fd, buf, sizeof(buf)), 40000);
		cr_assert(vsockdrv_is(buf, i * 40000, 40000));
		/* to the guest, which has a small buffer */
		hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_CREDIT_UPDATE);
		hdr.buf_alloc = 40000;
		hdr.fwd_cnt = at + i * 40000;
		vsockdrv_packet(&hdr, 0);
		vsockdrv_fill(buf, 0, 40000);
		cr_assert_eq(write(fd, buf, 40000), 40000);
		fake_sockets_event();
		guest_reads(40000, &fwd);
		cr_expect_eq(fwd, at + (i + 1) * 40000);
		cr_expect_eq(vsock_credit_to_guest(&c->credit), 0);
	}
	cr_expect_lt(c->credit.sent, at, "wrapped");
	cr_expect_lt(c->credit.got, at);
	close(fd);
	close(listener);
}

Test(vsock_credit, is_right_at_every_distance_from_the_wrap)
{
	static const uint32_t starts[] = { 0,	       1,	   0x7fffffff,
					   0x80000000, 0xffffff00, 0xffffffff };

	for (unsigned i = 0; i < COUNT(starts); i++) {
		uint32_t at = starts[i];
		struct vsock_credit c = { .sent = at + 100,
					  .peer_alloc = 300,
					  .peer_taken = at,
					  .got = at,
					  .taken = at,
					  .told = at,
					  .alloc = 1000 };

		cr_expect_eq(vsock_credit_to_guest(&c), 200);
		vsock_credit_heard(&c, 300, at + 100);
		cr_expect_eq(vsock_credit_to_guest(&c), 300);
		vsock_credit_heard(&c, 100, at);
		cr_expect_eq(vsock_credit_to_guest(&c), 0);
		vsock_credit_heard(&c, 50, at); /* smaller than before */
		cr_expect_eq(vsock_credit_to_guest(&c), 0);
		vsock_credit_heard(&c, 300, at + 101); /* took too much */
		cr_expect_eq(vsock_credit_to_guest(&c), 0);
		vsock_credit_heard(&c, UINT32_MAX, at);
		cr_expect_eq(vsock_credit_to_guest(&c), UINT32_MAX - 100);

		cr_expect_not(vsock_credit_get(&c, 1001));
		cr_expect(vsock_credit_get(&c, 600));
		cr_expect_not(vsock_credit_due(&c), "nothing was taken");
		cr_expect_not(vsock_credit_get(&c, 401));
		c.taken += 500;
		cr_expect(vsock_credit_due(&c));
		c.told = c.taken;
		cr_expect_not(vsock_credit_due(&c));
		cr_expect(vsock_credit_get(&c, 900));
		cr_expect_not(vsock_credit_get(&c, 1));
		cr_expect_eq(c.got, at + 1500);
	}
}

/* ---- bad packets ----------------------------------------------------------
 */

Test(virtio_vsock, packets_that_are_none)
{
	struct vsock_hdr hdr;
	struct vseg runt = { VSOCKDRV_TX, VSOCK_HDR - 1 };
	int listener = vsockdrv_listen(HOST, 8);

	vring_add(&vsockdrv.ring[VSOCK_TX], &runt, 1, 0);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
	cr_expect_eq(vsockdrv_op(), -1);

	hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_REQUEST);
	hdr.src_cid = VSOCKDRV_CID + 1; /* pretends to be another */
	vsockdrv_packet(&hdr, 0);
	cr_expect_eq(vsockdrv_op(), -1);
	cr_expect_eq(vsockdrv_vsock.stats.malformed, 2);

	hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_REQUEST);
	hdr.dst_cid = 5; /* not the host */
	vsockdrv_packet(&hdr, 0);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.src_cid, 5);

	hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_REQUEST);
	hdr.type = 3; /* there is no such */
	vsockdrv_packet(&hdr, 0);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.type, 3);
	close(listener);
	expect_nothing_left();
}

Test(virtio_vsock, a_length_longer_than_the_packet)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
	char c;

	hdr.len = 11;
	vsockdrv_queue_more(&hdr, 0, -1);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	close(listener);
	expect_nothing_left();
}

/* What is behind a packet's length is not payload, nor was credit given. */
Test(virtio_vsock, a_length_shorter_than_the_packet)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
	const struct vsock_conn *c = conn(GUEST, HOST);
	uint32_t sent;

	hdr.len = 10;
	/* to one that reads, and to one that does not */
	for (unsigned i = 0; i < 2; i++) {
		sent = i ? fill_up(GUEST) : 0;
		drain(slow, i ? 200000 : 0);
		vsockdrv_queue_more(&hdr, sent, 60000);
		vdrv_kick(&vsockdrv, VSOCK_TX);
		fake_loop_run();
		cr_expect_eq(c->fifo.len, c->credit.got - c->credit.taken);
		vsockdrv_data(GUEST, HOST, sent + 10, 100);
		drain_from(slow, i ? 200000 : 0, sent + 110);
	}
	close(slow);
	close(listener);
}

/* While the guest takes no answers, it sends no more questions. */
Test(virtio_vsock, answers_are_bounded_and_none_is_lost)
{
	struct vsock_hdr hdr;
	unsigned rst = 0;

	vsockdrv_start(0);
	for (unsigned i = 0; i < 200; i++)
		vsockdrv_send(i, HOST, VSOCK_OP_RW);
	cr_expect_eq(vsockdrv_vsock.replies, VSOCK_REPLIES);
	vsockdrv_give(1);
	for (unsigned i = 0; i < 1000 && rst < 200; i++) {
		if (vsockdrv_take(&hdr, NULL)) {
			cr_assert_eq(hdr.dst_port, rst);
			rst++;
		}
		fake_loop_run();
	}
	cr_expect_eq(rst, 200);
	expect_nothing_left();
}

/* Does the device want to hear of more receive buffers? (§2.7.10) */
static bool awaits_buffers(void)
{
	const struct vring *rx = &vsockdrv.ring[VSOCK_RX];
	const uint16_t *event = (const void *)&rx->used->ring[rx->at.size];

	return ring_load(event) == rx->avail_idx;
}

/* Answers that found no buffer any more, with nothing else to be done. */
Test(virtio_vsock, asks_for_buffers_when_only_answers_wait)
{
	struct vsock_hdr hdr;

	vsockdrv_start(3);
	for (unsigned i = 0; i < 5; i++) {
		hdr = vsockdrv_hdr(i, HOST, VSOCK_OP_RW);
		vsockdrv_queue(&hdr, 0);
	}
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
	cr_expect_eq(vsockdrv_vsock.replies, 2);
	cr_expect(awaits_buffers());
	for (unsigned i = 0; i < 5; i++) {
		cr_assert(vsockdrv_take(&hdr, NULL));
		cr_expect_eq(hdr.op, VSOCK_OP_RST);
		fake_loop_run();
	}
	expect_nothing_left();
}

Test(virtio_vsock, useless_receive_buffers_are_given_back)
{
	struct vring *rx = &vsockdrv.ring[VSOCK_RX];
	struct vseg small = { VSOCKDRV_TX, VSOCK_HDR };
	struct ring_used_elem e;

	vsockdrv_start(0);
	vring_add(rx, &small, 0, 1);
	vring_add(rx, &small, 1, 0);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_RW);
	vsockdrv_give(1);
	cr_assert(vring_take(rx, &e));
	cr_expect_eq(e.len, 0);
	cr_assert(vring_take(rx, &e));
	cr_expect_eq(e.len, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
}

/* ---- resets ---------------------------------------------------------------
 */

Test(virtio_vsock, a_reset_ends_all_connections)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	int other = vsockdrv_open(listener, GUEST + 1, HOST);
	int waiting = vsockdrv_connect();
	struct vsock_hdr hdr;
	char c;

	fill_up(GUEST);
	cr_assert_eq(write(other, "x", 1), 1);
	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_get(&vsockdrv, MMIO_STATUS), 0);
	cr_expect_eq(virtio_inflight(&vsockdrv.t.port), 0);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_read(other, &c, 1), 0);
	/* who has only just connected meets the next driver */
	vsockdrv_start(16);
	cr_assert_eq(write(waiting, "CONNECT 7\n", 10), 10);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_REQUEST);
	vsockdrv_send(7, hdr.src_port, VSOCK_OP_RST);
	close(slow);
	close(other);
	close(waiting);
	close(listener);
	fake_sockets_event();
	expect_nothing_left();
}

/* With operations in flight, at every moment of a busy exchange. */
Test(virtio_vsock, a_reset_at_any_moment)
{
	int listener = vsockdrv_listen(HOST, 64);

	for (unsigned rounds = 0; rounds < 12; rounds++) {
		int fd = vsockdrv_open(listener, GUEST, HOST);
		struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);

		hdr.len = 3000;
		for (unsigned i = 0; i < 10; i++)
			vsockdrv_queue(&hdr, 0);
		cr_assert_eq(write(fd, "hello", 5), 5);
		fake_sockets.generation++;
		vdrv_kick(&vsockdrv, VSOCK_TX);
		for (unsigned i = 0; i < rounds; i++)
			fake_loop_round();
		vdrv_set(&vsockdrv, MMIO_STATUS, 0);
		cr_assert_eq(vdrv_get(&vsockdrv, MMIO_STATUS), 0);
		cr_assert_eq(virtio_inflight(&vsockdrv.t.port), 0);
		close(fd);
		fake_sockets_event();
		vsockdrv_start(16);
	}
	close(listener);
	expect_nothing_left();
}
