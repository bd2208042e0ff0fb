// SPDX-License-Identifier: Apache-2.0
/* Frames between a TAP and the queues. */
#include "devices/net_tap.h"

#include <errno.h>
#include <liburing.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "devices/net_rx.h"
#include "devices/net_tx.h"
#include "devices/virtio_net.h"
#include "monitor/container_of.h"
#include "monitor/log.h"

/* Linux 6.2; older headers lack them */
#define NET_TUN_USO4 0x20
#define NET_TUN_USO6 0x40

#define WANT_SMALL (NET_HDR + 1514)
#define WANT_LARGE (NET_HDR + 65536 + 14)
/* So many small frames in a row, and we expect more of them. */
#define LARGE_LASTS 64
/* So many reads in a row that failed, and it will not get better. */
#define FAILURES_MAX 64

static struct virtio_net *of_tap(struct net_tap *t)
{
	return container_of(t, struct virtio_net, tap);
}

/* ---- the descriptor's state ---------------------------------------------- */

static void is_gone(struct virtio_net *n)
{
	if (n->tap.gone)
		return;
	n->tap.gone = true;
	log_warn("virtio-net", "the TAP was deleted; its link stays down");
	virtio_net_set_link(n, false);
}

/*
 * An interface that is down takes no frames. It can be written to again when
 * it is up, so waiting for that is waiting for the link.
 */
static void await_writable(struct virtio_net *n)
{
	struct io_uring_sqe *sqe;

	if (n->tap.waiting || n->tap.gone)
		return;
	n->tap.waiting = true;
	sqe = loop_sqe(n->loop);
	io_uring_prep_poll_add(sqe, n->slot, POLLOUT);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &n->tap.poll_out);
}

static void link_lost(struct virtio_net *n)
{
	virtio_net_set_link(n, false);
	await_writable(n);
}

static void poll_out_done(struct loop_op *op, int res, uint32_t flags)
{
	struct net_tap *t = container_of(op, struct net_tap, poll_out);
	struct virtio_net *n = of_tap(t);

	(void)flags;
	t->waiting = false;
	if (res < 0 || res & (POLLERR | POLLHUP))
		is_gone(n);
	else if (res & POLLOUT && !t->gone)
		virtio_net_set_link(n, true);
	if (n->port && !n->port->resetting)
		net_tap_ops.transmit(n);
}

/* ---- from the TAP -------------------------------------------------------- */

/* What was this frame like: expect the next ones to be so too. */
static void learn(struct net_tap *t, uint32_t total)
{
	if (total > WANT_SMALL) {
		t->want = WANT_LARGE;
		t->large = LARGE_LASTS;
	} else if (t->large && !--t->large) {
		t->want = WANT_SMALL;
	}
}

/* The frame whose tail is in spill. Return: false if it has to wait. */
static bool finish_frame(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	switch (net_rx_room(n, t->total)) {
	case NET_ROOM_LATER:
		return false;
	case NET_ROOM_NEVER:
		virtio_net_drop(n, n->port->features & NET_F_MRG_RXBUF
					   ? NET_DROP_RX_NO_ROOM
					   : NET_DROP_RX_SHORT_BUFFER);
		break;
	case NET_ROOM:
		net_rx_put(n, t->done, t->spill, t->total - t->done);
		net_rx_deliver(n, t->total);
		break;
	}
	t->total = 0;
	return true;
}

/* Have the next frame read, whenever it comes. */
static void submit_read(struct virtio_net *n)
{
	struct net_stage *s = &n->stage;
	struct net_tap *t = &n->tap;
	struct io_uring_sqe *sqe = loop_sqe(n->loop);
	struct iovec *iov = s->iov + s->iov_first;
	unsigned iovs = s->iovs + 1;

	t->rest = (struct iovec){ t->spill, sizeof(t->spill) };
	if (t->vnet_hdr) {
		iov[s->iovs] = t->rest;
	} else {
		memset(t->spill, 0, NET_HDR);
		t->rest.iov_base = t->spill + NET_HDR;
		t->rest.iov_len -= NET_HDR;
		iov = &t->rest;
		iovs = 1;
	}
	t->reading = true;
	io_uring_prep_readv(sqe, n->slot, iov, iovs, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &t->read);
}

static void tap_receive(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	if (t->reading || t->gone)
		return;
	if (t->total && !finish_frame(n))
		return;
	if (net_rx_stage(n, t->want))
		submit_read(n);
	else if (!net_rx_wait(n)) /* those were useless, and more have come */
		virtio_again(n->port, NET_RX);
}

/* It came when another driver was there, who took what this one does not. */
static bool is_stale(const struct virtio_net *n)
{
	static const uint64_t takes[8] = {
		[NET_GSO_TCPV4] = NET_F_GUEST_TSO4,
		[NET_GSO_UDP] = NET_F_GUEST_UFO,
		[NET_GSO_TCPV6] = NET_F_GUEST_TSO6,
		[NET_GSO_UDP_L4] = NET_F_GUEST_USO4 | NET_F_GUEST_USO6,
	};
	const struct net_stage *s = &n->stage;
	uint64_t features = n->port->features;
	struct net_hdr h = { 0 };

	if (!n->tap.stale)
		return false;
	virtq_copy_from(s->iov + s->iov_first, s->iovs, 0, &h, 2);
	return (h.flags & NET_HDR_NEEDS_CSUM &&
		!(features & NET_F_GUEST_CSUM)) ||
	       (h.gso_type && !(features & takes[h.gso_type & 7])) ||
	       (h.gso_type & NET_GSO_ECN && !(features & NET_F_GUEST_ECN));
}

/* A frame of @len bytes with its header is in buffers and spill. */
static void take_in(struct virtio_net *n, uint32_t len)
{
	struct net_tap *t = &n->tap;
	uint64_t usable = t->vnet_hdr ? n->stage.bytes : 0;

	if (len < NET_HDR + NET_FRAME_MIN) {
		virtio_net_drop(n, NET_DROP_RX_RUNT);
		return;
	}
	if (len > NET_HDR + NET_FRAME_MAX) {
		virtio_net_drop(n, NET_DROP_RX_GIANT);
		return;
	}
	if (is_stale(n)) {
		virtio_net_drop(n, NET_DROP_RX_STALE);
		return;
	}
	/* §5.1.6.4.1; the TAP tells of good checksums whoever asked */
	if (t->vnet_hdr && !(n->port->features & NET_F_GUEST_CSUM))
		net_rx_put(n, 0, "", 1);
	learn(t, len);
	virtio_net_moved(n, NET_RX, len);
	if (len <= usable) {
		net_rx_deliver(n, len);
		return;
	}
	t->total = len;
	t->done = (uint32_t)usable;
}

static void read_failed(struct virtio_net *n, int res)
{
	if (res == -EAGAIN || res == -EINTR || res == -ECANCELED)
		return;
	/* EINVAL: a frame whose offloads no header can describe; the kernel
	 * has dropped it. */
	if ((res == -EINVAL || res == -ENOMEM || res == -ENOBUFS) &&
	    n->tap.failures++ < FAILURES_MAX) {
		virtio_net_drop(n, NET_DROP_RX_REFUSED);
		return;
	}
	if (res != -EBADFD && res != 0) /* 0: a socket's end, in tests */
		log_warn("virtio-net", "reading the TAP: %s", strerror(-res));
	is_gone(n);
}

static void let_go(struct virtio_net *n)
{
	n->tap.total = 0;
	net_rx_release(n);
	n->port = NULL;
}

static void read_done(struct loop_op *op, int res, uint32_t flags)
{
	struct net_tap *t = container_of(op, struct net_tap, read);
	struct virtio_net *n = of_tap(t);

	(void)flags;
	t->reading = false;
	if (res <= 0)
		read_failed(n, res);
	if (n->port->resetting) {
		let_go(n);
		return;
	}
	if (res > 0) {
		t->failures = 0;
		take_in(n, (uint32_t)res + (t->vnet_hdr ? 0 : NET_HDR));
	}
	tap_receive(n);
}

/* ---- to the TAP ---------------------------------------------------------- */

/* Return: false if the frame has to wait. */
static bool send_frame(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	if (!atomic_load_explicit(&n->link_up, memory_order_relaxed)) {
		virtio_net_drop(n, NET_DROP_TX_NO_LINK);
		return true;
	}
	if (writev(n->fd, t->out, (int)t->outs) >= 0) {
		n->stats.tx_frames++;
		virtio_net_moved(n, NET_TX, t->chain.out_bytes);
		return true;
	}
	switch (errno) {
	case EAGAIN:
	case EINTR:
		await_writable(n);
		return false;
	case EIO: /* the interface is down */
		link_lost(n);
		virtio_net_drop(n, NET_DROP_TX_NO_LINK);
		return true;
	case EBADFD:
		is_gone(n);
		virtio_net_drop(n, NET_DROP_TX_NO_LINK);
		return true;
	default: /* a header it can make nothing of; no memory */
		virtio_net_drop(n, NET_DROP_TX_REFUSED);
		return true;
	}
}

/* Take the next frame. Return: false if there is none. */
static bool take_frame(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	if (!net_tx_pop(n, &t->chain))
		return false;
	t->out = t->chain.iov;
	t->outs = t->chain.out;
	if (!t->vnet_hdr)
		t->outs = virtq_skip(&t->out, t->outs, NET_HDR);
	t->held = true;
	return true;
}

static void tap_transmit(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	if (t->held && t->waiting)
		return;
	for (unsigned i = 0; i < NET_BUDGET; i++) {
		if (!t->held && !take_frame(n))
			return;
		if (!send_frame(n))
			return;
		t->held = false;
		virtio_complete(n->port, NET_TX, t->chain.head, 0);
	}
	virtio_again(n->port, NET_TX);
}

/* ---- life ---------------------------------------------------------------- */

static unsigned offload_for(uint64_t features)
{
	static const struct {
		uint64_t feature;
		unsigned offload;
	} rows[] = {
		{ NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ NET_F_GUEST_ECN, TUN_F_TSO_ECN },
		{ NET_F_GUEST_UFO, TUN_F_UFO },
		{ NET_F_GUEST_USO4, NET_TUN_USO4 },
		{ NET_F_GUEST_USO6, NET_TUN_USO6 },
	};
	unsigned offload = TUN_F_CSUM;

	/* The rest makes sense only with checksums left out (§5.1.3.1). */
	if (!(features & NET_F_GUEST_CSUM))
		return 0;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (features & rows[i].feature)
			offload |= rows[i].offload;
	return offload;
}

static void set_offload(struct virtio_net *n, unsigned offload)
{
	if (!n->tap.vnet_hdr || n->tap.offload == offload)
		return;
	if (ioctl(n->fd, TUNSETOFFLOAD, offload) < 0) {
		log_guest(LOG_WARN, "virtio-net",
			  "the TAP refuses offloads 0x%x: %s", offload,
			  strerror(errno));
		offload = 0; /* never those of the driver before */
		ioctl(n->fd, TUNSETOFFLOAD, offload);
	}
	n->tap.stale |= n->tap.offload != 0;
	n->tap.offload = offload;
}

static void tap_start(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	set_offload(n, offload_for(n->port->features));
	t->want = WANT_SMALL;
	if (!n->link_up)
		await_writable(n);
}

static void tap_stop(struct virtio_net *n)
{
	struct net_tap *t = &n->tap;

	if (t->held)
		virtio_complete(n->port, NET_TX, t->chain.head, 0);
	t->held = false;
	if (t->reading)
		loop_cancel(n->loop, &t->read);
	else
		let_go(n);
}

const struct net_ops net_tap_ops = {
	.frame_max = NET_FRAME_MAX,
	.start = tap_start,
	.receive = tap_receive,
	.transmit = tap_transmit,
	.stop = tap_stop,
};

void net_tap_init(struct virtio_net *n, bool vnet_hdr)
{
	n->ops = &net_tap_ops;
	n->tap.vnet_hdr = vnet_hdr;
	n->tap.read.done = read_done;
	n->tap.poll_out.done = poll_out_done;
}
