// SPDX-License-Identifier: Apache-2.0
/* One pass over the format; every byte goes through put(). */
#include "monitor/fmt.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct sink {
	char *buf;
	size_t size, len; /* len may exceed size: then it only counts */
};

/* One conversion, between '%' and its letter. */
struct spec {
	bool left, zero;
	int width, precision; /* precision -1: none */
	int length;	      /* number of l; z counts as one; h is ignored */
};

static void put(struct sink *s, char c)
{
	if (s->len < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void pad(struct sink *s, char c, size_t have, const struct spec *spec)
{
	for (; spec->width > 0 && have < (size_t)spec->width; have++)
		put(s, c);
}

static void put_text(struct sink *s, const char *text, size_t len,
		     const struct spec *spec)
{
	if (!spec->left)
		pad(s, ' ', len, spec);
	for (size_t i = 0; i < len; i++)
		put(s, text[i]);
	if (spec->left)
		pad(s, ' ', len, spec);
}

static void put_string(struct sink *s, const char *text,
		       const struct spec *spec)
{
	if (!text)
		text = "(null)";
	put_text(s, text,
		 spec->precision < 0 ? strlen(text)
				     : strnlen(text, (size_t)spec->precision),
		 spec);
}

static void put_number(struct sink *s, uint64_t val, bool negative, char letter,
		       const struct spec *spec)
{
	const char *digits =
		letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = letter == 'x' || letter == 'X' ? 16
			: letter == 'o'		       ? 8
						       : 10;
	char text[24];
	size_t at = sizeof(text);

	do
		text[--at] = digits[val % base];
	while (val /= base);
	if (spec->zero && !spec->left) {
		if (negative)
			put(s, '-');
		pad(s, '0', sizeof(text) - at + negative, spec);
		for (; at < sizeof(text); at++)
			put(s, text[at]);
		return;
	}
	if (negative)
		text[--at] = '-';
	put_text(s, text + at, sizeof(text) - at, spec);
}

static const char *parse_number(const char *fmt, int *ret)
{
	*ret = 0;
	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		*ret = *ret * 10 + (*fmt - '0');
	return fmt;
}

/* A va_list in a struct can be handed down and advances for the caller. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *fmt, struct spec *spec,
			      struct args *args)
{
	*spec = (struct spec){ .precision = -1 };
	for (;; fmt++) {
		if (*fmt == '-')
			spec->left = true;
		else if (*fmt == '0')
			spec->zero = true;
		else
			break;
	}
	if (*fmt == '*') {
		spec->width = va_arg(args->ap, int);
		fmt++;
	} else {
		fmt = parse_number(fmt, &spec->width);
	}
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*fmt == '.' && *++fmt == '*') {
		spec->precision = va_arg(args->ap, int);
		fmt++;
	} else if (fmt[-1] == '.') {
		fmt = parse_number(fmt, &spec->precision);
	}
	for (; *fmt == 'l' || *fmt == 'z' || *fmt == 'h'; fmt++)
		spec->length += *fmt != 'h';
	return fmt;
}

static void put_signed(struct sink *s, const struct spec *spec,
		       struct args *args)
{
	int64_t val =
		spec->length ? va_arg(args->ap, long) : va_arg(args->ap, int);

	put_number(s, val < 0 ? 0 - (uint64_t)val : (uint64_t)val, val < 0, 'd',
		   spec);
}

static void put_conversion(struct sink *s, char letter, const struct spec *spec,
			   struct args *args)
{
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		put_signed(s, spec, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_number(s,
			   spec->length ? va_arg(args->ap, unsigned long)
					: va_arg(args->ap, unsigned),
			   false, letter, spec);
		break;
	case 'c':
		c = (char)va_arg(args->ap, int);
		put_text(s, &c, 1, spec);
		break;
	case 's':
		put_string(s, va_arg(args->ap, const char *), spec);
		break;
	default:
		put(s, letter);
		break;
	}
}

int fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { .buf = buf, .size = size };
	struct args args;
	struct spec spec;

	va_copy(args.ap, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&s, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &spec, &args);
		if (!*fmt)
			break;
		put_conversion(&s, *fmt++, &spec, &args);
	}
	va_end(args.ap);
	if (size)
		buf[s.len < size ? s.len : size - 1] = '\0';
	return (int)s.len;
}

int fmt_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
