/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": which of some names a misspelt one was meant to be. */
#ifndef MOTE_MONITOR_NEAREST_H
#define MOTE_MONITOR_NEAREST_H

#include <stddef.h>

/**
 * nearest_distance() - edits that turn @a into @b
 * An edit inserts, deletes or changes one character or swaps two neighbours
 * (Damerau-Levenshtein, each place edited once).
 * Return: the number, or @limit + 1 when it is larger than @limit or a string
 * is longer than NEAREST_MAX.
 */
#define NEAREST_MAX 24
unsigned nearest_distance(const char *a, const char *b, unsigned limit);

/**
 * nearest_find() - the name that @word most likely stands for
 * @names: @count names, @stride bytes apart, each a NUL-terminated array
 *
 * A name counts when a third of its letters or fewer are wrong (at least one
 * may be), or when @word is the beginning of it and at least two letters long.
 * Return: the name; NULL when none is near.
 */
const char *nearest_find(const char *word, const char *names, size_t stride,
			 size_t count);

#endif
