// SPDX-License-Identifier: Apache-2.0
/* vsock where memory is short, programs are silent or gone, and guests rude. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

#define CONNS 16

static int listener;

static void init(void)
{
	vsockdrv_init(CONNS);
	vsockdrv_start(64);
	listener = vsockdrv_listen(HOST, CONNS);
}

static void deinit(void)
{
	close(listener);
	vsockdrv_deinit();
}

TestSuite(vsock_trouble, .init = init, .fini = deinit);

/* All that has come from the host. Return: bytes */
static uint32_t guest_takes(uint8_t *buf)
{
	struct vsock_hdr hdr;
	uint32_t got = 0;

	while (vsockdrv_take(&hdr, buf + got)) {
		got += hdr.len;
		fake_loop_run();
	}
	return got;
}

/* ---- what comes with other things, and is read in pieces ----------------- */

Test(vsock_trouble, bytes_behind_a_passed_descriptor)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, one = 'a';
	struct iovec iov = { &one, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	uint8_t buf[100];

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &listener, sizeof(int));
	cr_assert_eq(sendmsg(fd, &msg, 0), 1);
	cr_assert_eq(write(fd, "bcd", 3), 3);
	fake_sockets_event();
	cr_expect_eq(guest_takes(buf), 4);
	cr_expect_arr_eq(buf, "abcd", 4);
	close(fd);
}

Test(vsock_trouble, bytes_behind_urgent_ones)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	uint8_t buf[100];

	cr_assert_eq(write(fd, "abc", 3), 3);
	if (send(fd, "!", 1, MSG_OOB) != 1)
		cr_skip_test("no MSG_OOB on Unix sockets here");
	cr_assert_eq(write(fd, "def", 3), 3);
	fake_sockets_event();
	cr_expect_eq(guest_takes(buf), 6);
	cr_expect_arr_eq(buf, "abcdef", 6);
	close(fd);
}

/* ---- programs that are silent, or gone ----------------------------------- */

Test(vsock_trouble, who_says_nothing_is_not_waited_for)
{
	int fd[CONNS];

	for (unsigned i = 0; i < CONNS; i++) {
		fd[i] = vsockdrv_connect();
		fake_sockets_event();
	}
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST, "all are taken");
	vsockdrv_passes(VSOCK_GREETING_TIME + 2);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RESPONSE);
	for (unsigned i = 0; i < CONNS; i++)
		close(fd[i]);
}

Test(vsock_trouble, a_host_that_goes_when_the_guest_only_sends)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr;

	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_RECEIVE);
	close(fd);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_BOTH);
}

Test(vsock_trouble, a_greeting_with_more_behind_a_nul)
{
	int fd = vsockdrv_connect();
	char c;

	cr_assert_eq(write(fd, "CONNECT 77\0 or so\n", 18), 18);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), -1);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
}

/* Given up while it was under way, and connected all the same. */
Test(vsock_trouble, a_call_that_succeeds_too_late)
{
	int fd;
	char c;

	fake.hold = true;
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	for (unsigned i = 0; i < fake.ops; i++)
		if (fake.op[i].opcode == IORING_OP_SOCKET)
			fake_sockets.fd[fake.op[i].file_index - 1] =
				socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (unsigned i = 0; i < fake.ops; i++)
		if (fake.op[i].opcode == IORING_OP_SOCKET)
			fake_complete(i, 0);
	for (unsigned i = 0; i < fake.ops; i++) {
		if (fake.op[i].opcode != IORING_OP_CONNECT)
			continue;
		vsockdrv_send(GUEST, HOST, VSOCK_OP_RST);
		cr_assert_eq(connect(fake_sockets.fd[fake.op[i].fd],
				     (void *)(uintptr_t)fake.op[i].addr,
				     (socklen_t)fake.op[i].off),
			     0);
		fake_complete(i, 0);
		break;
	}
	fake.hold = false;
	fake_sockets_event();
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0, "it has hung up");
	close(fd);
}

/* ---- no memory ----------------------------------------------------------- */

static void send_fails(int op, int res)
{
	fake_sockets.fail_op = op;
	fake_sockets.fail_res = res;
}

Test(vsock_trouble, a_send_that_finds_no_memory)
{
	static const int errors[] = { -ENOMEM, -ENOBUFS };
	uint8_t buf[300];

	for (unsigned i = 0; i < 2; i++) {
		int fd = vsockdrv_open(listener, GUEST, HOST);

		vsockdrv_data(GUEST, HOST, 0, 100);
		send_fails(IORING_OP_SEND, errors[i]);
		vsockdrv_data(GUEST, HOST, 100, 100);
		send_fails(0, 0);
		cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST, "bytes were lost");
		cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 100);
		close(fd);
		fake_sockets_event();
	}
}

Test(vsock_trouble, an_ok_that_finds_no_memory)
{
	int fd = vsockdrv_connect();
	struct vsock_hdr hdr;
	char text[64];

	cr_assert_eq(write(fd, "CONNECT 77\n", 11), 11);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	send_fails(IORING_OP_SEND, -ENOMEM);
	vsockdrv_send(77, hdr.src_port, VSOCK_OP_RESPONSE);
	send_fails(0, 0);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	vsockdrv_data(77, hdr.src_port, 0, 5);
	cr_expect_eq(vsockdrv_read(fd, text, sizeof(text)), 0);
	close(fd);
}

/* ---- a guest that is rude, or ends --------------------------------------- */

static void (*real_flush)(struct loop_task *task);
static unsigned fed;

static void feed_ring(struct vring *v)
{
	v->avail->idx = (uint16_t)(v->used->idx + v->at.size);
	v->avail_idx = v->avail->idx;
}

/* As another vCPU would, all the time. */
static void flush_and_feed(struct loop_task *task)
{
	real_flush(task);
	if (fed++ > 10000)
		return; /* let the test end */
	feed_ring(&vsockdrv.ring[VSOCK_TX]);
	feed_ring(&vsockdrv.ring[VSOCK_RX]);
}

Test(vsock_trouble, refused_packets_without_end_do_not_hold_the_loop)
{
	struct vring *tx = &vsockdrv.ring[VSOCK_TX],
		     *rx = &vsockdrv.ring[VSOCK_RX];
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);

	vsockdrv_start(0);
	memcpy(vdrv_at(&vsockdrv, VSOCKDRV_TX, VSOCK_HDR), &hdr, VSOCK_HDR);
	for (unsigned i = 0; i < 256; i++) {
		vring_desc(tx, (uint16_t)i, VSOCKDRV_TX, VSOCK_HDR, 0, 0);
		vring_desc(rx, (uint16_t)i, VSOCKDRV_RX(i), 4096,
			   RING_DESC_WRITE, 0);
		tx->avail->ring[i] = rx->avail->ring[i] = (uint16_t)i;
	}
	real_flush = vsockdrv.t.port.flush.run;
	vsockdrv.t.port.flush.run = flush_and_feed;
	feed_ring(tx);
	feed_ring(rx);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_round();
	cr_expect_lt(fed, 100, "one round: %u times fed", fed);
	vsockdrv.t.port.flush.run = real_flush;
}

static bool drained(void)
{
	return vsockdrv_vsock.drain.idle(&vsockdrv_vsock.drain);
}

/* The guest has sent, closed and ended: the host gets it all the same. */
Test(vsock_trouble, the_last_bytes_of_a_guest_that_ended)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	static uint8_t buf[1 << 16];
	uint32_t sent = 0, got = 0;
	ssize_t len;

	while (vsock_conn_find(&vsockdrv_vsock, GUEST, HOST)->fifo.len <
	       100000) {
		vsockdrv_data(GUEST, HOST, sent, 50000);
		sent += 50000;
	}
	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_BOTH);
	cr_expect_not(drained());
	while ((len = vsockdrv_read(fd, buf, sizeof(buf))) > 0) {
		cr_assert(vsockdrv_is(buf, got, (size_t)len));
		got += (uint32_t)len;
		fake_sockets_event();
	}
	cr_expect_eq(got, sent);
	cr_expect_eq(len, 0);
	cr_expect(drained());
	close(fd);
}

Test(vsock_trouble, packets_that_were_not_looked_at_when_the_guest_ended)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
	uint8_t buf[200];

	hdr.len = 100;
	vsockdrv_queue(&hdr, 0);
	vsockdrv_queue(&hdr, 100);
	cr_expect_not(drained());
	fake_loop_run();
	cr_expect(drained());
	cr_expect_eq(vsockdrv_read(fd, buf, sizeof(buf)), 200);
	cr_expect(vsockdrv_is(buf, 0, 200));
	close(fd);
}

Test(vsock_trouble, a_reader_that_does_not_read_holds_nobody_up)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);

	while (!vsock_conn_find(&vsockdrv_vsock, GUEST, HOST)->fifo.len)
		vsockdrv_data(GUEST, HOST, 0, 50000);
	cr_expect_not(drained());
	vsockdrv_passes(VSOCK_LAST - 2);
	cr_expect_not(drained());
	vsockdrv_passes(4);
	cr_expect(drained());
	close(fd);
}

Test(vsock_trouble, a_guest_that_says_nothing_ends_at_once)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);

	cr_expect(drained());
	close(fd);
}

/* A host's program that has much to say, to a guest that refuses it. socat
 * waits with select(2), which counts a hang-up as no way to write. */
Test(vsock_trouble, nobody_reads_what_a_refused_program_said)
{
	static const char bytes[4096];
	struct pollfd p = { .events = POLLOUT | POLLWRNORM };
	struct vsock_hdr hdr;
	int fd = vsockdrv_connect();

	cr_assert_eq(write(fd, "CONNECT 77\n", 11), 11);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_assert_eq(hdr.op, VSOCK_OP_REQUEST);
	p.fd = fd;
	cr_assert_eq(poll(&p, 1, 0), 0);
	vsockdrv_send(77, hdr.src_port, VSOCK_OP_RST);
	cr_expect_eq(poll(&p, 1, 0), 1);
	cr_expect(p.revents & POLLOUT);
	cr_expect_eq(send(fd, bytes, 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(errno, EPIPE);
	close(fd);
}
