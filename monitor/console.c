// SPDX-License-Identifier: Apache-2.0
/*
 * Console output and input on the I/O thread's io_uring.
 *
 * Output: vCPU threads put bytes into a ring, the I/O thread writes them. The
 * first byte after a pause is written at once. Then, for HOLD_NS, output is
 * collected and goes out by the line, by the half ring or when the time is
 * over. So a guest's line costs one or two writes, a prompt appears without
 * delay, and nothing runs periodically: the timer is armed only by output.
 *
 * Input: one read in flight, only while the port has room.
 */
#include "monitor/console.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/outputs.h"
#include "monitor/stop.h"
#include "monitor/sys_ioctl.h"
#include "monitor/terminal.h"
#include "monitor/timing.h"

#define OUT_SIZE    65536U /* power of two */
#define HOLD_NS	    1000000L
#define ESCAPE_BYTE 0x1d /* Ctrl-] */

/* A stop's patience with a reader that takes nothing. A pipe of a page says
 * that something was taken when the page is empty: 2 KB/s are fast enough. */
#define DRAIN_SECONDS 2
#define DRAIN_FAILS   100

static struct {
	struct loop *loop;
	struct console_port *port;
	int in_slot, out_slot; /* registered files, or -1 */
	int file;	       /* of --console file:, or -1 */
	bool terminal;
	bool regular; /* a file, where a part that is left out had no room */

	/* Producer: vCPU threads under the port's lock. Consumer: I/O thread.
	 * Free-running counters; bytes between tail and head are queued. */
	_Atomic uint32_t head, tail;
	_Atomic bool quiet;    /* nothing written lately: ring for any byte */
	_Atomic bool blocked;  /* the producer found no room */
	_Atomic bool ring_due; /* console_put() to console_ring() */

	/* I/O thread */
	struct loop_source out_source, in_source;
	struct loop_drain drain;
	struct loop_op write_op, poll_op, hold_op, read_op, drain_op;
	struct loop_op rewrite_op, reread_op;
	struct __kernel_timespec hold_time, drain_time;
	bool writing, holding, reading, draining, give_up;
	bool said;	      /* that output waits for a worker */
	uint32_t asked;	      /* bytes of the write in flight */
	bool polled;	      /* the terminal has just been said to have room */
	uint32_t drain_tail;  /* the tail when the drain timer started */
	unsigned drain_fails; /* of that timer */
	uint8_t in[256];

	uint8_t out[OUT_SIZE];
} con;

static void start_read(void);

static void set_tail(uint32_t tail)
{
	atomic_store(&con.tail, tail);
	if (atomic_exchange(&con.blocked, false))
		con.port->writable(con.port);
}

static void start_write(void)
{
	uint32_t tail = atomic_load_explicit(&con.tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&con.head, memory_order_acquire);
	uint32_t at = tail % OUT_SIZE, len = head - tail;
	struct io_uring_sqe *sqe;

	if (con.writing || !len)
		return;
	if (con.give_up) {
		set_tail(head);
		return;
	}
	if (len > OUT_SIZE - at)
		len = OUT_SIZE - at;
	con.writing = true;
	con.asked = len;
	sqe = loop_sqe(con.loop);
	io_uring_prep_write(sqe, con.out_slot, con.out + at, len, (uint64_t)-1);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &con.write_op);
	if (con.holding)
		return;
	con.holding = true;
	atomic_store(&con.quiet, false);
	sqe = loop_sqe(con.loop);
	io_uring_prep_timeout(sqe, &con.hold_time, 0, 0);
	loop_set_op(sqe, &con.hold_op);
}

/* Nothing to write: ask for a ring at any byte, if somebody reads it. */
static void become_quiet(void)
{
	atomic_store(&con.quiet, !con.give_up);
	/* A byte that was put before quiet was seen rang nobody. */
	start_write();
}

/* The pause is over: write what gathered, or wait for the next byte. */
static void hold_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)res;
	(void)flags;
	con.holding = false;
	start_write();
	if (con.holding)
		return;
	if (con.writing) {
		/* A slow reader; write_done() starts over. */
		return;
	}
	become_quiet();
}

static void give_up_output(int res)
{
	log_warn("console", "output is lost from here on: %s", strerror(-res));
	con.give_up = true;
}

/* Without a timer, the next byte's ring tries again, or a stop's drain. */
static void rewrite(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	con.writing = false;
	if (res == -ETIME)
		start_write();
	else
		atomic_store(&con.quiet, true);
}

static void poll_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	if (loop_is_passing(res)) {
		loop_later(con.loop, &con.rewrite_op);
		return;
	}
	con.polled = true;
	con.writing = false;
	if (res < 0)
		give_up_output(res);
	start_write();
}

static void wait_writable(void)
{
	struct io_uring_sqe *sqe = loop_sqe(con.loop);

	io_uring_prep_poll_add(sqe, con.out_slot, POLLOUT);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &con.poll_op);
}

static void write_done(struct loop_op *op, int res, uint32_t flags)
{
	uint32_t tail = atomic_load_explicit(&con.tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&con.head, memory_order_acquire);
	bool polled = con.polled;

	(void)op;
	(void)flags;
	con.polled = false;
	if (res == -EAGAIN && !polled) {
		wait_writable();
		return;
	}
	/* Nobody cancels it but the ring, for want of a thread to do it. */
	if (res == -ECANCELED && !con.said) {
		con.said = true;
		log_warn("console",
			 "output waits for a thread (`ulimit -u`, pids.max)");
	}
	/* A terminal may have room for a byte, but not for CR LF. */
	if (res == -EAGAIN || loop_is_passing(res)) {
		loop_later(con.loop, &con.rewrite_op);
		return;
	}
	con.writing = false;
	if (res < 0)
		give_up_output(res);
	if (res > 0)
		set_tail(tail += (uint32_t)res);
	/* The ring leaves the file's position where it was before, and the
	 * next write would go over this one. */
	if (res >= 0 && con.regular && (uint32_t)res < con.asked)
		give_up_output(-ENOSPC);
	timing_event(TIMING_FIRST_BYTE);
	/* What came meanwhile: at once if it is much or nothing holds it. */
	if (!con.holding || head - tail >= OUT_SIZE / 2 || con.draining ||
	    con.give_up)
		start_write();
	if (!con.holding && !con.writing)
		become_quiet();
}

static void out_ring(struct loop_source *source)
{
	(void)source;
	start_write();
	start_read(); /* if it could not be tried again */
}

static bool has_room(uint32_t bytes)
{
	uint32_t most = OUT_SIZE - bytes;

	if (con.out_slot < 0)
		return true;
	if (atomic_load(&con.head) - atomic_load(&con.tail) <= most)
		return true;
	atomic_store(&con.blocked, true);
	/* The consumer may have made room before it could see blocked. */
	return atomic_load(&con.head) - atomic_load(&con.tail) <= most;
}

bool console_has_room(void)
{
	return has_room(CONSOLE_BURST);
}

bool console_half_free(void)
{
	return has_room(OUT_SIZE / 2);
}

bool console_put(uint8_t byte)
{
	uint32_t head = atomic_load_explicit(&con.head, memory_order_relaxed);

	if (con.out_slot < 0)
		return true;
	if (!has_room(1))
		return false;
	con.out[head % OUT_SIZE] = byte;
	atomic_store(&con.head, head + 1);
	if (byte == '\n' || atomic_load(&con.quiet) ||
	    head - atomic_load_explicit(&con.tail, memory_order_relaxed) ==
		    OUT_SIZE / 2)
		atomic_store(&con.ring_due, true);
	return true;
}

bool console_silent(void)
{
	return con.out_slot >= 0 && !atomic_load(&con.head);
}

void console_ring(void)
{
	if (atomic_load(&con.ring_due) && atomic_exchange(&con.ring_due, false))
		loop_ring(con.loop, &con.out_source);
}

/* The stop waits for output as long as somebody takes it, be it slowly. */
static void start_drain_timer(void)
{
	struct io_uring_sqe *sqe = loop_sqe(con.loop);

	con.draining = true;
	con.drain_tail = atomic_load(&con.tail);
	io_uring_prep_timeout(sqe, &con.drain_time, 0, 0);
	loop_set_op(sqe, &con.drain_op);
}

static void drain_done(struct loop_op *op, int res, uint32_t flags)
{
	uint32_t tail = atomic_load(&con.tail);

	(void)op;
	(void)flags;
	/* a timer that failed says nothing of the reader */
	if (tail != con.drain_tail ||
	    (res != -ETIME && con.drain_fails++ < DRAIN_FAILS)) {
		start_drain_timer();
		return;
	}
	/* Silently: stderr may be the same pipe, and would block. */
	con.give_up = true;
}

static bool drain_idle(struct loop_drain *drain)
{
	(void)drain;
	if (con.out_slot < 0 || con.give_up)
		return true;
	start_write();
	if (!con.writing)
		return true;
	if (!con.draining)
		start_drain_timer();
	return false;
}

static void start_read(void)
{
	struct io_uring_sqe *sqe;
	size_t room;

	if (con.in_slot < 0 || con.reading)
		return;
	room = con.port->room(con.port);
	if (!room)
		return;
	if (room > sizeof(con.in))
		room = sizeof(con.in);
	con.reading = true;
	sqe = loop_sqe(con.loop);
	io_uring_prep_read(sqe, con.in_slot, con.in, (unsigned)room,
			   (uint64_t)-1);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &con.read_op);
}

static void reread(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	con.reading = false;
	if (res == -ETIME)
		start_read();
}

static void read_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	con.reading = false;
	if (res == -EAGAIN) {
		struct io_uring_sqe *sqe = loop_sqe(con.loop);

		/* a non-blocking stdin: look again when there is something */
		con.reading = true;
		io_uring_prep_poll_add(sqe, con.in_slot, POLLIN);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE | IOSQE_IO_LINK);
		loop_set_op(sqe, NULL);
		sqe = loop_sqe(con.loop);
		io_uring_prep_read(sqe, con.in_slot, con.in, 1, (uint64_t)-1);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
		loop_set_op(sqe, &con.read_op);
		return;
	}
	if (loop_is_passing(res)) {
		con.reading = true;
		loop_later(con.loop, &con.reread_op);
		return;
	}
	if (res <= 0) {
		con.in_slot = -1; /* end of input: the guest goes on without */
		return;
	}
	for (int i = 0; con.terminal && i < res; i++) {
		if (con.in[i] == ESCAPE_BYTE) {
			stop_now(EXIT_SIGNAL_BASE + SIGINT);
			return;
		}
	}
	con.port->input(con.port, con.in, (size_t)res);
	start_read();
}

static void in_ring(struct loop_source *source)
{
	(void)source;
	start_read();
}

void console_unblock_input(void)
{
	if (con.loop)
		loop_ring(con.loop, &con.in_source);
}

/* 0: @fd is none. */
static unsigned terminal_number(int fd)
{
	unsigned n;

	return sys_ioctl(fd, TIOCGDEV, (unsigned long)&n) ? 0 : n;
}

/*
 * A description of the terminal that is ours alone, so that writes need not
 * block: a terminal's know of O_NONBLOCK only. Since Linux 6.9 the ring carries
 * them out at once where there is room for a byte, and waits for that of the
 * rest inside io_uring_enter(2), for ever if nobody reads. Others' descriptions
 * of it, a shell's, stay as they are.
 *
 * What a name leads to may be another terminal: /dev/ptmx makes a new one,
 * /dev/tty is our session's.
 */
static int open_terminal(void)
{
	unsigned number = terminal_number(STDOUT_FILENO);
	int fd;

	if (!number)
		return STDOUT_FILENO;
	fd = open("/proc/self/fd/1",
		  O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return STDOUT_FILENO;
	if (terminal_number(fd) == number)
		return fd;
	close(fd);
	return STDOUT_FILENO;
}

int console_open(const struct config *cfg, struct loop *loop,
		 struct console_port *port, struct err *e)
{
	struct stat st;
	int ret, out;

	con.loop = loop;
	con.port = port;
	con.in_slot = con.out_slot = con.file = -1;
	con.quiet = true;
	con.hold_time.tv_nsec = HOLD_NS;
	con.drain_time.tv_sec = DRAIN_SECONDS;
	con.write_op.done = write_done;
	con.poll_op.done = poll_done;
	con.hold_op.done = hold_done;
	con.read_op.done = read_done;
	con.drain_op.done = drain_done;
	con.rewrite_op.done = rewrite;
	con.reread_op.done = reread;
	con.drain.idle = drain_idle;
	con.out_source.ring = out_ring;
	con.in_source.ring = in_ring;
	loop_add_source(loop, &con.out_source);
	loop_add_source(loop, &con.in_source);
	loop_add_drain(loop, &con.drain);
	if (cfg->console == CONSOLE_NONE)
		return 0;
	if (cfg->console == CONSOLE_FILE) {
		out = outputs_open("--console file:", cfg->console_path,
				   cfg->dry_run, e);
		if (out < 0)
			return out;
		con.file = out;
	} else {
		out = open_terminal();
		ret = terminal_open(e);
		if (ret < 0)
			return ret;
		con.terminal = ret;
		if (ret || !isatty(STDIN_FILENO))
			con.in_slot = loop_add_file(loop, STDIN_FILENO);
	}
	con.regular = !fstat(out, &st) && S_ISREG(st.st_mode);
	con.out_slot = loop_add_file(loop, out);
	return 0;
}

int console_file(void)
{
	return con.file;
}

void console_start(void)
{
	if (con.terminal)
		terminal_raw();
	start_read();
}
