// SPDX-License-Identifier: Apache-2.0
/* The kit's heap, strings, printf and clock, tried out. */
#include "guest/args.h"
#include "tests/guest/check.h"

#define BLOCKS 500
#define NOISE  64

static uint32_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static bool is_filled(const uint8_t *p, uint8_t byte, size_t n)
{
	while (n--)
		if (*p++ != byte)
			return false;
	return true;
}

/* Blocks of all sizes, freed and taken again; none may touch another. */
static void test_heap(void)
{
	static uint8_t *block[BLOCKS];
	static size_t size[BLOCKS];

	for (int i = 0; i < 20 * BLOCKS; i++) {
		unsigned at = next_random() % BLOCKS;

		if (block[at])
			CHECK(is_filled(block[at], (uint8_t)at, size[at]));
		free(block[at]);
		size[at] = 1 + next_random() % (at % 50 ? 300 : 20000);
		block[at] = malloc(size[at]);
		CHECK(block[at] && (uintptr_t)block[at] % 16 == 0);
		memset(block[at], (int)at, size[at]);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		CHECK(!block[i] || is_filled(block[i], (uint8_t)i, size[i]));
}

static void test_heap_edges(void)
{
	uint8_t *p = malloc(10), *q;
	void *page = heap_pages(3);

	CHECK(p);
	memset(p, 7, 10);
	q = realloc(p, 5000);
	CHECK(q && is_filled(q, 7, 10));
	free(q);
	CHECK(malloc(4999) == q); /* of the same size class */
	q = calloc(100, 10);
	CHECK(q && is_filled(q, 0, 1000));
	CHECK(!calloc(SIZE_MAX / 2, 3));
	CHECK(!malloc(SIZE_MAX) && !malloc(1ULL << 39));
	CHECK(page && (uintptr_t)page % 4096 == 0);
	CHECK(is_filled(page, 0, 3 * 4096L));
	free(NULL);
}

/* Against byte-by-byte truth, at every alignment and small length. */
static void test_copy(size_t from, size_t to, size_t n)
{
	static volatile uint8_t want[NOISE];
	static uint8_t have[NOISE];

	for (size_t i = 0; i < NOISE; i++)
		want[i] = have[i] = (uint8_t)next_random();
	memmove(have + to, have + from, n);
	if (to <= from)
		for (size_t i = 0; i < n; i++)
			want[to + i] = want[from + i];
	else
		for (size_t i = n; i--;)
			want[to + i] = want[from + i];
	for (size_t i = 0; i < NOISE; i++)
		CHECK(have[i] == want[i]);
}

static void test_fill(size_t to, size_t n)
{
	static uint8_t have[NOISE];

	(memset)(have, 1, sizeof(have));
	(memset)(have + to, 2, n);
	CHECK(is_filled(have, 1, to) && is_filled(have + to, 2, n));
	CHECK(is_filled(have + to + n, 1, sizeof(have) - to - n));
}

static void test_memory(void)
{
	for (size_t n = 0; n < 30; n++) {
		for (size_t to = 0; to < 20; to++) {
			test_fill(to, n);
			for (size_t from = 0; from < 20; from++)
				test_copy(from, to, n);
		}
	}
	CHECK((memcmp)("abcdefghi", "abcdefghj", 9) < 0);
	CHECK((memcmp)("abcdefghi", "abcdefghj", 8) == 0);
	CHECK((memcmp)("\xff", "\x01", 1) > 0);
	CHECK(memchr("abc", 'c', 3) && !memchr("abc", 'c', 2));
}

static void test_strings(void)
{
	const char *end, *text = "0x1fz";
	uint64_t n;

	CHECK((strlen)("") == 0 && (strlen)("abc") == 3);
	CHECK(strnlen("abc", 2) == 2);
	CHECK(strcmp("a", "b") < 0 && strcmp("ab", "a") > 0);
	CHECK(!strncmp("abc", "abd", 2) && strncmp("abc", "abd", 3) < 0);
	CHECK(*strchr("a=b", '=') == '=' && !strchr("a", 'b'));
	CHECK(strtou64("1234", NULL) == 1234);
	CHECK(strtou64(text, &end) == 0x1f && end == text + 4);
	CHECK(argument_number("n=0x10", "n", &n) && n == 16);
	CHECK(!argument_number("nn=1", "n", &n) &&
	      !argument_number("n", "n", &n));
}

static void expect(const char *want, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void expect(const char *want, const char *fmt, ...)
{
	char have[64];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(have, sizeof(have), fmt, ap);
	va_end(ap);
	if (strcmp(have, want) || len != (int)strlen(want)) {
		console_printf("want '%s', have '%s'\n", want, have);
		exit(1);
	}
}

static void test_printf(void)
{
	char cut[4];

	expect("-5 7 ff FF 100%", "%d %u %x %X 100%%", -5, 7u, 255u, 255u);
	expect("-9223372036854775808", "%ld", INT64_MIN);
	expect("[   42] [42   ] [00042]", "[%5d] [%-5d] [%05d]", 42, 42, 42);
	expect("[-0042] [ab] [  a]", "[%05d] [%.2s] [%3s]", -42, "abc", "a");
	expect("c 0x1000 18446744073709551615", "%c %p %zu", 'c',
	       (void *)0x1000, SIZE_MAX);
	expect("[   7] 255 -1", "[%*d] %hhu %hd", 4, 7, (uint8_t)-1,
	       (int16_t)-1);
	expect("[-00000000000000000000000000042]", "[%030d]", -42);
	expect("[7   ] [ab  ] [ab]", "[%0*d] [%*s] [%.*s]", -4, 7, -4, "ab", -1,
	       "ab");
	CHECK(snprintf(cut, sizeof(cut), "%s", "abcdef") == 6);
	CHECK(!strcmp(cut, "abc"));
}

/* @want: the words with bars between them. */
static void expect_args(const char *line, const char *want)
{
	char copy[64], have[64] = "", *argv[8] = { copy + 63 };
	int argc, len = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	argc = args_split(copy, argv, 7);
	for (int i = 0; i < argc; i++)
		len += snprintf(have + len, sizeof(have) - (size_t)len, "%s|",
				argv[i]);
	CHECK(!argv[argc]);
	expect(want, "%s", have);
}

static void test_args(void)
{
	expect_args("", "|");
	expect_args("  name ", "name|");
	expect_args("name a\tb", "name|a|b|");
	expect_args("name virtio_mmio.device=4K@0xd0000000:5 a", "name|a|");
	expect_args("name a -- b -- c", "name|b|--|c|");
	expect_args("-- b", "|b|");
	expect_args("name \"--\" \"a b\" \"\" c", "name|--|a b||c|");
	expect_args("name \"a b", "name|a b|");
	expect_args("name a=\"b", "name|a=\"b|");
	expect_args("0 1 2 3 4 5 6 7 8", "0|1|2|3|4|5|6|");
}

/* What the compiler takes from its own library. */
static void test_compiler(void)
{
	volatile uint64_t word = 0xf0f0;
	volatile unsigned __int128 wide = 35;

	CHECK(__builtin_popcountll(word) == 8);
	CHECK((wide << 70) / (word - 0xf0e9) == (unsigned __int128)5 << 70);
}

/* The frequency cannot be judged from inside, that time goes on can. */
static void test_time(void)
{
	uint64_t last = time_ns(), start = last;

	for (int i = 0; i < 100000; i++) {
		uint64_t now = time_ns();

		CHECK(now >= last);
		last = now;
	}
	CHECK(last > start);
	CHECK(time_to_tsc(last) - time_to_tsc(start) > 0);
	CHECK(time_to_tsc(UINT64_MAX) > time_to_tsc(UINT64_MAX / 1000));
	console_printf("tsc %lu kHz\n", time_tsc_khz());
}

int main(void)
{
	test_heap();
	test_heap_edges();
	test_memory();
	test_strings();
	test_printf();
	test_args();
	test_compiler();
	test_time();
	return check_done("library");
}
