// SPDX-License-Identifier: Apache-2.0
/* Damerau-Levenshtein distance in three rows on the stack. */
#include "monitor/nearest.h"

#include <string.h>

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned nearest_distance(const char *a, const char *b, unsigned limit)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *older = rows[0], *old = rows[1], *now = rows[2], *spare;

	if (la > NEAREST_MAX || lb > NEAREST_MAX)
		return limit + 1;
	for (unsigned j = 0; j <= lb; j++)
		old[j] = older[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			now[j] = old[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = min2(now[j], min2(old[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = min2(now[j], older[j - 2] + 1);
		}
		spare = older;
		older = old;
		old = now;
		now = spare;
	}
	return min2(old[lb], limit + 1);
}

const char *nearest_find(const char *word, const char *names, size_t stride,
			 size_t count)
{
	const char *best = NULL;
	unsigned best_distance = 0;
	size_t len = strlen(word);

	for (size_t i = 0; i < count; i++) {
		const char *name = names + i * stride;
		unsigned limit = (unsigned)strlen(name) / 3;
		unsigned distance;

		limit = limit ? limit : 1;
		distance = nearest_distance(word, name, limit);
		if (distance > limit) {
			if (len < 2 || strncmp(name, word, len) != 0)
				continue;
			/* an abbreviation: worse than any misspelling */
			distance = NEAREST_MAX;
		}
		if (!best || distance < best_distance) {
			best = name;
			best_distance = distance;
		}
	}
	return best;
}
