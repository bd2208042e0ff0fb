/* SPDX-License-Identifier: Apache-2.0 */
/* How a test guest says what it found: "NAME: ok" and 0, or a line and 1. */
#ifndef MOTE_TESTS_GUEST_CHECK_H
#define MOTE_TESTS_GUEST_CHECK_H

#include "guest/kit.h"

static inline _Noreturn void check_failed(const char *what, const char *file,
					  int line)
{
	console_printf("%s:%d: not so: %s\n", file, line, what);
	exit(1);
}

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond))                                                   \
			check_failed(#cond, __FILE__, __LINE__);               \
	} while (0)

#define CHECK_NOT_REACHED() check_failed("the end", __FILE__, __LINE__)

static inline int check_done(const char *name)
{
	console_printf("%s: ok\n", name);
	return 0;
}

#endif
