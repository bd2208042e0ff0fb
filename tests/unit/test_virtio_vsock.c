// SPDX-License-Identifier: Apache-2.0
/* vsock connections between a driver in guest memory and Unix sockets. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

TestSuite(virtio_vsock, .init = vsockcase_init, .fini = vsockdrv_deinit);

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
			const struct vsock_conn *c =
				vsockcase_conn(GUEST, port);

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
			cr_expect_eq(vsockcase_conn(GUEST, port) != NULL,
				     s->there, "state %d op %u", s->state, op);
			if (s->there)
				vsockdrv_send(GUEST, port, VSOCK_OP_RST);
			if (fd >= 0)
				close(fd);
			fake_sockets_event();
			while ((fd = accept4(listener, NULL, NULL,
					     SOCK_NONBLOCK)) >= 0)
				close(fd);
			vsockdrv_passes(2);
			vsockcase_nothing_left();
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
	vsockcase_nothing_left();
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
	vsockcase_nothing_left();
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
	vsockcase_nothing_left();
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
		vsockcase_nothing_left();
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
	vsockcase_nothing_left();
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
	vsockcase_nothing_left();
}
