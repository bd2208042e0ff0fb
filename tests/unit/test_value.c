// SPDX-License-Identifier: Apache-2.0
/* Numbers, sizes, times and choices as people write them. */
#include "monitor/value.h"

#include <criterion/criterion.h>
#include <errno.h>

struct row {
	const char *text;
	int ret;
	uint64_t want;
};

#define UNTOUCHED   0x5aa5f00dULL
#define ROWS(rows_) rows_, sizeof(rows_) / sizeof(rows_[0])

static void check_rows(int (*read)(const char *, uint64_t *),
		       const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t got = UNTOUCHED;
		int ret = read(rows[i].text, &got);

		cr_expect_eq(ret, rows[i].ret, "\"%s\": %d", rows[i].text, ret);
		cr_expect_eq(got, rows[i].ret ? UNTOUCHED : rows[i].want,
			     "\"%s\": %llu", rows[i].text,
			     (unsigned long long)got);
	}
}

Test(value, count_is_digits)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "184467440737095516150", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
	};

	check_rows(value_count, ROWS(rows));
}

Test(value, size_takes_a_letter)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "1k", 0, 1ULL << 10 },
		{ "3K", 0, 3ULL << 10 },
		{ "64M", 0, 64ULL << 20 },
		{ "2g", 0, 2ULL << 30 },
		{ "5T", 0, 5ULL << 40 },
		{ "18014398509481983K", 0, UINT64_MAX - 1023 },
		{ "18014398509481984K", -ERANGE, 0 },
		{ "16777215T", 0, 16777215ULL << 40 },
		{ "16777216T", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "12Q", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1MM", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "-1M", -EINVAL, 0 },
		/* what a sloppy "| 0x20" would take for a letter or an end */
		{ "1\x0b", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1@", -EINVAL, 0 },
	};

	check_rows(value_size, ROWS(rows));
}

Test(value, duration_takes_fractions_and_units)
{
	static const struct row rows[] = {
		{ "0", 0, 0 },
		{ "2", 0, 2000000000 },
		{ "2s", 0, 2000000000 },
		{ "2m", 0, 120000000000 },
		{ "250ms", 0, 250000000 },
		{ "1.5", 0, 1500000000 },
		{ "0.5m", 0, 30000000000 },
		{ "1.05m", 0, 63000000000 },
		{ "0.0000000001m", 0, 6 },
		{ "0.001ms", 0, 1000 },
		{ "0.000001ms", 0, 1 },
		{ "0.0000001ms", 0, 0 },
		{ "1.123456789", 0, 1123456789 },
		{ "1.1234567899999999999999999999", 0, 1123456789 },
		{ "18446744073", 0, 18446744073000000000ULL },
		{ "18446744073.709551615", 0, UINT64_MAX },
		{ "18446744073.709551616", -ERANGE, 0 },
		{ "18446744074", -ERANGE, 0 },
		{ "99999999999999999999ms", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ "1.5.5", -EINVAL, 0 },
		{ "1h", -EINVAL, 0 },
		{ "1sec", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
	};

	check_rows(value_duration, ROWS(rows));
}

static int choice(const char *text, uint64_t *ret)
{
	unsigned index;
	int r = value_choice(text, "red|green|blue", &index);

	if (!r)
		*ret = index;
	return r;
}

Test(value, choice_is_a_whole_word)
{
	static const struct row rows[] = {
		{ "red", 0, 0 },	{ "green", 0, 1 },
		{ "blue", 0, 2 },	{ "", -EINVAL, 0 },
		{ "gree", -EINVAL, 0 }, { "greens", -EINVAL, 0 },
		{ "Red", -EINVAL, 0 },	{ "red|green", -EINVAL, 0 },
		{ "|", -EINVAL, 0 },	{ "reen", -EINVAL, 0 },
	};

	check_rows(choice, ROWS(rows));
}

Test(value, leading_takes_digits_and_leaves_the_rest)
{
	static const struct {
		const char *text;
		uint64_t want;
		size_t used;
	} rows[] = {
		{ "12 kB\n", 12, 2 },
		{ " \t7:rest", 7, 3 },
		{ "18446744073709551615", UINT64_MAX, 20 },
		{ "18446744073709551616", 0, 0 },
		{ "x", 0, 0 },
		{ "-1", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *end = NULL;
		uint64_t got = value_leading(rows[i].text, &end);

		cr_expect(got == rows[i].want, "\"%s\": %llu", rows[i].text,
			  (unsigned long long)got);
		cr_expect(end == rows[i].text + rows[i].used, "\"%s\"",
			  rows[i].text);
	}
}
