// SPDX-License-Identifier: Apache-2.0
/* The event loop on a real io_uring, rung from other threads. */
#include "monitor/loop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/stop.h"

static struct loop *loop;
static struct err err;

static void setup(void)
{
	loop = loop_get();
	cr_assert(loop_open(loop, &err) == 0, "%s", err.msg);
	stop_init(loop);
}

TestSuite(loop, .init = setup, .timeout = 300);

/* Run on this thread until stopped. */
static void run(void)
{
	cr_assert(loop_bind(loop, 0, &err) == 0 && loop_start(loop, &err) == 0,
		  "%s", err.msg);
	cr_assert(loop_run(loop, &err) == 0, "%s", err.msg);
}

static pthread_t start(void *(*thread)(void *), void *arg)
{
	pthread_t id;

	cr_assert(!pthread_create(&id, NULL, thread, arg));
	return id;
}

static void *io_thread(void *arg)
{
	(void)arg;
	run();
	return NULL;
}

/* ---- ends
 * ---------------------------------------------------------------------- */

Test(loop, returns_at_once_when_stopped_before)
{
	stop_now(7);
	run();
	cr_expect(stop_status() == 7);
}

static sem_t answered;

static void answer(struct loop_source *source)
{
	(void)source;
	sem_post(&answered);
}

Test(loop, stop_wakes_a_sleeping_loop)
{
	static struct loop_source source = { .ring = answer };
	pthread_t io;

	sem_init(&answered, 0, 0);
	cr_assert(loop_add_source(loop, &source) == 0);
	io = start(io_thread, NULL);
	/* it runs, and has nothing more to do: it sleeps, or is about to */
	loop_ring(loop, &source);
	sem_wait(&answered);
	stop_now(0);
	pthread_join(io, NULL);
}

static struct loop_source stopper;

static void stop_from_inside(struct loop_source *source)
{
	(void)source;
	stop_now(3);
}

Test(loop, may_be_stopped_by_its_own_callback)
{
	stopper.ring = stop_from_inside;
	cr_assert(loop_add_source(loop, &stopper) == 0);
	loop_ring(loop, &stopper);
	run();
	cr_expect(stop_status() == 3);
}

/* ---- rings
 * ----------------------------------------------------------------------- */

/* A doorbell and what lies behind the door. */
struct counter {
	struct loop_source source; /* first: the callback gets this */
	_Atomic unsigned put, taken;
};

static void take(struct loop_source *source)
{
	struct counter *c = (struct counter *)source;

	c->taken = c->put;
	sem_post(&answered);
}

static struct counter one = { .source.ring = take };

#define TURNS 20000

/* The loop is asleep, or falling asleep, at every ring: none may be lost. */
Test(loop, no_ring_is_lost_on_the_way_to_sleep)
{
	pthread_t io;

	sem_init(&answered, 0, 0);
	cr_assert(loop_add_source(loop, &one.source) == 0);
	io = start(io_thread, NULL);
	for (unsigned i = 1; i <= TURNS; i++) {
		one.put = i;
		loop_ring(loop, &one.source);
		while (one.taken != i)
			sem_wait(&answered);
	}
	stop_now(0);
	pthread_join(io, NULL);
}

#define RINGERS 3

static struct counter many[LOOP_SOURCES_MAX];

static void *ring_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TURNS; i++) {
		struct counter *c = &many[i * 7 % LOOP_SOURCES_MAX];

		c->put++;
		loop_ring(loop, &c->source);
	}
	return NULL;
}

Test(loop, answers_every_source_whoever_rings)
{
	pthread_t io, ringer[RINGERS];

	sem_init(&answered, 0, 0);
	for (unsigned i = 0; i < LOOP_SOURCES_MAX; i++) {
		many[i].source.ring = take;
		cr_assert(loop_add_source(loop, &many[i].source) == 0);
	}
	io = start(io_thread, NULL);
	for (unsigned i = 0; i < RINGERS; i++)
		ringer[i] = start(ring_all, NULL);
	for (unsigned i = 0; i < RINGERS; i++)
		pthread_join(ringer[i], NULL);
	for (unsigned i = 0; i < LOOP_SOURCES_MAX; i++)
		while (many[i].taken != many[i].put)
			sem_wait(&answered);
	stop_now(0);
	pthread_join(io, NULL);
}

static unsigned rang;

static void ring_twice(struct loop_source *source)
{
	if (++rang == 1)
		loop_ring(loop, source);
	else
		stop_now(0);
}

Test(loop, ring_while_ringing_brings_another_call)
{
	static struct loop_source source = { .ring = ring_twice };

	cr_assert(loop_add_source(loop, &source) == 0);
	loop_ring(loop, &source);
	loop_ring(loop, &source);
	run();
	cr_expect(rang == 2);
}

/* ---- limits
 * ---------------------------------------------------------------------- */

Test(loop, says_when_its_tables_are_full)
{
	static struct loop_source source[LOOP_SOURCES_MAX + 1];
	int first = loop_add_file(loop, STDERR_FILENO), slot;

	cr_expect(first > 0, "the loop has a file of its own");
	for (slot = first + 1; slot < LOOP_FILES_MAX; slot++)
		cr_expect(loop_add_file(loop, STDERR_FILENO) == slot);
	cr_expect(loop_add_file(loop, STDERR_FILENO) == -ENOSPC);
	for (unsigned i = 0; i < LOOP_SOURCES_MAX; i++) {
		cr_expect(loop_add_source(loop, &source[i]) == 0);
		cr_expect(source[i].id == i);
	}
	cr_expect(loop_add_source(loop, &source[LOOP_SOURCES_MAX]) == -ENOSPC);
	cr_expect(loop_reserve_files(loop, LOOP_RESERVE_MAX + 1) == -ENOSPC);
	stop_now(0);
	run();
}

Test(loop, says_when_a_file_cannot_be_registered)
{
	int fd = dup(STDERR_FILENO);

	loop_add_file(loop, fd);
	close(fd);
	if (!loop_bind(loop, 0, &err))
		cr_skip("this kernel's rings do without registered files");
	cr_expect(err.code == -EBADF);
	cr_expect(strstr(err.msg, "register"), "%s", err.msg);
}

static unsigned times;

static void run_again(struct loop_task *task)
{
	times++;
	loop_defer(loop, task);
}

static void defer_for_ever(struct loop_source *source)
{
	static struct loop_task task = { .run = run_again };

	(void)source;
	loop_defer(loop, &task);
}

static void *stop_soon(void *arg)
{
	(void)arg;
	usleep(10000);
	stop_now(0);
	return NULL;
}

/* It gets its turn in each round, and so does everybody else. */
Test(loop, a_task_without_end_does_not_keep_it_from_a_stop)
{
	static struct loop_source source = { .ring = defer_for_ever };
	pthread_t other;

	cr_assert(loop_add_source(loop, &source) == 0);
	loop_ring(loop, &source);
	other = start(stop_soon, NULL);
	run();
	pthread_join(other, NULL);
	cr_expect(times > 1);
}

/* ---- operations
 * -------------------------------------------------------------------- */

static char order[64]; /* what happened, a letter each */

static void happened(char c)
{
	order[strlen(order) % (sizeof(order) - 1)] = c;
}

struct write {
	struct loop_op op; /* first */
	int res;
	bool done;
};

static struct write writes[1000];
static unsigned completed;
static int null_slot;

static void write_done(struct loop_op *op, int res, uint32_t flags)
{
	struct write *w = (struct write *)op;

	cr_expect(!w->done, "completed twice");
	cr_expect(!(flags & IORING_CQE_F_MORE));
	w->done = true;
	w->res = res;
	if (++completed == sizeof(writes) / sizeof(writes[0]))
		stop_now(0);
}

static void submit(struct write *w, int slot, unsigned len)
{
	static char zero[4096];
	struct io_uring_sqe *sqe = loop_sqe(loop);

	io_uring_prep_write(sqe, slot, zero, len, (uint64_t)-1);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	w->op.done = write_done;
	loop_set_op(sqe, &w->op);
}

static void submit_all(struct loop_source *source)
{
	(void)source;
	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		submit(&writes[i], null_slot, i);
}

/* More than the submission and completion queues hold. */
Test(loop, takes_more_operations_than_the_ring_has_entries)
{
	static struct loop_source source = { .ring = submit_all };

	null_slot = loop_add_file(loop, open("/dev/null", O_WRONLY));
	cr_assert(loop_add_source(loop, &source) == 0);
	loop_ring(loop, &source);
	run();
	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		cr_expect(writes[i].res == (int)i, "write %u: %d", i,
			  writes[i].res);
}

static void fail_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	cr_expect(res == -EBADF, "%d", res);
	stop_now(0);
}

static struct loop_op failing = { .done = fail_done };

static void submit_bad(struct loop_source *source)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	(void)source;
	io_uring_prep_write(sqe, null_slot, "", 1, (uint64_t)-1);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &failing);
}

Test(loop, passes_errors_to_whoever_asked)
{
	static struct loop_source source = { .ring = submit_bad };

	null_slot = loop_add_file(loop, open("/dev/null", O_RDONLY));
	cr_assert(loop_add_source(loop, &source) == 0);
	loop_ring(loop, &source);
	run();
}

static void stop_on_wake(struct loop_source *source)
{
	(void)source;
	stop_now(5);
}

static struct loop_source on_wake = { .ring = stop_on_wake };

static void want_wakes(struct loop_source *source)
{
	(void)source;
	loop_ring_on_wake(loop, &on_wake);
	sem_post(&answered);
}

/* As KVM does for a doorbell that is no exit. */
Test(loop, rings_when_others_write_the_eventfd)
{
	static struct loop_source source = { .ring = want_wakes };
	static const uint64_t value = 1;
	pthread_t io;

	sem_init(&answered, 0, 0);
	cr_assert(loop_add_source(loop, &source) == 0);
	cr_assert(loop_add_source(loop, &on_wake) == 0);
	io = start(io_thread, NULL);
	loop_ring(loop, &source);
	sem_wait(&answered);
	cr_expect(write(loop_wake_fd(loop), &value, sizeof(value)) ==
		  sizeof(value));
	pthread_join(io, NULL);
	cr_expect(stop_status() == 5);
}

/* ---- tasks
 * ----------------------------------------------------------------------------
 */

struct letter {
	struct loop_task task; /* first */
	char c;
	struct letter *then;
};

static void run_letter(struct loop_task *task)
{
	struct letter *l = (struct letter *)task;

	happened(l->c);
	if (l->then)
		loop_defer(loop, &l->then->task);
}

static struct letter letters[3];

static void defer_letters(struct loop_source *source)
{
	(void)source;
	happened('(');
	loop_defer(loop, &letters[0].task);
	loop_defer(loop, &letters[1].task);
	loop_defer(loop, &letters[0].task); /* already there */
	happened(')');
}

static void then_stop(struct loop_source *source)
{
	(void)source;
	happened('!');
	stop_now(0);
}

Test(loop, tasks_run_once_in_order_behind_all_rings)
{
	static struct loop_source first = { .ring = defer_letters };
	static struct loop_source second = { .ring = then_stop };

	for (unsigned i = 0; i < 3; i++) {
		letters[i].task.run = run_letter;
		letters[i].c = (char)('a' + i);
	}
	letters[0].then = &letters[2];
	cr_assert(loop_add_source(loop, &first) == 0);
	cr_assert(loop_add_source(loop, &second) == 0);
	loop_ring(loop, &second);
	loop_ring(loop, &first);
	run();
	cr_expect_str_eq(order, "()!abc");
}

/* ---- lingering
 * ---------------------------------------------------------------------------
 */

/* What a device with a busy queue does: it looks in passing, and is asked
 * before the loop sleeps. */
static struct {
	struct loop_task task;
	struct loop_source source;
	_Atomic unsigned looks; /* while the loop lingers */
	bool came, in_vain;
} busy;

static void busy_look(struct loop_task *task)
{
	(void)task;
	/* the first finds something that has come without ringing */
	if (!atomic_fetch_add(&busy.looks, 1))
		loop_ring(loop, &busy.source);
}

static void busy_run(struct loop_task *task)
{
	(void)task;
	if (!atomic_load(&busy.looks) || loop_lingers(loop))
		return;
	busy.in_vain = true;
	stop_now(0);
}

static void busy_ring(struct loop_source *source)
{
	(void)source;
	busy.came |= atomic_load(&busy.looks) && loop_lingers(loop);
	loop_before_sleep(loop, &busy.task);
}

Test(loop, lingers_after_short_sleeps_until_it_is_in_vain)
{
	pthread_t io;

	busy.task.run = busy_run;
	busy.task.look = busy_look;
	busy.source.ring = busy_ring;
	cr_assert(loop_add_source(loop, &busy.source) == 0);
	cr_expect(!loop_lingers(loop));
	io = start(io_thread, NULL);
	while (!atomic_load(&busy.looks))
		loop_ring(loop, &busy.source);
	pthread_join(io, NULL);
	cr_expect(busy.came);
	cr_expect(busy.in_vain);
}

/* ---- drains
 * ------------------------------------------------------------------------------
 */

/* Something that needs a timeout of its own before the end. */
struct slow {
	struct loop_drain drain; /* first */
	struct loop_op op;
	struct loop_task task;
	struct __kernel_timespec time;
	bool started, by_task, over;
	unsigned asked;
};

static struct slow slow[2];

static void slow_done(struct loop_op *op, int res, uint32_t flags)
{
	struct slow *s =
		(struct slow *)((char *)op - offsetof(struct slow, op));

	(void)flags;
	cr_expect(res == -ETIME);
	s->over = true;
}

static void slow_start(struct loop_task *task)
{
	struct slow *s =
		(struct slow *)((char *)task - offsetof(struct slow, task));
	struct io_uring_sqe *sqe = loop_sqe(loop);

	io_uring_prep_timeout(sqe, &s->time, 0, 0);
	loop_set_op(sqe, &s->op);
}

static bool slow_idle(struct loop_drain *drain)
{
	struct slow *s = (struct slow *)drain;

	s->asked++;
	if (s->over)
		return true;
	if (!s->started && s->by_task)
		loop_defer(loop, &s->task);
	else if (!s->started)
		slow_start(&s->task);
	s->started = true;
	return false;
}

static void add_slow(struct slow *s)
{
	s->drain.idle = slow_idle;
	s->op.done = slow_done;
	s->task.run = slow_start;
	s->time.tv_nsec = 20000000;
	loop_add_drain(loop, &s->drain);
}

Test(loop, ends_when_every_drain_is_idle)
{
	add_slow(&slow[0]);
	add_slow(&slow[1]);
	stop_now(0);
	run();
	cr_expect(slow[0].over && slow[1].over);
}

Test(loop, sleeps_while_it_drains)
{
	add_slow(&slow[0]);
	stop_now(0);
	run();
	/* once to start, once at its end, and for a stray wake-up or two */
	cr_expect(slow[0].asked < 10, "asked %u times", slow[0].asked);
}

Test(loop, all_drains_begin_at_once)
{
	add_slow(&slow[0]);
	add_slow(&slow[1]);
	stop_now(0);
	run();
	cr_expect(slow[0].asked < 10 && slow[1].asked < 10);
	cr_expect(slow[0].asked == slow[1].asked, "one waited for the other");
}

Test(loop, drain_may_put_its_work_off)
{
	slow[0].by_task = true;
	add_slow(&slow[0]);
	stop_now(0);
	run();
	cr_expect(slow[0].over);
}

/* What two devices say, one after the other; a stream may have ended without
 * anybody to say so. */
Test(loop, who_spoke_last_of_streams_is_right)
{
	loop_allow_bulk(loop);
	loop_set_bulk(loop, true);
	cr_expect(sched_getscheduler(0) == SCHED_BATCH);
	loop_set_bulk(loop, false);
	cr_expect(sched_getscheduler(0) == SCHED_OTHER);
	loop_set_bulk(loop, true);
	cr_expect(sched_getscheduler(0) == SCHED_BATCH);
	loop_set_bulk(loop, false);
	cr_expect(sched_getscheduler(0) == SCHED_OTHER);
}
