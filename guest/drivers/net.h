/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-net card: Ethernet frames in and out, without copying them.
 *
 * A frame that came lies in one of the card's buffers until net_give() returns
 * that. With MRG_RXBUF a long frame lies in several. A frame to send is any
 * memory of the program, its until net_sent() says otherwise.
 */
#ifndef MOTE_GUEST_DRIVERS_NET_H
#define MOTE_GUEST_DRIVERS_NET_H

#include "devices/net_wire.h"
#include "guest/drivers/virtio.h"

#define NET_DEPTH     256
#define NET_BUF	      2048U /* bytes of a buffer, with the header */
#define NET_PARTS_MAX (VIRTIO_INDIRECT_MAX - 1)
#define NET_WANTED                                                             \
	(VIRTIO_VERSION_1 | VIRTIO_INDIRECT_DESC | VIRTIO_EVENT_IDX |          \
	 NET_F_MAC | NET_F_STATUS | NET_F_MTU | NET_F_CSUM | NET_F_GUEST_CSUM)

/** struct net_buf - one buffer; @hdr is filled in the first of a frame only */
struct net_buf {
	struct net_hdr hdr;
	uint8_t data[NET_BUF - sizeof(struct net_hdr)];
};
_Static_assert(sizeof(struct net_buf) == NET_BUF, "two to a page");

/**
 * struct net_part - bytes of a frame that came
 * @buf: what to give back; @hdr: of the frame, NULL behind the first part
 * @more: the next part of this frame is the next one to be taken
 */
struct net_part {
	struct net_buf *buf;
	const struct net_hdr *hdr;
	uint8_t *data;
	uint32_t len;
	bool more;
};

/**
 * struct net_card
 * @mtu: 1500, or what the device says if a buffer holds that
 * @outside: buffers taken and not given back
 */
struct net_card {
	struct virtio_device dev;
	struct virtio_queue rx, tx;
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t parts_left;
	unsigned outside;
	struct net_hdr *hdr, *free_hdr[NET_DEPTH];
	void *token[NET_DEPTH]; /* by place in hdr[] */
	unsigned free_hdrs;
};

/**
 * net_open() - bring up the @nth card
 * @wanted: feature bits, NET_WANTED or more
 * Return: false if there is no such card.
 */
bool net_open(struct net_card *n, unsigned nth, uint64_t wanted);

/** net_link() - is it connected? (Reads a register.) */
bool net_link(const struct net_card *n);

/** net_take() - the next frame, or part of one. Return: false: none now. */
bool net_take(struct net_card *n, struct net_part *ret);

/** net_give() - a buffer can be filled again; net_kick() afterwards */
void net_give(struct net_card *n, struct net_buf *buf);

/**
 * net_send() - a frame in up to NET_PARTS_MAX parts; net_kick() afterwards
 * @hdr: what the device is to do with it (offloads), or NULL
 * @token: for net_sent(), not NULL
 * Return: false if too many are under way.
 */
bool net_send(struct net_card *n, const struct net_hdr *hdr,
	      const struct virtio_part *part, unsigned parts, void *token);

/** net_sent() - the token of a frame that has been sent, or NULL */
void *net_sent(struct net_card *n);

/** net_kick() - what was given and sent is there */
void net_kick(struct net_card *n);

/** net_wait() - net_kick(), and sleep until net_take() has something, or the
 *  deadline. Return: as virtio_wait(). */
bool net_wait(struct net_card *n, uint64_t deadline_ns);

/** net_wait_sent() - the same for net_sent() */
bool net_wait_sent(struct net_card *n, uint64_t deadline_ns);

#endif
