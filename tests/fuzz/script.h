/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz input read as a script: numbers as long as there are any, then 0. */
#ifndef MOTE_TESTS_FUZZ_SCRIPT_H
#define MOTE_TESTS_FUZZ_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct script {
	const uint8_t *at;
	size_t left;
};

static inline bool script_more(const struct script *s)
{
	return s->left > 0;
}

static inline uint64_t script_take(struct script *s, unsigned bytes)
{
	uint64_t v = 0;
	size_t n = s->left < bytes ? s->left : bytes;

	memcpy(&v, s->at, n);
	s->at += n;
	s->left -= n;
	return v;
}

static inline uint8_t script_u8(struct script *s)
{
	return (uint8_t)script_take(s, 1);
}

static inline uint16_t script_u16(struct script *s)
{
	return (uint16_t)script_take(s, 2);
}

static inline uint32_t script_u32(struct script *s)
{
	return (uint32_t)script_take(s, 4);
}

static inline uint64_t script_u64(struct script *s)
{
	return script_take(s, 8);
}

/* Copies at most @max bytes (and what is left); returns how many. */
static inline size_t script_bytes(struct script *s, void *dst, size_t max)
{
	size_t n = s->left < max ? s->left : max;

	memcpy(dst, s->at, n);
	s->at += n;
	s->left -= n;
	return n;
}

/* A guest address with a liking for edges: @top is where RAM ends. */
static inline uint64_t script_gpa(struct script *s, uint64_t top)
{
	uint8_t how = script_u8(s);

	switch (how & 7) {
	case 0:
		return top - (how >> 3);
	case 1:
		return script_u64(s);
	case 2:
		return 0ULL - (how >> 3);
	default:
		return script_u32(s) % (top + 16);
	}
}

#define FUZZ_CHECK(cond)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			__builtin_trap();                                      \
	} while (0)

#endif
