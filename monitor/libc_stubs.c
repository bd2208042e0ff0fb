// SPDX-License-Identifier: Apache-2.0
/*
 * What libraries would draw in from the C library, and the monitor does
 * without. Not linked into tests.
 *
 * There is no heap: nothing here allocates, and liburing does only in a
 * function that is not used. An attempt fails, and the 5 KB of an allocator
 * need no audit. The C library's assert() would bring its streams.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "monitor/log.h"

void *malloc(size_t size)
{
	(void)size;
	errno = ENOMEM;
	return NULL;
}

void *calloc(size_t n, size_t size)
{
	(void)n;
	return malloc(size);
}

void free(void *p)
{
	(void)p;
}

_Noreturn void __assert_fail(const char *expr, const char *file, int line,
			     const char *func)
{
	log_err("", "broken invariant in %s, %s:%d: %s", func, file, line,
		expr);
	__builtin_trap();
}
