// SPDX-License-Identifier: Apache-2.0
/* Files that are emptied, and those that are not. */
#include "monitor/outputs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/err.h"

static struct err e;

/* Five bytes long, and without a name. */
static int file(void)
{
	char name[] = "/tmp/mote-outputs-XXXXXX";
	int fd = mkstemp(name);

	cr_assert(fd >= 0 && !unlink(name));
	cr_assert_eq(write(fd, "older", 5), 5);
	return fd;
}

static off_t size(int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st.st_size;
}

Test(outputs, are_emptied)
{
	const struct output out[] = { { file(), "--a", false },
				      { -1, "--b", false } };
	const int in[] = { file(), -1 };

	cr_expect_eq(outputs_empty(out, 2, in, 2, false, &e), 0);
	cr_expect_eq(size(out[0].fd), 0);
	cr_expect_eq(size(in[0]), 5);
}

Test(outputs, that_are_to_stay)
{
	const struct output out[] = { { file(), "--a", false },
				      { file(), "--b", true } };

	cr_expect_eq(outputs_empty(out, 2, NULL, 0, false, &e), 0);
	cr_expect_eq(size(out[0].fd), 0);
	cr_expect_eq(size(out[1].fd), 5);
}

Test(outputs, are_left_alone_by_a_dry_run)
{
	const struct output out = { file(), "--a", false };

	cr_expect_eq(outputs_empty(&out, 1, NULL, 0, true, &e), 0);
	cr_expect_eq(size(out.fd), 5);
}

Test(outputs, are_nothing_that_is_read)
{
	const struct output out[] = { { file(), "--a", false },
				      { file(), "--b", false } };
	const int in[] = { -1, dup(out[1].fd) };

	cr_expect_eq(outputs_empty(out, 2, in, 2, false, &e), -EINVAL);
	cr_expect_not_null(strstr(e.msg, "--b"), "%s", e.msg);
	cr_expect_eq(size(out[0].fd), 5, "not one of them");
	cr_expect_eq(size(out[1].fd), 5);
}

Test(outputs, are_not_each_other)
{
	const struct output out[] = { { file(), "--a", false },
				      { dup(out[0].fd), "--b", true } };

	cr_expect_eq(outputs_empty(out, 2, NULL, 0, false, &e), -EINVAL);
	cr_expect_not_null(strstr(e.msg, "--a and --b"), "%s", e.msg);
}

Test(outputs, may_be_pipes)
{
	int fds[2];
	struct output out = { .option = "--a" };

	cr_assert_eq(pipe(fds), 0);
	out.fd = fds[1];
	cr_expect_eq(outputs_empty(&out, 1, fds, 1, false, &e), 0);
}

/* ---- opening ------------------------------------------------------------- */

static char dir[] = "/tmp/mote-outputs-XXXXXX";
static char at[sizeof(dir) + 2];

static void make_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	strcat(strcpy(at, dir), "/f");
}

static void remove_dir(void)
{
	unlink(at);
	rmdir(dir);
}

Test(outputs, are_made, .init = make_dir, .fini = remove_dir)
{
	int fd = outputs_open("--a ", at, false, &e);

	cr_assert(fd > 2, "%s", e.msg);
	/* io_uring shall wait for the disk */
	cr_expect_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_eq(access(at, F_OK), 0);
}

Test(outputs, that_nobody_reads, .init = make_dir, .fini = remove_dir)
{
	int fd, reader;

	cr_assert_eq(mkfifo(at, 0600), 0);
	cr_expect_eq(outputs_open("--a ", at, false, &e), -ENXIO);
	reader = open(at, O_RDONLY | O_NONBLOCK);
	fd = outputs_open("--a ", at, false, &e);
	cr_assert(reader >= 0 && fd >= 0, "%s", e.msg);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK, "nor will anybody");
}

Test(outputs, are_not_made_by_a_dry_run, .init = make_dir, .fini = remove_dir)
{
	int fd = outputs_open("--a ", at, true, &e);

	cr_assert(fd > 2, "%s", e.msg);
	cr_expect_eq(access(at, F_OK), -1);
	cr_expect_eq(write(fd, "lost", 4), 4);
}

Test(outputs, where_there_is_no_way, .init = make_dir, .fini = remove_dir)
{
	cr_expect_eq(outputs_open("--a ", "/nowhere/f", false, &e), -ENOENT);
	cr_expect_not_null(strstr(e.msg, "--a /nowhere/f cannot be opened"),
			   "%s", e.msg);
	cr_expect_eq(outputs_open("--a ", dir, true, &e), -EISDIR);
}
