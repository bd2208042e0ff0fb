// SPDX-License-Identifier: Apache-2.0
/* Distances between words, and the cut-off of "did you mean". */
#include "monitor/nearest.h"

#include <criterion/criterion.h>
#include <string.h>

Test(nearest, counts_edits)
{
	static const struct {
		const char *a, *b;
		unsigned want;
	} rows[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "memory", "memory", 0 },
		{ "memry", "memory", 1 },
		{ "memoryy", "memory", 1 },
		{ "nemory", "memory", 1 },
		{ "memroy", "memory", 1 },
		{ "emmory", "memory", 1 },
		{ "memoyr", "memory", 1 },
		{ "ca", "abc", 3 }, /* each place edited once: not 2 */
		{ "kitten", "sitting", 3 },
		{ "abcdef", "badcfe", 3 },
		{ "abc", "xyz", 3 },
		{ "cpu", "timeout", 6 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(nearest_distance(rows[i].a, rows[i].b, 99),
			     rows[i].want, "%s %s: %u", rows[i].a, rows[i].b,
			     nearest_distance(rows[i].a, rows[i].b, 99));
		cr_expect_eq(nearest_distance(rows[i].b, rows[i].a, 99),
			     rows[i].want, "%s %s", rows[i].b, rows[i].a);
	}
}

Test(nearest, stops_at_the_limit)
{
	char longest[NEAREST_MAX + 1], too_long[NEAREST_MAX + 2];

	cr_expect_eq(nearest_distance("abc", "xyz", 3), 3);
	cr_expect_eq(nearest_distance("abc", "xyz", 2), 3);
	cr_expect_eq(nearest_distance("abc", "xyz", 0), 1);

	memset(longest, 'a', sizeof(longest) - 1);
	longest[NEAREST_MAX] = '\0';
	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[NEAREST_MAX + 1] = '\0';
	cr_expect_eq(nearest_distance(longest, longest, 5), 0);
	cr_expect_eq(nearest_distance(longest, too_long, 5), 6);
	cr_expect_eq(nearest_distance(too_long, longest, 5), 6);
}

Test(nearest, finds_what_was_meant)
{
	static const char names[][12] = { "memory",  "cpus",	"initrd",
					  "console", "timeout", "fd",
					  "cmdline" };
	static const struct {
		const char *word, *want;
	} rows[] = {
		{ "memory", "memory" },
		{ "memroy", "memory" },
		{ "mmry", "memory" },
		{ "memorysize", NULL },
		{ "mem", "memory" }, /* the beginning of it */
		{ "c", NULL },	     /* of too many */
		{ "co", "console" },
		{ "cpsu", "cpus" },
		{ "cpu", "cpus" },
		{ "cup", NULL },
		{ "df", "fd" },
		{ "xy", NULL },
		{ "", NULL },
		{ "time", "timeout" },
		{ "tiemotu", "timeout" },
		{ "cmldine", "cmdline" },
		{ "kernel", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *got =
			nearest_find(rows[i].word, names[0], sizeof(names[0]),
				     sizeof(names) / sizeof(names[0]));
		const char *want = rows[i].want;

		cr_expect((!got && !want) ||
				  (got && want && !strcmp(got, want)),
			  "%s: %s", rows[i].word, got ? got : "NULL");
	}
}

Test(nearest, prefers_a_misspelling_to_an_abbreviation)
{
	static const char names[][8] = { "rolling", "role" };

	/* "rol" begins both; it is one letter away from the second only */
	cr_expect_str_eq(nearest_find("rol", names[0], sizeof(names[0]), 2),
			 "role");
}
