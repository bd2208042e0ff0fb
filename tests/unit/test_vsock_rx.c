// SPDX-License-Identifier: Apache-2.0
/* Bytes for the guest over vsock, and credit. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "monitor/loop_parts.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

TestSuite(vsock_rx, .init = vsockcase_init, .fini = vsockdrv_deinit);

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

Test(vsock_rx, many_bytes_for_the_guest)
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

Test(vsock_rx, no_more_than_the_guest_has_credit_for)
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
Test(vsock_rx, asks_a_guest_without_room_at_its_leisure)
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
	cr_expect_eq(vsockcase_conns(), 1);
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

Test(vsock_rx, waits_for_receive_buffers)
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

Test(vsock_rx, nobody_is_forgotten_when_buffers_are_few)
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

Test(vsock_rx, tells_a_stream_from_answers)
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
Test(vsock_rx, does_not_care_how_a_packet_is_cut)
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

Test(vsock_rx, receive_buffers_cut_anywhere)
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

Test(vsock_rx, counters_wrap)
{
	int listener = vsockdrv_listen(HOST, 8);
	int fd = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_conn *c = vsockcase_conn(GUEST, HOST);
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
