// SPDX-License-Identifier: Apache-2.0
/* Disks: what can be opened, what is refused with which sentence, locks. */
#include "devices/disk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "tests/unit/capture.h"

static char dir[] = "/var/tmp/mote-disk-XXXXXX";
static char path[64];
static struct disk d;
static struct err e;

static void make(const char *name, off_t size)
{
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(ftruncate(fd, size), 0);
	close(fd);
}

static void set_up(void)
{
	/* on a real file system: /tmp may be one that lacks O_DIRECT */
	cr_assert(mkdtemp(dir));
	make("disk", 1 << 20);
	e = (struct err){ 0 };
}

static void tear_down(void)
{
	static const char *const names[] = { "disk", "small", "fifo", "odd" };

	disk_close(&d);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	cr_expect_eq(rmdir(dir), 0);
}

TestSuite(disk, .init = set_up, .fini = tear_down);

static struct config_disk with_path(void)
{
	return (struct config_disk){ .path = path, .fd = -1 };
}

static struct config_disk with_fd(int fd)
{
	return (struct config_disk){ .fd = fd };
}

Test(disk, opens_a_file)
{
	struct config_disk cfg = with_path();

	cfg.id = "0123456789abcdefghij"; /* exactly 20 */
	cr_assert_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	cr_expect_eq(d.sectors, 2048);
	cr_expect_eq(d.logical, 512);
	cr_expect_eq(d.physical, 4096);
	cr_expect_eq(d.mem_align, 1);
	cr_expect_eq(d.discard_align, 4096);
	cr_expect_eq(memcmp(d.id, cfg.id, 20), 0);
	cr_expect_eq(fcntl(d.fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDWR);
}

Test(disk, closes_more_than_once)
{
	struct config_disk cfg = with_path();

	cr_assert_eq(disk_open(&d, &cfg, &e), 0);
	disk_close(&d);
	disk_close(&d);
	cr_expect_eq(d.fd, -1);
}

/* ---- what is refused, and the sentence -------------------------------------
 */

static void expect_refused(const struct config_disk *cfg, int code, int status,
			   const char *says)
{
	int ret = disk_open(&d, cfg, &e);

	cr_expect_eq(ret, code, "%s: %d (%s)", says, ret, e.msg);
	cr_expect_eq(e.status, status, "%s", e.msg);
	cr_expect(strstr(e.msg, says), "\"%s\" lacks \"%s\"", e.msg, says);
	d.fd = -1;
}

Test(disk, names_a_file_that_is_not_there)
{
	struct config_disk cfg = { .path = "/nowhere/disk", .fd = -1 };

	expect_refused(&cfg, -ENOENT, EXIT_NO_IMAGE, "/nowhere/disk");
}

Test(disk, refuses_what_is_no_disk)
{
	struct config_disk cfg = { .path = "/dev/null", .fd = -1 };

	expect_refused(&cfg, -EINVAL, EXIT_MISUSE,
		       "neither a file nor a block device");
	cfg.path = dir;
	cfg.read_only = true;
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE,
		       "neither a file nor a block device");
	snprintf(path, sizeof(path), "%s/fifo", dir);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cfg.path = path;
	alarm(60); /* it must not hang */
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE,
		       "neither a file nor a block device");
	alarm(0);
}

Test(disk, refuses_a_file_smaller_than_a_sector)
{
	struct config_disk cfg = with_path();

	make("small", 511);
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "511 bytes");
	make("small", 0);
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "too small");
}

Test(disk, refuses_a_long_id)
{
	struct config_disk cfg = with_path();

	cfg.id = "0123456789abcdefghijk";
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "longer than 20");
}

Test(disk, proposes_ro_where_writing_is_not_allowed)
{
	struct config_disk cfg = with_path();
	char way_round[300];
	int status;
	pid_t pid;

	/* the sentence's end is worth more than the path's */
	snprintf(way_round, sizeof(way_round), "%s", dir);
	for (unsigned i = 0; i < 100; i++)
		strcat(way_round, "/.");
	strcat(way_round, "/disk");
	cfg.path = way_round;
	cr_assert_eq(chmod(path, 0444), 0);
	cr_assert_eq(chmod(dir, 0755), 0);
	pid = fork();
	if (!pid) {
		/* root may write anything; be somebody else */
		if (getuid() == 0 && setuid(65534))
			_exit(1);
		if (disk_open(&d, &cfg, &e) != -EACCES)
			_exit(2);
		if (!strstr(e.msg, "add `,ro`"))
			_exit(3);
		cfg.read_only = true;
		_exit(disk_open(&d, &cfg, &e) ? 4 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "0x%x", (unsigned)status);
}

Test(disk, leaves_odd_bytes_out_and_says_so)
{
	struct config_disk cfg = with_path();
	int fd = capture_open(), saved;
	const char *said;

	make("odd", 5 * 512 + 100);
	saved = capture_stderr(fd);
	cr_assert_eq(disk_open(&d, &cfg, &e), 0);
	said = capture_stderr_end(fd, saved);
	cr_expect_eq(d.sectors, 5);
	cr_expect(strstr(said, "last 100 bytes"), "%s", said);
}

/* ---- inherited descriptors
 * --------------------------------------------------- */

Test(disk, takes_an_inherited_descriptor)
{
	int fd = open(path, O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	struct config_disk cfg = with_fd(fd);

	cr_assert_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	cr_expect_eq(d.fd, fd);
	cr_expect_eq(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), 0,
		     "appending would put every write at the end");
}

Test(disk, flushes_nothing_that_is_in_memory_only)
{
	struct config_disk cfg = { .fd = memfd_create("disk", MFD_CLOEXEC) };
	struct statfs fs;

	cr_assert_eq(ftruncate(cfg.fd, 1 << 20), 0);
	cr_assert_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	cr_expect(d.unsafe_cache);
	disk_close(&d);
	cfg = (struct config_disk){ .path = path, .fd = -1 };
	cr_assert_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	cr_assert_eq(fstatfs(d.fd, &fs), 0);
	cr_expect_eq(d.unsafe_cache, fs.f_type == TMPFS_MAGIC);
}

Test(disk, refuses_descriptors_that_cannot_serve)
{
	struct config_disk cfg = with_fd(1234);
	int pipes[2];

	expect_refused(&cfg, -EBADF, EXIT_MISUSE, "fd=1234");
	cfg.fd = open(path, O_RDONLY | O_CLOEXEC);
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "add `,ro`");
	cfg.read_only = true;
	cr_expect_eq(disk_open(&d, &cfg, &e), 0);
	disk_close(&d);
	cfg.fd = open(path, O_WRONLY | O_CLOEXEC);
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "cannot be read");
	close(cfg.fd);
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	cfg.fd = pipes[0];
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "neither");
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- locks
 * --------------------------------------------------------------------- */

/* A process that holds @path as a disk until the pipe closes. */
static pid_t start_holder(bool read_only, int *ret_end)
{
	struct config_disk cfg = with_path();
	int ready[2], end[2];
	char c;
	pid_t pid;

	cfg.read_only = read_only;
	cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(end, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(end[1]);
		if (disk_open(&d, &cfg, &e))
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		_exit(read(end[0], &c, 1) == 0 ? 0 : 3);
	}
	close(ready[1]);
	close(end[0]);
	cr_assert_eq(read(ready[0], &c, 1), 1, "the holder failed");
	close(ready[0]);
	*ret_end = end[1];
	return pid;
}

static void end_holder(pid_t pid, int end)
{
	int status;

	close(end);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
}

Test(disk, keeps_a_second_writer_out_and_names_the_first)
{
	struct config_disk cfg = with_path();
	char says[64];
	int end;
	pid_t pid = start_holder(false, &end);

	snprintf(says, sizeof(says), "process %d", pid);
	expect_refused(&cfg, -EBUSY, EXIT_MISUSE, says);
	cr_expect(strstr(e.msg, path), "%s", e.msg);
	end_holder(pid, end);
	cr_expect_eq(disk_open(&d, &cfg, &e), 0, "the lock goes with it");
}

Test(disk, lets_the_lock_go_when_the_holder_is_killed)
{
	struct config_disk cfg = with_path();
	int end, status;
	pid_t pid = start_holder(false, &end);

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(end);
	cr_expect_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
}

/* A lock that no process holds: as after a kill, while the kernel ends what
 * was in flight. Here its open file lies in a socket. */
Test(disk, waits_for_a_lock_that_nobody_holds_any_more)
{
	struct config_disk cfg = with_path();
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
				SCM_RIGHTS } };
	char x = 'x';
	struct iovec one = { &x, 1 };
	struct msghdr msg = { .msg_iov = &one,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int sock[2], status;
	pid_t pid;

	cr_assert_eq(disk_open(&d, &cfg, &e), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	memcpy(CMSG_DATA(&control.head), &d.fd, sizeof(int));
	cr_assert_eq(sendmsg(sock[0], &msg, 0), 1);
	disk_close(&d);
	pid = fork();
	if (!pid) {
		usleep(100000);
		_exit(0); /* the last to close the socket */
	}
	close(sock[0]);
	close(sock[1]);
	cr_expect_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	waitpid(pid, &status, 0);
}

Test(disk, shares_readers_freely)
{
	struct config_disk cfg = with_path();
	struct disk other;
	int end;
	pid_t pid = start_holder(true, &end);

	cfg.read_only = true;
	cr_expect_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	cfg.read_only = false;
	cr_expect_eq(disk_open(&other, &cfg, &e), 0, "%s", e.msg);
	disk_close(&other);
	end_holder(pid, end);
}

Test(disk, warns_a_reader_of_a_writer)
{
	struct config_disk cfg = with_path();
	int end, fd = capture_open(), saved;
	pid_t pid = start_holder(false, &end);
	const char *said;
	char says[64];

	cfg.read_only = true;
	saved = capture_stderr(fd);
	cr_expect_eq(disk_open(&d, &cfg, &e), 0, "%s", e.msg);
	said = capture_stderr_end(fd, saved);
	snprintf(says, sizeof(says), "process %d", pid);
	cr_expect(strstr(said, says), "%s", said);
	end_holder(pid, end);
}

Test(disk, notices_the_same_file_given_twice)
{
	struct config_disk cfg = with_path();
	struct disk first;

	cr_assert_eq(disk_open(&first, &cfg, &e), 0);
	expect_refused(&cfg, -EINVAL, EXIT_MISUSE, "already in use by this VM");
	disk_close(&first);
}

/* ---- O_DIRECT
 * -------------------------------------------------------------------- */

Test(disk, learns_what_o_direct_demands)
{
	struct config_disk cfg = with_path();
	int ret;

	cfg.direct = true;
	ret = disk_open(&d, &cfg, &e);
	if (ret == -EINVAL && strstr(e.msg, "O_DIRECT"))
		cr_skip("no O_DIRECT on this file system");
	cr_assert_eq(ret, 0, "%s", e.msg);
	cr_expect(fcntl(d.fd, F_GETFL) & O_DIRECT);
	cr_expect_geq(d.mem_align, 4);
	cr_expect_geq(d.offset_align, 512);
	cr_expect_geq(d.logical, d.offset_align);
}

Test(disk, says_when_o_direct_cannot_be_had)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);
	struct config_disk cfg = with_fd(fd);
	int ret;

	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	cfg.direct = true;
	ret = disk_open(&d, &cfg, &e);
	/* tmpfs has learnt it in newer kernels */
	if (ret)
		cr_expect(strstr(e.msg, "O_DIRECT"), "%s", e.msg);
}
