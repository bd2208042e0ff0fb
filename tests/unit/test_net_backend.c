// SPDX-License-Identifier: Apache-2.0
/* The network card over a stream socket, and what it can be connected to. */
#include "devices/virtio_net.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "tests/unit/netdrv.h"

#define LEN 100

TestSuite(net_stream, .init = netdrv_stream, .fini = netdrv_deinit);

/* ---- the peer --------------------------------------------------------------
 */

static void peer_writes(const void *p, size_t len)
{
	cr_assert_eq(send(netdrv_peer, p, len, 0), (ssize_t)len);
}

static size_t frame(uint8_t *p, unsigned seed, uint32_t len)
{
	uint32_t be = htobe32(len);

	memcpy(p, &be, 4);
	netdrv_fill(p + 4, seed, len);
	return 4 + len;
}

static void peer_sends(unsigned seed, uint32_t len)
{
	static uint8_t buf[80000];

	peer_writes(buf, frame(buf, seed, len));
}

/* Everything there is to read, at the end of what is in @buf. */
static size_t peer_gets(uint8_t *buf, size_t have, size_t size)
{
	ssize_t len;

	while (have < size && (len = recv(netdrv_peer, buf + have, size - have,
					  MSG_DONTWAIT)) > 0)
		have += (size_t)len;
	return have;
}

static void expect_frame(unsigned buffer, unsigned seed, uint32_t len)
{
	static const uint8_t plain[NET_HDR] = { [10] = 1 };

	cr_assert_eq(netdrv_take(NET_RX), NET_HDR + len, "frame %u", seed);
	cr_expect_arr_eq(vdrv_at(&netdrv, NETDRV_RX(buffer), NET_HDR), plain,
			 NET_HDR);
	cr_expect(netdrv_is(vdrv_at(&netdrv, NETDRV_RX(buffer) + NET_HDR, len),
			    seed, len),
		  "frame %u", seed);
}

/* ---- receiving -------------------------------------------------------------
 */

Test(net_stream, receives_many_small_frames_at_once)
{
	unsigned before;

	netdrv_start(NET_BASIC);
	netdrv_give(0, 60, 1526);
	netdrv_go(NET_RX);
	before = fake.submitted;
	for (unsigned i = 0; i < 50; i++)
		peer_sends(i, 60 + i);
	fake_loop_run();
	for (unsigned i = 0; i < 50; i++)
		expect_frame(i, i, 60 + i);
	cr_expect_leq(fake.submitted - before, 3);
}

Test(net_stream, receives_what_comes_byte_by_byte)
{
	static uint8_t buf[4000];
	size_t len = frame(buf, 1, 60);

	netdrv_start(NET_BASIC);
	netdrv_give(0, 3, 1526);
	netdrv_go(NET_RX);
	len += frame(buf + len, 2, 1514);
	for (size_t i = 0; i < len; i++) {
		peer_writes(buf + i, 1);
		fake_loop_run();
	}
	expect_frame(0, 1, 60);
	expect_frame(1, 2, 1514);
	cr_expect_eq(netdrv_take(NET_RX), -1);
}

/* However much the kernel hands over at once, and with long frames too. */
Test(net_stream, receives_in_pieces_of_any_size)
{
	static const unsigned pieces[] = { 1,	 3,    7,    100, 2047,
					   2048, 2049, 8191, 0 };

	for (unsigned p = 0; p < 9; p++) {
		netdrv_start(NET_BASIC);
		netdrv_give(0, 256, 4000);
		netdrv_go(NET_RX);
		fake_sockets.short_bytes = pieces[p];
		for (unsigned i = 0; i < 6; i++)
			peer_sends(i, i % 2 ? 3900 : 60);
		peer_sends(6, 65535);
		peer_sends(7, 70);
		fake_loop_run();
		for (unsigned i = 0; i < 6; i++)
			expect_frame(i, i, i % 2 ? 3900 : 60);
		for (unsigned i = 6; i < 22; i++)
			cr_assert_eq(netdrv_take(NET_RX), 4000);
		cr_assert_eq(netdrv_take(NET_RX), 65535 + NET_HDR - 64000);
		cr_expect_eq(*vdrv_at(&netdrv, NETDRV_RX(7), 1),
			     netdrv_byte(6, 4000 - NET_HDR), "piece %u",
			     pieces[p]);
		expect_frame(23, 7, 70);
		fake_sockets.short_bytes = 0;
	}
	cr_expect_eq(netdrv_drops(), 0);
}

Test(net_stream, drops_runts_and_giants_and_keeps_step)
{
	static uint8_t buf[100000];

	netdrv_start(NET_BASIC);
	netdrv_give(0, 3, 1526);
	netdrv_go(NET_RX);
	peer_sends(1, 0);
	peer_sends(1, 13);
	peer_sends(2, 60);
	frame(buf, 3, NET_FRAME_MAX + 1);
	peer_writes(buf, 4 + NET_FRAME_MAX + 1);
	peer_sends(4, 61);
	fake_loop_run();
	expect_frame(0, 2, 60);
	expect_frame(1, 4, 61);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_RUNT], 2);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_GIANT], 1);
}

Test(net_stream, waits_for_buffers)
{
	netdrv_start(NET_BASIC);
	fake_loop_run();
	peer_sends(1, 60);
	peer_sends(2, 3000);
	fake_loop_run();
	netdrv_give(0, 2, 1526);
	netdrv_go(NET_RX);
	expect_frame(0, 1, 60);
	cr_expect_eq(netdrv_take(NET_RX), -1);
	netdrv_give(2, 3, 1526);
	netdrv_go(NET_RX);
	cr_expect_eq(netdrv_take(NET_RX), 1526);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + 3000 - 1526);
	cr_expect_eq(netdrv_drops(), 0);
}

Test(net_stream, without_mrg_rxbuf_long_frames_are_skipped)
{
	netdrv_start(NET_BASIC & ~NET_F_MRG_RXBUF);
	netdrv_give(0, 3, 1526);
	netdrv_go(NET_RX);
	peer_sends(1, 20000);
	peer_sends(2, 1514);
	fake_loop_run();
	expect_frame(0, 2, 1514);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_SHORT_BUFFER], 1);
}

/* ---- sending ---------------------------------------------------------------
 */

Test(net_stream, sends_all_frames_at_hand_in_one_operation)
{
	static uint8_t want[70000], got[70000];
	size_t len = 0;
	unsigned before;

	netdrv_start(NET_BASIC);
	for (unsigned i = 0; i < 40; i++) {
		netdrv_send(i, 60 + i);
		len += frame(want + len, i, 60 + i);
	}
	before = fake.submitted;
	netdrv_go(NET_TX);
	cr_expect_eq(peer_gets(got, 0, sizeof(got)), len);
	cr_expect_arr_eq(got, want, len);
	cr_expect_eq(fake.submitted - before, 1);
	for (unsigned i = 0; i < 40; i++)
		cr_expect_eq(netdrv_take(NET_TX), 0);
}

Test(net_stream, sends_in_pieces_of_any_size)
{
	static uint8_t want[200000], got[200000];

	for (unsigned piece = 1; piece < 5000; piece = piece * 3 + 1) {
		size_t len = 0, have = 0;

		netdrv_start(NET_BASIC);
		fake_sockets.short_bytes = piece;
		for (unsigned i = 0; i < 70; i++) {
			netdrv_send(i, i % 7 ? 60 : 1514);
			len += frame(want + len, i, i % 7 ? 60 : 1514);
		}
		netdrv_go(NET_TX);
		for (unsigned i = 0; i < 1000 && have < len; i++) {
			have = peer_gets(got, have, sizeof(got));
			fake_loop_run();
		}
		cr_assert_eq(have, len, "piece %u", piece);
		cr_assert_arr_eq(got, want, len);
		for (unsigned i = 0; i < 70; i++)
			cr_assert_eq(netdrv_take(NET_TX), 0);
	}
}

/* The header in ranges of its own, of any length. */
Test(net_stream, cuts_the_header_off_wherever_it_ends)
{
	static uint8_t want[200], got[400];

	netdrv_start(NET_BASIC);
	for (uint32_t cut = 1; cut < NET_HDR + LEN; cut++) {
		struct vseg seg[] = { { NETDRV_TX, cut },
				      { NETDRV_TX + 0x1000,
					NET_HDR + LEN - cut } };
		uint8_t all[NET_HDR + LEN] = { 0 };

		netdrv_fill(all + NET_HDR, cut, LEN);
		memcpy(vdrv_at(&netdrv, seg[0].addr, cut), all, cut);
		memcpy(vdrv_at(&netdrv, seg[1].addr, sizeof(all) - cut),
		       all + cut, sizeof(all) - cut);
		vring_add(&netdrv.ring[NET_TX], seg, 2, 0);
		netdrv_go(NET_TX);
		frame(want, cut, LEN);
		cr_assert_eq(peer_gets(got, 0, sizeof(got)), 4 + LEN);
		cr_assert_arr_eq(got, want, 4 + LEN, "cut %u", cut);
	}
}

/* ---- resets ----------------------------------------------------------------
 */

/* Wherever the guest is reset, the stream goes on with whole frames. */
Test(net_stream, a_reset_leaves_no_half_frame_behind)
{
	static uint8_t got[70000];

	for (unsigned stop = 1; stop < 700; stop += 13) {
		size_t have, at;
		unsigned seed = 0;

		netdrv_start(NET_BASIC);
		for (unsigned i = 0; i < 5; i++)
			netdrv_send(i, 60 + i);
		/* the first piece is sent, the rest hangs */
		fake_sockets.short_bytes = stop;
		vdrv_kick(&netdrv, NET_TX);
		fake_loop_round();
		fake_sockets.fail_op = IORING_OP_SENDMSG;
		fake_sockets.fail_res = -EAGAIN;
		vdrv_set(&netdrv, MMIO_STATUS, 0);
		cr_assert_eq(vdrv_get(&netdrv, MMIO_STATUS), 0);
		fake_sockets.fail_op = 0;
		netdrv_start(NET_BASIC);
		netdrv_send(77, 60);
		netdrv_go(NET_TX);
		for (have = 0, at = 0; at != have || !have;) {
			have = peer_gets(got, have, sizeof(got));
			fake_loop_run();
			if (have == peer_gets(got, have, sizeof(got)))
				break;
		}
		while (at < have) {
			uint32_t len;

			memcpy(&len, got + at, 4);
			len = be32toh(len);
			if (netdrv_byte(77, 0) == got[at + 4])
				seed = 77;
			cr_assert(netdrv_is(got + at + 4, seed, len),
				  "stop %u frame %u", stop, seed);
			at += 4 + len;
			seed++;
		}
		cr_assert_eq(at, have, "stop %u", stop);
		cr_assert_eq(seed, 78, "stop %u", stop);
		fake_sockets.short_bytes = 0;
	}
}

Test(net_stream, a_reset_while_a_frame_comes)
{
	static uint8_t buf[20000];
	size_t len = frame(buf, 1, 9000);

	for (size_t cut = 1; cut < len; cut += 97) {
		netdrv_start(NET_BASIC);
		netdrv_give(0, 8, 1526);
		netdrv_go(NET_RX);
		peer_writes(buf, cut);
		fake_loop_run();
		vdrv_set(&netdrv, MMIO_STATUS, 0);
		cr_assert_eq(vdrv_get(&netdrv, MMIO_STATUS), 0);
		cr_assert_eq(virtio_inflight(&netdrv.t.port), 0);
		peer_writes(buf + cut, len - cut);
		peer_sends(2, 60);
		netdrv_start(NET_BASIC);
		netdrv_give(0, 8, 1526);
		netdrv_go(NET_RX);
		/* the frame came whole if its length alone had been read */
		if (netdrv_net.stats.rx_frames == 2)
			for (unsigned i = 0; i < 6; i++)
				cr_assert_gt(netdrv_take(NET_RX), 0);
		cr_assert_eq(netdrv_take(NET_RX), NET_HDR + 60, "cut %zu", cut);
		netdrv_net.stats.rx_frames = 0;
	}
}

/* ---- the peer goes ---------------------------------------------------------
 */

Test(net_stream, the_link_is_down_when_the_peer_goes)
{
	netdrv_start(NET_BASIC);
	netdrv_give(0, 8, 1526);
	netdrv_go(NET_RX);
	close(netdrv_peer);
	netdrv_peer = -1;
	fake_loop_run();
	cr_expect_not(atomic_load(&netdrv_net.link_up));
	cr_expect(vdrv_get(&netdrv, MMIO_INTERRUPT_STATUS) &
		  VIRTIO_INTERRUPT_CONFIG);
	netdrv_send(1, 60);
	netdrv_go(NET_TX);
	cr_expect_eq(netdrv_take(NET_TX), 0);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_NO_LINK], 1);
	vdrv_set(&netdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_get(&netdrv, MMIO_STATUS), 0);
}

Test(net_stream, a_peer_that_goes_while_we_send)
{
	netdrv_start(NET_BASIC);
	for (unsigned i = 0; i < 250; i++)
		netdrv_send(i, 1514);
	netdrv_go(NET_TX);
	cr_expect_gt(virtio_inflight(&netdrv.t.port), 0);
	close(netdrv_peer);
	netdrv_peer = -1;
	fake_loop_run();
	cr_expect_not(atomic_load(&netdrv_net.link_up));
	for (unsigned i = 0; i < 250; i++)
		cr_assert_eq(netdrv_take(NET_TX), 0, "frame %u", i);
}

/* passt would end the connection over it. */
Test(net_stream, sends_no_frame_that_passt_hangs_up_for)
{
	uint8_t head[4];

	netdrv_start(NET_BASIC);
	netdrv_send(1, NET_STREAM_FRAME_MAX + 1);
	netdrv_go(NET_TX);
	cr_expect_eq(recv(netdrv_peer, head, 4, MSG_DONTWAIT), -1);
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_TX_GIANT], 1);
	netdrv_send(1, NET_STREAM_FRAME_MAX);
	netdrv_go(NET_TX);
	cr_expect_eq(recv(netdrv_peer, head, 4, MSG_DONTWAIT), 4);
}

Test(net_stream, want_of_memory_is_not_the_peers_end)
{
	uint8_t head[4];

	netdrv_start(NET_BASIC);
	fake_sockets.fail_op = IORING_OP_SENDMSG;
	fake_sockets.fail_res = -ENOBUFS;
	netdrv_send(1, 100);
	vdrv_kick(&netdrv, NET_TX);
	fake_loop_round();
	fake_sockets.fail_op = 0;
	fake_loop_run();
	cr_expect(netdrv_net.link_up);
	cr_expect_eq(recv(netdrv_peer, head, 4, MSG_DONTWAIT), 4);
}

/* Between FEATURES_OK and the I/O thread's activation. */
Test(net_stream, tells_of_a_link_that_changed_before_it_was_active)
{
	vdrv_negotiate(&netdrv, NET_BASIC);
	vdrv_queue(&netdrv, 0, 256);
	vdrv_queue(&netdrv, 1, 256);
	virtio_net_set_link(&netdrv_net, false);
	vdrv_set(&netdrv, MMIO_STATUS,
		 VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
			 VIRTIO_DRIVER_OK);
	/* the driver looks at once */
	cr_expect_eq(vdrv_read(&netdrv, MMIO_CONFIG + 6, 2), NET_S_LINK_UP);
	fake_loop_run();
	cr_expect_eq(vdrv_read(&netdrv, MMIO_CONFIG + 6, 2), 0);
	cr_expect(vdrv_get(&netdrv, MMIO_INTERRUPT_STATUS) &
			  VIRTIO_INTERRUPT_CONFIG,
		  "nobody tells it to look again");
}

/* ---- opening ---------------------------------------------------------------
 */

static char dir[] = "/tmp/mote-net-XXXXXX";
static char path[100];
static int listener = -1;

static int listen_at(const char *at)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, at);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(fd, 4), 0);
	return fd;
}

static void init_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	fake_loop_on(0);
	fake_sockets_on();
	memset(&netdrv_net, 0, sizeof(netdrv_net));
}

static void remove_dir(void)
{
	if (listener >= 0)
		close(listener);
	unlink(path);
	rmdir(dir);
	fake_sockets_off();
	fake_loop_off();
}

TestSuite(net_backend, .init = init_dir, .fini = remove_dir);

Test(net_backend, connects_again_when_the_peer_is_back)
{
	struct config_net cfg = { .fd = -1, .passt = path };
	struct err e = { 0 };
	uint8_t buf[100];
	int first;

	listener = listen_at(path);
	cr_assert_eq(virtio_net_open(&netdrv_net, &cfg, loop_get(), &e), 0,
		     "%s", e.msg);
	first = accept(listener, NULL, NULL);
	vdrv_init(&netdrv, &virtio_net_ops, &netdrv_net);
	netdrv_start(NET_BASIC);
	netdrv_give(0, 8, 1526);
	netdrv_go(NET_RX);
	close(first);
	close(listener);
	unlink(path);
	fake_loop_run();
	cr_expect_not(atomic_load(&netdrv_net.link_up));
	/* nobody there; it keeps trying */
	for (unsigned i = 0; i < 3; i++) {
		fake_sockets.time_out = true;
		fake_loop_round();
		fake_sockets.time_out = false;
		fake_loop_run();
		cr_expect_not(atomic_load(&netdrv_net.link_up));
	}
	listener = listen_at(path);
	fake_sockets.time_out = true;
	fake_loop_round();
	fake_sockets.time_out = false;
	fake_loop_run();
	cr_expect(atomic_load(&netdrv_net.link_up));
	netdrv_peer = accept(listener, NULL, NULL);
	peer_sends(1, 60);
	fake_loop_run();
	expect_frame(0, 1, 60);
	netdrv_send(2, 60);
	netdrv_go(NET_TX);
	cr_expect_eq(peer_gets(buf, 0, sizeof(buf)), 64);
	vdrv_deinit(&netdrv);
	close(netdrv_peer);
	close(netdrv_net.fd);
}

Test(net_backend, offers_a_stream_no_offloads)
{
	struct config_net cfg = { .mtu = 1400 };
	struct err e = { 0 };
	struct net_config c;
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	cfg.fd = pair[0];
	cr_assert_eq(virtio_net_open(&netdrv_net, &cfg, loop_get(), &e), 0,
		     "%s", e.msg);
	cr_expect_eq(virtio_net_ops.features(&netdrv_net),
		     NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF | NET_F_MTU);
	virtio_net_ops.config_get(&netdrv_net, 0, &c);
	cr_expect_eq(c.mtu, 1400);
	cr_expect_eq(c.mac[0] & 3, 2, "random: local, and not a group's");
	cr_expect_eq(fcntl(pair[0], F_GETFD), FD_CLOEXEC);
	close(pair[0]);
	close(pair[1]);
}

Test(net_backend, no_two_random_addresses_are_the_same)
{
	struct config_net cfg = { 0 };
	struct err e = { 0 };
	uint8_t seen[8][6];
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	cfg.fd = pair[0];
	for (unsigned i = 0; i < 8; i++) {
		memset(&netdrv_net, 0, sizeof(netdrv_net));
		cr_assert_eq(virtio_net_open(&netdrv_net, &cfg, loop_get(), &e),
			     0);
		memcpy(seen[i], netdrv_net.mac, 6);
		for (unsigned k = 0; k < i; k++)
			cr_expect_arr_neq(seen[k], seen[i], 6);
	}
	close(pair[0]);
	close(pair[1]);
}

static int open_with(struct config_net cfg, struct err *e)
{
	memset(&netdrv_net, 0, sizeof(netdrv_net));
	return virtio_net_open(&netdrv_net, &cfg, loop_get(), e);
}

Test(net_backend, says_what_it_cannot_be_connected_to)
{
	char plain[120], longer[200];
	struct err e;
	int fd, pair[2];

	cr_expect_lt(open_with((struct config_net){ .fd = 999 }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "no such descriptor"), "%s", e.msg);

	snprintf(plain, sizeof(plain), "%s/f", dir);
	fd = open(plain, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_expect_lt(open_with((struct config_net){ .fd = fd }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "neither a TAP nor"), "%s", e.msg);
	close(fd);
	unlink(plain);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	cr_expect_lt(open_with((struct config_net){ .fd = pair[0] }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "no connected stream"), "%s", e.msg);
	close(pair[0]);
	close(pair[1]);

	/* neither connected nor listening, then listening; and one whose
	 * peer has gone */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_expect_lt(open_with((struct config_net){ .fd = fd }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "no connected stream"), "%s", e.msg);
	close(fd);
	fd = listen_at(path);
	cr_expect_lt(open_with((struct config_net){ .fd = fd }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "no connected stream"), "%s", e.msg);
	close(fd);
	unlink(path);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[1]);
	cr_expect_lt(open_with((struct config_net){ .fd = pair[0] }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "no connected stream"), "%s", e.msg);
	close(pair[0]);

	cr_expect_lt(
		open_with((struct config_net){ .fd = -1, .passt = path }, &e),
		0);
	cr_expect_not_null(strstr(e.msg, "no passt at"), "%s", e.msg);
	cr_expect_lt(
		open_with((struct config_net){ .fd = -1, .passt = "/" }, &e),
		0);
	cr_expect_not_null(strstr(e.msg, "not a socket"), "%s", e.msg);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_lt(
		open_with((struct config_net){ .fd = -1, .passt = longer }, &e),
		0);
	cr_expect_not_null(strstr(e.msg, "at most 107"), "%s", e.msg);
}

Test(net_backend, says_how_to_get_passt)
{
	struct err e;

	setenv("PATH", dir, 1);
	cr_expect_lt(
		open_with((struct config_net){ .fd = -1, .passt = "" }, &e), 0);
	cr_expect_not_null(strstr(e.msg, "apt install passt"), "%s", e.msg);
}

/* What a passt that mote starts finds, as the kernel says it. */
static void start_reporter(char report[4000])
{
	static const char script[] =
		"#!/bin/sh\nexec grep ^Sig /proc/self/status >&3\n";
	char name[120];
	struct err e = { 0 };
	ssize_t n, len = 0;
	int fd;

	snprintf(name, sizeof(name), "%s/passt", dir);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	cr_assert_eq(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close(fd);
	setenv("PATH", dir, 1);
	cr_assert_eq(
		open_with((struct config_net){ .fd = -1, .passt = "" }, &e), 0,
		"%s", e.msg);
	while ((n = read(netdrv_net.fd, report + len, 3999 - (size_t)len)) > 0)
		len += n;
	report[len] = '\0';
	close(netdrv_net.fd);
	unlink(name);
}

Test(net_backend, starts_passt_with_the_usual_signals)
{
	char report[4000];
	unsigned long ignored;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	start_reporter(report);
	cr_expect_not_null(strstr(report, "SigBlk:\t0000000000000000"), "%s",
			   report);
	cr_assert_not_null(strstr(report, "SigIgn:"));
	ignored = strtoul(strstr(report, "SigIgn:") + 7, NULL, 16);
	cr_expect_not(ignored & (1UL << (SIGPIPE - 1) | 1UL << (SIGXFSZ - 1)));
	cr_expect(ignored & 1UL << (SIGHUP - 1), "nohup's, not ours");
}

Test(net_backend, does_not_wait_for_a_passt_that_accepts_nobody)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct err e = { 0 };
	int fd;

	listener = listen_at(path);
	strcpy(addr.sun_path, path);
	do
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0);
	while (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	alarm(60); /* ends what hangs */
	cr_expect_eq(
		open_with((struct config_net){ .fd = -1, .passt = path }, &e),
		-EAGAIN);
	cr_expect_not_null(strstr(e.msg, "no more connections"), "%s", e.msg);
	alarm(0);
	accept(listener, NULL, NULL);
	cr_assert_eq(
		open_with((struct config_net){ .fd = -1, .passt = path }, &e),
		0, "%s", e.msg);
	cr_expect_not(fcntl(netdrv_net.fd, F_GETFL) & O_NONBLOCK);
}

Test(net_backend, starts_no_passt_in_a_dry_run)
{
	static const struct config_net own = { .fd = -1, .passt = "" };
	char name[120], path_of_all[200];
	struct err e = { 0 };
	int fd;

	setenv("PATH", dir, 1);
	memset(&netdrv_net, 0, sizeof(netdrv_net));
	netdrv_net.dry_run = true;
	cr_expect_lt(virtio_net_open(&netdrv_net, &own, loop_get(), &e), 0);
	cr_expect_not_null(strstr(e.msg, "apt install passt"), "%s", e.msg);

	/* it could not even be started: no program, and no script */
	snprintf(name, sizeof(name), "%s/passt", dir);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	close(fd);
	snprintf(path_of_all, sizeof(path_of_all), "/nowhere:%s", dir);
	setenv("PATH", path_of_all, 1);
	cr_expect_eq(virtio_net_open(&netdrv_net, &own, loop_get(), &e), 0,
		     "%s", e.msg);
	close(netdrv_net.fd);
	unlink(name);
}
