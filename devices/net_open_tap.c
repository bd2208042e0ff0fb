// SPDX-License-Identifier: Apache-2.0
/* TAPs, by name or handed in. */
#include "devices/net_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "devices/virtio_net.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/log.h"
#include "monitor/sys_ioctl.h"

static int get_flags(int fd, struct ifreq *ifr)
{
	return sys_ioctl(fd, TUNGETIFF, (unsigned long)ifr);
}

/* From the most a kernel may know to the least worth having. */
static const struct {
	unsigned offload; /* TUNSETOFFLOAD; Linux 6.2 knows 0x60, USO */
	uint64_t features;
} abilities[] = {
	{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO |
		  0x60,
	  NET_F_GUEST_USO4 | NET_F_GUEST_USO6 | NET_F_HOST_USO },
	{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_UFO,
	  NET_F_GUEST_UFO | NET_F_HOST_UFO },
	{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
	  NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 |
		  NET_F_GUEST_ECN | NET_F_HOST_TSO4 | NET_F_HOST_TSO6 |
		  NET_F_HOST_ECN },
};

/* Each row that works brings its own features and those of the rows below. */
static uint64_t probe_features(int fd)
{
	uint64_t features = 0;

	for (unsigned i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++)
		if (features ||
		    ioctl(fd, TUNSETOFFLOAD, abilities[i].offload) == 0)
			features |= abilities[i].features;
	return features;
}

/* An interface can be written to when it is up, a stream when it is connected:
 * one that is not has hung up, or, if it listens, is nothing. */
static bool is_up(int fd)
{
	struct pollfd up = { .fd = fd, .events = POLLOUT };

	return poll(&up, 1, 0) == 1 && up.revents == POLLOUT;
}

/* Common to both ways: @flags is what TUNGETIFF says of the attached TAP. */
static int adopt(struct virtio_net *n, int fd, const char *name, int flags,
		 struct err *e)
{
	int size = (int)NET_HDR;

	if (!(flags & IFF_NO_PI))
		return err_set(e, -EINVAL,
			       "TAP %s puts packet information in front of "
			       "frames; set IFF_NO_PI where it is opened",
			       name);
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_set(e, -errno, "TAP %s", name);
	if (flags & IFF_VNET_HDR) {
		if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
			return err_set(e, -errno, "TAP %s: TUNSETVNETHDRSZ 12",
				       name);
		n->offered |= probe_features(fd);
		/* nothing until a driver accepts it */
		if (ioctl(fd, TUNSETOFFLOAD, 0) < 0)
			return err_set(e, -errno, "TAP %s: TUNSETOFFLOAD 0",
				       name);
	}
	n->link_up = is_up(fd);
	if (!n->link_up)
		log_warn("virtio-net",
			 "TAP %s is down; `ip link set %s up` mends it", name,
			 name);
	n->fd = fd;
	loop_allow_bulk(n->loop);
	net_tap_init(n, flags & IFF_VNET_HDR);
	return 0;
}

static int attach(int fd, const char *name, struct ifreq *ifr)
{
	static const short tries[] = {
		IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
		/* a TAP made with multi_queue insists on it */
		IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE,
	};
	int ret = -EINVAL;

	for (unsigned i = 0; i < 2 && ret == -EINVAL; i++) {
		memset(ifr, 0, sizeof(*ifr));
		fmt_print(ifr->ifr_name, IFNAMSIZ, "%s", name);
		ifr->ifr_flags = tries[i];
		ret = ioctl(fd, TUNSETIFF, ifr) < 0 ? -errno : 0;
	}
	if (!ret && get_flags(fd, ifr) < 0)
		ret = -errno;
	return ret;
}

static int no_such_tap(const char *name, struct err *e)
{
	return err_set(e, -EINVAL,
		       "there is no TAP called %s; `ip tuntap add dev %s mode "
		       "tap user $USER` and `ip link set %s up` make one",
		       name, name, name);
}

static int attach_failed(int ret, const char *name, struct err *e)
{
	switch (ret) {
	case -EBUSY:
		return err_set(e, ret, "TAP %s is in use by another process",
			       name);
	case -EINVAL:
		return err_set(e, ret, "interface %s is not a TAP", name);
	case -EPERM: /* not ours, or not there and not ours to make */
		return err_set(e, ret,
			       "no right to TAP %s; is it there? `ip tuntap "
			       "add dev %s mode tap user $USER` makes one for "
			       "you",
			       name, name);
	default:
		return err_set(e, ret, "cannot attach to TAP %s", name);
	}
}

int net_open_tap(struct virtio_net *n, const char *name, struct err *e)
{
	int ret, fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq ifr;

	if (fd < 0 && (errno == ENOENT || errno == ENODEV))
		return err_set(e, -errno,
			       "/dev/net/tun is missing; `modprobe tun` "
			       "brings it");
	if (fd < 0)
		return err_set(e, -errno, "cannot open /dev/net/tun");
	ret = attach(fd, name, &ifr);
	/* With the privilege to do so, attaching to a TAP that is not there
	 * has made one, which goes when we let go of it. */
	if (ret)
		ret = attach_failed(ret, name, e);
	else if (!(ifr.ifr_flags & IFF_PERSIST))
		ret = no_such_tap(name, e);
	else
		ret = adopt(n, fd, name, ifr.ifr_flags, e);
	if (ret)
		close(fd);
	return ret;
}

static int open_fd_tap(struct virtio_net *n, int fd, struct err *e)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	char name[IFNAMSIZ];

	if (get_flags(fd, &ifr) < 0 || !(ifr.ifr_flags & IFF_TAP))
		return err_set(e, -EINVAL,
			       "--net fd=%d is neither a TAP nor a stream "
			       "socket",
			       fd);
	memcpy(name, ifr.ifr_name, sizeof(name));
	name[IFNAMSIZ - 1] = '\0';
	return adopt(n, fd, name, ifr.ifr_flags, e);
}

int net_open_fd(struct virtio_net *n, int fd, struct err *e)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(e, -errno,
			       "--net fd=%d: no such descriptor; start mote "
			       "with it, as in the shell's %d<>file",
			       fd, fd);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return open_fd_tap(n, fd, e);
	if (type != SOCK_STREAM || !is_up(fd))
		return err_set(e, -EINVAL,
			       "--net fd=%d is no connected stream socket", fd);
	n->fd = fd;
	n->link_up = true;
	net_stream_init(n, NULL);
	return 0;
}
