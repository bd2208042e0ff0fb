// SPDX-License-Identifier: Apache-2.0
/* Opens, checks, measures and locks what is behind a disk. */
#define _GNU_SOURCE 1 /* OFD locks, O_DIRECT */
#include "devices/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "devices/disk_probe.h"
#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/log.h"

#define LOCK_TRIES 100 /* two seconds */

/* How messages call the disk: its path, or the descriptor's number. */
struct name {
	char text[128];
};

static struct name name_of(const struct config_disk *cfg)
{
	struct name name = { "" };

	if (cfg->path)
		fmt_print(name.text, sizeof(name.text), "%s", cfg->path);
	else
		fmt_print(name.text, sizeof(name.text), "fd=%d", cfg->fd);
	return name;
}

static int open_path(const struct config_disk *cfg, struct err *e)
{
	/* NONBLOCK: opening a FIFO by mistake must not hang. Taken off
	 * again in check_flags(). */
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (cfg->read_only ? O_RDONLY : O_RDWR) |
		    (cfg->direct ? O_DIRECT : 0);
	int fd = open(cfg->path, flags);

	if (fd >= 0)
		return fd;
	if (errno == EINVAL && cfg->direct)
		return err_set(e, -EINVAL,
			       "disk %.120s: its file system cannot do "
			       "O_DIRECT; leave out `direct`",
			       cfg->path);
	if ((errno == EACCES || errno == EROFS || errno == EPERM) &&
	    !cfg->read_only)
		return err_set(e, -errno,
			       "disk %.120s cannot be opened for writing "
			       "(add `,ro` if it need not be)",
			       cfg->path);
	return err_open(e, -errno, "disk", cfg->path);
}

/* A descriptor handed in: open, in the right mode, and set up as ours are. */
static int check_flags(int fd, const struct config_disk *cfg, struct err *e)
{
	int flags = fcntl(fd, F_GETFL), want;

	if (flags < 0)
		return err_set(e, -errno, "disk fd=%d is not open", fd);
	if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
		return err_set(e, -EINVAL, "disk fd=%d cannot be read from",
			       fd);
	if (!cfg->read_only && (flags & O_ACCMODE) != O_RDWR)
		return err_set(e, -EINVAL,
			       "disk fd=%d is open for reading only; open it "
			       "for writing too, or add `,ro`",
			       fd);
	/* NONBLOCK would have io_uring answer EAGAIN instead of waiting,
	 * APPEND would put every write at the end, and DIRECT asks for an
	 * alignment that nobody told us of. */
	want = (flags & ~(O_NONBLOCK | O_APPEND | O_DIRECT)) |
	       (cfg->direct ? O_DIRECT : 0);
	if (want != flags && fcntl(fd, F_SETFL, want) < 0)
		return err_set(e, -errno, "disk %s: cannot set its flags%s",
			       name_of(cfg).text,
			       cfg->direct ? " (does its file system know "
					     "O_DIRECT?)"
					   : "");
	return 0;
}

/*
 * The lock belongs to the open file, and so lasts until the last operation on
 * it is over, which for a killed monitor is some milliseconds after its end:
 * nobody holds it any more, as far as /proc knows. That is worth waiting for.
 *
 * Return: 0; -errno, with the holder's pid if it is known, else 0.
 */
static int try_lock(int fd, int *ret_pid)
{
	static const struct timespec nap = { 0, 20000000 };
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (unsigned tries = 0; fcntl(fd, F_OFD_SETLK, &whole); tries++) {
		int ret = -errno;

		if (ret == -EACCES)
			ret = -EAGAIN; /* fcntl(2): either means "held" */
		*ret_pid = ret == -EAGAIN ? disk_writer(fd) : 0;
		if (ret != -EAGAIN || *ret_pid || tries == LOCK_TRIES)
			return ret;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int lock(int fd, const char *name, struct err *e)
{
	int pid = 0, ret = try_lock(fd, &pid);

	if (!ret)
		return 0;
	if (ret != -EAGAIN) {
		log_warn("disk",
			 "%s cannot be locked against other writers: %s", name,
			 strerror(-ret));
		return 0;
	}
	if (pid == getpid())
		return err_set(e, -EINVAL,
			       "disk %s is already in use by this VM; give "
			       "each image once, or add `,ro`",
			       name);
	if (pid)
		return err_set(e, -EBUSY,
			       "disk %s is being written by process %d; end "
			       "it, or add `,ro`",
			       name, pid);
	return err_set(e, -EBUSY,
		       "disk %s is being written by another process; end it, "
		       "or add `,ro`",
		       name);
}

/* A reader is not kept out, but should know. */
static void warn_of_writer(int fd, const char *name)
{
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int pid;

	if (fcntl(fd, F_OFD_GETLK, &whole) || whole.l_type == F_UNLCK)
		return;
	pid = disk_writer(fd);
	if (pid)
		log_warn("disk",
			 "%s is being written by process %d: what the "
			 "guest reads may change under it",
			 name, pid);
	else
		log_warn("disk",
			 "%s is being written by another process: what "
			 "the guest reads may change under it",
			 name);
}

static int set_size(struct disk *d, uint64_t bytes, const char *name,
		    struct err *e)
{
	uint64_t odd = bytes % d->logical;

	if (bytes < d->logical)
		return err_set(e, -EINVAL,
			       "disk %s is too small: %llu bytes, one block is "
			       "%u",
			       name, (unsigned long long)bytes, d->logical);
	if (odd)
		log_warn("disk",
			 "%s: its last %llu bytes do not fill a block "
			 "of %u and are not part of the disk",
			 name, (unsigned long long)odd, d->logical);
	d->sectors = (bytes - odd) / BLK_SECTOR;
	return 0;
}

static int measure(struct disk *d, const char *name, struct err *e)
{
	struct disk_probe p;
	int ret = disk_probe(&p, d->fd, d->direct);

	if (ret == -ENOTBLK)
		return err_set(e, -EINVAL,
			       "disk %s is neither a file nor a block device",
			       name);
	if (ret == -EOPNOTSUPP)
		return err_set(e, -EINVAL,
			       "disk %s: its file system cannot do O_DIRECT; "
			       "leave out `direct`",
			       name);
	if (ret)
		return err_set(e, ret, "disk %s cannot be measured", name);
	d->logical = p.logical;
	d->physical = p.physical;
	d->mem_align = p.mem_align;
	d->offset_align = p.offset_align;
	d->discard_align = p.discard_align;
	/* io_uring would hand an fdatasync() to another thread, to do nothing:
	 * a sixth of a write + fsync in the nested lane. */
	d->unsafe_cache |= p.in_memory;
	d->in_memory = p.in_memory;
	ret = set_size(d, p.bytes, name, e);
	if (!ret && p.read_only && !d->read_only)
		return err_set(e, -EINVAL, "disk %s takes no writes; add `,ro`",
			       name);
	return ret;
}

static int set_up(struct disk *d, const struct config_disk *cfg, struct err *e)
{
	struct name name = name_of(cfg);
	int ret = check_flags(d->fd, cfg, e);

	if (!ret)
		ret = measure(d, name.text, e);
	if (ret)
		return ret;
	if (!cfg->read_only)
		return lock(d->fd, name.text, e);
	warn_of_writer(d->fd, name.text);
	return 0;
}

int disk_open(struct disk *d, const struct config_disk *cfg, struct err *e)
{
	int ret;

	*d = (struct disk){
		.name = cfg->path ? cfg->path : "(inherited)",
		.fd = cfg->fd,
		.read_only = cfg->read_only,
		.direct = cfg->direct,
		.unsafe_cache = cfg->unsafe_cache,
	};
	if (cfg->id && strlen(cfg->id) > BLK_ID_BYTES) {
		d->fd = -1;
		return err_set(e, -EINVAL, "disk id %s is longer than %d bytes",
			       cfg->id, BLK_ID_BYTES);
	}
	if (cfg->id)
		memcpy(d->id, cfg->id, strlen(cfg->id));
	if (cfg->path) {
		d->fd = open_path(cfg, e);
		if (d->fd < 0)
			return d->fd;
	}
	ret = set_up(d, cfg, e);
	if (ret && cfg->path)
		disk_close(d);
	return ret;
}

/* A tmpfs waits for pages only that were swapped out, and knew no RWF_NOWAIT
 * before Linux 6.6. */
static long move_now(long call, const struct disk *d, const struct iovec *iov,
		     unsigned iovs, uint64_t off)
{
	long n = syscall(call, d->fd, iov, (long)iovs, off, 0L,
			 d->in_memory ? 0L : (long)RWF_NOWAIT);

	return n < 0 ? -errno : n;
}

long disk_read_now(const struct disk *d, const struct iovec *iov, unsigned iovs,
		   uint64_t off)
{
	return move_now(SYS_preadv2, d, iov, iovs, off);
}

long disk_write_now(const struct disk *d, const struct iovec *iov,
		    unsigned iovs, uint64_t off)
{
	return move_now(SYS_pwritev2, d, iov, iovs, off);
}

void disk_close(struct disk *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
