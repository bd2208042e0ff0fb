// SPDX-License-Identifier: Apache-2.0
/* The console on a host that has no memory for an operation just then. */
#include "monitor/console.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/loop_parts.h"
#include "tests/unit/capture.h"
#include "tests/unit/fake_loop.h"

/* ---- the host ------------------------------------------------------------ */

static struct {
	int op, res;	    /* this operation gets that result */
	unsigned fails;	    /* so many times */
	int timers;	    /* what all timers get */
	unsigned full;	    /* the terminal has no room so many times */
	bool stuck;	    /* nobody reads */
	const char *typed;  /* comes byte by byte */
	unsigned submitted; /* of @op */
	char out[64], in[64];
	size_t out_len, in_len;
} host;

static bool perform(const struct io_uring_sqe *sqe, int *res, uint32_t *flags)
{
	(void)flags;
	if (sqe->opcode == host.op) {
		host.submitted++;
		if (host.fails) {
			host.fails--;
			*res = host.res;
			return true;
		}
	}
	switch (sqe->opcode) {
	case IORING_OP_WRITE:
		if (host.stuck)
			return false;
		*res = -EAGAIN;
		if (host.full && host.full--)
			return true;
		*res = (int)sqe->len;
		cr_assert(host.out_len + sqe->len <= sizeof(host.out));
		memcpy(host.out + host.out_len, (void *)(uintptr_t)sqe->addr,
		       sqe->len);
		host.out_len += sqe->len;
		return true;
	case IORING_OP_READ:
		if (!*host.typed)
			return false;
		*(char *)(uintptr_t)sqe->addr = *host.typed++;
		*res = 1;
		return true;
	case IORING_OP_TIMEOUT:
		*res = host.timers;
		return true;
	default:
		cr_assert(sqe->opcode == IORING_OP_POLL_ADD);
		*res = 1;
		return true;
	}
}

/* ---- the guest ----------------------------------------------------------- */

static size_t room(struct console_port *port)
{
	(void)port;
	return sizeof(host.in) - host.in_len;
}

static void input(struct console_port *port, const uint8_t *buf, size_t len)
{
	(void)port;
	memcpy(host.in + host.in_len, buf, len);
	host.in_len += len;
}

static void writable(struct console_port *port)
{
	(void)port;
}

static void put(const char *text)
{
	for (; *text; text++)
		cr_assert(console_put((uint8_t)*text));
	console_ring();
}

static void setup(void)
{
	static struct console_port port = { room, input, writable };
	static struct config cfg;
	struct err e;

	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
	host.op = -1;
	host.timers = -ETIME;
	host.typed = "";
	fake_loop_on(0);
	fake.perform = perform;
	cr_assert(console_open(&cfg, loop_get(), &port, &e) == 0);
}

TestSuite(console_again, .init = setup, .fini = fake_loop_off, .timeout = 300);

static const int passing[] = { -ENOMEM, -ENOBUFS, -ECANCELED, -EINTR };

#define PASSING (sizeof(passing) / sizeof(passing[0]))

Test(console_again, output_outlives_a_want_of_memory)
{
	console_start();
	for (size_t i = 0; i < PASSING; i++) {
		host.op = IORING_OP_WRITE;
		host.res = passing[i];
		host.fails = 3;
		put("1\n");
		fake_loop_run();
		put("2\n");
		fake_loop_run();
		cr_expect(host.out_len == 4 * (i + 1), "%s",
			  strerror(-passing[i]));
	}
	cr_expect(!memcmp(host.out, "1\n2\n1\n2\n1\n2\n1\n2\n", 16));
}

Test(console_again, want_of_a_worker_is_said_once)
{
	int fd = capture_open();
	const char *text;

	cr_assert(dup2(fd, STDERR_FILENO) >= 0);
	console_start();
	host.op = IORING_OP_WRITE;
	host.res = -ECANCELED;
	host.fails = 3;
	put("1\n");
	fake_loop_run();
	text = capture_close(fd);
	cr_expect(strstr(text, "pids.max"), "%s", text);
	cr_expect(strchr(text, '\n') == strrchr(text, '\n'), "%s", text);
}

Test(console_again, wait_for_a_reader_outlives_it)
{
	console_start();
	for (size_t i = 0; i < PASSING; i++) {
		host.op = IORING_OP_POLL_ADD;
		host.res = passing[i];
		host.fails = 1;
		host.full = 1;
		put("1\n");
		fake_loop_run();
		cr_expect(host.out_len == 2 * (i + 1), "%s",
			  strerror(-passing[i]));
	}
}

Test(console_again, input_outlives_it)
{
	for (size_t i = 0; i < PASSING; i++) {
		host.op = IORING_OP_READ;
		host.res = passing[i];
		host.fails = 3;
		host.typed = "ab";
		if (i)
			console_unblock_input();
		else
			console_start();
		fake_loop_run();
		cr_expect(host.in_len == 2 * i + 2, "%s",
			  strerror(-passing[i]));
		/* not asleep in a read that failed */
		host.in_len = i + 1 < PASSING ? host.in_len : sizeof(host.in);
	}
}

Test(console_again, failing_timers_are_no_reason_to_spin)
{
	host.op = IORING_OP_WRITE;
	host.res = host.timers = -ENOMEM;
	host.fails = ~0U;
	console_start();
	put("1\n");
	fake_loop_run();
	cr_expect(host.submitted < 10, "%u writes", host.submitted);
	host.fails = 0;
	put("2"); /* any byte will do */
	fake_loop_run();
	cr_expect(host.out_len == 3 && !memcmp(host.out, "1\n2", 3));
}

Test(console_again, failing_timers_leave_input_to_the_next_output)
{
	host.op = IORING_OP_READ;
	host.res = host.timers = -ENOMEM;
	host.fails = ~0U;
	host.typed = "a";
	console_start();
	fake_loop_run();
	cr_expect(host.submitted < 10, "%u reads", host.submitted);
	host.fails = 0;
	put("\n");
	fake_loop_run();
	cr_expect(host.in_len == 1);
}

/* Writable is what has room for a byte; a new line takes two. */
Test(console_again, terminal_with_too_little_room_is_no_reason_to_spin)
{
	host.op = IORING_OP_POLL_ADD;
	host.full = 20;
	console_start();
	put("\n");
	fake_loop_run();
	cr_expect(host.out_len == 1);
	cr_expect(host.submitted == 10, "%u polls for 20 writes",
		  host.submitted);
}

/* ---- the drain ----------------------------------------------------------- */

static bool is_idle(void)
{
	struct loop_drain *drain = loop_get()->drains;

	return drain->idle(drain);
}

/* Nobody reads the last of the output, and timers fail. */
static void end_without_timers(void)
{
	host.stuck = true;
	console_start();
	put("1\n");
	fake_loop_run();
	host.timers = -ENOMEM;
	cr_expect(!is_idle());
}

Test(console_again, failing_drain_timer_says_nothing_of_the_reader)
{
	end_without_timers();
	for (int i = 0; i < 10; i++) {
		fake_loop_round();
		cr_expect(!is_idle(), "after failure %d", i);
	}
	host.timers = -ETIME;
	fake_loop_round();
	cr_expect(is_idle());
}

Test(console_again, drain_that_gets_no_timer_ends)
{
	end_without_timers();
	fake_loop_run();
	cr_expect(is_idle());
}
