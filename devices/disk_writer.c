// SPDX-License-Identifier: Apache-2.0
/*
 * Who holds the lock? An OFD lock belongs to an open file, not to a process,
 * so the kernel names no pid (fcntl(2), /proc/locks). What it does tell, to
 * those who may look, is which locks each open file of each process has:
 * "lock:" lines in /proc/PID/fdinfo/N. Only ever walked for a message.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "devices/disk.h"

#include "monitor/fmt.h"
#include "monitor/value.h"

/* getdents64(2); readdir() would pull in an allocator. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* Calls @visit(@dir, name, @cookie) for each name that is a number, until it
 * returns non-zero, and returns that. */
static int each_number(int dir,
		       int (*visit)(int dir, const char *name, void *cookie),
		       void *cookie)
{
	_Alignas(struct entry) char buf[2048];
	long n;

	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *d = (const void *)(buf + at);
			int r = 0;

			if (d->name[0] >= '0' && d->name[0] <= '9')
				r = visit(dir, d->name, cookie);
			if (r)
				return r;
			at += d->reclen;
		}
	}
	return 0;
}

/* Looks for "lock: N: OFDLCK ADVISORY WRITE pid MM:mm:inode ..." */
static int has_lock(int dir, const char *name, void *cookie)
{
	const char *file = cookie; /* "MM:mm:inode " */
	char text[2048], *at = text;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	while ((at = strstr(at, "lock:"))) {
		char *end = strchr(at, '\n');

		if (end)
			*end = 0;
		if (strstr(at, " WRITE ") && strstr(at, file))
			return 1;
		if (!end)
			return 0;
		at = end + 1;
	}
	return 0;
}

/* Return: the pid if that process holds the lock. */
static int holds(int proc, const char *pid, void *cookie)
{
	char path[64];
	int dir, r;

	fmt_print(path, sizeof(path), "%.20s/fdinfo", pid);
	dir = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	r = each_number(dir, has_lock, cookie);
	close(dir);
	return r ? (int)value_leading(pid, &pid) : 0;
}

int disk_writer(int fd)
{
	char file[64];
	struct stat st;
	int proc, pid;

	if (fstat(fd, &st) < 0)
		return 0;
	fmt_print(file, sizeof(file), " %02x:%02x:%llu ", major(st.st_dev),
		  minor(st.st_dev), (unsigned long long)st.st_ino);
	proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return 0;
	pid = each_number(proc, holds, file);
	close(proc);
	return pid;
}
