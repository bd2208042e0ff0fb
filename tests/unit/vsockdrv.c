// SPDX-License-Identifier: Apache-2.0
/* A vsock driver for tests. */
#include "tests/unit/vsockdrv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"

struct virtio_vsock vsockdrv_vsock;
struct vdrv vsockdrv;
enum vsock_type vsockdrv_type;

static char dir[32];
static uint16_t given; /* receive buffers that were ever given */

static int came_from; /* the working directory, for who had relative paths */

static void enter_dir(void)
{
	strcpy(dir, "/tmp/mote-vsock-XXXXXX");
	came_from = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!mkdtemp(dir) || chdir(dir))
		abort();
}

static void leave_dir(void)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(e->d_name);
	if (d)
		closedir(d);
	if (fchdir(came_from) || rmdir(dir))
		abort();
	close(came_from);
}

void vsockdrv_clear(void)
{
	struct virtio_vsock *v = &vsockdrv_vsock;

	/* not all of it: most pages were never touched */
	memset(v->conn, 0, v->used * sizeof(v->conn[0]));
	memset(v, 0, offsetof(struct virtio_vsock, conn));
	memset(&v->pool, 0, offsetof(struct vsock_pool, block));
}

void vsockdrv_init(unsigned conns)
{
	const struct config_vsock cfg = { "v.sock", VSOCKDRV_CID };
	struct err e = { 0 };

	vsockdrv_type = VSOCK_STREAM;
	fake_loop_on(0);
	fake_sockets_on();
	enter_dir();
	vsockdrv_clear();
	if (virtio_vsock_open(&vsockdrv_vsock, &cfg, loop_get(), &e)) {
		fprintf(stderr, "%s\n", e.msg);
		abort();
	}
	vsockdrv_vsock.conns = conns;
	vdrv_init(&vsockdrv, &virtio_vsock_ops, &vsockdrv_vsock);
}

void vsockdrv_deinit(void)
{
	vdrv_deinit(&vsockdrv);
	fake_sockets_off();
	fake_loop_off();
	close(vsockdrv_vsock.listener_fd);
	close(vsockdrv_vsock.dir_fd);
	leave_dir();
}

static void give_one(void)
{
	/* twice as many as are ever given: none is given twice at a time */
	struct vseg seg = { VSOCKDRV_RX(given++ % 512), 4096 };

	vring_add(&vsockdrv.ring[VSOCK_RX], &seg, 0, 1);
}

void vsockdrv_give(unsigned n)
{
	while (n--)
		give_one();
	vdrv_kick(&vsockdrv, VSOCK_RX);
	fake_loop_run();
}

void vsockdrv_start(unsigned buffers)
{
	given = 0;
	vdrv_start(&vsockdrv, VSOCKDRV_FEATURES, 256);
	vsockdrv_give(buffers);
}

/* ---- packets ------------------------------------------------------------- */

struct vsock_hdr vsockdrv_hdr(uint32_t guest_port, uint32_t host_port,
			      enum vsock_op op)
{
	return (struct vsock_hdr){
		.src_cid = VSOCKDRV_CID,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = guest_port,
		.dst_port = host_port,
		.type = (uint16_t)vsockdrv_type,
		.op = (uint16_t)op,
		.buf_alloc = 1U << 20,
	};
}

void vsockdrv_queue_more(const struct vsock_hdr *hdr, size_t seed, int more)
{
	static gpa_t at;
	uint32_t len = (hdr->op == VSOCK_OP_RW ? hdr->len : 0) + (uint32_t)more;
	struct vseg seg[2];

	if (at < VSOCKDRV_TX || at + VSOCK_HDR + 1 + len > VDRV_RAM)
		at = VSOCKDRV_TX;
	/* apart by a byte, so that they are not merged */
	seg[0] = (struct vseg){ at, VSOCK_HDR };
	seg[1] = (struct vseg){ at + VSOCK_HDR + 1, len };
	memcpy(vdrv_at(&vsockdrv, at, VSOCK_HDR), hdr, VSOCK_HDR);
	if (len)
		vsockdrv_fill(vdrv_at(&vsockdrv, seg[1].addr, len), seed, len);
	vring_add(&vsockdrv.ring[VSOCK_TX], seg, len ? 2 : 1, 0);
	at += VSOCK_HDR + 1 + len;
}

void vsockdrv_queue(const struct vsock_hdr *hdr, size_t seed)
{
	vsockdrv_queue_more(hdr, seed, 0);
}

void vsockdrv_packet(const struct vsock_hdr *hdr, size_t seed)
{
	vsockdrv_queue(hdr, seed);
	vdrv_kick(&vsockdrv, VSOCK_TX);
	fake_loop_run();
}

void vsockdrv_send(uint32_t guest_port, uint32_t host_port, enum vsock_op op)
{
	struct vsock_hdr hdr = vsockdrv_hdr(guest_port, host_port, op);

	vsockdrv_packet(&hdr, 0);
}

void vsockdrv_shut(uint32_t guest_port, uint32_t host_port, uint32_t flags)
{
	struct vsock_hdr hdr =
		vsockdrv_hdr(guest_port, host_port, VSOCK_OP_SHUTDOWN);

	hdr.flags = flags;
	vsockdrv_packet(&hdr, 0);
}

void vsockdrv_data(uint32_t guest_port, uint32_t host_port, size_t seed,
		   uint32_t len)
{
	struct vsock_hdr hdr = vsockdrv_hdr(guest_port, host_port, VSOCK_OP_RW);

	hdr.len = len;
	vsockdrv_packet(&hdr, seed);
}

bool vsockdrv_take(struct vsock_hdr *hdr, uint8_t *payload)
{
	struct vring *v = &vsockdrv.ring[VSOCK_RX];
	struct ring_used_elem e;
	uint64_t at;

	if (!vring_take(v, &e))
		return false;
	at = v->desc[e.id].addr;
	memcpy(hdr, vdrv_at(&vsockdrv, at, VSOCK_HDR), VSOCK_HDR);
	if (e.len != VSOCK_HDR + hdr->len)
		abort();
	if (payload)
		memcpy(payload, vdrv_at(&vsockdrv, at + VSOCK_HDR, hdr->len),
		       hdr->len);
	give_one();
	vdrv_kick(&vsockdrv, VSOCK_RX);
	return true;
}

int vsockdrv_op(void)
{
	struct vsock_hdr hdr;

	return vsockdrv_take(&hdr, NULL) ? hdr.op : -1;
}

uint8_t vsockdrv_byte(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

void vsockdrv_fill(uint8_t *p, size_t seed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = vsockdrv_byte(seed + i);
}

bool vsockdrv_is(const uint8_t *p, size_t seed, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != vsockdrv_byte(seed + i))
			return false;
	return true;
}

/* ---- programs on the host ------------------------------------------------ */

int vsockdrv_listen(uint32_t port, int backlog)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int type = vsockdrv_type == VSOCK_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "v.sock_%u", port);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, backlog))
		abort();
	return fd;
}

int vsockdrv_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "v.sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		abort();
	return fd;
}

int vsockdrv_open(int listener, uint32_t guest_port, uint32_t host_port)
{
	vsockdrv_send(guest_port, host_port, VSOCK_OP_REQUEST);
	if (vsockdrv_op() != VSOCK_OP_RESPONSE)
		abort();
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

ssize_t vsockdrv_read(int fd, void *buf, size_t size)
{
	ssize_t len = recv(fd, buf, size, MSG_DONTWAIT);

	return len < 0 ? -errno : len;
}

void vsockdrv_passes(unsigned ticks)
{
	while (ticks--) {
		fake_sockets.time_out = true;
		fake_loop_round();
		fake_sockets.time_out = false;
		fake_loop_run();
	}
}
