// SPDX-License-Identifier: Apache-2.0
/* A vsock driver that keeps to no rules, and resets. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "monitor/loop_parts.h"
#include "tests/unit/vsockcase.h"
#include "tests/unit/vsockdrv.h"

TestSuite(vsock_hostile, .init = vsockcase_init, .fini = vsockdrv_deinit);

/* ---- bad packets ----------------------------------------------------------
 */

Test(vsock_hostile, packets_that_are_none)
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
	vsockcase_nothing_left();
}

Test(vsock_hostile, a_length_longer_than_the_packet)
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
	vsockcase_nothing_left();
}

/* What is behind a packet's length is not payload, nor was credit given. */
Test(vsock_hostile, a_length_shorter_than_the_packet)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	struct vsock_hdr hdr = vsockdrv_hdr(GUEST, HOST, VSOCK_OP_RW);
	const struct vsock_conn *c = vsockcase_conn(GUEST, HOST);
	uint32_t sent;

	hdr.len = 10;
	/* to one that reads, and to one that does not */
	for (unsigned i = 0; i < 2; i++) {
		sent = i ? vsockcase_fill_up(GUEST) : 0;
		vsockcase_drain(slow, i ? 200000 : 0);
		vsockdrv_queue_more(&hdr, sent, 60000);
		vdrv_kick(&vsockdrv, VSOCK_TX);
		fake_loop_run();
		cr_expect_eq(c->fifo.len, c->credit.got - c->credit.taken);
		vsockdrv_data(GUEST, HOST, sent + 10, 100);
		vsockcase_drain_from(slow, i ? 200000 : 0, sent + 110);
	}
	close(slow);
	close(listener);
}

/* While the guest takes no answers, it sends no more questions. */
Test(vsock_hostile, answers_are_bounded_and_none_is_lost)
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
	vsockcase_nothing_left();
}

/* Does the device want to hear of more receive buffers? (§2.7.10) */
static bool awaits_buffers(void)
{
	const struct vring *rx = &vsockdrv.ring[VSOCK_RX];
	const uint16_t *event = (const void *)&rx->used->ring[rx->at.size];

	return ring_load(event) == rx->avail_idx;
}

/* Answers that found no buffer any more, with nothing else to be done. */
Test(vsock_hostile, asks_for_buffers_when_only_answers_wait)
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
	vsockcase_nothing_left();
}

Test(vsock_hostile, useless_receive_buffers_are_given_back)
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

Test(vsock_hostile, a_reset_ends_all_connections)
{
	int listener = vsockdrv_listen(HOST, 8);
	int slow = vsockdrv_open(listener, GUEST, HOST);
	int other = vsockdrv_open(listener, GUEST + 1, HOST);
	int waiting = vsockdrv_connect();
	struct vsock_hdr hdr;
	char c;

	vsockcase_fill_up(GUEST);
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
	vsockcase_nothing_left();
}

/* With operations in flight, at every moment of a busy exchange. */
Test(vsock_hostile, a_reset_at_any_moment)
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
	vsockcase_nothing_left();
}
