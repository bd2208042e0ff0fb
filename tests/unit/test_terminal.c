// SPDX-License-Identifier: Apache-2.0
/* Raw mode and its guard, on pseudo-terminals. */
#include "monitor/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "monitor/err.h"

static int keyboard; /* the terminal's other end */
static int report[2];

/* A terminal as stdin, and no guard of ours that outlives a test unseen. */
static void setup(void)
{
	int tty;

	keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(keyboard >= 0);
	cr_assert(grantpt(keyboard) == 0 && unlockpt(keyboard) == 0);
	tty = open(ptsname(keyboard), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(tty >= 0 && dup2(tty, STDIN_FILENO) == STDIN_FILENO);
	close(tty);
	cr_assert(pipe2(report, O_CLOEXEC) == 0);
	cr_assert(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

TestSuite(terminal, .init = setup, .timeout = 300);

static struct termios mode(void)
{
	struct termios t;

	memset(&t, 0, sizeof(t));
	cr_assert(tcgetattr(STDIN_FILENO, &t) == 0);
	return t;
}

static bool same(struct termios a, struct termios b)
{
	return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag &&
	       a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag &&
	       a.c_cc[VMIN] == b.c_cc[VMIN] && a.c_cc[VTIME] == b.c_cc[VTIME];
}

/* What somebody else, a shell for one, makes of the terminal meanwhile. */
static struct termios change_mode(void)
{
	struct termios t = mode();

	t.c_lflag ^= ECHO;
	t.c_cc[VMIN] ^= 3;
	cr_assert(tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0);
	return t;
}

Test(terminal, raw_mode_passes_every_key)
{
	struct termios before = mode(), raw;
	struct err e;

	cr_assert(terminal_open(&e) == 1);
	cr_expect(same(mode(), before), "opening changes nothing");
	terminal_raw();
	raw = mode();
	cr_expect(!(raw.c_lflag & (ECHO | ICANON | ISIG | IEXTEN)));
	cr_expect(!(raw.c_iflag & (ICRNL | IXON | ISTRIP)));
	cr_expect(raw.c_oflag == before.c_oflag, "log lines keep their form");
	terminal_restore();
	cr_expect(same(mode(), before));
}

Test(terminal, restoring_twice_does_not_undo_others)
{
	struct termios others;
	struct err e;

	cr_assert(terminal_open(&e) == 1);
	terminal_raw();
	terminal_restore();
	others = change_mode();
	terminal_restore();
	cr_expect(same(mode(), others));
}

Test(terminal, restoring_what_was_never_raw_does_nothing)
{
	struct termios others = change_mode();

	terminal_restore();
	cr_expect(same(mode(), others));
}

Test(terminal, takes_nothing_else_for_one)
{
	struct err e;
	int fd = open("/dev/null", O_RDONLY);

	cr_assert(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	cr_expect(terminal_open(&e) == 0);
	close(STDIN_FILENO);
	cr_expect(terminal_open(&e) == 0);
	cr_expect(waitpid(-1, NULL, WNOHANG) < 0, "a guard of nothing");
}

/* ---- sessions and the background
 * ------------------------------------------------- */

/* In a session of its own, whose terminal is stdin. */
static int open_in_session(bool background)
{
	struct err e;
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		if (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
			_exit(100);
		pid = background ? fork() : 0;
		if (!pid) {
			if (background)
				setpgid(0, 0);
			_exit(terminal_open(&e));
		}
		waitpid(pid, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(terminal, foreground_may_use_it_and_background_may_not)
{
	cr_expect(open_in_session(false) == 1);
	cr_expect(open_in_session(true) == 0);
}

/* The session's leader takes the terminal back before its child is done. */
static int restore_in_background(void)
{
	int status;
	pid_t pid;
	struct err e;

	signal(SIGTTOU, SIG_IGN); /* for the leader; the child has it back */
	if (setsid() < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return 100;
	pid = fork();
	if (!pid) {
		signal(SIGTTOU, SIG_DFL);
		if (terminal_open(&e) != 1)
			_exit(101);
		terminal_raw();
		setpgid(0, 0);
		if (tcgetpgrp(STDIN_FILENO) == getpgrp())
			_exit(102);
		terminal_restore();
		_exit(0);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid)
		return 103;
	if (!WIFSTOPPED(status))
		return WEXITSTATUS(status);
	kill(pid, SIGKILL);
	return 104;
}

Test(terminal, is_restored_from_the_background)
{
	struct termios before = mode();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(restore_in_background());
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	cr_expect(WEXITSTATUS(status) == 0, "%d", WEXITSTATUS(status));
	cr_expect(same(mode(), before));
}

/* ---- the guard
 * ---------------------------------------------------------------------- */

/* A process that uses the terminal as mote does, until it is killed. */
static pid_t user(void (*use)(void))
{
	struct err e;
	pid_t pid = fork();
	char c;

	cr_assert(pid >= 0);
	if (!pid) {
		/* not even a test that fails leaves one behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		if (terminal_open(&e) != 1)
			_exit(1);
		use();
		if (write(report[1], "u", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	cr_assert(read(report[0], &c, 1) == 1);
	return pid;
}

/* End it without notice, and wait for its guard to end too. */
static void end(pid_t pid)
{
	int status;

	cr_assert(kill(pid, SIGKILL) == 0);
	cr_assert(waitpid(pid, NULL, 0) == pid);
	cr_assert(waitpid(-1, &status, 0) > 0, "there was no guard");
	cr_expect(status == 0, "its lock killed it: 0x%x", status);
	cr_assert(waitpid(-1, NULL, 0) < 0);
}

Test(terminal, guard_restores_after_a_kill)
{
	struct termios before = mode();
	pid_t pid = user(terminal_raw);

	cr_expect(!(mode().c_lflag & ICANON));
	end(pid);
	cr_expect(same(mode(), before));
}

static void raw_and_back(void)
{
	terminal_raw();
	terminal_restore();
}

Test(terminal, guard_leaves_alone_what_was_restored)
{
	pid_t pid = user(raw_and_back);
	struct termios others = change_mode();

	end(pid);
	cr_expect(same(mode(), others));
}

static void nothing(void)
{
}

Test(terminal, guard_leaves_alone_what_was_never_raw)
{
	pid_t pid = user(nothing);
	struct termios others = change_mode();

	end(pid);
	cr_expect(same(mode(), others), "a run that ended before the guest "
					"started undid the shell's mode");
}

static int held[2];

static void close_output(void)
{
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	close(held[1]);
}

Test(terminal, guard_holds_nobodys_output)
{
	pid_t pid;
	char c;

	cr_assert(pipe(held) == 0);
	cr_assert(dup2(held[1], STDOUT_FILENO) == STDOUT_FILENO);
	cr_assert(dup2(held[1], STDERR_FILENO) == STDERR_FILENO);
	pid = user(close_output);
	close_output();
	/* the process has closed it all: only a guard could keep it open */
	cr_expect(read(held[0], &c, 1) == 0);
	end(pid);
}

Test(terminal, guard_outlives_signals_from_the_keyboard)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGHUP, SIGTERM,
				       SIGTSTP };
	struct termios before = mode();
	pid_t pid = fork(), inner;
	int status;

	cr_assert(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* a group to send signals to; the first ends the user */
		setpgid(0, 0);
		inner = user(terminal_raw);
		for (int i = 0; i < 5; i++)
			signal(signals[i], SIG_IGN);
		for (int i = 0; i < 5; i++)
			kill(0, signals[i]);
		waitpid(inner, NULL, 0);
		_exit(0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid && status == 0);
	cr_assert(waitpid(-1, NULL, 0) > 0, "there was no guard");
	cr_expect(same(mode(), before));
}
