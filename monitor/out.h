/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a person or a script: gathered on the stack, written in pieces. */
#ifndef MOTE_MONITOR_OUT_H
#define MOTE_MONITOR_OUT_H

#include <stddef.h>
#include <sys/types.h>

/**
 * struct out - a descriptor and what has not been written to it yet
 * @fd: borrowed
 * @error: 0, or the negative errno of the first write that failed; everything
 *         after it is dropped
 * @len: bytes waiting in @buf
 *
 * Start with OUT_INIT(fd), end with out_flush(). One thread.
 */
struct out {
	int fd;
	int error;
	size_t len;
	char buf[1024];
};

#define OUT_INIT(fd_)                                                          \
	{                                                                      \
		.fd = (fd_)                                                    \
	}

/** out_write() - append @len bytes as they are */
void out_write(struct out *out, const void *bytes, size_t len);

/** out_text() - append a string of any length */
void out_text(struct out *out, const char *text);

/** out_clean() - as out_write(), for what others wrote: by fmt_visible() */
void out_clean(struct out *out, const char *bytes, size_t len);

/** out_name() - the same for a string */
void out_name(struct out *out, const char *text);

/** out_printf() - append; a single call's text is cut at 512 bytes */
void out_printf(struct out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * out_raw() - write to @fd at once; all of the monitor's plain writes go
 * through it, by writev(), which libc_calls.c makes pwritev2(2): the lock has
 * to allow one call less
 * Context: any thread. Return: as write(2).
 */
ssize_t out_raw(int fd, const void *bytes, size_t len);

/** out_flush() - write the rest; 0, or the first error of any write */
int out_flush(struct out *out);

#endif
