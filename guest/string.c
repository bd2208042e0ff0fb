// SPDX-License-Identifier: Apache-2.0
/* Memory and strings. Built without the compiler's own ideas of them. */
#include "guest/kit.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen

/* An unaligned word that may alias anything. */
typedef uint64_t __attribute__((aligned(1), may_alias)) word;

static word *word_at(void *p)
{
	return p;
}

static uint64_t load(const void *p)
{
	return *(const word *)p;
}

/*
 * Eight bytes at a time by the string instruction, which CPUs move by cache
 * lines, and which costs emulators an eighth of a bytewise one. The last word
 * may overlap what was moved before. memmove() relies on this to be right for
 * any @dst below @src.
 */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	char *to = dst;
	const char *from = src;
	size_t words = n / 8;
	uint64_t last;

	if (n < 8) {
		while (n--)
			*to++ = *from++;
		return dst;
	}
	last = load(from + n - 8);
	__asm__ volatile("rep movsq"
			 : "+D"(to), "+S"(from), "+c"(words)
			 :
			 : "memory");
	*word_at((char *)dst + n - 8) = last;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *to = dst;
	const char *from = src;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	while (n >= 8) {
		n -= 8;
		*word_at(to + n) = load(from + n);
	}
	while (n--)
		to[n] = from[n];
	return dst;
}

void *memset(void *dst, int byte, size_t n)
{
	char *to = dst;
	uint64_t pattern = 0x0101010101010101ULL * (uint8_t)byte;
	size_t words = n / 8;

	if (n < 8) {
		while (n--)
			*to++ = (char)byte;
		return dst;
	}
	*word_at(to + n - 8) = pattern;
	__asm__ volatile("rep stosq"
			 : "+D"(to), "+c"(words)
			 : "a"(pattern)
			 : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n >= 8 && load(x) == load(y); n -= 8) {
		x += 8;
		y += 8;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
	for (const uint8_t *p = s; n--; p++)
		if (*p == (uint8_t)byte)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int byte)
{
	for (; *s != (char)byte; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

uint64_t strtou64(const char *s, const char **ret_end)
{
	unsigned base = 10;
	uint64_t value = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (; digit_of(*s) < base; s++)
		value = value * base + digit_of(*s);
	if (ret_end)
		*ret_end = s;
	return value;
}
