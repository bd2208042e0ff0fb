// SPDX-License-Identifier: Apache-2.0
/* A card from its configuration. */
#include "devices/net_open.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "devices/virtio_net.h"
#include "monitor/config.h"
#include "monitor/err.h"

static int open_end(struct virtio_net *n, const struct config_net *cfg,
		    struct err *e)
{
	if (cfg->tap)
		return net_open_tap(n, cfg->tap, e);
	if (cfg->fd >= 0)
		return net_open_fd(n, cfg->fd, e);
	if (*cfg->passt)
		return net_open_passt(n, cfg->passt, e);
	return net_open_own_passt(n, e);
}

/* Random, locally administered, nobody's group. */
static int choose_mac(uint8_t mac[6], struct err *e)
{
	if (getrandom(mac, 6, 0) != 6)
		return err_set(e, -errno, "no random MAC address; give mac=");
	mac[0] = (uint8_t)((mac[0] & ~1U) | 2);
	return 0;
}

int virtio_net_open(struct virtio_net *n, const struct config_net *cfg,
		    struct loop *loop, struct err *e)
{
	static const uint8_t none[6];
	int ret;

	n->loop = loop;
	n->offered = NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF;
	memcpy(n->mac, cfg->mac, sizeof(n->mac));
	if (!memcmp(n->mac, none, sizeof(none))) {
		ret = choose_mac(n->mac, e);
		if (ret)
			return ret;
	}
	if (cfg->mtu) {
		n->offered |= NET_F_MTU;
		n->mtu = (uint16_t)cfg->mtu;
	}
	ret = open_end(n, cfg, e);
	if (ret)
		return ret;
	n->slot = loop_add_file(loop, n->fd);
	if (n->slot < 0)
		return err_set(e, n->slot, "too many devices");
	return 0;
}
