// SPDX-License-Identifier: Apache-2.0
/* The formatter against the C library's, format by format. */
#include "monitor/fmt.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The same call to both, in a buffer large enough and in one cut short. */
#define SAME(...)                                                              \
	do {                                                                   \
		char ours[64], libc[64];                                       \
		static const size_t sizes[] = { sizeof(ours), 5, 1 };          \
		for (unsigned s_ = 0; s_ < 3; s_++) {                          \
			int a, b;                                              \
			memset(ours, '#', sizeof(ours));                       \
			memset(libc, '#', sizeof(libc));                       \
			a = fmt_print(ours, sizes[s_], __VA_ARGS__);           \
			b = snprintf(libc, sizes[s_], __VA_ARGS__);            \
			cr_assert_eq(a, b, "%s: %d, not %d", libc, a, b);      \
			cr_assert_arr_eq(ours, libc, sizeof(ours),             \
					 "\"%.*s\", not \"%.*s\"",             \
					 (int)sizes[s_], ours, (int)sizes[s_], \
					 libc);                                \
		}                                                              \
	} while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"

Test(fmt, formats_integers_as_the_c_library_does)
{
	static const long vals[] = { 0,	  1,	 -1,	  9,	  10,
				     255, -4096, INT_MAX, INT_MIN };

	for (unsigned i = 0; i < sizeof(vals) / sizeof(vals[0]); i++) {
		int v = (int)vals[i];

		SAME("%d", v);
		SAME("%u", (unsigned)v);
		SAME("%x|%X|%o", (unsigned)v, (unsigned)v, (unsigned)v);
		SAME("%5d|%-5d|%05d", v, v, v);
		SAME("%*d|%-*d|%0*d", 7, v, 7, v, 7, v);
		SAME("%02x:%09x", (unsigned)v & 0xff, (unsigned)v);
	}
}

Test(fmt, formats_long_integers_as_the_c_library_does)
{
	SAME("%ld %lld %zu", LONG_MIN, LLONG_MAX, (size_t)-1);
	SAME("%llx", ULLONG_MAX);
	SAME("%lu", ULONG_MAX);
	SAME("0x%09llx", 0x123ULL);
}

Test(fmt, formats_text_as_the_c_library_does)
{
	SAME("plain");
	SAME("%s%%%c", "text", 'c');
	SAME("%10s|%-10s|%.2s|%.0s", "text", "text", "text", "text");
	SAME("%.*s|%*s|%-*s", 3, "abcdef", 8, "abc", 8, "abc");
	SAME("%*s", -8, "left");
}

Test(fmt, reads_no_further_than_the_precision)
{
	const char unterminated[3] = { 'a', 'b', 'c' };
	char buf[8];

	cr_assert_eq(fmt_print(buf, sizeof(buf), "%.3s", unterminated), 3);
	cr_assert_str_eq(buf, "abc");
}

Test(fmt, ends_at_a_lone_percent)
{
	const char *lone = "50%";
	char buf[8];
	int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	n = fmt_print(buf, sizeof(buf), lone);
#pragma GCC diagnostic pop
	cr_assert_eq(n, 2);
	cr_assert_str_eq(buf, "50");
}

Test(fmt, counts_without_a_buffer)
{
	cr_assert_eq(fmt_print(NULL, 0, "%d", 12345), 5);
}
