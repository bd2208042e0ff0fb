// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes to send through something, and their checksum, where a SHA-256 would
 * take longer than what is tested: in the nested lane.
 *
 *	bytes make COUNT SEED	COUNT bytes, by SEED, to standard output
 *	bytes sum		of standard input, to its end: "COUNT SUM"
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS 8192

static uint64_t buf[WORDS];

static int fail(const char *what)
{
	fprintf(stderr, "bytes: %s: %s\n", what, strerror(errno));
	return 1;
}

static int make(uint64_t left, uint64_t x)
{
	while (left) {
		size_t len = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		for (size_t i = 0; i < WORDS; i++) {
			/* xorshift64 */
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf[i] = x;
		}
		left -= len;
		for (size_t at = 0; at < len;) {
			ssize_t n = write(1, (char *)buf + at, len - at);

			if (n < 0)
				return fail("write");
			at += (size_t)n;
		}
	}
	return 0;
}

/* Up to a whole buffer, so that portions make no difference to the sum. */
static ssize_t fill(void)
{
	size_t at = 0;

	while (at < sizeof(buf)) {
		ssize_t n = read(0, (char *)buf + at, sizeof(buf) - at);

		if (n < 0)
			return -1;
		if (!n)
			break;
		at += (size_t)n;
	}
	return (ssize_t)at;
}

/* Every word goes through all steps that follow, each of which can be undone:
 * so one wrong bit, or two words swapped, cannot get lost. */
static int sum(void)
{
	uint64_t count = 0, h = 1;
	ssize_t n;

	while ((n = fill()) > 0) {
		memset((char *)buf + n, 0, (size_t)-n % 8);
		for (ssize_t i = 0; i < (n + 7) / 8; i++) {
			h = (h ^ buf[i]) * 0x9e3779b97f4a7c15U;
			h ^= h >> 32;
		}
		count += (uint64_t)n;
	}
	if (n < 0)
		return fail("read");
	printf("%llu %016llx\n", (unsigned long long)count,
	       (unsigned long long)h);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make"))
		return make(strtoull(argv[2], NULL, 10),
			    strtoull(argv[3], NULL, 10));
	if (argc == 2 && !strcmp(argv[1], "sum"))
		return sum();
	fprintf(stderr, "bytes make COUNT SEED | bytes sum\n");
	return 2;
}
