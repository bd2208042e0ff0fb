// SPDX-License-Identifier: Apache-2.0
/* Files are told apart by device and inode. */
#include "monitor/outputs.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/err.h"

static bool is_file(int fd, struct stat *ret)
{
	return fd >= 0 && !fstat(fd, ret) && S_ISREG(ret->st_mode);
}

static bool is_same(int fd, const struct stat *other)
{
	struct stat st;

	return is_file(fd, &st) && st.st_dev == other->st_dev &&
	       st.st_ino == other->st_ino;
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

int outputs_empty(const struct output *out, unsigned outs, const int *in,
		  unsigned ins, bool dry_run, struct err *e)
{
	int ret = 0;

	for (unsigned i = 0; i < outs && !ret; i++)
		ret = check(out, i, in, ins, e);
	for (unsigned i = 0; i < outs && !ret && !dry_run; i++)
		if (out[i].fd >= 0 && ftruncate(out[i].fd, 0) &&
		    errno != EINVAL) /* a FIFO, a terminal */
			ret = err_set(e, -errno, "%s: cannot empty its file",
				      out[i].option);
	return ret;
}
