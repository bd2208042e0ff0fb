// SPDX-License-Identifier: Apache-2.0
/* The network card over a descriptor that keeps frames apart, as a TAP does. */
#include "devices/virtio_net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/log.h"
#include "tests/unit/capture.h"
#include "tests/unit/netdrv.h"

#define LEN 100

static void init_tap(void)
{
	netdrv_tap(true);
}

TestSuite(virtio_net, .init = init_tap, .fini = netdrv_deinit);

/* A frame with its header, as the TAP's reader finds it. */
static void peer_sends(unsigned seed, uint32_t len)
{
	static uint8_t buf[NET_HDR + 80000];

	/* the TAP writes ten bytes of the header, the last two are ours */
	memset(buf, 0x5a, NET_HDR);
	netdrv_fill(buf + NET_HDR, seed, len);
	cr_assert_eq(send(netdrv_peer, buf, NET_HDR + len, 0),
		     (ssize_t)(NET_HDR + len));
}

static void expect_hdr(gpa_t at, uint16_t buffers)
{
	const uint8_t *h = vdrv_at(&netdrv, at, NET_HDR);

	cr_expect_eq(h[0], 0, "flags without GUEST_CSUM");
	for (unsigned i = 1; i < 10; i++)
		cr_expect_eq(h[i], 0x5a, "byte %u", i);
	cr_expect_eq(h[10] | h[11] << 8, buffers);
}

/* ---- what it says of itself ---------------------------------------------- */

static struct net_config config(void)
{
	struct net_config c;

	/* by the byte, as OSv does */
	for (unsigned i = 0; i < sizeof(c); i++)
		((uint8_t *)&c)[i] =
			(uint8_t)vdrv_read(&netdrv, MMIO_CONFIG + i, 1);
	return c;
}

Test(virtio_net, tells_its_address_and_link)
{
	struct net_config c = config();

	cr_expect_eq(vdrv_get(&netdrv, MMIO_DEVICE_ID), 1);
	cr_expect_arr_eq(c.mac, netdrv_net.mac, 6);
	cr_expect_eq(c.status, NET_S_LINK_UP);
	cr_expect_eq(c.max_virtqueue_pairs, 1);
	cr_expect_eq(c.mtu, 0);
}

Test(virtio_net, link_changes_interrupt_the_driver)
{
	uint32_t generation;

	netdrv_start(NET_BASIC);
	generation = vdrv_get(&netdrv, MMIO_CONFIG_GENERATION);
	virtio_net_set_link(&netdrv_net, false);
	cr_expect_eq(vdrv_get(&netdrv, MMIO_INTERRUPT_STATUS),
		     VIRTIO_INTERRUPT_CONFIG);
	cr_expect_neq(vdrv_get(&netdrv, MMIO_CONFIG_GENERATION), generation);
	cr_expect_eq(config().status, 0);
	netdrv.raised = 0;
	virtio_net_set_link(&netdrv_net, false);
	cr_expect_eq(netdrv.raised, 0, "no news, no interrupt");
	virtio_net_set_link(&netdrv_net, true);
	cr_expect_eq(config().status, NET_S_LINK_UP);
	cr_expect_eq(netdrv.raised, 1);
}

/* ---- receiving ----------------------------------------------------------- */

Test(virtio_net, receives_a_frame_with_its_header)
{
	netdrv_start(NET_BASIC);
	netdrv_give(0, 4, 1526);
	netdrv_go(NET_RX);
	peer_sends(1, LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	expect_hdr(NETDRV_RX(0), 1);
	cr_expect(netdrv_is(vdrv_at(&netdrv, NETDRV_RX(0) + NET_HDR, LEN), 1,
			    LEN));
	cr_expect_eq(netdrv_take(NET_RX), -1);
	cr_expect_eq(netdrv_net.stats.rx_frames, 1);
}

Test(virtio_net, one_interrupt_for_many_frames)
{
	netdrv_start(NET_BASIC); /* used_event: 0, the first of them */
	netdrv_give(0, 100, 1526);
	netdrv_go(NET_RX);
	netdrv.raised = 0;
	for (unsigned i = 0; i < 10; i++)
		peer_sends(i, LEN);
	fake_sockets_event();
	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_eq(netdrv.raised, 1);
}

/* Every length around a buffer's end, with 20-byte buffers. */
Test(virtio_net, spreads_a_frame_over_buffers)
{
	netdrv_start(NET_BASIC);
	for (uint32_t len = NET_FRAME_MIN; len < 150; len++) {
		uint32_t total = NET_HDR + len;
		unsigned want = (total + 19) / 20;
		static uint8_t all[400];

		netdrv_give(0, 9, 20);
		peer_sends(len, len);
		netdrv_go(NET_RX);
		fake_sockets_event();
		for (unsigned i = 0; i < want; i++) {
			uint32_t part =
				total < 20 * (i + 1) ? total - 20 * i : 20;

			cr_assert_eq(netdrv_take(NET_RX), part,
				     "len %u buffer %u", len, i);
			memcpy(all + 20 * i, vdrv_at(&netdrv, NETDRV_RX(i), 20),
			       20);
		}
		cr_expect_eq(netdrv_take(NET_RX), -1);
		cr_expect_eq(all[10] | all[11] << 8, want);
		cr_assert(netdrv_is(all + NET_HDR, len, len), "len %u", len);
		/* start anew, so that buffer 0 is the first again */
		netdrv_start(NET_BASIC);
	}
}

/* A frame longer than what was offered: its tail takes the other way. */
Test(virtio_net, cuts_nothing_off)
{
	static uint8_t all[70000];

	netdrv_start(NET_BASIC);
	netdrv_give(0, 80, 1000);
	netdrv_go(NET_RX);
	for (unsigned round = 0; round < 3; round++) {
		uint32_t len = 25000;
		size_t at = 0;

		peer_sends(round, len);
		fake_sockets_event();
		for (unsigned i = 0; i < 26; i++) {
			int64_t got = netdrv_take(NET_RX);

			cr_assert_gt(got, 0);
			memcpy(all + at,
			       vdrv_at(&netdrv, NETDRV_RX(26 * round + i),
				       (uint64_t)got),
			       (size_t)got);
			at += (size_t)got;
		}
		cr_expect_eq(at, NET_HDR + len);
		cr_expect(netdrv_is(all + NET_HDR, round, len));
		expect_hdr(NETDRV_RX(26 * round), 26);
	}
	cr_expect_eq(netdrv_drops(), 0);
}

Test(virtio_net, waits_for_buffers)
{
	netdrv_start(NET_BASIC);
	peer_sends(7, LEN);
	peer_sends(8, 3000);
	fake_sockets_event();
	cr_expect_eq(netdrv_net.stats.rx_frames, 0);
	netdrv_give(0, 2, 1526);
	netdrv_go(NET_RX);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_eq(netdrv_take(NET_RX), -1, "half a frame is none");
	netdrv_give(2, 3, 1526);
	netdrv_go(NET_RX);
	cr_expect_eq(netdrv_take(NET_RX), 1526);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + 3000 - 1526);
	expect_hdr(NETDRV_RX(1), 2);
	cr_expect_eq(*vdrv_at(&netdrv, NETDRV_RX(2), 1),
		     netdrv_byte(8, 1526 - NET_HDR));
	cr_expect_eq(netdrv_drops(), 0);
}

Test(virtio_net, asks_for_a_kick_only_when_it_needs_one)
{
	struct vring *v = &netdrv.ring[NET_RX];
	const uint16_t *avail_event;

	netdrv_start(NET_BASIC);
	avail_event = &((uint16_t *)v->used->ring)[4 * v->at.size];
	netdrv_give(0, 10, 1526);
	netdrv_go(NET_RX);
	for (unsigned i = 0; i < 9; i++)
		peer_sends(i, LEN);
	fake_sockets_event();
	cr_expect_eq(*avail_event, 0, "ten buffers were enough for nine");
	peer_sends(9, LEN);
	peer_sends(10, LEN);
	fake_sockets_event();
	cr_expect_eq(*avail_event, 10);
}

Test(virtio_net, without_mrg_rxbuf_a_frame_has_one_buffer)
{
	netdrv_start(NET_BASIC & ~NET_F_MRG_RXBUF);
	netdrv_give(0, 2, NET_HDR + LEN);
	netdrv_go(NET_RX);
	peer_sends(1, LEN + 1);
	peer_sends(2, LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_SHORT_BUFFER], 1);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	expect_hdr(NETDRV_RX(0), 1);
	cr_expect(netdrv_is(vdrv_at(&netdrv, NETDRV_RX(0) + NET_HDR, LEN), 2,
			    LEN));
	cr_expect_eq(netdrv_take(NET_RX), -1);
}

Test(virtio_net, drops_what_all_buffers_together_cannot_hold)
{
	netdrv_start(NET_BASIC);
	netdrv_give(0, 256, 20);
	netdrv_go(NET_RX);
	peer_sends(1, 256 * 20);
	peer_sends(2, LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_NO_ROOM], 1);
	cr_expect_eq(netdrv_net.stats.rx_frames, 1);
}

Test(virtio_net, says_at_the_end_what_became_of_frames)
{
	int fd = capture_open(), saved;
	const char *said;

	netdrv_start(NET_BASIC & ~NET_F_MRG_RXBUF);
	netdrv_give(0, 3, NET_HDR + LEN);
	netdrv_go(NET_RX);
	for (unsigned i = 0; i < 5; i++)
		peer_sends(i, i < 3 ? LEN + 1 : LEN);
	fake_sockets_event();
	saved = capture_stderr(fd);
	log_set_level(LOG_INFO);
	virtio_net_report(&netdrv_net, 2);
	log_set_level(LOG_WARN);
	said = capture_stderr_end(fd, saved);
	cr_expect_str_eq(
		said,
		"mote: virtio-net: network 2: 0 frames sent, 2 received\n"
		"mote: virtio-net: network 2: 3 frames dropped: received into "
		"too small a buffer\n");
}

/* A driver that gives a buffer and rings, for ever, and never enough. */
Test(virtio_net, does_not_wait_for_ever_for_one_frame)
{
	netdrv_start(NET_BASIC);
	peer_sends(1, 9000);
	peer_sends(2, LEN);
	fake_sockets_event();
	for (unsigned i = 0; i < 100; i++) {
		netdrv_give(i, i + 1, 40);
		netdrv_go(NET_RX);
	}
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_NO_ROOM], 1);
	cr_expect_eq(netdrv_net.stats.rx_frames, 1);
}

Test(virtio_net, gives_useless_receive_buffers_back)
{
	struct vseg none[] = { { NETDRV_RX(0), 100 } };

	netdrv_start(NET_BASIC);
	netdrv_give(0, 1, NET_HDR - 1);
	vring_add(&netdrv.ring[NET_RX], none, 1, 0); /* not writable */
	netdrv_give(1, 2, 1526);
	netdrv_go(NET_RX);
	peer_sends(1, LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_take(NET_RX), 0);
	cr_expect_eq(netdrv_take(NET_RX), 0);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_SHORT_BUFFER], 2);
}

Test(virtio_net, drops_runts_and_giants_from_the_back_end)
{
	netdrv_start(NET_BASIC);
	netdrv_give(0, 80, 1526);
	netdrv_go(NET_RX);
	peer_sends(1, NET_FRAME_MIN - 1);
	peer_sends(1, NET_FRAME_MAX + 1);
	peer_sends(2, NET_FRAME_MIN);
	fake_sockets_event();
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_RUNT], 1);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_GIANT], 1);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + NET_FRAME_MIN);
}

/* ---- sending ------------------------------------------------------------- */

static ssize_t peer_gets(uint8_t *buf, size_t size)
{
	ssize_t len = recv(netdrv_peer, buf, size, MSG_DONTWAIT);

	return len < 0 ? -errno : len;
}

Test(virtio_net, sends_frames_with_their_headers)
{
	static uint8_t buf[70000];
	static const uint32_t lens[] = { NET_FRAME_MIN, 60, 1514, 65000 };

	netdrv_start(NET_BASIC);
	for (unsigned i = 0; i < 4; i++)
		netdrv_send(i, lens[i]);
	netdrv_go(NET_TX);
	for (unsigned i = 0; i < 4; i++) {
		cr_expect_eq(peer_gets(buf, sizeof(buf)), NET_HDR + lens[i]);
		cr_expect(netdrv_is(buf + NET_HDR, i, lens[i]), "frame %u", i);
		cr_expect_eq(netdrv_take(NET_TX), 0);
	}
	cr_expect_eq(netdrv_net.stats.tx_frames, 4);
}

Test(virtio_net, does_not_care_how_a_frame_is_cut)
{
	uint8_t buf[200];

	netdrv_start(NET_BASIC);
	for (uint32_t cut = 1; cut < NET_HDR + LEN; cut++) {
		/* apart, so that they are not merged */
		struct vseg seg[] = { { NETDRV_TX, cut },
				      { NETDRV_TX + 0x1000,
					NET_HDR + LEN - cut } };
		uint8_t all[NET_HDR + LEN];

		memset(all, 0x77, NET_HDR);
		netdrv_fill(all + NET_HDR, cut, LEN);
		memcpy(vdrv_at(&netdrv, seg[0].addr, cut), all, cut);
		memcpy(vdrv_at(&netdrv, seg[1].addr, sizeof(all) - cut),
		       all + cut, sizeof(all) - cut);
		vring_add(&netdrv.ring[NET_TX], seg, 2, 0);
		netdrv_go(NET_TX);
		cr_assert_eq(peer_gets(buf, sizeof(buf)), sizeof(all));
		cr_assert_arr_eq(buf, all, sizeof(all), "cut %u", cut);
		cr_assert_eq(netdrv_take(NET_TX), 0);
	}
}

Test(virtio_net, drops_runts_and_giants_from_the_guest)
{
	static const uint32_t lens[] = { 1, NET_HDR, NET_HDR + 13,
					 NET_HDR + NET_FRAME_MAX + 1, 0xf0000 };
	uint8_t buf[100];

	netdrv_start(NET_BASIC);
	for (unsigned i = 0; i < 5; i++) {
		struct vseg seg = { NETDRV_TX, lens[i] };

		vring_add(&netdrv.ring[NET_TX], &seg, 1, 0);
	}
	netdrv_go(NET_TX);
	for (unsigned i = 0; i < 5; i++)
		cr_expect_eq(netdrv_take(NET_TX), 0);
	cr_expect_eq(peer_gets(buf, sizeof(buf)), -EAGAIN);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_RUNT], 3);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_GIANT], 2);
}

Test(virtio_net, a_full_back_end_holds_frames_back_in_order)
{
	static uint8_t buf[2000];
	unsigned seen = 0, taken = 0;

	netdrv_start(NET_BASIC);
	for (unsigned i = 0; i < 200; i++)
		netdrv_send(i, 1514);
	netdrv_go(NET_TX);
	while (netdrv_take(NET_TX) == 0)
		taken++;
	cr_expect_lt(taken, 200, "the socket is full");
	for (unsigned i = 0; i < 1000 && seen < 200; i++) {
		if (peer_gets(buf, sizeof(buf)) == NET_HDR + 1514) {
			cr_assert(netdrv_is(buf + NET_HDR, seen, 1514));
			seen++;
		}
		fake_loop_run();
	}
	cr_expect_eq(seen, 200);
	while (netdrv_take(NET_TX) == 0)
		taken++;
	cr_expect_eq(taken, 200);
	cr_expect_eq(netdrv_drops(), 0);
}

Test(virtio_net, a_reset_takes_back_what_waits)
{
	netdrv_start(NET_BASIC);
	netdrv_give(0, 20, 100);
	netdrv_go(NET_RX);
	for (unsigned i = 0; i < 200; i++)
		netdrv_send(i, 1514);
	netdrv_go(NET_TX);
	peer_sends(1, 10000);
	fake_sockets_event();
	cr_expect_gt(virtio_inflight(&netdrv.t.port), 0);
	vdrv_set(&netdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_get(&netdrv, MMIO_STATUS), 0);
	cr_expect_null(netdrv_net.port);
	/* and it works again */
	netdrv_start(NET_BASIC);
	netdrv_give(0, 1, 1526);
	netdrv_go(NET_RX);
	peer_sends(3, LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
}

Test(virtio_net, frames_without_a_link_are_dropped)
{
	netdrv_start(NET_BASIC);
	virtio_net_set_link(&netdrv_net, false);
	for (unsigned i = 0; i < 10; i++)
		netdrv_send(i, LEN);
	netdrv_go(NET_TX);
	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(netdrv_take(NET_TX), 0);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_NO_LINK], 10);
}

/* More frames than one turn's share: others get their turn in between. */
Test(virtio_net, a_flood_does_not_keep_the_thread)
{
	unsigned rounds;

	netdrv_start(NET_BASIC);
	virtio_net_set_link(&netdrv_net, false);
	for (unsigned i = 0; i < 256; i++)
		netdrv_send(i, LEN);
	rounds = fake.rounds;
	netdrv_go(NET_TX);
	cr_expect_gt(fake.rounds - rounds, 1);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_NO_LINK], 256);
}

/* ---- a TAP without a virtio_net_hdr -------------------------------------- */

static void init_bare(void)
{
	netdrv_tap(false);
}

TestSuite(virtio_net_bare, .init = init_bare, .fini = netdrv_deinit);

Test(virtio_net_bare, the_header_is_ours)
{
	static const uint8_t plain[NET_HDR] = { [10] = 1 };
	uint8_t buf[2000];

	netdrv_start(NET_BASIC);
	netdrv_give(0, 4, 1526);
	netdrv_go(NET_RX);
	netdrv_fill(buf, 5, LEN);
	cr_assert_eq(send(netdrv_peer, buf, LEN, 0), LEN);
	fake_sockets_event();
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_arr_eq(vdrv_at(&netdrv, NETDRV_RX(0), NET_HDR), plain,
			 NET_HDR);
	cr_expect(netdrv_is(vdrv_at(&netdrv, NETDRV_RX(0) + NET_HDR, LEN), 5,
			    LEN));
	netdrv_send(6, 1000);
	netdrv_go(NET_TX);
	cr_expect_eq(peer_gets(buf, sizeof(buf)), 1000);
	cr_expect(netdrv_is(buf, 6, 1000));
}
