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
	const struct output out[] = { { file(), "--a" }, { -1, "--b" } };
	const int in[] = { file(), -1 };

	cr_expect_eq(outputs_empty(out, 2, in, 2, false, &e), 0);
	cr_expect_eq(size(out[0].fd), 0);
	cr_expect_eq(size(in[0]), 5);
}

Test(outputs, are_left_alone_by_a_dry_run)
{
	const struct output out = { file(), "--a" };

	cr_expect_eq(outputs_empty(&out, 1, NULL, 0, true, &e), 0);
	cr_expect_eq(size(out.fd), 5);
}

Test(outputs, are_nothing_that_is_read)
{
	const struct output out[] = { { file(), "--a" }, { file(), "--b" } };
	const int in[] = { -1, dup(out[1].fd) };

	cr_expect_eq(outputs_empty(out, 2, in, 2, false, &e), -EINVAL);
	cr_expect_not_null(strstr(e.msg, "--b"), "%s", e.msg);
	cr_expect_eq(size(out[0].fd), 5, "not one of them");
	cr_expect_eq(size(out[1].fd), 5);
}

Test(outputs, are_not_each_other)
{
	const struct output out[] = { { file(), "--a" },
				      { dup(out[0].fd), "--b" } };

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
