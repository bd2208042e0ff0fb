// SPDX-License-Identifier: Apache-2.0
/* The event loop on a ring that takes no more while it is full: -EBUSY. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <liburing.h>

#include "monitor/err.h"
#include "monitor/loop.h"
#include "monitor/stop.h"
#include "tests/unit/fake_loop.h"

#define AT_ONCE 1000
#define WRITES	20000 /* more than can be set aside in all */

static struct loop_op op[WRITES + 1];
static unsigned completed, submitted;
static bool by_task; /* between reaping and sleeping */
static int slot;

static void submit(void);

/* Each is followed by another one, as long as there are some left. */
static void done(struct loop_op *o, int res, uint32_t flags)
{
	(void)flags;
	cr_assert_eq(res, 1);
	cr_assert_eq(o - op, completed, "in the order of submission");
	if (++completed == WRITES)
		stop_now(0);
	if (submitted < WRITES)
		submit();
}

static void submit(void)
{
	struct io_uring_sqe *sqe = loop_sqe(loop_get());

	io_uring_prep_write(sqe, slot, "x", 1, (uint64_t)-1);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	op[submitted].done = done;
	loop_set_op(sqe, &op[submitted++]);
}

static void submit_first(struct loop_task *task)
{
	(void)task;
	for (unsigned i = 0; i < AT_ONCE; i++)
		submit();
}

static void begin(struct loop_source *source)
{
	static struct loop_task task = { .run = submit_first };

	(void)source;
	if (by_task)
		loop_defer(loop_get(), &task);
	else
		submit_first(NULL);
}

static void check(void)
{
	static struct loop_source source = { .ring = begin };
	struct loop *loop = loop_get();
	struct err e = { 0 };

	cr_assert_eq(loop_open(loop, &e), 0, "%s", e.msg);
	stop_init(loop);
	slot = loop_add_file(loop, open("/dev/null", O_WRONLY | O_CLOEXEC));
	cr_assert_eq(loop_add_source(loop, &source), 0);
	loop_ring(loop, &source);
	cr_assert(!loop_bind(loop, 0, &e) && !loop_start(loop, &e), "%s",
		  e.msg);
	fake.full = 100;
	cr_assert_eq(loop_run(loop, &e), 0, "%s", e.msg);
	cr_expect_eq(completed, WRITES);
}

Test(loop_busy, no_completion_is_lost_or_overtaken, .timeout = 300)
{
	check();
}

Test(loop_busy, nor_when_a_task_fills_the_ring, .timeout = 300)
{
	by_task = true;
	check();
}
