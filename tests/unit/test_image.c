// SPDX-License-Identifier: Apache-2.0
/* Bounded reads of image files. */
#include "bootproto/image.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/bootfake.h"

/* In place of the C library's: a disk that is slow and often interrupted,
 * when a test wants one. */
static struct {
	size_t at_most; /* bytes per call; 0: no limit */
	unsigned calls;
} slow;

ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	if (slow.at_most && ++slow.calls % 2) {
		errno = EINTR;
		return -1;
	}
	if (slow.at_most && len > slow.at_most)
		len = slow.at_most;
	return syscall(SYS_pread64, fd, buf, len, off);
}

static struct image file_image(const void *bytes, size_t size)
{
	struct image image = { "image", "file", memfd_create("image", 0), NULL,
			       size };

	cr_assert_geq(image.fd, 0);
	cr_assert_eq(write(image.fd, bytes, size), (ssize_t)size);
	return image;
}

Test(image, reads_any_part_of_a_file)
{
	const char text[] = "0123456789";
	struct image image = file_image(text, 10);
	char buf[11] = { 0 };

	cr_assert_eq(image_read(&image, 3, buf, 4, NULL), 0);
	cr_assert_str_eq(buf, "3456");
	cr_assert_eq(image_read(&image, 0, buf, 10, NULL), 0);
	cr_assert_str_eq(buf, text);
	cr_assert_eq(image_read(&image, 10, buf, 0, NULL), 0);
	close(image.fd);
}

Test(image, goes_on_after_short_and_interrupted_reads)
{
	struct image image = file_image("0123456789", 10);
	char buf[11] = { 0 };

	slow.at_most = 3;
	cr_assert_eq(image_read(&image, 0, buf, 10, NULL), 0);
	slow.at_most = 0;
	cr_assert_str_eq(buf, "0123456789");
	cr_assert_eq(slow.calls, 8); /* 3 + 3 + 3 + 1, each at a second try */
	close(image.fd);
}

Test(image, refuses_what_lies_behind_the_end)
{
	static const struct {
		uint64_t off, len;
	} row[] = { { 0, 11 },	       { 10, 1 },
		    { 11, 0 },	       { UINT64_MAX, 1 },
		    { 1, UINT64_MAX }, { UINT64_MAX, UINT64_MAX } };
	struct image image = fake_image("0123456789", 10);

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err e = { 0 };
		char buf[16];

		cr_assert_lt(
			image_read(&image, row[i].off, buf, row[i].len, &e), 0,
			"row %zu", i);
		fake_expect(&e, EXIT_BAD_IMAGE, "truncated");
	}
}

Test(image, a_file_that_shrank_is_an_error)
{
	struct image image = file_image("0123456789", 10);
	struct err e = { 0 };
	char buf[10];

	cr_assert_eq(ftruncate(image.fd, 4), 0);
	cr_assert_lt(image_read(&image, 0, buf, 10, &e), 0);
	fake_expect(&e, EXIT_BAD_IMAGE, "shrank");
	close(image.fd);
}

Test(image, a_read_error_names_its_cause)
{
	struct image image = { "initrd", "pipe", -1, NULL, 10 };
	struct err e = { 0 };
	int pipes[2];
	char buf[10];

	cr_assert_eq(pipe(pipes), 0);
	image.fd = pipes[0];
	cr_assert_eq(image_read(&image, 0, buf, 10, &e), -ESPIPE);
	fake_expect(&e, EXIT_MISUSE, "cannot read initrd pipe: ");
	close(pipes[0]);
	close(pipes[1]);
}

Test(image, loads_into_guest_memory)
{
	struct image image = file_image("0123456789", 10);
	struct mem mem;

	fake_mem(&mem, 0x100000);
	cr_assert_eq(image_load(&image, 2, &mem, 0xffff8, 8, NULL), 0);
	cr_assert_arr_eq(mem_at(&mem, 0xffff8, 8), "23456789", 8);
	mem_deinit(&mem);
	close(image.fd);
}

Test(image, does_not_load_outside_of_ram)
{
	static const gpa_t row[] = { 0xffffc, 0x100000, 0xd0000000,
				     UINT64_MAX - 3 };
	struct image image = fake_image("0123456789", 10);
	struct mem mem;

	fake_mem(&mem, 0x100000);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err e = { 0 };

		cr_assert_lt(image_load(&image, 0, &mem, row[i], 8, &e), 0,
			     "row %zu", i);
		fake_expect(&e, EXIT_BAD_IMAGE, "outside the guest's memory");
	}
	mem_deinit(&mem);
}

Test(image, a_long_path_does_not_push_out_the_reason)
{
	struct image image = fake_image("", 0);
	struct err e = { 0 };
	char path[4096];

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	image.name = path;
	image_err(&image, &e, "the %s", "reason");
	fake_expect(&e, EXIT_BAD_IMAGE, "ppp: the reason");
}
