// SPDX-License-Identifier: Apache-2.0
/* Files are told apart by device and inode, block devices by their number. */
#include "monitor/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"

static bool is_file(int fd, struct stat *ret)
{
	return fd >= 0 && !fstat(fd, ret) &&
	       (S_ISREG(ret->st_mode) || S_ISBLK(ret->st_mode));
}

static bool are_same(const struct stat *a, const struct stat *b)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return false;
	if (S_ISBLK(a->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_same(int fd, const struct stat *other)
{
	struct stat st;

	return is_file(fd, &st) && are_same(&st, other);
}

/* ---- what was handed in -------------------------------------------------- */

/* By number: for a disk or a network card. */
static bool is_named(const struct config *cfg, int fd)
{
	for (unsigned i = 0; i < cfg->disks; i++)
		if (cfg->disk[i].fd == fd)
			return true;
	for (unsigned i = 0; i < cfg->nets; i++)
		if (cfg->net[i].fd == fd)
			return true;
	return false;
}

static bool is_path(const char *path, const struct stat *other)
{
	struct stat st;

	return path && !stat(path, &st) && are_same(&st, other);
}

static bool is_read(const struct config *cfg, int fd)
{
	struct stat st;

	if (!is_file(fd, &st))
		return false;
	if (is_path(cfg->image, &st) || is_path(cfg->initrd, &st))
		return true;
	for (unsigned i = 0; i < cfg->disks; i++)
		if (is_path(cfg->disk[i].path, &st) ||
		    is_same(cfg->disk[i].fd, &st))
			return true;
	return false;
}

/* Why it is refused must not be written over the disk either. */
static void move_stderr(const struct config *cfg)
{
	bool lost = is_named(cfg, STDOUT_FILENO) || is_read(cfg, STDOUT_FILENO);

	dup2(lost ? open("/dev/null", O_WRONLY | O_CLOEXEC) : STDOUT_FILENO,
	     STDERR_FILENO);
}

static int check_standard(const struct config *cfg, int fd, const char *name,
			  struct err *e)
{
	bool named = is_named(cfg, fd);

	/* what is typed may come from a disk */
	if (!named && (fd == STDIN_FILENO || !is_read(cfg, fd)))
		return 0;
	if (fd == STDERR_FILENO)
		move_stderr(cfg);
	if (named)
		return err_set(e, -EINVAL,
			       "descriptor %d is mote's own %s; hand in a disk "
			       "or a network card as 3 or more",
			       fd, name);
	return err_set(e, -EINVAL,
		       "%s would overwrite the image, the initrd or a disk",
		       name);
}

int outputs_check(const struct config *cfg, struct err *e)
{
	bool stdio = cfg->console == CONSOLE_STDIO;
	int ret = check_standard(cfg, STDERR_FILENO, "stderr", e);

	if (!ret && (stdio || cfg->dry_run))
		ret = check_standard(cfg, STDOUT_FILENO, "stdout", e);
	if (!ret && stdio)
		ret = check_standard(cfg, STDIN_FILENO, "stdin", e);
	return ret;
}

int outputs_check_status(const struct config *cfg, struct err *e)
{
	int fd = cfg->status_fd;

	if (fd >= 0 && is_named(cfg, fd))
		return err_set(e, -EINVAL,
			       "descriptor %d is named by two options", fd);
	if (is_read(cfg, fd))
		return err_set(e, -EINVAL,
			       "--status-fd=%d would overwrite the image, the "
			       "initrd or a disk; give it another file",
			       fd);
	return 0;
}

/* ---- what mote opens itself ---------------------------------------------- */

int outputs_open(const char *option, const char *path, bool dry_run,
		 struct err *e)
{
	int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags | (dry_run ? 0 : O_CREAT), 0666);
	struct stat st;

	if (fd < 0 && dry_run && errno == ENOENT)
		fd = open("/dev/null", flags);
	if (fd < 0)
		return err_set(e, -errno, "%s%.120s cannot be opened", option,
			       path);
	/* On some file systems and devices io_uring answers EAGAIN to each
	 * write that shall not block, for ever. */
	if (is_file(fd, &st))
		fcntl(fd, F_SETFL, 0);
	return fd;
}

static int check(const struct output *out, unsigned i, const int *in,
		 unsigned ins, struct err *e)
{
	struct stat st;

	if (!is_file(out[i].fd, &st))
		return 0;
	for (unsigned k = 0; k < ins; k++)
		if (is_same(in[k], &st))
			return err_set(e, -EINVAL,
				       "%s would overwrite the image, the "
				       "initrd or a disk; give it another file",
				       out[i].option);
	for (unsigned k = 0; k < i; k++)
		if (is_same(out[k].fd, &st))
			return err_set(e, -EINVAL,
				       "%s and %s name the same file",
				       out[k].option, out[i].option);
	return 0;
}

static int empty(const struct output *out, struct err *e)
{
	if (!ftruncate(out->fd, 0) || errno == EINVAL) /* a FIFO, a terminal */
		return 0;
	return err_set(e, -errno, "%s: cannot empty its file", out->option);
}

int outputs_empty(const struct output *out, unsigned outs, const int *in,
		  unsigned ins, bool dry_run, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < outs && !ret; i++)
		ret = check(out, i, in, ins, e);
	for (unsigned i = 0; i < outs && !ret && !dry_run; i++)
		if (out[i].fd >= 0 && !out[i].keep)
			ret = empty(&out[i], e);
	return ret;
}
