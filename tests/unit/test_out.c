// SPDX-License-Identifier: Apache-2.0
/* Buffered text: nothing lost, nothing twice, errors remembered. */
#include "monitor/out.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/unit/capture.h"

#define ROOM sizeof(((struct out *)0)->buf)

Test(out, keeps_text_until_the_flush)
{
	int fd = capture_open();
	struct out out = OUT_INIT(fd);

	out_text(&out, "a");
	out_printf(&out, "%d", 12);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 0);
	cr_expect_eq(out_flush(&out), 0);
	cr_expect_eq(lseek(fd, 0, SEEK_END), 3);
	cr_expect_eq(out_flush(&out), 0);
	cr_expect_str_eq(capture_close(fd), "a12");
}

Test(out, passes_any_length)
{
	static char bytes[5 * ROOM + 7];

	/* every piece size around the buffer's */
	for (size_t piece = ROOM - 2; piece <= ROOM + 2; piece++) {
		int fd = capture_open();
		struct out out = OUT_INIT(fd);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)('a' + i % 26);
		for (size_t at = 0; at < sizeof(bytes); at += piece)
			out_write(&out, bytes + at,
				  sizeof(bytes) - at < piece
					  ? sizeof(bytes) - at
					  : piece);
		cr_expect_eq(out_flush(&out), 0);
		cr_expect(!memcmp(capture_close(fd), bytes, sizeof(bytes)));
	}
}

Test(out, cuts_only_a_single_printf)
{
	int fd = capture_open();
	struct out out = OUT_INIT(fd);

	out_printf(&out, "%0600d", 0);
	out_text(&out, "end");
	cr_expect_eq(out_flush(&out), 0);
	cr_expect_eq(strlen(capture_close(fd)), 511 + 3);
}

Test(out, remembers_the_first_error)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct out out = OUT_INIT(fd);

	cr_assert(fd >= 0);
	out_text(&out, "x");
	cr_expect_eq(out_flush(&out), -ENOSPC);
	out_text(&out, "y");
	cr_expect_eq(out_flush(&out), -ENOSPC);
	close(fd);
	out = (struct out)OUT_INIT(-1);
	out_text(&out, "x");
	cr_expect_eq(out_flush(&out), -EBADF);
}
