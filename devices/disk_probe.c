// SPDX-License-Identifier: Apache-2.0
/* Sizes and alignments of files and block devices. */
#define _GNU_SOURCE 1
#include "devices/disk_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "devices/blk_wire.h"
#include "monitor/fmt.h"
#include "monitor/sys_ioctl.h"
#include "monitor/value.h"

#define BLOCK_MAX 4096U /* no larger block is told to a guest */

/* statx(2), of which musl 1.2.3 knows nothing. Only what we look at is named;
 * 256 bytes is the ABI's size. */
struct statx_dio {
	uint32_t mask;
	uint8_t before[148];
	uint32_t mem_align, offset_align;
	uint8_t after[96];
};
_Static_assert(sizeof(struct statx_dio) == 256, "statx(2)");
#define STATX_DIO 0x2000U /* STATX_DIOALIGN, Linux 6.1 */

static bool power_of_two(uint32_t v)
{
	return v && !(v & (v - 1));
}

/*
 * What O_DIRECT demands. Before Linux 6.1 there is no way to ask; a page is
 * what any file system takes.
 */
static int probe_direct(struct disk_probe *p, int fd)
{
	struct statx_dio st = { 0 };

	p->mem_align = 4096;
	p->offset_align = 4096;
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIO, &st) < 0 ||
	    !(st.mask & STATX_DIO))
		return 0;
	if (!st.mem_align || !st.offset_align)
		return -EOPNOTSUPP;
	if (!power_of_two(st.mem_align) || !power_of_two(st.offset_align) ||
	    st.mem_align > BLOCK_MAX || st.offset_align > BLOCK_MAX)
		return -EOPNOTSUPP;
	p->mem_align = st.mem_align;
	p->offset_align = st.offset_align;
	return 0;
}

/* The queue directory is the disk's; a partition's lies one level up. */
static uint32_t discard_granularity(dev_t dev)
{
	static const char *const where[] = { "", "../" };
	char path[96], text[24];
	const char *end;

	for (unsigned i = 0; i < 2; i++) {
		ssize_t n;
		int fd;

		fmt_print(path, sizeof(path),
			  "/sys/dev/block/%u:%u/%squeue/discard_granularity",
			  major(dev), minor(dev), where[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return 0;
		text[n] = 0;
		return (uint32_t)value_leading(text, &end);
	}
	return 0;
}

static int ask(int fd, unsigned long what, void *answer)
{
	return sys_ioctl(fd, what, (unsigned long)answer);
}

static int probe_device(struct disk_probe *p, int fd, dev_t dev)
{
	int logical = 0, read_only = 0;
	unsigned physical = 0;

	ask(fd, BLKROGET, &read_only);
	p->read_only = read_only;
	if (ask(fd, BLKGETSIZE64, &p->bytes) < 0 ||
	    ask(fd, BLKSSZGET, &logical) < 0)
		return -errno;
	if (ask(fd, BLKPBSZGET, &physical) < 0)
		physical = (unsigned)logical;
	p->logical = (uint32_t)logical;
	p->physical = physical;
	p->discard_align = discard_granularity(dev);
	return 0;
}

static void probe_file(struct disk_probe *p, int fd, const struct stat *st)
{
	struct statfs fs;

	p->in_memory =
		!syscall(SYS_fstatfs, fd, &fs) && fs.f_type == TMPFS_MAGIC;
	p->bytes = (uint64_t)st->st_size;
	p->logical = BLK_SECTOR;
	p->physical = st->st_blksize > (long)BLOCK_MAX
			      ? BLOCK_MAX
			      : (uint32_t)st->st_blksize;
	p->discard_align = p->physical;
}

int disk_probe(struct disk_probe *p, int fd, bool direct)
{
	struct stat st;
	int ret = 0;

	*p = (struct disk_probe){ .mem_align = 1, .offset_align = 1 };
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		probe_file(p, fd, &st);
	else if (S_ISBLK(st.st_mode))
		ret = probe_device(p, fd, st.st_rdev);
	else
		ret = -ENOTBLK;
	if (!ret && direct)
		ret = probe_direct(p, fd);
	if (ret)
		return ret;
	/* Nothing absurd gets past here, whatever the driver below says. */
	if (!power_of_two(p->logical) || p->logical < BLK_SECTOR ||
	    p->logical > BLOCK_MAX)
		p->logical = BLK_SECTOR;
	if (p->logical < p->offset_align)
		p->logical = p->offset_align;
	if (!power_of_two(p->physical) || p->physical < p->logical)
		p->physical = p->logical;
	if (!power_of_two(p->discard_align) || p->discard_align < p->physical)
		p->discard_align = p->physical;
	return 0;
}
