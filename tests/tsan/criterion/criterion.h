/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of Criterion as the threaded suites use, for builds under TSan:
 * Criterion's own arena lies where TSan wants its shadow memory.
 */
#ifndef MOTE_TESTS_TSAN_CRITERION_H
#define MOTE_TESTS_TSAN_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct test - a test, or a suite's defaults when @body is NULL
 * @init: runs before the body, in the same process
 * @timeout: seconds
 */
struct test {
	const char *suite, *name;
	void (*body)(void);
	void (*init)(void);
	double timeout;
	struct test *next;
};

void test_register(struct test *test);

/* @fatal: end the test; otherwise note the failure and go on. */
void test_fail(bool fatal, const char *file, int line, const char *what,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

void test_skip(const char *why) __attribute__((noreturn));

#define TEST_REGISTER(id, ...)                                                 \
	static struct test id##_test = { __VA_ARGS__ };                        \
	__attribute__((constructor)) static void id##_register(void)           \
	{                                                                      \
		test_register(&id##_test);                                     \
	}

#define Test(suite_, name_, ...)                                               \
	static void suite_##_##name_##_body(void);                             \
	TEST_REGISTER(suite_##_##name_, .suite = #suite_, .name = #name_,      \
		      .body = suite_##_##name_##_body, __VA_ARGS__)            \
	static void suite_##_##name_##_body(void)

#define TestSuite(suite_, ...)                                                 \
	TEST_REGISTER(suite_, .suite = #suite_, __VA_ARGS__)                   \
	_Static_assert(1, "takes the semicolon")

#define TEST_CHECK(fatal, condition, ...)                                      \
	do {                                                                   \
		if (!(condition))                                              \
			test_fail(fatal, __FILE__, __LINE__, #condition,       \
				  " " __VA_ARGS__);                            \
	} while (0)

#define cr_assert(condition, ...) TEST_CHECK(true, condition, ##__VA_ARGS__)
#define cr_expect(condition, ...) TEST_CHECK(false, condition, ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...)	  TEST_CHECK(false, (a) == (b), ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                            \
	TEST_CHECK(false, !strcmp(a, b), ##__VA_ARGS__)
#define cr_skip(why) test_skip(why)

#endif
