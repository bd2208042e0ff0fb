// SPDX-License-Identifier: Apache-2.0
/* Encodes AML byte by byte; lengths are inserted when an object closes. */
#include "bootproto/aml.h"

#include <string.h>

enum aml_op {
	OP_ZERO = 0x00,
	OP_ONE = 0x01,
	OP_NAME = 0x08,
	OP_BYTE = 0x0a,
	OP_WORD = 0x0b,
	OP_DWORD = 0x0c,
	OP_STRING = 0x0d,
	OP_SCOPE = 0x10,
	OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12,
	OP_EXT = 0x5b,
	OP_EXT_DEVICE = 0x82,
};

static void put(struct aml *a, uint32_t byte)
{
	if (a->len < a->max)
		a->buf[a->len] = (uint8_t)byte;
	a->len++;
}

static void put_le(struct aml *a, uint32_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8)
		put(a, value & 0xff);
}

static void put_path(struct aml *a, const char *name)
{
	while (*name)
		put(a, (uint8_t)*name++);
}

uint32_t aml_scope(struct aml *a, const char *name)
{
	uint32_t opened;

	put(a, OP_SCOPE);
	opened = a->len;
	put_path(a, name);
	return opened;
}

uint32_t aml_device(struct aml *a, const char *name)
{
	uint32_t opened;

	put(a, OP_EXT);
	put(a, OP_EXT_DEVICE);
	opened = a->len;
	put_path(a, name);
	return opened;
}

uint32_t aml_package(struct aml *a, uint8_t elements)
{
	uint32_t opened;

	put(a, OP_PACKAGE);
	opened = a->len;
	put(a, elements);
	return opened;
}

uint32_t aml_buffer(struct aml *a, uint8_t bytes)
{
	uint32_t opened;

	put(a, OP_BUFFER);
	opened = a->len;
	aml_int(a, bytes);
	return opened;
}

/*
 * PkgLength (20.2.4) counts itself: 6 bits in one byte, else 4 bits in the
 * first and 8 in each of the others, whose number is in the top bits.
 */
void aml_close(struct aml *a, uint32_t opened)
{
	const uint32_t body = a->len - opened;
	const uint32_t bytes = body + 1 < 0x40 ? 1 : body + 2 < 0x1000 ? 2 : 3;
	const uint32_t len = body + bytes;
	struct aml head = { a->buf, opened, a->max };

	a->len += bytes;
	if (a->len > a->max)
		return;
	memmove(a->buf + opened + bytes, a->buf + opened, body);
	if (bytes == 1) {
		put(&head, len);
		return;
	}
	put(&head, (bytes - 1) << 6 | (len & 0xf));
	put_le(&head, len >> 4, bytes - 1);
}

void aml_name(struct aml *a, const char *name)
{
	put(a, OP_NAME);
	put_path(a, name);
}

void aml_int(struct aml *a, uint32_t value)
{
	if (value <= 1) {
		put(a, value ? OP_ONE : OP_ZERO);
	} else if (value <= 0xff) {
		put(a, OP_BYTE);
		put(a, value);
	} else if (value <= 0xffff) {
		put(a, OP_WORD);
		put_le(a, value, 2);
	} else {
		put(a, OP_DWORD);
		put_le(a, value, 4);
	}
}

void aml_string(struct aml *a, const char *s)
{
	put(a, OP_STRING);
	put_path(a, s);
	put(a, 0);
}

static uint32_t hex(char c)
{
	return c <= '9' ? (uint32_t)(c - '0') : (uint32_t)(c - 'A' + 10);
}

/* Three letters of 5 bits, four hexadecimal digits, high byte first. */
void aml_eisaid(struct aml *a, const char *id)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 3; i++)
		v = v << 5 | (uint32_t)(id[i] - '@');
	for (unsigned i = 3; i < 7; i++)
		v = v << 4 | hex(id[i]);
	put(a, OP_DWORD);
	put_le(a, __builtin_bswap32(v), 4);
}

void aml_io(struct aml *a, uint16_t base, uint8_t len)
{
	put(a, 0x47);
	put(a, 1); /* decodes 16 bits */
	put_le(a, base, 2);
	put_le(a, base, 2);
	put(a, 1); /* alignment */
	put(a, len);
}

void aml_memory(struct aml *a, uint32_t base, uint32_t len)
{
	put(a, 0x86);
	put_le(a, AML_MEMORY_BYTES - 3, 2);
	put(a, 1); /* writable */
	put_le(a, base, 4);
	put_le(a, len, 4);
}

void aml_interrupt_edge(struct aml *a, uint32_t gsi)
{
	put(a, 0x89);
	put_le(a, AML_INTERRUPT_BYTES - 3, 2);
	put(a, 3); /* consumer, edge, active high, exclusive */
	put(a, 1); /* one interrupt */
	put_le(a, gsi, 4);
}

void aml_end(struct aml *a)
{
	put(a, 0x79);
	put(a, 0); /* no checksum */
}
