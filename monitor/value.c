// SPDX-License-Identifier: Apache-2.0
/* Integer arithmetic only: strtod and friends cost more than all of this. */
#include "monitor/value.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits at *s and moves it behind them; at least one is needed. */
static int digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	*s = p;
	*ret = n;
	return 0;
}

int value_count(const char *s, uint64_t *ret)
{
	uint64_t n;
	int r = digits(&s, &n);

	if (r)
		return r;
	if (*s)
		return -EINVAL;
	*ret = n;
	return 0;
}

uint64_t value_leading(const char *s, const char **ret_end)
{
	uint64_t n = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (digits(&s, &n))
		n = 0;
	*ret_end = s;
	return n;
}

int value_size(const char *s, uint64_t *ret_bytes)
{
	static const char letters[] = "kmgt";
	const char *letter;
	unsigned shift = 0;
	uint64_t n;
	int r = digits(&s, &n);

	if (r)
		return r;
	if (*s) {
		letter = strchr(letters, *s | 0x20);
		if (!letter || s[1])
			return -EINVAL;
		shift = 10 * (unsigned)(letter - letters + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = n << shift;
	return 0;
}

/* Nanoseconds in the unit named @s, 0 if there is no such unit. */
static uint64_t unit_ns(const char *s)
{
	if (!*s || !strcmp(s, "s"))
		return 1000000000;
	if (!strcmp(s, "ms"))
		return 1000000;
	if (!strcmp(s, "m"))
		return 60000000000;
	return 0;
}

int value_duration(const char *s, uint64_t *ret_ns)
{
	const char *fraction = NULL;
	uint64_t n, unit;
	int r = digits(&s, &n);

	if (r)
		return r;
	if (*s == '.') {
		fraction = ++s;
		if (!is_digit(*s))
			return -EINVAL;
		while (is_digit(*s))
			s++;
	}
	unit = unit_ns(s);
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow(n, unit, &n))
		return -ERANGE;
	/* each digit is worth a tenth of the one before, the first a tenth of
	 * the unit; all units are powers of ten, or six times one */
	for (; fraction && is_digit(*fraction) && unit; fraction++) {
		unit /= 10;
		if (__builtin_add_overflow(
			    n, unit * (uint64_t)(*fraction - '0'), &n))
			return -ERANGE;
	}
	*ret_ns = n;
	return 0;
}

int value_choice(const char *s, const char *words, unsigned *ret_index)
{
	size_t len = strlen(s);

	for (unsigned i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && !memcmp(s, words, n)) {
			*ret_index = i;
			return 0;
		}
		if (!words[n])
			return -EINVAL;
		words += n + 1;
	}
}
