// SPDX-License-Identifier: Apache-2.0
/* A write buffer on the stack: no stdio, no heap, few system calls. */
#include "monitor/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "monitor/fmt.h"

ssize_t out_raw(int fd, const void *bytes, size_t len)
{
	/* writev() does not write to it */
	const struct iovec iov = { (void *)(uintptr_t)bytes, len };

	return writev(fd, &iov, 1);
}

int out_flush(struct out *out)
{
	size_t done = 0;

	while (!out->error && done < out->len) {
		ssize_t n = out_raw(out->fd, out->buf + done, out->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			out->error = -errno;
	}
	out->len = 0;
	return out->error;
}

void out_write(struct out *out, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len) {
		size_t n = sizeof(out->buf) - out->len;

		if (n > len)
			n = len;
		memcpy(out->buf + out->len, from, n);
		out->len += n;
		from += n;
		len -= n;
		if (out->len == sizeof(out->buf))
			out_flush(out);
	}
}

void out_text(struct out *out, const char *text)
{
	out_write(out, text, strlen(text));
}

void out_clean(struct out *out, const char *bytes, size_t len)
{
	for (; len--; bytes++) {
		char c = fmt_visible(*bytes);

		out_write(out, &c, 1);
	}
}

void out_name(struct out *out, const char *text)
{
	out_clean(out, text, strlen(text));
}

void out_printf(struct out *out, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_write(out, text,
		  (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
