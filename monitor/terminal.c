// SPDX-License-Identifier: Apache-2.0
/* Raw mode, restored by us on an orderly end and by the guard otherwise. */
#include "monitor/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/out.h"
#include "seccomp/drop.h"
#include "seccomp/lock.h"

static struct termios saved;
static atomic_bool raw;
static int guard_fd = -1;

/* What the guard is told of the terminal, a byte each. */
enum { RESTORED, RAW };

/* The one call that the lock allows; some C libraries make tcsetattr() two. */
static void set_mode(const struct termios *t)
{
	syscall(SYS_ioctl, STDIN_FILENO, TCSETS, t);
}

/* The guard holds nothing, but should not be of use to anybody either. */
static void lock_guard(void)
{
	static const struct lock lock;
	struct err e;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    drop_capabilities(&e) < 0 || lock_thread(&lock, LOCK_GUARD, &e))
		return; /* it is of more use than harm as it is */
}

/*
 * Waits for the pipe's other end to close, which the kernel does when the
 * monitor is gone, and restores the mode if the last it heard is that it is
 * raw: otherwise the terminal may be a shell's again by now.
 *
 * Runs with all signals blocked: it is in the terminal's foreground group, or
 * in the background when the shell has taken the foreground back.
 */
static void __attribute__((noreturn)) guard(int pipe_fd)
{
	char byte, told = RESTORED;
	ssize_t n;

	/* Hold nothing but the terminal and the pipe: a reader of our stdout
	 * must not wait for the guard. */
	if (pipe_fd != 3)
		dup2(pipe_fd, 3);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	syscall(SYS_close_range, 4, ~0U, 0);
	lock_guard();
	for (;;) {
		n = read(3, &byte, 1);
		if (n == 1)
			told = byte;
		else if (n == 0 || errno != EINTR)
			break;
	}
	if (told == RAW)
		set_mode(&saved);
	for (;;)
		syscall(SYS_exit_group, 0);
}

static int post_guard(struct err *e)
{
	sigset_t all, before;
	int fds[2];
	pid_t pid;

	sigfillset(&all);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "cannot make the terminal's guard");
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_set(e, -errno, "cannot start the terminal's guard");
	}
	if (!pid) {
		close(fds[1]);
		guard(fds[0]);
	}
	close(fds[0]);
	guard_fd = fds[1];
	return 0;
}

/* By the end we may be in the background: setting the mode would stop us. */
static void block_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int terminal_open(struct err *e)
{
	pid_t foreground;
	int ret;

	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return 0;
	/* In the background, reading would stop us: leave it alone. A terminal
	 * that is not our session's own knows no background. */
	foreground = tcgetpgrp(STDIN_FILENO);
	if (foreground >= 0 && foreground != getpgrp())
		return 0;
	block_stop();
	ret = post_guard(e);
	return ret < 0 ? ret : 1;
}

int terminal_guard_fd(void)
{
	return guard_fd;
}

static void tell_guard(char what)
{
	if (out_raw(guard_fd, &what, 1) < 0)
		return; /* it is gone; nothing more to do */
}

void terminal_raw(void)
{
	struct termios t = saved;

	t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR |
				 IGNCR | ICRNL | IXON);
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	t.c_cflag |= CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	/* OPOST stays: log lines on the same terminal keep their form, and a
	 * guest's own CR LF passes through it unchanged enough. */
	atomic_store(&raw, true);
	tell_guard(RAW);
	set_mode(&t);
}

void terminal_restore(void)
{
	if (!atomic_exchange(&raw, false))
		return;
	set_mode(&saved);
	tell_guard(RESTORED);
}
