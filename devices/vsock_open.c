// SPDX-License-Identifier: Apache-2.0
/* The listening socket, its directory, and room for the others. */
#include "devices/virtio_vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/log.h"

/* Descriptors beside those of connections in the loop's table. */
#define OTHER_FILES 25

/*
 * The file table may be as large as RLIMIT_NOFILE says. Return: how many
 * connections that leaves.
 */
static unsigned make_room(void)
{
	struct rlimit r;
	rlim_t want = VSOCK_CONNS + LOOP_FILES_MAX;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return VSOCK_CONNS_MIN;
	if (r.rlim_cur < want) {
		r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
		setrlimit(RLIMIT_NOFILE, &r);
		getrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur >= VSOCK_CONNS + OTHER_FILES)
		return VSOCK_CONNS;
	if (r.rlim_cur <= OTHER_FILES)
		return 0;
	return (unsigned)(r.rlim_cur - OTHER_FILES);
}

static int open_dir(struct virtio_vsock *v, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char dir[4096] = ".";

	if (!*name)
		return err_set(e, -EINVAL,
			       "--vsock path=%.80s: a socket's name is missing",
			       path);
	if (strlen(name) >= sizeof(v->name))
		return err_set(e, -EINVAL,
			       "--vsock path=%.80s: its last part has %zu "
			       "bytes; at most %zu are possible",
			       path, strlen(name), sizeof(v->name) - 1);
	strcpy(v->name, name);
	if (slash)
		fmt_print(dir, sizeof(dir), "%.*s",
			  slash == path ? 1 : (int)(slash - path), path);
	v->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		return err_set(e, -errno, "--vsock path=%.80s: directory %.80s",
			       path, dir);
	return 0;
}

/* However long the directory's path: by its descriptor it is short. */
static void address(const struct virtio_vsock *v, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	fmt_print(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s",
		  v->dir_fd, v->name);
}

/* A socket left behind by somebody who is gone is nobody's: remove it. */
static int remove_stale(const struct virtio_vsock *v,
			const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, ret;

	if (fstatat(v->dir_fd, v->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno
									: 0;
	close(fd);
	if (ret != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlinkat(v->dir_fd, v->name, 0) ? -errno : 0;
}

static int listen_failed(int ret, const char *path, struct err *e)
{
	if (ret == -EADDRINUSE)
		return err_set(e, ret,
			       "--vsock path=%.100s: somebody listens there; "
			       "take another path",
			       path);
	if (ret == -EEXIST)
		return err_set(e, ret,
			       "--vsock path=%.100s is there, and not a socket",
			       path);
	return err_set(e, ret, "--vsock path=%.100s: cannot listen there",
		       path);
}

static int listen_there(struct virtio_vsock *v, const char *path, struct err *e)
{
	struct sockaddr_un addr;
	int fd, ret;

	address(v, &addr);
	ret = remove_stale(v, &addr);
	if (ret)
		return listen_failed(ret, path, e);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, -errno, "cannot make a socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 4096)) {
		ret = -errno;
		close(fd);
		return listen_failed(ret, path, e);
	}
	v->listener_fd = fd;
	return 0;
}

static int take_slots(struct virtio_vsock *v, struct err *e)
{
	int first;

	v->conns = make_room();
	if (v->conns < VSOCK_CONNS_MIN)
		return err_set(e, -EMFILE,
			       "--vsock: too few open files are allowed; "
			       "`ulimit -n 2048` mends it");
	if (v->conns < VSOCK_CONNS)
		log_info("virtio-vsock",
			 "at most %u connections: the limit of open files is "
			 "low",
			 v->conns);
	v->listener = loop_add_file(v->loop, v->listener_fd);
	first = loop_reserve_files(v->loop, v->conns);
	if (v->listener < 0 || first < 0)
		return err_set(e, -ENOSPC, "too many devices");
	v->offset = (unsigned)first;
	loop_allow_bulk(v->loop);
	loop_add_drain(v->loop, &v->drain);
	return 0;
}

int virtio_vsock_open(struct virtio_vsock *v, const struct config_vsock *cfg,
		      struct loop *loop, struct err *e)
{
	int ret;

	virtio_vsock_init(v, loop);
	v->cid = cfg->cid;
	ret = open_dir(v, cfg->path, e);
	if (!ret)
		ret = listen_there(v, cfg->path, e);
	if (!ret)
		ret = take_slots(v, e);
	return ret;
}

int virtio_vsock_enter(struct virtio_vsock *v, bool inside, struct err *e)
{
	if (!inside && fchdir(v->dir_fd) < 0)
		return err_set(e, -errno,
			       "--vsock: cannot enter the directory "
			       "of its path");
	close(v->dir_fd);
	v->dir_fd = -1;
	return 0;
}
