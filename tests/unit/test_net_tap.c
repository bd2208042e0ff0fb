// SPDX-License-Identifier: Apache-2.0
/* The network card over what only a TAP does: offloads, errors, its end. */
#include "devices/virtio_net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "tests/unit/capture.h"
#include "tests/unit/netdrv.h"

#define LEN 100

static void init_tap(void)
{
	netdrv_tap(true);
}

TestSuite(net_tap, .init = init_tap, .fini = netdrv_deinit);

static void peer_sends(uint8_t flags, uint8_t gso_type)
{
	uint8_t buf[NET_HDR + LEN] = { flags, gso_type };

	cr_assert_eq(send(netdrv_peer, buf, sizeof(buf), 0), sizeof(buf));
	fake_sockets_event();
}

static void start_with(uint64_t features)
{
	netdrv_net.offered |= features & ~VIRTIO_RESERVED_FEATURES;
	netdrv_start(features);
	netdrv_give(0, 8, 1526);
	netdrv_go(NET_RX);
}

/* ---- buffers ------------------------------------------------------------- */

static unsigned refills;

/* As another vCPU would: what is used is there again at once. */
static void refill(void)
{
	struct vring *v = &netdrv.ring[NET_RX];

	if (refills && --refills)
		vring_offer(v, v->avail->ring[0]);
}

Test(net_tap, useless_buffers_do_not_keep_the_thread)
{
	netdrv_start(NET_BASIC);
	refills = 100000;
	netdrv_give(0, 100, NET_HDR - 1);
	fake.on_defer = refill;
	vdrv_kick(&netdrv, NET_RX);
	fake_loop_round();
	fake.on_defer = NULL;
	cr_expect_gt(refills, 90000, "%u at once", 100000 - refills);
}

/* ---- errors -------------------------------------------------------------- */

static void fail_reads(int res, unsigned times)
{
	fake_sockets.fail_op = IORING_OP_READV;
	fake_sockets.fail_res = res;
	for (unsigned i = 0; i < times; i++)
		fake_loop_round();
	fake_sockets.fail_op = 0;
}

Test(net_tap, a_frame_that_cannot_be_read_is_not_its_end)
{
	static const int errors[] = { -EINVAL, -ENOMEM, -ENOBUFS };

	start_with(NET_BASIC);
	for (unsigned i = 0; i < 3; i++) {
		fail_reads(errors[i], 1);
		peer_sends(0, 0);
		cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
		cr_expect(netdrv_net.link_up);
	}
	cr_expect_geq(netdrv_net.stats.drops[NET_DROP_RX_REFUSED], 3);
}

Test(net_tap, one_that_never_can_be_read_is_not_tried_for_ever)
{
	start_with(NET_BASIC);
	fail_reads(-EINVAL, 1000);
	cr_expect(netdrv_net.tap.gone);
	cr_expect_not(netdrv_net.link_up);
	cr_expect_lt(netdrv_net.stats.drops[NET_DROP_RX_REFUSED], 100);
}

static unsigned find(int opcode)
{
	for (unsigned i = 0; i < fake.ops; i++)
		if (fake.op[i].opcode == opcode)
			return i;
	cr_assert_fail("no such operation");
	return 0;
}

Test(net_tap, one_that_is_gone_stays_down)
{
	netdrv_net.link_up = false;
	fake.hold = true;
	netdrv_start(NET_BASIC);
	fake.hold = true;
	netdrv_give(0, 8, 1526);
	netdrv_go(NET_RX);
	fake_complete(find(IORING_OP_READV), -EBADFD);
	cr_expect(netdrv_net.tap.gone);
	fake_complete(find(IORING_OP_POLL_ADD), POLLOUT);
	cr_expect_not(netdrv_net.link_up);
}

/* ---- headers ------------------------------------------------------------- */

/* §5.1.6.4.1 */
Test(net_tap, no_flags_without_guest_csum)
{
	start_with(NET_BASIC);
	peer_sends(NET_HDR_DATA_VALID, 0);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_eq(*vdrv_at(&netdrv, NETDRV_RX(0), 1), 0);
	start_with(NET_BASIC | NET_F_GUEST_CSUM);
	peer_sends(NET_HDR_DATA_VALID, 0);
	cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN);
	cr_expect_eq(*vdrv_at(&netdrv, NETDRV_RX(0), 1), NET_HDR_DATA_VALID);
}

/* A driver gets what it has accepted, whatever one before it had. */
Test(net_tap, frames_of_a_kind_that_was_not_accepted)
{
	static const struct {
		uint64_t feature;
		uint8_t flags, gso_type;
	} kinds[] = {
		{ 0, NET_HDR_NEEDS_CSUM, 0 },
		{ NET_F_GUEST_TSO4, NET_HDR_NEEDS_CSUM, NET_GSO_TCPV4 },
		{ NET_F_GUEST_TSO6, NET_HDR_NEEDS_CSUM, NET_GSO_TCPV6 },
		{ NET_F_GUEST_UFO, NET_HDR_NEEDS_CSUM, NET_GSO_UDP },
		{ NET_F_GUEST_USO4, NET_HDR_NEEDS_CSUM, NET_GSO_UDP_L4 },
		{ NET_F_GUEST_USO6, NET_HDR_NEEDS_CSUM, NET_GSO_UDP_L4 },
		{ NET_F_GUEST_TSO4 | NET_F_GUEST_ECN, NET_HDR_NEEDS_CSUM,
		  NET_GSO_TCPV4 | NET_GSO_ECN },
	};
	const uint64_t csum = NET_BASIC | NET_F_GUEST_CSUM;

	netdrv_net.tap.stale = true; /* one before it had more */
	for (unsigned i = 0; i < 7; i++) {
		start_with(NET_BASIC);
		peer_sends(kinds[i].flags, kinds[i].gso_type);
		cr_expect_eq(netdrv_take(NET_RX), -1, "kind %u", i);
		start_with(csum | kinds[i].feature);
		peer_sends(kinds[i].flags, kinds[i].gso_type);
		cr_expect_eq(netdrv_take(NET_RX), NET_HDR + LEN, "kind %u", i);
		if (!i)
			continue;
		start_with(csum | (kinds[i].feature & NET_F_GUEST_TSO4));
		if (!(kinds[i].gso_type == NET_GSO_TCPV4)) {
			peer_sends(kinds[i].flags, kinds[i].gso_type);
			cr_expect_eq(netdrv_take(NET_RX), -1, "kind %u", i);
		}
	}
	cr_expect_eq(netdrv_net.stats.drops[NET_DROP_RX_STALE], 7 + 5);
}

/* ---- a true one, in a network of its own --------------------------------- */

static bool segments(const char *name)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GTSO };
	struct ifreq i = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(i.ifr_name, name);
	i.ifr_data = (void *)&v;
	cr_assert_eq(ioctl(s, SIOCETHTOOL, &i), 0);
	close(s);
	return v.data;
}

static int make_tap(const char *name)
{
	struct ifreq i = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd;

	if (unshare(CLONE_NEWNET))
		cr_skip_test("takes root, for a network of its own");
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strcpy(i.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &i))
		cr_skip_test("no TAPs here");
	return fd;
}

/* The kernel takes USO4 only with USO6. */
Test(true_tap, offloads_are_those_of_this_driver)
{
	const uint64_t udp = NET_BASIC | NET_F_GUEST_CSUM | NET_F_GUEST_USO4;
	struct config_net cfg = { .fd = make_tap("mote0") };
	struct err e = { 0 };
	int log = capture_open(), saved;
	unsigned lines = 0;

	fake_loop_on(0);
	fake_sockets_on();
	cr_assert_eq(virtio_net_open(&netdrv_net, &cfg, loop_get(), &e), 0);
	vdrv_init(&netdrv, &virtio_net_ops, &netdrv_net);
	netdrv_start(netdrv_net.offered | VIRTIO_RESERVED_FEATURES);
	cr_expect(segments("mote0"));
	saved = capture_stderr(log);
	netdrv_start(udp);
	cr_expect_not(segments("mote0"));
	for (unsigned i = 0; i < 50; i++) {
		netdrv_start(NET_BASIC | NET_F_GUEST_CSUM);
		netdrv_start(udp);
	}
	for (const char *p = capture_stderr_end(log, saved); *p; p++)
		lines += *p == '\n';
	cr_expect_leq(lines, 8, "%u lines in the log", lines);
}
