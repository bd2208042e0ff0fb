// SPDX-License-Identifier: Apache-2.0
/* A script of a hostile guest's and clumsy host programs' actions on vsock. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "monitor/log.h"
#include "tests/unit/vsockdrv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENDS  8
#define CONNS 12

static struct {
	const uint8_t *p, *end;
} in;

static int listener[3], end[ENDS]; /* the last one of SEQPACKETs */
static unsigned ends;

static unsigned byte(void)
{
	return in.p < in.end ? *in.p++ : 0;
}

static unsigned word(void)
{
	unsigned high = byte();

	return high << 8 | byte();
}

static void keep_end(int fd)
{
	if (fd < 0)
		return;
	if (ends == ENDS) {
		close(end[0]);
		memmove(end, end + 1, (ENDS - 1) * sizeof(end[0]));
		ends--;
	}
	end[ends++] = fd;
}

static int some_end(void)
{
	return ends ? end[byte() % ends] : -1;
}

static uint32_t some_number(void)
{
	static const uint32_t odd[] = { 0,	    1,		0x7fffffff,
					0xffffffff, 0x80000000, 65536,
					1 << 20,    300 };
	unsigned b = byte();

	return b < 8 ? odd[b] : b * 17;
}

/* A connection that exists, or one that may not. */
static void ports(struct vsock_hdr *hdr)
{
	const struct virtio_vsock *v = &vsockdrv_vsock;
	unsigned b = byte();

	hdr->src_port = b & 3;
	hdr->dst_port = 52 + (b >> 2 & 3);
	if (hdr->dst_port == 54)
		hdr->type = VSOCK_SEQPACKET;
	if (b & 0x80 && v->used) {
		const struct vsock_conn *c = &v->conn[b % v->used];

		hdr->src_port = c->guest_port;
		hdr->dst_port = c->host_port;
		hdr->type = c->type;
	}
}

static void packet(unsigned op)
{
	struct vsock_hdr hdr = vsockdrv_hdr(0, 0, (enum vsock_op)op);
	unsigned odd = byte();

	ports(&hdr);
	hdr.len = op == VSOCK_OP_RW ? word() * (odd & 1 ? 4 : 1) : 0;
	if (odd & 2)
		hdr.buf_alloc = some_number();
	if (odd & 4)
		hdr.fwd_cnt = some_number();
	if (odd & 8)
		hdr.flags = byte();
	if ((odd & 0xf0) == 0x10)
		hdr.type = (uint16_t)byte();
	if ((odd & 0xf0) == 0x20)
		hdr.dst_cid = byte();
	if ((odd & 0xf0) == 0x30)
		hdr.src_cid = byte();
	/* more bytes than it says, often enough to fill a window and more */
	vsockdrv_queue_more(&hdr, odd,
			    (odd & 0xf0) == 0x40 ? (int)byte() * 256 : 0);
}

static void raw_chain(void)
{
	struct vring *v = &vsockdrv.ring[byte() % 3];
	unsigned shape = byte(), n = 1 + (shape & 3), out = shape >> 2 & 7;
	struct vseg seg[4];

	for (unsigned i = 0; i < n; i++) {
		unsigned w = word();

		seg[i] = (struct vseg){ w & 1 ? VSOCKDRV_TX + w
					      : (gpa_t)w << (w & 31),
					w >> (w & 7) };
	}
	if (out > n)
		out = n;
	vring_add(v, seg, out, n - out);
}

static void host_connects(void)
{
	char line[24] = "CONNECT 3\nabc";
	unsigned b = byte();
	int fd;

	if (fake_sockets.fail_op)
		return;
	fd = vsockdrv_connect();
	keep_end(fd);
	if (b & 1)
		line[b % 12] = (char)byte();
	if (send(fd, line, 10 + b % 8, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
	fake_sockets.generation++;
}

static void host_writes(void)
{
	static uint8_t buf[65536];
	int fd = some_end();
	size_t len = word();

	if (fd >= 0 && send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		fake_sockets.generation++;
}

static void host_reads(void)
{
	static uint8_t buf[65536];
	int fd = some_end();

	if (fd >= 0 && recv(fd, buf, word(), MSG_DONTWAIT) > 0)
		fake_sockets.generation++;
}

static void host_shuts(void)
{
	int fd = some_end();
	unsigned how = byte() & 3;

	if (fd < 0)
		return;
	if (how < 3) {
		shutdown(fd, (int)how);
	} else {
		for (unsigned i = 0; i < ends; i++)
			if (end[i] == fd)
				end[i] = end[--ends];
		close(fd);
	}
	fake_sockets.generation++;
}

static void fail(void)
{
	static const int results[] = { -EAGAIN, -EINTR,	    -EPIPE,
				       -ENOMEM, -ECANCELED, -ECONNRESET };
	static const int ops[] = {
		0,
		IORING_OP_SENDMSG,
		IORING_OP_RECVMSG,
		IORING_OP_POLL_ADD,
		IORING_OP_SEND,
		IORING_OP_RECV,
		IORING_OP_ACCEPT,
		IORING_OP_CONNECT,
		IORING_OP_SOCKET,
	};
	unsigned b = byte();

	fake_sockets.fail_op = ops[b % 9];
	fake_sockets.fail_res = results[(b >> 4) % 6];
	fake_loop_round();
	fake_sockets.fail_op = 0;
}

static void reset(void)
{
	vdrv_set(&vsockdrv, MMIO_STATUS, 0);
	if (vdrv_get(&vsockdrv, MMIO_STATUS) ||
	    virtio_inflight(&vsockdrv.t.port))
		abort();
}

static void guest_takes(void)
{
	struct vring *v = &vsockdrv.ring[VSOCK_RX];
	struct ring_used_elem e;

	while (vring_take(v, &e))
		;
	vsockdrv_give(byte() & 15);
}

static void act(void)
{
	unsigned what = byte();

	switch (what % 14) {
	case 0:
		packet(byte() % 10);
		break;
	case 1:
		packet(VSOCK_OP_REQUEST);
		break;
	case 2:
		packet(VSOCK_OP_RW);
		break;
	case 3:
		vdrv_kick(&vsockdrv, what & 1);
		break;
	case 4:
		guest_takes();
		break;
	case 5:
		raw_chain();
		break;
	case 6:
		host_connects();
		break;
	case 7:
		host_writes();
		break;
	case 8:
		host_reads();
		break;
	case 9:
		host_shuts();
		break;
	case 10:
		fail();
		break;
	case 11:
		keep_end(accept4(listener[what % 3], NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK));
		break;
	case 12:
		fake_sockets.short_bytes = byte() * (byte() & 1 ? 100 : 1);
		if (what & 0x80) {
			reset();
			vsockdrv_start(byte() & 31);
		}
		break;
	default:
		fake_sockets.time_out = what & 0x40;
		fake_loop_round();
		fake_sockets.time_out = false;
		break;
	}
}

static bool left(void)
{
	const struct virtio_vsock *v = &vsockdrv_vsock;

	for (unsigned i = 0; i < v->used; i++)
		if (v->conn[i].state != VSOCK_NONE &&
		    v->conn[i].state != VSOCK_ACCEPTING)
			return true;
	return false;
}

/* Nothing waits for the host that no credit was given for. */
static void check_windows(void)
{
	const struct virtio_vsock *v = &vsockdrv_vsock;

	for (unsigned i = 0; i < v->used; i++) {
		const struct vsock_conn *c = &v->conn[i];

		if (c->fifo.len > c->credit.got - c->credit.taken)
			abort();
	}
}

/* All connections end when the guest and the host's programs are gone. */
static void finish(void)
{
	struct virtio_vsock *v = &vsockdrv_vsock;

	reset();
	for (unsigned i = 0; i < ends; i++)
		close(end[i]);
	ends = 0;
	for (unsigned i = 0; i < 3; i++)
		close(listener[i]);
	fake_sockets.short_bytes = 0;
	for (unsigned i = 0; i < 8; i++) {
		fake_sockets.generation++;
		fake_loop_round();
	}
	vsockdrv_start(8);
	/* more of them may wait to be accepted than there is room for */
	for (unsigned i = 0; (left() || v->waiting) && i < 200; i++) {
		v->tick += VSOCK_PATIENCE + 1;
		fake_sockets.time_out = true;
		fake_loop_round();
		fake_sockets.time_out = false;
		for (unsigned k = 0; k < 4; k++)
			fake_loop_round();
	}
	if (left())
		abort();
	if (v->pool.reserved || v->windows || v->waiting)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	log_set_level(LOG_ERR);
	in.p = data;
	in.end = data + size;
	ends = 0;
	vsockdrv_init(CONNS);
	listener[0] = vsockdrv_listen(52, 4);
	listener[1] = vsockdrv_listen(53, 0);
	vsockdrv_type = VSOCK_SEQPACKET;
	listener[2] = vsockdrv_listen(54, 4);
	vsockdrv_type = VSOCK_STREAM;
	vsockdrv_start(byte() & 63);
	for (unsigned i = 0; i < 400 && in.p < in.end; i++) {
		act();
		check_windows();
	}
	finish();
	vsockdrv_deinit();
	return 0;
}
