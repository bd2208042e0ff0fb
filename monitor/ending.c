// SPDX-License-Identifier: Apache-2.0
/* Signals and the timeout as io_uring operations; the last system calls. */
#include "monitor/ending.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/out.h"
#include "monitor/spin.h"
#include "monitor/stop.h"
#include "monitor/terminal.h"
#include "monitor/timing.h"

/* How often to try at once what cannot even be tried later. */
#define TRIES 100

static struct {
	struct loop *loop;
	int signal_slot;
	bool tells; /* status_fd, which is known to be for nothing else */
	int status_fd;
	struct spin last;    /* held from ending_tell() to the process's end */
	sigset_t handled;    /* constant after ending_open() */
	uint64_t timeout_ns; /* what is left of it; 0: none */
	/* I/O thread */
	unsigned tries;
	struct signalfd_siginfo info;
	struct __kernel_timespec timeout;
	struct loop_op signal_op, timeout_op, again_op[2];
} end;

static void read_signal(void)
{
	struct io_uring_sqe *sqe = loop_sqe(end.loop);

	io_uring_prep_read(sqe, end.signal_slot, &end.info, sizeof(end.info),
			   0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &end.signal_op);
}

static void start_timeout(void)
{
	struct io_uring_sqe *sqe = loop_sqe(end.loop);

	end.timeout.tv_sec = (long long)(end.timeout_ns / 1000000000U);
	end.timeout.tv_nsec = (long long)(end.timeout_ns % 1000000000U);
	io_uring_prep_timeout(sqe, &end.timeout, 0, 0);
	loop_set_op(sqe, &end.timeout_op);
}

static void signal_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	if (res == (int)sizeof(end.info))
		stop_now(EXIT_SIGNAL_BASE + (int)end.info.ssi_signo);
	else if (loop_is_passing(res))
		loop_later(end.loop, &end.again_op[0]);
}

static void timeout_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	if (res == -ETIME)
		stop_now(EXIT_TIMED_OUT);
	else if (loop_is_passing(res))
		loop_later(end.loop, &end.again_op[1]);
}

static void again(struct loop_op *op, int res, uint32_t flags)
{
	(void)flags;
	if (res != -ETIME && end.tries++ >= TRIES)
		return;
	if (op == &end.again_op[0]) {
		read_signal();
		return;
	}
	/* A timer fails when it is started: only the pause is over. */
	if (res == -ETIME)
		end.timeout_ns -= end.timeout_ns > LOOP_LATER_NS
					  ? LOOP_LATER_NS
					  : end.timeout_ns;
	start_timeout();
}

void ending_init(void)
{
	/* A reader that goes away is an error of the write, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* likewise, RLIMIT_FSIZE */
	/* Who ignores it, as some starters do, cannot wait for a child. */
	signal(SIGCHLD, SIG_DFL);
}

int ending_set_status_fd(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_set(e, -EBADF,
			       "--status-fd: descriptor %d is not open", fd);
	if (flags & O_PATH || (flags & O_ACCMODE) == O_RDONLY)
		return err_set(e, -EINVAL,
			       "--status-fd=%d cannot be written to", fd);
	end.status_fd = fd;
	end.tells = true;
	return 0;
}

/* What is ignored from the start on stays so: nohup's SIGHUP, and the signals
 * from the keyboard for what a script has put into the background. */
static void choose_signals(sigset_t *ret)
{
	static const uint8_t signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	sigemptyset(ret);
	for (unsigned i = 0; i < sizeof(signals); i++) {
		struct sigaction was;

		if (signals[i] == SIGTERM ||
		    (!sigaction(signals[i], NULL, &was) &&
		     was.sa_handler != SIG_IGN))
			sigaddset(ret, signals[i]);
	}
}

int ending_open(const struct config *cfg, struct loop *loop, struct err *e)
{
	int fd;

	end.loop = loop;
	end.timeout_ns = cfg->timeout_ns;
	end.signal_op.done = signal_done;
	end.timeout_op.done = timeout_done;
	end.again_op[0].done = end.again_op[1].done = again;
	choose_signals(&end.handled);
	sigprocmask(SIG_BLOCK, &end.handled, NULL);
	fd = TIMED(TIMING_SIGNALS, signalfd(-1, &end.handled, SFD_CLOEXEC));
	if (fd < 0)
		return err_set(e, -errno, "cannot create a signalfd");
	end.signal_slot = loop_add_file(loop, fd);
	return 0;
}

const sigset_t *ending_signals(void)
{
	return &end.handled;
}

void ending_start(void)
{
	read_signal();
	if (end.timeout_ns)
		start_timeout();
}

int ending_tell(int status)
{
	char line[16];
	int n = fmt_print(line, sizeof(line), "%d\n", status);

	/* Two threads can fail at once, and one status is told: the second
	 * waits here for the first's _exit(). */
	spin_lock(&end.last);
	terminal_restore();
	if (!end.tells || out_raw(end.status_fd, line, (size_t)n) >= 0)
		return status;
	log_err("", "--status-fd=%d: status %d is not told: %s", end.status_fd,
		status, strerror(errno));
	return status ? status : EXIT_MISUSE;
}

void ending_exit(int status)
{
	status = ending_tell(status);
	timing_print();
	_exit(status);
}
