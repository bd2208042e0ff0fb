// SPDX-License-Identifier: Apache-2.0
/* Signals, the timeout, and what a process leaves behind at its end. */
#include "monitor/ending.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/loop.h"
#include "monitor/stop.h"
#include "tests/unit/fake_loop.h"

/* Whatever nohup or a shell made of them. */
static void setup(void)
{
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
}

TestSuite(ending, .init = setup, .timeout = 300);

/* What mote does between its start and its end, but for the guest. */
static pid_t run(const struct config *cfg, int before)
{
	int ready[2];
	struct err e;
	pid_t pid;
	char c;

	cr_assert(pipe(ready) == 0);
	pid = fork();
	cr_assert(pid >= 0);
	if (!pid) {
		alarm(250); /* not handled: ends what hangs */
		ending_init();
		stop_init(loop_get());
		if (cfg->status_fd >= 0 &&
		    ending_set_status_fd(cfg->status_fd, &e))
			_exit(99);
		if (ending_open(cfg, loop_get(), &e))
			_exit(100);
		if (before)
			raise(before);
		if (loop_open(loop_get(), &e) || loop_bind(loop_get(), 0, &e) ||
		    loop_start(loop_get(), &e))
			_exit(101);
		ending_start();
		if (write(ready[1], "r", 1) != 1)
			_exit(102);
		if (loop_run(loop_get(), &e))
			_exit(103);
		ending_exit(stop_status());
	}
	cr_assert(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert(WIFEXITED(status), "it died: 0x%x", status);
	return WEXITSTATUS(status);
}

Test(ending, handled_signals_become_statuses)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	static const struct config cfg = { .status_fd = -1 };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = run(&cfg, 0);

		cr_assert(kill(pid, signals[i]) == 0);
		cr_expect(status_of(pid) == 128 + signals[i], "signal %d",
			  signals[i]);
	}
}

Test(ending, signal_that_came_early_is_not_lost)
{
	static const struct config cfg = { .status_fd = -1 };

	cr_expect(status_of(run(&cfg, SIGTERM)) == 128 + SIGTERM);
}

Test(ending, what_was_ignored_at_the_start_stays_so)
{
	static const struct config cfg = { .status_fd = -1 };
	pid_t pid;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	pid = run(&cfg, 0);
	/* of those that are pending, the lower number would come first */
	cr_assert(kill(pid, SIGSTOP) == 0);
	cr_assert(kill(pid, SIGHUP) == 0);
	cr_assert(kill(pid, SIGINT) == 0);
	cr_assert(kill(pid, SIGTERM) == 0);
	cr_assert(kill(pid, SIGCONT) == 0);
	cr_expect(status_of(pid) == 128 + SIGTERM, "there must be a way");
	pid = run(&cfg, 0);
	cr_assert(kill(pid, SIGQUIT) == 0);
	cr_expect(status_of(pid) == 128 + SIGQUIT);
}

Test(ending, timeout_has_its_own_status)
{
	static const struct config cfg = { .status_fd = -1,
					   .timeout_ns = 10000000 };

	cr_expect(status_of(run(&cfg, 0)) == EXIT_TIMED_OUT);
}

Test(ending, signal_comes_before_a_longer_timeout)
{
	static const struct config cfg = { .status_fd = -1,
					   .timeout_ns = 3600000000000 };
	pid_t pid = run(&cfg, 0);

	cr_assert(kill(pid, SIGINT) == 0);
	cr_expect(status_of(pid) == 128 + SIGINT);
}

static void *end_with_7(void *arg)
{
	(void)arg;
	ending_exit(7);
}

/* Both find the pipe full, so neither is gone before the other has begun. */
Test(ending, one_of_two_threads_that_fail_tells_its_status)
{
	static char full[1 << 20];
	char text[4096];
	int fds[2], lines = 0;
	ssize_t n;
	pid_t pid;

	cr_assert(pipe(fds) == 0);
	pid = fork();
	cr_assert(pid >= 0);
	if (!pid) {
		pthread_t other;
		struct err e;

		alarm(50);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		while (write(fds[1], full, sizeof(full)) > 0)
			;
		fcntl(fds[1], F_SETFL, 0);
		if (ending_set_status_fd(fds[1], &e) ||
		    pthread_create(&other, NULL, end_with_7, NULL))
			_exit(99);
		ending_exit(7);
	}
	close(fds[1]);
	usleep(50000); /* for both to have come so far */
	while ((n = read(fds[0], text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fds[0]);
	cr_expect(lines == 1, "%d are told", lines);
	cr_expect(status_of(pid) == 7);
}

Test(ending, status_is_written_for_whoever_asked)
{
	struct config cfg = { .timeout_ns = 1000000 };
	char text[8] = { 0 };
	int fds[2];

	cr_assert(pipe(fds) == 0);
	cfg.status_fd = fds[1];
	cr_expect(status_of(run(&cfg, 0)) == EXIT_TIMED_OUT);
	close(fds[1]);
	cr_expect(read(fds[0], text, sizeof(text) - 1) == 4);
	cr_expect_str_eq(text, "124\n");
}

Test(ending, status_nobody_reads_does_not_kill)
{
	struct config cfg = { .timeout_ns = 1000000 };
	int fds[2];

	cr_assert(pipe(fds) == 0);
	close(fds[0]);
	cfg.status_fd = fds[1];
	/* EPIPE, not SIGPIPE; and the guest's own failure is not hidden */
	cr_expect(status_of(run(&cfg, 0)) == EXIT_TIMED_OUT);
}

/* ---- on a host without memory ---------------------------------------------
 */

static const struct config second = { .status_fd = -1,
				      .timeout_ns = 1000000000 };

/* The operation of that kind with the newest timer, or -1. */
static int find_op(int opcode)
{
	for (unsigned i = fake.ops; i--;)
		if (fake.op[i].opcode == opcode)
			return (int)i;
	return -1;
}

static uint64_t nanoseconds(const struct io_uring_sqe *sqe)
{
	const struct __kernel_timespec *t = (void *)(uintptr_t)sqe->addr;

	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static void start_fake(void)
{
	struct err e;

	fake_loop_on(0);
	cr_assert(ending_open(&second, loop_get(), &e) == 0);
	ending_start();
	cr_assert(fake.ops == 2);
}

static const int passing[] = { -ENOMEM, -ENOBUFS, -ECANCELED, -EINTR };

Test(ending, want_of_memory_does_not_end_the_watch_of_signals)
{
	start_fake();
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		int op = find_op(IORING_OP_READ);

		cr_assert(op >= 0);
		fake_complete((unsigned)op, passing[i]);
		cr_assert(find_op(IORING_OP_READ) < 0, "not at once");
		fake_complete(fake.ops - 1, -ETIME);
	}
	cr_expect(find_op(IORING_OP_READ) >= 0);
	fake_loop_off();
}

Test(ending, want_of_memory_does_not_end_or_prolong_the_timeout)
{
	start_fake();
	for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		int op = find_op(IORING_OP_TIMEOUT);

		cr_assert(nanoseconds(&fake.op[op]) ==
				  1000000000 - i * 10000000,
			  "%u: %llu", i,
			  (unsigned long long)nanoseconds(&fake.op[op]));
		fake_complete((unsigned)op, passing[i]);
		op = find_op(IORING_OP_TIMEOUT);
		cr_assert(nanoseconds(&fake.op[op]) == 10000000);
		fake_complete((unsigned)op, -ETIME);
	}
	fake_complete((unsigned)find_op(IORING_OP_TIMEOUT), -ETIME);
	cr_expect(stop_status() == EXIT_TIMED_OUT);
	fake_loop_off();
}

static bool nothing_works(const struct io_uring_sqe *sqe, int *res,
			  uint32_t *flags)
{
	(void)sqe;
	(void)flags;
	*res = -ENOMEM;
	return true;
}

Test(ending, failing_timers_are_no_reason_to_spin)
{
	start_fake();
	fake.perform = nothing_works;
	fake_loop_run();
	cr_expect(fake.submitted < 1000, "%u operations", fake.submitted);
	fake_loop_off();
}
