// SPDX-License-Identifier: Apache-2.0
/* A script of a hostile guest's and a clumsy peer's actions on a network card.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/log.h"
#include "tests/unit/netdrv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const uint8_t *p, *end;
} in;

static unsigned byte(void)
{
	return in.p < in.end ? *in.p++ : 0;
}

static unsigned word(void)
{
	unsigned high = byte();

	return high << 8 | byte();
}

/* Mostly in RAM, sometimes at its edges or far out. */
static gpa_t address(void)
{
	unsigned w = word();

	switch (w & 7) {
	case 0:
		return VDRV_RAM - (w >> 8);
	case 1:
		return (gpa_t)w << 48 | w;
	default:
		return VDRV_DATA + (gpa_t)w * 16;
	}
}

static uint32_t length(void)
{
	unsigned w = word();

	switch (w & 7) {
	case 0:
		return w >> 3;
	case 1:
		return (uint32_t)w << 16;
	case 2:
		return w;
	default:
		return w >> 5;
	}
}

static void add_chain(unsigned queue)
{
	unsigned shape = byte(), n = 1 + (shape & 7), out = shape >> 3 & 7;
	struct vseg seg[8];

	for (unsigned i = 0; i < n; i++)
		seg[i] = (struct vseg){ address(), length() };
	if (out > n)
		out = n;
	if (!(shape & 0x40))
		out = queue == NET_TX ? n : 0;
	vring_add(&netdrv.ring[queue], seg, out, n - out);
}

static void raw_descriptor(void)
{
	struct vring *v = &netdrv.ring[byte() & 1];
	uint16_t at = (uint16_t)(word() & (v->at.size - 1));

	vring_desc(v, at, address(), length(), (uint16_t)(byte() & 7),
		   (uint16_t)word());
	vring_offer(v, at);
}

static void peer_sends(void)
{
	static uint8_t buf[70000];
	uint32_t len = length() % sizeof(buf), be = __builtin_bswap32(len);
	unsigned how = byte();

	if (netdrv_peer < 0)
		return;
	memset(buf, (int)how, len);
	if (how & 1)
		send(netdrv_peer, &be, 4, MSG_DONTWAIT | MSG_NOSIGNAL);
	send(netdrv_peer, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	fake_sockets.generation++;
}

static void peer_reads(void)
{
	static uint8_t buf[100000];

	if (netdrv_peer >= 0)
		while (recv(netdrv_peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
}

static void peer_goes(void)
{
	if (netdrv_peer >= 0)
		close(netdrv_peer);
	netdrv_peer = -1;
	fake_sockets.generation++;
}

/* Where a peer that went can be found again. */
static char dir[] = "/tmp/mote-net-XXXXXX";
static int listener = -1;

static void clean(void)
{
	if (!chdir(dir))
		unlink("s");
	rmdir(dir);
}

static const char *listen_once(void)
{
	static struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (listener >= 0)
		return addr.sun_path;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (!mkdtemp(dir) || atexit(clean))
		abort();
	strcpy(addr.sun_path, dir);
	strcat(addr.sun_path, "/s");
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 64))
		abort();
	return addr.sun_path;
}

/* It is there, and one that waited long enough is connected to it. */
static void peer_comes(void)
{
	int fd;

	if (listener < 0)
		return;
	fake_sockets.time_out = true;
	fake_loop_round();
	fake_sockets.time_out = false;
	fake_loop_round();
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		peer_goes();
		netdrv_peer = fd;
	}
}

/* Nothing of one input is there for the next. */
static void forget_peers(void)
{
	int fd;

	while (listener >= 0 && (fd = accept(listener, NULL, NULL)) >= 0)
		close(fd);
}

static void fail(void)
{
	static const int results[] = { -EAGAIN,	   -EINTR,  -EPIPE, -ENOMEM,
				       -ECANCELED, -EBADFD, -EIO };
	static const int ops[] = { 0,
				   IORING_OP_SENDMSG,
				   IORING_OP_RECVMSG,
				   IORING_OP_POLL_ADD,
				   IORING_OP_SEND,
				   IORING_OP_READV,
				   IORING_OP_SOCKET,
				   IORING_OP_CONNECT };
	unsigned b = byte();

	fake_sockets.fail_op = ops[b % 8];
	fake_sockets.fail_res = results[(b >> 4) % 7];
	/* for a round: a condition that stays would be retried for ever */
	fake_loop_round();
	fake_sockets.fail_op = 0;
}

#define OFFLOADS                                                               \
	(NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_UFO |  \
	 NET_F_HOST_TSO4)

static void start(void)
{
	uint64_t features = NET_BASIC;
	unsigned b = byte();

	if (b & 1)
		features &= ~NET_F_MRG_RXBUF;
	if (b & 2)
		features &= ~VIRTIO_EVENT_IDX;
	if (b & 4)
		features &= ~VIRTIO_INDIRECT_DESC;
	if (b & 16)
		features |= OFFLOADS;
	netdrv.t.offered = netdrv_net.offered | VIRTIO_RESERVED_FEATURES;
	vdrv_start(&netdrv, features, b & 8 ? 4 : 256);
}

static void reset(void)
{
	vdrv_set(&netdrv, MMIO_STATUS, 0);
	if (vdrv_get(&netdrv, MMIO_STATUS) || virtio_inflight(&netdrv.t.port))
		abort();
}

static void act(void)
{
	unsigned what = byte(), n;

	switch (what & 15) {
	case 0:
	case 1:
		add_chain(what & 1);
		break;
	case 2:
		raw_descriptor();
		break;
	case 3:
	case 4:
		vdrv_kick(&netdrv, what & 1);
		break;
	case 5:
		peer_sends();
		break;
	case 6:
		peer_reads();
		break;
	case 7:
		fake_sockets.short_bytes = byte();
		break;
	case 8:
		fail();
		break;
	case 9:
		reset();
		break;
	case 10:
		reset();
		start();
		break;
	case 11:
		netdrv_give(byte(), byte(), length());
		break;
	case 12:
		n = word();
		memset(vdrv_at(&netdrv, VDRV_RINGS + n, 64), (int)byte(), 64);
		break;
	case 13:
		n = byte();
		if (n > 200)
			peer_goes();
		else if (n > 100)
			peer_comes();
		break;
	case 14:
		virtio_net_set_link(&netdrv_net, byte() & 1);
		break;
	default:
		fake_loop_round();
		break;
	}
}

static void init(void)
{
	unsigned b = byte();
	int little = 4608; /* the TAP's queue is soon full */

	switch (b & 3) {
	case 0:
	case 1:
		netdrv_tap(!(b & 1));
		break;
	case 2:
		netdrv_stream();
		break;
	default:
		netdrv_stream();
		net_stream_init(&netdrv_net, listen_once());
		break;
	}
	netdrv_net.offered |= OFFLOADS;
	if (b & 4)
		setsockopt(netdrv_net.fd, SOL_SOCKET, SO_SNDBUF, &little,
			   sizeof(little));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERR);
	in.p = data;
	in.end = data + size;
	init();
	start();
	for (unsigned i = 0; i < 400 && in.p < in.end; i++)
		act();
	for (unsigned i = 0; i < 20; i++)
		fake_loop_round();
	fake_sockets.short_bytes = 0;
	reset();
	netdrv_deinit();
	forget_peers();
	return 0;
}
