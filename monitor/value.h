/* SPDX-License-Identifier: Apache-2.0 */
/* What people write as numbers, sizes, times and choices, read exactly. */
#ifndef MOTE_MONITOR_VALUE_H
#define MOTE_MONITOR_VALUE_H

#include <stdint.h>

/*
 * All take a NUL-terminated string, use all of it, and return 0; -EINVAL when
 * it is not of the form; -ERANGE when it is, but does not fit 64 bits. Outputs
 * are untouched on failure. No signs, no spaces, no locale, decimal only.
 */

/** value_count() - digits */
int value_count(const char *s, uint64_t *ret);

/** value_leading() - the digits @s begins with, blanks before them allowed; for
 *  files of the kernel's. Return: 0 without digits, or where they do not fit.
 */
uint64_t value_leading(const char *s, const char **ret_end);

/** value_size() - digits and, if wanted, one of K M G T (powers of 1024, any
 *  case); without a letter, bytes */
int value_size(const char *s, uint64_t *ret_bytes);

/** value_duration() - digits, a fraction if wanted, and ms, s or m; without a
 *  unit, seconds. What is finer than a nanosecond is cut off. */
int value_duration(const char *s, uint64_t *ret_ns);

/** value_choice() - position of @s in @words, which have '|' between them */
int value_choice(const char *s, const char *words, unsigned *ret_index);

#endif
