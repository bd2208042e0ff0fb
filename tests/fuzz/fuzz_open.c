// SPDX-License-Identifier: Apache-2.0
/*
 * What devices are opened on: descriptors of any kind and in any mode that
 * another program hands in, and paths at which anything may lie. Either all of
 * it works, or there is a sentence, and no descriptor is left open.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "devices/disk.h"
#include "devices/virtio_net.h"
#include "devices/virtio_vsock.h"
#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "tests/fuzz/script.h"
#include "tests/unit/fake_loop.h"

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a directory of all sorts
 * --------------------------------------------------- */

static char dir[] = "/tmp/mote-open-XXXXXX";
static bool own_net; /* where TAPs are nobody's */
static int listener;

static const char *const paths[] = {
	"file", "folder", "fifo",      "socket",	 "stale", "link",
	"none", "none/x", "/dev/null", "folder/../file", "",	  "folder/",
};

static int bind_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	unlink(path);
	FUZZ_CHECK(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

static void clean(void)
{
	if (chdir(dir))
		return;
	for (unsigned i = 0; i < 6; i++)
		remove(paths[i]);
	unlink("none");
	rmdir(dir);
}

/* In a network of our own the TAPs are ours to make. */
static void make_tap(void)
{
	struct ifreq ifr = { .ifr_name = "tap0",
			     .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	own_net = fd >= 0 && !ioctl(fd, TUNSETIFF, &ifr) &&
		  !ioctl(fd, TUNSETPERSIST, 1);
	close(fd);
}

static void init(void)
{
	if (listener)
		return;
	log_set_level(LOG_ERR);
	setenv("PATH", "/nowhere", 1);
	FUZZ_CHECK(mkdtemp(dir) && !chdir(dir));
	atexit(clean);
	FUZZ_CHECK(!mkdir("folder", 0700) && !mkfifo("fifo", 0600) &&
		   !symlink("file", "link"));
	close(open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	listener = bind_at("socket");
	FUZZ_CHECK(!listen(listener, 4096) &&
		   !fcntl(listener, F_SETFL, O_NONBLOCK));
	if (!unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET))
		make_tap();
}

#define NOT_OPEN 1000

static int some_file(struct script *s)
{
	static const int modes[] = {
		O_RDWR, O_RDONLY,	   O_WRONLY,
		O_PATH, O_RDWR | O_APPEND, O_RDWR | O_NONBLOCK
	};
	uint8_t how = script_u8(s);
	struct ifreq ifr = { .ifr_name = "tap0" };
	int pair[2], fd;

	switch (how & 7) {
	case 0:
	case 1:
		if (socketpair(AF_UNIX, how & 1 ? SOCK_DGRAM : SOCK_STREAM, 0,
			       pair))
			return -1;
		close(pair[1]);
		return pair[0];
	case 2:
		fd = own_net ? open("/dev/net/tun", O_RDWR | O_CLOEXEC) : -1;
		ifr.ifr_flags = (short)(IFF_TAP | (how & 8 ? IFF_NO_PI : 0) |
					(how & 16 ? IFF_VNET_HDR : 0));
		if (fd >= 0 && how & 32)
			(void)!ioctl(fd, TUNSETIFF, &ifr);
		return fd;
	case 3:
		return -1;
	default:
		return open(paths[script_u8(s) % COUNT(paths)],
			    modes[(how >> 3) % COUNT(modes)] | O_CLOEXEC |
				    O_NONBLOCK);
	}
}

/* What another program may hand in, or a number that stands for nothing. */
static int handed_in(struct script *s)
{
	int fd = some_file(s);

	return fd < 0 ? NOT_OPEN : fd;
}

static void take_back(int fd)
{
	if (fd >= 0 && fd != NOT_OPEN)
		close(fd);
}

/* ---- devices
 * -------------------------------------------------------------------- */

static void check_failure(int ret, const struct err *e)
{
	FUZZ_CHECK(ret < 0 && e->code == ret && *e->msg);
}

static void check_disk(const struct disk *d)
{
	FUZZ_CHECK(d->sectors && d->logical >= 512 && d->logical <= 4096);
	FUZZ_CHECK(!(d->logical & (d->logical - 1)));
	FUZZ_CHECK(!(d->physical & (d->physical - 1)));
	FUZZ_CHECK(d->physical >= d->logical && d->mem_align >= 1);
	FUZZ_CHECK(d->sectors * 512 % d->logical == 0);
}

static void open_disk(struct script *s)
{
	uint8_t how = script_u8(s);
	char id[32] = "";
	struct config_disk cfg = { .fd = -1,
				   .read_only = how & 1,
				   .direct = how & 2,
				   .unsafe_cache = how & 4 };
	struct disk d;
	struct err e = { 0 };
	int ret, writer = -1;

	if (truncate("file", script_u32(s) % (1U << 20)))
		abort();
	if (how & 8) {
		struct flock whole = { .l_type = F_WRLCK };

		writer = open("file", O_RDWR | O_CLOEXEC);
		FUZZ_CHECK(!fcntl(writer, F_OFD_SETLK, &whole));
	}
	memset(id, 'x', script_u8(s) % 24);
	cfg.id = how & 16 ? id : NULL;
	if (how & 32)
		cfg.fd = handed_in(s);
	else
		cfg.path = paths[script_u8(s) % COUNT(paths)];
	ret = disk_open(&d, &cfg, &e);
	if (ret)
		check_failure(ret, &e);
	else
		check_disk(&d);
	if (!ret)
		disk_close(&d);
	else
		take_back(cfg.fd);
	if (writer >= 0)
		close(writer);
}

static void open_net(struct script *s)
{
	static const char *const taps[] = { "tap0", "lo", "tap1", "",
					    "a-name-that-is-too-long-for-it" };
	static struct virtio_net n;
	uint8_t how = script_u8(s);
	struct config_net cfg = { .fd = -1, .mtu = script_u16(s) };
	struct err e = { 0 };
	uint8_t dirs[NET_STREAM_PATH_MAX];
	int ret;

	memset(&n, 0, sizeof(n));
	n.fd = -1;
	if (how & 1)
		cfg.mac[5] = 1;
	if (how & 2)
		cfg.fd = handed_in(s);
	else if (how & 4 && own_net)
		cfg.tap = taps[(how >> 3) % COUNT(taps)];
	else if (how & 8 || how > 0xf0) /* where nothing is started, mostly */
		cfg.passt = how & 8 ? paths[script_u8(s) % 10] : "";
	else
		cfg.fd = NOT_OPEN;
	ret = virtio_net_open(&n, &cfg, loop_get(), &e);
	if (ret) {
		check_failure(ret, &e);
		take_back(cfg.fd);
		return;
	}
	FUZZ_CHECK(n.fd >= 0 && n.ops && !(n.mac[0] & 1));
	if (virtio_net_peer_dir(&n, (char *)dirs))
		FUZZ_CHECK(*dirs == '/' && virtio_net_tap_fd(&n) < 0);
	close(n.fd);
}

static void open_vsock(struct script *s)
{
	static struct virtio_vsock v;
	uint8_t how = script_u8(s);
	struct config_vsock cfg = { .path = paths[how % COUNT(paths)],
				    .cid = 3 };
	char long_name[200];
	struct err e = { 0 };
	int ret;

	if (how & 0x40) {
		memset(long_name, 'x', sizeof(long_name));
		long_name[script_u8(s) % sizeof(long_name)] = '\0';
		long_name[sizeof(long_name) - 1] = '\0';
		cfg.path = long_name;
	}
	close(bind_at("stale"));
	v.dir_fd = v.listener_fd = -1;
	ret = virtio_vsock_open(&v, &cfg, loop_get(), &e);
	if (ret)
		check_failure(ret, &e);
	if (!ret) {
		unlink(cfg.path);
		FUZZ_CHECK(!virtio_vsock_enter(&v, how & 0x80, &e));
		FUZZ_CHECK(!chdir(dir) && v.dir_fd < 0);
	}
	if (v.dir_fd >= 0)
		close(v.dir_fd);
	if (v.listener_fd >= 0)
		close(v.listener_fd);
}

/* On who has connected. */
static void hang_up(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

/* The number that the next descriptor gets. */
static int lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };
	int before;

	init();
	before = lowest();
	fake_loop_on(0);
	for (unsigned i = 0; i < 8 && script_more(&s); i++) {
		switch (script_u8(&s) % 3) {
		case 0:
			open_disk(&s);
			break;
		case 1:
			open_net(&s);
			break;
		default:
			open_vsock(&s);
			break;
		}
		hang_up();
	}
	fake_loop_off();
	FUZZ_CHECK(lowest() == before);
	return 0;
}
