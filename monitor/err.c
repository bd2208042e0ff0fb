// SPDX-License-Identifier: Apache-2.0
/* Fills struct err; prints nothing. */
#include "monitor/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "monitor/fmt.h"

static void __attribute__((format(printf, 4, 0)))
fill(struct err *e, int code, int status, const char *fmt, va_list ap)
{
	int n;

	if (!e)
		return;
	e->code = code;
	e->status = status;
	n = fmt_vprint(e->msg, sizeof(e->msg), fmt, ap);
	if (code != -EINVAL && code != -ENOEXEC &&
	    (size_t)n < sizeof(e->msg) - 1)
		fmt_print(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s",
			  strerror(-code));
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, EXIT_MISUSE, fmt, ap);
	va_end(ap);
	return code;
}

int err_image(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, -ENOEXEC, EXIT_BAD_IMAGE, fmt, ap);
	va_end(ap);
	return -ENOEXEC;
}

int err_open(struct err *e, int code, const char *what, const char *path)
{
	err_set(e, code, "%s %.120s cannot be opened", what, path);
	if (e && (code == -ENOENT || code == -ENOTDIR))
		e->status = EXIT_NO_IMAGE;
	return code;
}
