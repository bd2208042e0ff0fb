// SPDX-License-Identifier: Apache-2.0
/* snprintf(): integers, pointers, characters and strings. */
#include "guest/kit.h"

struct out {
	char *buf;
	size_t size, len; /* @len goes on where @buf is full */
};

/* One conversion: what stands between the percent sign and the letter. */
struct spec {
	bool zero, left;
	int width, precision; /* precision: -1 without */
	int length;	      /* 0 int, 1 and up 64 bits, -1 short, -2 char */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_many(struct out *o, char c, size_t n)
{
	while (n--)
		put(o, c);
}

/* Text in its field: spaces, @sign, zeros, @text, spaces. The minus of a width
 * that was an argument is a flag (C17 7.21.6.1). */
static void put_field(struct out *o, const struct spec *s, const char *sign,
		      const char *text, size_t len)
{
	bool left = s->left || s->width < 0;
	size_t width = s->width < 0 ? -(size_t)s->width : (size_t)s->width;
	size_t taken = strlen(sign) + len;
	size_t fill = width > taken ? width - taken : 0;

	put_many(o, ' ', left || s->zero ? 0 : fill);
	while (*sign)
		put(o, *sign++);
	put_many(o, '0', s->zero && !left ? fill : 0);
	while (len--)
		put(o, *text++);
	put_many(o, ' ', left ? fill : 0);
}

static void put_number(struct out *o, const struct spec *s, uint64_t value,
		       unsigned base, const char *digits, const char *sign)
{
	char text[20]; /* 2^64 has 20 digits */
	size_t at = sizeof(text);

	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value);
	put_field(o, s, sign, text + at, sizeof(text) - at);
}

static const char *parse_length(const char *f, struct spec *s)
{
	for (;; f++) {
		if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
			s->length = 1;
		else if (*f == 'h')
			s->length--;
		else
			return f;
	}
}

static const char *parse_int(const char *f, int *ret, va_list *ap)
{
	if (*f == '*') {
		*ret = va_arg(*ap, int);
		return f + 1;
	}
	for (*ret = 0; *f >= '0' && *f <= '9'; f++)
		*ret = *ret * 10 + (*f - '0');
	return f;
}

static const char *parse_spec(const char *f, struct spec *s, va_list *ap)
{
	*s = (struct spec){ .precision = -1 };
	for (; *f == '0' || *f == '-'; f++) {
		s->zero |= *f == '0';
		s->left |= *f == '-';
	}
	f = parse_int(f, &s->width, ap);
	if (*f == '.')
		f = parse_int(f + 1, &s->precision, ap);
	return parse_length(f, s);
}

static uint64_t next_unsigned(const struct spec *s, va_list *ap)
{
	if (s->length > 0)
		return va_arg(*ap, uint64_t);
	if (s->length == 0)
		return va_arg(*ap, unsigned);
	return s->length == -1 ? (uint16_t)va_arg(*ap, unsigned)
			       : (uint8_t)va_arg(*ap, unsigned);
}

static int64_t next_signed(const struct spec *s, va_list *ap)
{
	if (s->length > 0)
		return va_arg(*ap, int64_t);
	if (s->length == 0)
		return va_arg(*ap, int);
	return s->length == -1 ? (int16_t)va_arg(*ap, int)
			       : (int8_t)va_arg(*ap, int);
}

static void put_signed(struct out *o, const struct spec *s, va_list *ap)
{
	int64_t value = next_signed(s, ap);

	put_number(o, s, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
		   "0123456789", value < 0 ? "-" : "");
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t max = s->precision < 0 ? SIZE_MAX : (size_t)s->precision;

	if (!text)
		text = "(null)";
	put_field(o, s, "", text, strnlen(text, max));
}

static void put_conversion(struct out *o, char letter, const struct spec *s,
			   va_list *ap)
{
	static const char lower[] = "0123456789abcdef";
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		put_signed(o, s, ap);
		break;
	case 'u':
		put_number(o, s, next_unsigned(s, ap), 10, lower, "");
		break;
	case 'x':
		put_number(o, s, next_unsigned(s, ap), 16, lower, "");
		break;
	case 'X':
		put_number(o, s, next_unsigned(s, ap), 16, "0123456789ABCDEF",
			   "");
		break;
	case 'p':
		put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, lower,
			   "0x");
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_field(o, s, "", &c, 1);
		break;
	case 's':
		put_string(o, s, va_arg(*ap, const char *));
		break;
	default: /* "%%", and what is not known */
		put(o, letter);
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct spec s;
	va_list args;

	va_copy(args, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &args);
		if (!*fmt)
			break;
		put_conversion(&o, *fmt, &s, &args);
	}
	va_end(args);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
