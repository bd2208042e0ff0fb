// SPDX-License-Identifier: Apache-2.0
/* Log lines: formatted on the stack, written in one piece. */
#include "monitor/log.h"

#include <stdarg.h>
#include <unistd.h>

#include "monitor/fmt.h"
#include "monitor/out.h"

static enum log_level threshold = LOG_WARN;
static const char *name;

void log_set_name(const char *vm)
{
	name = vm;
}

void log_set_level(enum log_level level)
{
	threshold = level;
}

int log_enabled(enum log_level level)
{
	return level <= threshold;
}

int log_limit_pass(struct log_limit *limit)
{
	return __atomic_fetch_add(&limit->count, 1, __ATOMIC_RELAXED) <
	       LOG_GUEST_MAX;
}

void log_line(enum log_level level, const char *component, const char *fmt, ...)
{
	char line[320];
	va_list ap;
	int n, m;

	if (!log_enabled(level))
		return;
	n = fmt_print(line, sizeof(line), "mote: %.63s%s%s%s", name ? name : "",
		      name ? ": " : "", component, *component ? ": " : "");
	if (n >= (int)sizeof(line) - 1)
		return;
	va_start(ap, fmt);
	m = fmt_vprint(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n += m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		line[i] = fmt_visible(line[i]);
	line[n++] = '\n';
	if (out_raw(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to say it */
}
