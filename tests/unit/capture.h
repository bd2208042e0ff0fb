/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor to print to, and what was printed. */
#ifndef MOTE_TESTS_UNIT_CAPTURE_H
#define MOTE_TESTS_UNIT_CAPTURE_H

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

static inline int capture_open(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	return fd;
}

/* Closes @fd; returns its content, NUL-terminated, valid until the next. */
static inline const char *capture_close(int fd)
{
	static char text[1 << 18];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	cr_assert(len >= 0);
	text[len] = '\0';
	close(fd);
	return text;
}

/* What is on stderr from here on is captured. Return: the true one, for
 * capture_stderr_end(). */
static inline int capture_stderr(int fd)
{
	int saved = dup(STDERR_FILENO);

	cr_assert(saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	return saved;
}

/* Closes both; returns what was said, valid until the next. */
static inline const char *capture_stderr_end(int fd, int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	return capture_close(fd);
}

#endif
