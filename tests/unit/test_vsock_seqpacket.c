// SPDX-License-Identifier: Apache-2.0
/* vsock's messages: a guest's SOCK_SEQPACKETs and those of Unix sockets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

#define WINDOW VSOCK_ENDS

static int listener;

static void init(void)
{
	vsockcase_init();
	vsockdrv_type = VSOCK_SEQPACKET;
	listener = vsockdrv_listen(HOST, 16);
}

static void deinit(void)
{
	close(listener);
	vsockdrv_deinit();
}

TestSuite(vsock_seqpacket, .init = init, .fini = deinit);

/* @len bytes of the pattern from @seed on, not shown to the device yet. */
static void queue(size_t seed, uint32_t len, uint32_t flags)
{
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);

	hdr.len = len;
	hdr.flags = flags;
	vsockdrv_queue(&hdr, seed);
}

static void part(size_t seed, uint32_t len)
{
	queue(seed, len, 0);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
}

static void last_part(size_t seed, uint32_t len)
{
	queue(seed, len, VSOCK_SEQ_EOM);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
}

/* The host's next message is this one. */
static void expect_message(int fd, size_t seed, size_t len)
{
	static uint8_t buf[2 * WINDOW];

	cr_assert_eq(vsockdrv_read(fd, buf, sizeof(buf)), (ssize_t)len);
	cr_assert(vsockdrv_is(buf, seed, len));
	fake_sockets_event();
}

/* Messages of 100 bytes, until some wait. Return: how many */
static unsigned fill_up(void)
{
	unsigned sent = 0;

	while (vsockcase_conn(GUEST, HOST)->fifo.len < 1000)
		last_part(sent++ * 100, 100);
	return sent;
}

static void expect_all(int fd, unsigned sent)
{
	for (unsigned i = 0; i < sent; i++)
		expect_message(fd, i * 100, 100);
}

static void host_sends(int fd, size_t seed, size_t len)
{
	uint8_t *buf = malloc(len);

	vsockdrv_fill(buf, seed, len);
	cr_assert_eq(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
	free(buf);
	fake_sockets_event();
}

/* The guest's next message is this one. Return: parts that it came in. */
static unsigned expect_parts(size_t seed, size_t len)
{
	static uint8_t buf[4096];
	struct vsock_hdr hdr;
	unsigned parts = 0;
	size_t got = 0;

	do {
		if (!vsockdrv_take(&hdr, buf)) {
			fake_loop_run();
			cr_assert(vsockdrv_take(&hdr, buf), "%zu of %zu", got,
				  len);
		}
		cr_assert_eq(hdr.op, VSOCK_OP_RW);
		cr_assert_eq(hdr.type, VSOCK_SEQPACKET);
		cr_assert(vsockdrv_is(buf, seed + got, hdr.len));
		got += hdr.len;
		parts++;
		cr_assert_leq(got, len);
		cr_assert_eq(hdr.flags, got == len ? VSOCK_SEQ_EOM : 0);
	} while (got < len);
	return parts;
}

/* The guest has taken @len bytes, ever, of all it has room for. */
static void tell_credit(uint32_t alloc, uint32_t len)
{
	struct vsock_hdr hdr =
		vsockdrv_hdr(GUEST, HOST, VSOCK_OP_CREDIT_UPDATE);

	hdr.buf_alloc = alloc;
	hdr.fwd_cnt = len;
	vsockdrv_packet(&hdr, 0);
}

static int open_with(uint32_t alloc)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);

	tell_credit(alloc, 0);
	return fd;
}

/* ---- from the guest ------------------------------------------------------ */

Test(vsock_seqpacket, there_and_back)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);

	last_part(0, 100);
	expect_message(fd, 0, 100);
	last_part(100, 1);
	last_part(101, 30000);
	expect_message(fd, 100, 1);
	expect_message(fd, 101, 30000);
	host_sends(fd, 7, 200);
	cr_expect_eq(expect_parts(7, 200), 1);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_RST);
	close(fd);
	fake_sockets_event();
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, many_in_one_turn)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);

	for (unsigned i = 0; i < 50; i++)
		queue(i * 10, 1 + i % 10, VSOCK_SEQ_EOM);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
	for (unsigned i = 0; i < 50; i++)
		expect_message(fd, i * 10, 1 + i % 10);
	close(fd);
}

Test(vsock_seqpacket, nothing_is_seen_before_its_end)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	char c;

	for (unsigned i = 0; i < 4; i++) {
		part(i * 15000, 15000);
		cr_expect_eq(vsockdrv_read(fd, &c, 1), -EAGAIN);
	}
	last_part(60000, WINDOW - 60000);
	expect_message(fd, 0, WINDOW);
	close(fd);
}

Test(vsock_seqpacket, an_empty_last_part)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	char c;

	part(0, 10);
	last_part(0, 0);
	expect_message(fd, 0, 10);
	last_part(0, 0); /* empty, so it is none */
	cr_expect_eq(vsockdrv_read(fd, &c, 1), -EAGAIN);
	last_part(10, 10);
	expect_message(fd, 10, 10);
	close(fd);
}

/* In the fifo, behind a reader who does not read. */
Test(vsock_seqpacket, an_empty_one_behind_one_that_waits)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	unsigned sent = 0;

	while (!vsockcase_conn(GUEST, HOST)->fifo.len && sent < 100000)
		last_part(sent++ * 10, 10);
	last_part(0, 0);
	last_part(sent * 10, 10);
	for (unsigned i = 0; i <= sent; i++)
		expect_message(fd, i * 10, 10);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->fifo.len, 0);
	close(fd);
}

Test(vsock_seqpacket, a_slow_reader_gets_all_of_them)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	static uint32_t len[40000];
	uint32_t sent = 0, seed = 0, at = 0;
	unsigned state = 77;

	for (;;) {
		const struct vsock_credit *k =
			&vsockcase_conn(GUEST, HOST)->credit;
		uint32_t room = k->alloc - (k->got - k->taken);

		state = state * 1103515245 + 12345;
		len[sent] = 1 + (state >> 16) % (sent % 50 ? 9 : 3000);
		if (len[sent] > room || sent == 40000)
			break;
		last_part(seed, len[sent]);
		seed += len[sent++];
		while (vsockdrv_op() >= 0)
			;
	}
	cr_expect_gt(vsockcase_conn(GUEST, HOST)->fifo.len, WINDOW - 3001);
	for (uint32_t i = 0; i < sent; i++) {
		expect_message(fd, at, len[i]);
		at += len[i];
	}
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->fifo.len, 0);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->credit.taken,
		     vsockcase_conn(GUEST, HOST)->credit.got);
	close(fd);
}

/* A part that fills the window may wait for room that was there long ago. */
Test(vsock_seqpacket, tells_of_the_room_that_the_rest_needs)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr;

	last_part(0, 1);
	expect_message(fd, 0, 1);
	cr_expect_eq(vsockdrv_op(), -1);
	part(1, WINDOW - 1); /* as much as it knows to be allowed */
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_CREDIT_UPDATE);
	cr_expect_eq(hdr.fwd_cnt, 1);
	last_part(WINDOW, 1);
	expect_message(fd, 1, WINDOW);
	close(fd);
}

Test(vsock_seqpacket, longer_than_the_window_has_no_end)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	char c;

	part(0, WINDOW);
	last_part(WINDOW, 1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	fake_sockets_event();
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, what_has_no_end_is_not_sent_at_a_close)
{
	static const uint32_t how[] = { VSOCK_SHUT_SEND, VSOCK_SHUT_BOTH };
	char c;

	for (unsigned i = 0; i < 2; i++) {
		int fd = vsockdrv_open(listener, GUEST, HOST);

		queue(0, 100, VSOCK_SEQ_EOM);
		queue(100, 100, 0);
		vdrv_kick(&vsockdrv, VSOCK_TX);
		vsockdrv_shut(GUEST, HOST, how[i]);
		cr_expect_eq(vsockcase_conn(GUEST, HOST) != NULL, i == 0);
		expect_message(fd, 0, 100);
		cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
		if (!i)
			vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_RECEIVE);
		close(fd);
		fake_sockets_event();
		vsockcase_nothing_left();
	}
}

Test(vsock_seqpacket, the_last_ones_of_a_guest_that_closed)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	unsigned sent = fill_up();
	char c;

	part(sent * 100, 50);
	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_BOTH);
	expect_all(fd, sent);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	fake_sockets_event();
	vsockcase_nothing_left();
}

/* The host's end does not listen any more: nothing waits for it. */
Test(vsock_seqpacket, a_host_that_will_not_receive)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr;

	shutdown(fd, SHUT_RD);
	last_part(0, 100);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_RECEIVE);
	part(100, 50);
	last_part(150, 0);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->fifo.len, 0);
	cr_expect_eq(vsockcase_conn(GUEST, HOST)->credit.taken, 150);
	host_sends(fd, 0, 10);
	expect_parts(0, 10);
	close(fd);
}

/* ---- from the host ------------------------------------------------------- */

Test(vsock_seqpacket, messages_of_all_sizes_for_the_guest)
{
	int fd = open_with(1U << 20);
	uint32_t taken = 0;

	for (size_t len = 1; len < 200000; len = len * 3 + 1) {
		host_sends(fd, len, len);
		cr_expect_eq(expect_parts(len, len),
			     (len + 4096 - VSOCK_HDR - 1) / (4096 - VSOCK_HDR));
		taken += (uint32_t)len;
		tell_credit(1U << 20, taken);
	}
	close(fd);
}

Test(vsock_seqpacket, several_wait_in_the_socket)
{
	int fd = open_with(1U << 20);

	for (unsigned i = 0; i < 8; i++)
		host_sends(fd, i * 1000, 500 + i);
	for (unsigned i = 0; i < 8; i++)
		expect_parts(i * 1000, 500 + i);
	close(fd);
}

/* It comes in parts, as buffers come; others are not kept from theirs. */
Test(vsock_seqpacket, longer_than_the_buffers_there_are)
{
	int fd, other;
	struct vsock_hdr hdr;
	uint8_t c = 'x';

	vsockdrv_start(2);
	fd = open_with(1U << 20);
	vsockdrv_type = VSOCK_STREAM;
	other = vsockdrv_connect();
	cr_assert_eq(write(other, "CONNECT 9\n", 10), 10);
	fake_sockets_event();
	cr_assert(vsockdrv_take(&hdr, NULL));
	vsockdrv_send(9, hdr.src_port, VSOCK_OP_RESPONSE);
	host_sends(fd, 3, 150000);
	cr_expect_gt(vsockcase_conn(GUEST, HOST)->message_at, 0);
	cr_expect_lt(vsockcase_conn(GUEST, HOST)->message_at, 10000);
	for (unsigned i = 0; i < 5; i++) {
		struct vsock_hdr seen[4];
		bool heard = false;

		cr_assert_eq(write(other, &c, 1), 1);
		fake_sockets_event();
		for (unsigned k = 0; k < 4; k++) {
			cr_assert(vsockdrv_take(&seen[k], NULL));
			heard |= seen[k].type == VSOCK_STREAM;
			fake_loop_run();
		}
		cr_expect(heard);
	}
	close(other);
	close(fd);
}

Test(vsock_seqpacket, waits_for_credit_in_the_middle)
{
	int fd = open_with(3000);
	struct vsock_hdr hdr;
	static uint8_t buf[4096];

	host_sends(fd, 0, 2000);
	expect_parts(0, 2000);
	host_sends(fd, 2000, 3000);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 1000);
	cr_expect_eq(hdr.flags, 0);
	cr_expect(vsockdrv_is(buf, 2000, 1000));
	fake_loop_run();
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.op, VSOCK_OP_CREDIT_REQUEST);
	tell_credit(3000, 2000);
	cr_assert(vsockdrv_take(&hdr, buf));
	cr_expect_eq(hdr.len, 2000);
	cr_expect_eq(hdr.flags, VSOCK_SEQ_EOM);
	cr_expect(vsockdrv_is(buf, 3000, 2000));
	close(fd);
}

Test(vsock_seqpacket, more_than_the_guest_can_ever_hold)
{
	int fd = open_with(3000);
	char c;

	host_sends(fd, 0, 3001);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	fake_sockets_event();
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, more_than_the_device_forwards)
{
	int fd = open_with(1U << 20), size = 1 << 20;

	/* what the host's administrator lets it have */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	host_sends(fd, 0, VSOCK_MESSAGE);
	expect_parts(0, VSOCK_MESSAGE);
	host_sends(fd, 0, VSOCK_MESSAGE + 1);
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_RST);
	close(fd);
	fake_sockets_event();
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, the_last_ones_of_a_host_that_closed)
{
	int fd = open_with(1U << 20);
	struct vsock_hdr hdr;

	for (unsigned i = 0; i < 3; i++)
		host_sends(fd, i * 5000, 5000);
	close(fd);
	fake_sockets_event();
	for (unsigned i = 0; i < 3; i++)
		expect_parts(i * 5000, 5000);
	fake_loop_run();
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_BOTH);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_RST);
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, a_host_that_will_not_send)
{
	int fd = open_with(1U << 20);
	struct vsock_hdr hdr;

	host_sends(fd, 0, 10);
	shutdown(fd, SHUT_WR);
	fake_sockets_event();
	expect_parts(0, 10);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_SHUTDOWN);
	cr_expect_eq(hdr.flags, VSOCK_SHUT_SEND);
	last_part(0, 100);
	expect_message(fd, 0, 100);
	close(fd);
}

/* They are none for a guest, and its host's end is still there. */
Test(vsock_seqpacket, empty_ones_for_the_guest)
{
	int fd = open_with(1U << 20);

	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(send(fd, "", 0, MSG_NOSIGNAL), 0);
	host_sends(fd, 0, 10);
	expect_parts(0, 10);
	cr_assert_eq(send(fd, "", 0, MSG_NOSIGNAL), 0);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), -1);
	host_sends(fd, 10, 10);
	expect_parts(10, 10);
	close(fd);
	fake_sockets_event();
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_SHUTDOWN);
}

/* ---- types --------------------------------------------------------------- */

Test(vsock_seqpacket, a_driver_that_did_not_ask_for_it)
{
	struct vsock_hdr hdr;

	vdrv_start(&vsockdrv, VSOCKDRV_FEATURES & ~VSOCK_F_SEQPACKET, 256);
	vsockdrv_give(8);
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.type, VSOCK_SEQPACKET);
	vsockcase_nothing_left();
}

Test(vsock_seqpacket, the_other_type_is_refused_by_the_host)
{
	struct vsock_hdr hdr;
	int stream;

	vsockdrv_type = VSOCK_STREAM;
	vsockdrv_send(GUEST, HOST, VSOCK_OP_REQUEST);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.type, VSOCK_STREAM);
	stream = vsockdrv_listen(HOST + 1, 4);
	vsockdrv_type = VSOCK_SEQPACKET;
	vsockdrv_send(GUEST, HOST + 1, VSOCK_OP_REQUEST);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.type, VSOCK_SEQPACKET);
	close(stream);
	vsockcase_nothing_left();
}

/* A packet of the other type is none of this connection's. */
Test(vsock_seqpacket, the_other_type_on_the_same_ports)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);

	hdr.type = VSOCK_STREAM;
	hdr.len = 10;
	vsockdrv_packet(&hdr, 0);
	cr_assert(vsockdrv_take(&hdr, NULL));
	cr_expect_eq(hdr.op, VSOCK_OP_RST);
	cr_expect_eq(hdr.type, VSOCK_STREAM);
	last_part(0, 100);
	expect_message(fd, 0, 100);
	close(fd);
}

/* ---- resets -------------------------------------------------------------- */

Test(vsock_seqpacket, a_reset_at_any_moment)
{
	for (unsigned rounds = 0; rounds < 12; rounds++) {
		int fd = open_with(1U << 20);

		queue(0, 1000, 0);
		queue(1000, 1000, VSOCK_SEQ_EOM);
		queue(2000, 1000, 0);
		vdrv_kick(&vsockdrv, VSOCK_TX);
		cr_assert_eq(send(fd, "abc", 3, MSG_NOSIGNAL), 3);
		fake_sockets.generation++;
		for (unsigned i = 0; i < rounds; i++)
			fake_loop_round();
		vdrv_set(&vsockdrv, MMIO_STATUS, 0);
		fake_loop_run();
		cr_expect_eq(vdrv_get(&vsockdrv, MMIO_STATUS), 0);
		cr_expect_eq(virtio_inflight(&vsockdrv.t.port), 0);
		close(fd);
		fake_sockets_event();
		vsockdrv_start(64);
		vsockcase_nothing_left();
	}
}

/* ---- ends that come too early -------------------------------------------- */

/* An end that closes with messages unread leaves an error behind, which a
 * SOCK_SEQPACKET tells of before the messages that were sent to us. */
Test(vsock_seqpacket, the_last_one_of_a_host_that_did_not_read_all)
{
	int fd = open_with(1U << 20);

	last_part(0, 100); /* never read */
	host_sends(fd, 0, 6);
	close(fd);
	fake_sockets_event();
	expect_parts(0, 6);
	fake_loop_run();
	cr_expect_eq(vsockdrv_op(), VSOCK_OP_SHUTDOWN);
}

static bool (*perform_before)(const struct io_uring_sqe *sqe, int *res,
			      uint32_t *flags);
static bool hold_questions;

/* As if the completion had found no room in the ring. */
static bool perform_held(const struct io_uring_sqe *sqe, int *res,
			 uint32_t *flags)
{
	if (hold_questions && sqe->opcode == IORING_OP_RECV &&
	    sqe->msg_flags & MSG_TRUNC)
		return false;
	return perform_before(sqe, res, flags);
}

Test(vsock_seqpacket, a_reset_waits_for_a_question)
{
	int fd = open_with(1U << 20);

	perform_before = fake.perform;
	fake.perform = perform_held;
	hold_questions = true;
	cr_assert_eq(send(fd, "abc", 3, MSG_NOSIGNAL), 3);
	fake_sockets.generation++;
	for (unsigned i = 0; i < 4; i++)
		fake_loop_round();
	cr_assert_eq(vsockdrv_vsock.rx.busy, 1);
	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	for (unsigned i = 0; i < 6; i++) {
		cr_expect(vsockdrv.t.active || !vsockdrv_vsock.rx.busy,
			  "answered while it is in flight");
		fake_loop_round();
	}
	hold_questions = false;
	fake_loop_run();
	cr_expect_not(vsockdrv.t.active);
	cr_expect_null(vsockdrv_vsock.port);
	close(fd);
	fake_sockets_event();
}

Test(vsock_seqpacket, a_stop_with_many_answers_before_it)
{
	struct loop_drain *drain = &vsockdrv_vsock.drain;
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr junk = vsockdrv_hdr(5, 6, VSOCK_OP_SHUTDOWN);
	unsigned i;

	vsockdrv_give(150);
	for (i = 0; i < 140; i++)
		vsockdrv_queue(&junk, 0);
	queue(0, 100, VSOCK_SEQ_EOM);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	for (i = 0; i < 20; i++) {
		fake_loop_round();
		if (drain->idle(drain))
			break;
	}
	expect_message(fd, 0, 100);
	close(fd);
}

/* What the guest was told is taken is on its way, whatever becomes of it. */
Test(vsock_seqpacket, a_reset_with_messages_that_wait)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	unsigned sent = fill_up();
	char c;

	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	fake_loop_run();
	expect_all(fd, sent);
	cr_expect_eq(vsockdrv_read(fd, &c, 1), 0);
	close(fd);
	fake_sockets_event();
}

/* Linux resets its devices when it powers off. */
Test(vsock_seqpacket, a_reset_right_behind_the_doorbell)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_SHUTDOWN);

	queue(0, 100, VSOCK_SEQ_EOM);
	hdr.flags = VSOCK_SHUT_BOTH;
	vsockdrv_queue(&hdr, 0);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	fake_loop_run();
	expect_message(fd, 0, 100);
	close(fd);
}

Test(vsock_seqpacket, who_writes_to_a_guest_that_closed_hears_of_it)
{
	int fd = vsockdrv_open(listener, GUEST, HOST);
	unsigned sent = fill_up();

	vsockdrv_shut(GUEST, HOST, VSOCK_SHUT_BOTH);
	cr_expect_eq(send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT), -1);
	cr_expect_eq(errno, EPIPE);
	expect_all(fd, sent);
	close(fd);
}

/* ---- ends ---------------------------------------------------------------- */

Test(vsock_ends, are_found_wherever_they_are)
{
	static struct vsock_ends e;
	uint32_t from = UINT32_MAX - 100000; /* over the wrap, too */

	for (uint32_t len = 1; from - 300000 > 200000 && len <= VSOCK_ENDS;
	     len += len < 200 ? 1 : len / 3) {
		cr_assert_eq(vsock_ends_next(&e, from, VSOCK_ENDS), 0);
		vsock_ends_flip(&e, from + len - 1);
		cr_assert(vsock_ends_at(&e, from + len - 1));
		cr_assert_eq(vsock_ends_next(&e, from, VSOCK_ENDS), len);
		cr_assert_eq(vsock_ends_next(&e, from, len), len);
		cr_assert_eq(vsock_ends_next(&e, from, len - 1), 0);
		vsock_ends_flip(&e, from + len - 1);
		cr_assert_not(vsock_ends_at(&e, from + len - 1));
		from += len;
	}
	cr_expect_lt(from, UINT32_MAX / 2, "over the wrap");
}
