// SPDX-License-Identifier: Apache-2.0
/*
 * The kit under a Linux process, as far as programs with TCP/IP need it, so
 * that bench/httpd.sh can run the same program with and without a VM around
 * it. The card is the TAP that the environment's TAP names.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "guest/drivers/net.h"
#include "guest/kit.h"

static struct net_buf bufs[NET_DEPTH], *free_buf[NET_DEPTH];
static unsigned free_bufs;
static void *sent[NET_DEPTH]; /* tokens of frames that are with the kernel */
static unsigned sents;
static int tap = -1;

void kit_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(errno));
	exit(KIT_EXIT_PANIC);
}

void console_printf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

uint64_t time_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

uint64_t strtou64(const char *s, const char **ret_end)
{
	char *end;
	uint64_t value = strtoull(s, &end, 0);

	if (ret_end)
		*ret_end = end;
	return value;
}

/* ---- the card ------------------------------------------------------------ */

bool net_open(struct net_card *n, unsigned nth, uint64_t wanted)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	const char *name = getenv("TAP");
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int size = (int)NET_HDR;

	memset(n, 0, sizeof(*n));
	if (nth || !name)
		return false;
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &ifr) < 0 ||
	    ioctl(tap, TUNSETVNETHDRSZ, &size) < 0 ||
	    ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM) < 0)
		kit_panic("TAP %s", name);
	while (free_bufs < NET_DEPTH) {
		free_buf[free_bufs] = &bufs[free_bufs];
		free_bufs++;
	}
	memcpy(n->mac, mac, sizeof(mac));
	n->mtu = 1500;
	n->free_hdrs = NET_DEPTH;
	n->dev.features = wanted & (NET_F_CSUM | NET_F_GUEST_CSUM);
	return true;
}

bool net_take(struct net_card *n, struct net_part *ret)
{
	struct net_buf *buf;
	ssize_t len;

	if (!free_bufs)
		return false;
	buf = free_buf[free_bufs - 1];
	len = read(tap, buf, sizeof(*buf));
	if (len < (ssize_t)NET_HDR)
		return false;
	free_bufs--;
	n->outside++;
	*ret = (struct net_part){ .buf = buf,
				  .hdr = &buf->hdr,
				  .data = buf->data,
				  .len = (uint32_t)len - NET_HDR };
	return true;
}

void net_give(struct net_card *n, struct net_buf *buf)
{
	free_buf[free_bufs++] = buf;
	n->outside--;
}

bool net_send(struct net_card *n, const struct net_hdr *hdr,
	      const struct virtio_part *part, unsigned parts, void *token)
{
	struct net_hdr own = *hdr;
	struct iovec iov[NET_PARTS_MAX + 1] = { { &own, sizeof(own) } };

	if (sents == NET_DEPTH)
		return false;
	for (unsigned i = 0; i < parts; i++)
		iov[i + 1] = (struct iovec){ part[i].addr, part[i].len };
	n->tx.doorbells++;
	if (writev(tap, iov, (int)parts + 1) < 0)
		return false;
	sent[sents++] = token;
	return true;
}

void *net_sent(struct net_card *n)
{
	(void)n;
	return sents ? sent[--sents] : NULL;
}

void net_kick(struct net_card *n)
{
	(void)n;
}

bool net_wait(struct net_card *n, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = tap, .events = POLLIN };
	uint64_t now = time_ns();
	int ms = -1;

	if (deadline_ns != UINT64_MAX)
		ms = deadline_ns > now
			     ? (int)((deadline_ns - now) / 1000000) + 1
			     : 0;
	n->rx.sleeps++;
	return poll(&p, 1, ms) == 1;
}

bool net_wait_sent(struct net_card *n, uint64_t deadline_ns)
{
	(void)n;
	(void)deadline_ns;
	return sents;
}
