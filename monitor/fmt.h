/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printf's formatting, as much of it as messages need.
 *
 * In place of the C library's, which brings floating point, wide characters
 * and streams: 12 KB of a program that has to be small enough to audit.
 */
#ifndef MOTE_MONITOR_FMT_H
#define MOTE_MONITOR_FMT_H

#include <stdarg.h>
#include <stddef.h>

/**
 * fmt_print() - as snprintf(): %d %u %x %X %o %c %s %%, lengths hh h l ll z,
 * flags - and 0, width and precision (of %s only), both also as *
 * Context: any thread; no allocation, no locale, no system call.
 * Return: the length the text has, or would have in a buffer large enough; it
 * cannot fail.
 */
int fmt_print(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** fmt_vprint() - as vsnprintf() */
int fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/** fmt_visible() - @c, or a question mark for a control character: what others
 *  wrote must not look like a line of ours, nor move a terminal's cursor */
static inline char fmt_visible(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

#endif
