// SPDX-License-Identifier: Apache-2.0
/* virtio-net (virtio 1.2 §5.1). */
#include "guest/drivers/net.h"

#include "guest/kit.h"

#define PAGE	    4096
#define MTU_DEFAULT 1500
#define NET_ETHER   14U /* bytes in front of what the MTU counts */

static void *pages(size_t bytes)
{
	void *p = heap_pages((bytes + PAGE - 1) / PAGE);

	if (!p)
		kit_panic("net: no memory");
	return p;
}

static void fill_rx(struct net_card *n)
{
	struct net_buf *buf = pages(n->rx.size * sizeof(*buf));

	for (unsigned i = 0; i < n->rx.size; i++) {
		n->outside++;
		net_give(n, &buf[i]);
	}
}

#define FIELD(name, needs) VIRTIO_FIELD(struct net_config, name, needs)
static const struct virtio_field fields[] = {
	FIELD(mac, NET_F_MAC),
	FIELD(mtu, NET_F_MTU),
};
static const struct virtio_field status_field[] = {
	FIELD(status, NET_F_STATUS),
};

/* Without an address from the device: any that says it is nobody's. */
static void read_config(struct net_card *n)
{
	uint32_t any = (uint32_t)__builtin_ia32_rdtsc();
	struct net_config config = { .mac = { 2 }, .mtu = MTU_DEFAULT };

	memcpy(config.mac + 2, &any, sizeof(any));
	virtio_config(&n->dev, fields, sizeof(fields) / sizeof(fields[0]),
		      &config);
	memcpy(n->mac, config.mac, sizeof(n->mac));
	n->mtu = config.mtu;
}

bool net_open(struct net_card *n, unsigned nth, uint64_t wanted)
{
	memset(n, 0, sizeof(*n));
	if (!virtio_find(&n->dev, VIRTIO_NET, nth))
		return false;
	virtio_negotiate(&n->dev, wanted);
	read_config(n);
	if (!(wanted & NET_F_MRG_RXBUF) &&
	    NET_HDR + NET_ETHER + n->mtu > NET_BUF) {
		/* Who takes NET_F_MTU must have room for it (§5.1.4.2). */
		virtio_negotiate(&n->dev, wanted & ~NET_F_MTU);
		read_config(n);
	}
	virtio_queue_open(&n->rx, &n->dev, NET_RX, NET_DEPTH);
	virtio_queue_open(&n->tx, &n->dev, NET_TX, NET_DEPTH);
	fill_rx(n);
	n->hdr = pages(NET_DEPTH * sizeof(*n->hdr));
	while (n->free_hdrs < NET_DEPTH) {
		n->free_hdr[n->free_hdrs] = &n->hdr[n->free_hdrs];
		n->free_hdrs++;
	}
	virtio_start(&n->dev);
	virtio_kick(&n->rx);
	return true;
}

bool net_link(const struct net_card *n)
{
	struct net_config config = { .status = NET_S_LINK_UP };

	virtio_config(&n->dev, status_field, 1, &config);
	return config.status & NET_S_LINK_UP;
}

bool net_take(struct net_card *n, struct net_part *ret)
{
	uint32_t len;
	struct net_buf *buf = virtio_take(&n->rx, &len);
	uint32_t skip = n->parts_left ? 0 : NET_HDR;

	if (!buf)
		return false;
	if (len < skip || len > sizeof(*buf))
		kit_panic("net: %u bytes in a buffer of %u", len, NET_BUF);
	n->outside++;
	*ret = (struct net_part){ .buf = buf,
				  .data = (uint8_t *)buf + skip,
				  .len = len - skip };
	if (n->parts_left) {
		n->parts_left--;
	} else {
		ret->hdr = &buf->hdr;
		if (n->dev.features & NET_F_MRG_RXBUF)
			n->parts_left = (uint16_t)(buf->hdr.num_buffers - 1);
	}
	ret->more = n->parts_left;
	return true;
}

void net_give(struct net_card *n, struct net_buf *buf)
{
	struct virtio_part part = { buf, sizeof(*buf) };

	if (!virtio_add(&n->rx, &part, 0, 1, buf))
		kit_panic("net: a buffer was given back twice");
	n->outside--;
}

bool net_send(struct net_card *n, const struct net_hdr *hdr,
	      const struct virtio_part *part, unsigned parts, void *token)
{
	struct virtio_part all[NET_PARTS_MAX + 1];
	struct net_hdr *own;

	if (!n->free_hdrs || parts > NET_PARTS_MAX)
		return false;
	own = n->free_hdr[n->free_hdrs - 1];
	*own = hdr ? *hdr : (struct net_hdr){ .flags = 0 };
	all[0] = (struct virtio_part){ own, NET_HDR };
	memcpy(all + 1, part, parts * sizeof(*part));
	if (!virtio_add(&n->tx, all, parts + 1, 0, own))
		return false;
	n->token[own - n->hdr] = token;
	n->free_hdrs--;
	return true;
}

void *net_sent(struct net_card *n)
{
	uint32_t len;
	struct net_hdr *own = virtio_take(&n->tx, &len);

	if (!own)
		return NULL;
	n->free_hdr[n->free_hdrs++] = own;
	return n->token[own - n->hdr];
}

void net_kick(struct net_card *n)
{
	virtio_kick(&n->rx);
	virtio_kick(&n->tx);
}

bool net_wait(struct net_card *n, uint64_t deadline_ns)
{
	net_kick(n);
	return virtio_wait(&n->rx, deadline_ns);
}

bool net_wait_sent(struct net_card *n, uint64_t deadline_ns)
{
	net_kick(n);
	return virtio_wait(&n->tx, deadline_ns);
}
