// SPDX-License-Identifier: Apache-2.0
/* The process outside the jail, and how the one inside depends on it. */
#include "seccomp/jail.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/err.h"

#define ENTERED 101

static const char template[] = "/tmp/mote-test-jail-XXXXXX";

/* The process outside is no witness: what sanitizers do at its end is not
 * among what it may do. */
static void __attribute__((noreturn)) enter(const char *dir, int say)
{
	sigset_t none;
	const struct jail jail = { .dir = dir, .signals = &none };
	struct err e;

	sigemptyset(&none);
	if (say < 0 && ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
		raise(SIGSTOP);
	if (jail_enter(&jail, &e) || (say >= 0 && write(say, "", 1) != 1))
		_exit(1);
	_exit(ENTERED);
}

static int status_of(pid_t pid)
{
	int status = 0;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static pid_t start(const char *dir, int say)
{
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid)
		enter(dir, say);
	return pid;
}

static bool may(const char *dir)
{
	int said[2];
	pid_t pid;
	char byte;
	bool ret;

	cr_assert_eq(pipe(said), 0);
	pid = start(dir, said[1]);
	close(said[1]);
	ret = read(said[0], &byte, 1) == 1;
	close(said[0]);
	status_of(pid);
	return ret;
}

/* As a debugger would: the child is stopped at its first instruction. */
static pid_t stop_at_fork(pid_t pid)
{
	unsigned long child = 0;
	int status = status_of(pid);

	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK))
		return 0;
	ptrace(PTRACE_CONT, pid, 0, 0);
	status = status_of(pid);
	if (status >> 8 != (SIGTRAP | PTRACE_EVENT_FORK << 8) ||
	    ptrace(PTRACE_GETEVENTMSG, pid, 0, &child))
		return 0;
	return (pid_t)child;
}

Test(jail, a_parent_that_dies_at_once_leaves_nobody)
{
	char dir[sizeof(template)];
	pid_t outside, inside;
	int status;

	memcpy(dir, template, sizeof(dir));
	cr_assert_not_null(mkdtemp(dir));
	if (!may(dir)) {
		rmdir(dir);
		cr_skip_test("no namespaces here");
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	outside = start(dir, -1);
	inside = stop_at_fork(outside);
	kill(outside, SIGKILL);
	cr_expect_eq(status_of(outside), SIGKILL);
	if (!inside) {
		rmdir(dir);
		cr_skip_test("nothing can be traced here");
	}
	status = status_of(inside);
	cr_expect(WIFSTOPPED(status));
	ptrace(PTRACE_DETACH, inside, 0, 0);
	cr_expect_eq(status_of(inside), EXIT_MISUSE << 8, "it lives on");
	rmdir(dir);
}
