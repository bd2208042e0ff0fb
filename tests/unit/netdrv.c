// SPDX-License-Identifier: Apache-2.0
/* A network driver for tests. */
#include "tests/unit/netdrv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct virtio_net netdrv_net;
struct vdrv netdrv;
int netdrv_peer;

static void init(int type)
{
	int pair[2];

	fake_loop_on(0);
	fake_sockets_on();
	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair))
		abort();
	memset(&netdrv_net, 0, sizeof(netdrv_net));
	netdrv_net.fd = pair[0];
	netdrv_peer = pair[1];
	netdrv_net.link_up = true;
	netdrv_net.loop = loop_get();
	netdrv_net.slot = loop_add_file(netdrv_net.loop, pair[0]);
	netdrv_net.offered = NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF;
	memcpy(netdrv_net.mac, (uint8_t[]){ 2, 0, 0, 0xaa, 0xbb, 0xcc }, 6);
}

void netdrv_tap(bool vnet_hdr)
{
	init(SOCK_DGRAM);
	net_tap_init(&netdrv_net, vnet_hdr);
	vdrv_init(&netdrv, &virtio_net_ops, &netdrv_net);
}

void netdrv_stream(void)
{
	init(SOCK_STREAM);
	net_stream_init(&netdrv_net, NULL);
	vdrv_init(&netdrv, &virtio_net_ops, &netdrv_net);
}

void netdrv_deinit(void)
{
	vdrv_deinit(&netdrv);
	fake_sockets_off();
	fake_loop_off();
	close(netdrv_net.fd);
	if (netdrv_peer >= 0)
		close(netdrv_peer);
}

void netdrv_start(uint64_t features)
{
	netdrv.t.offered = netdrv_net.offered | VIRTIO_RESERVED_FEATURES;
	vdrv_start(&netdrv, features, 256);
}

void netdrv_give(unsigned from, unsigned to, uint32_t len)
{
	for (unsigned i = from; i < to; i++) {
		struct vseg seg = { NETDRV_RX(i), len };

		vring_add(&netdrv.ring[NET_RX], &seg, 0, 1);
	}
}

uint8_t netdrv_byte(unsigned seed, size_t i)
{
	return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

void netdrv_fill(uint8_t *p, unsigned seed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = netdrv_byte(seed, i);
}

bool netdrv_is(const uint8_t *p, unsigned seed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != netdrv_byte(seed, i))
			return false;
	return true;
}

void netdrv_send(unsigned seed, uint32_t len)
{
	/* frames lie behind each other, and start over when there is no room */
	static gpa_t at;
	struct vseg seg;

	if (at < NETDRV_TX || at + NET_HDR + len > VDRV_RAM)
		at = NETDRV_TX;
	seg = (struct vseg){ at, NET_HDR + len };
	memset(vdrv_at(&netdrv, at, NET_HDR), 0, NET_HDR);
	netdrv_fill(vdrv_at(&netdrv, at + NET_HDR, len), seed, len);
	vring_add(&netdrv.ring[NET_TX], &seg, 1, 0);
	at += NET_HDR + len;
}

void netdrv_go(unsigned queue)
{
	vdrv_kick(&netdrv, queue);
	fake_loop_run();
}

int64_t netdrv_take(unsigned queue)
{
	struct ring_used_elem e;

	return vring_take(&netdrv.ring[queue], &e) ? (int64_t)e.len : -1;
}

uint64_t netdrv_drops(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < NET_DROPS; i++)
		sum += netdrv_net.stats.drops[i];
	return sum;
}
