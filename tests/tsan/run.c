// SPDX-License-Identifier: Apache-2.0
/* Runs the registered tests, each in a process of its own. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 1, SKIPPED = 77 };

static struct test *tests, **tests_end = &tests;
static _Atomic bool failed;

void test_register(struct test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

void test_fail(bool fatal, const char *file, int line, const char *what,
	       const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: %s:", file, line, what);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	failed = true;
	if (fatal)
		_exit(FAILED);
}

void test_skip(const char *why)
{
	fprintf(stderr, "%s\n", why);
	_exit(SKIPPED);
}

/* A suite's defaults, or the test itself. */
static const struct test *defaults(const struct test *test)
{
	for (const struct test *t = tests; t; t = t->next)
		if (!t->body && !strcmp(t->suite, test->suite))
			return t;
	return test;
}

/* exit(), not _exit(): TSan has the last word on the status. */
static void __attribute__((noreturn)) run_here(const struct test *test)
{
	const struct test *suite = defaults(test);
	double timeout = test->timeout > 0 ? test->timeout : suite->timeout;

	alarm(timeout > 0 ? (unsigned)timeout : 60);
	if (suite->init)
		suite->init();
	test->body();
	exit(failed ? FAILED : 0);
}

static int run(const struct test *test)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return FAILED;
	if (!pid)
		run_here(test);
	while (waitpid(pid, &status, 0) != pid)
		;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "signal %d\n", WTERMSIG(status));
	return FAILED;
}

int main(void)
{
	unsigned passed = 0, bad = 0, skipped = 0;

	for (const struct test *t = tests; t; t = t->next) {
		int status = t->body ? run(t) : -1;

		if (status > 0 && status != SKIPPED)
			fprintf(stderr, "FAILED %s::%s (%d)\n", t->suite,
				t->name, status);
		passed += status == 0;
		skipped += status == SKIPPED;
		bad += status > 0 && status != SKIPPED;
	}
	printf("tsan: %u passed, %u failed, %u skipped\n", passed, bad,
	       skipped);
	return bad || !passed;
}
