// SPDX-License-Identifier: Apache-2.0
/*
 * One io_uring, one thread, rounds of: doorbells, completions, tasks, submit.
 * How sleeping and ringing pair: turn.h.
 */
#include "monitor/loop_parts.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/stop.h"
#include "monitor/timing.h"

/* Rounds with something at hand after which loop_before_sleep()'s tasks run
 * all the same. */
#define RESTLESS_MAX 16

/* Tasks of one round. They may bring others: if without end, because a guest's
 * other vCPU has more ready each time, then not in this one. */
#define TASKS_MAX 1024

/*
 * How long the loop lingers, in ticks of the TSC: some 12 us. A doorbell that
 * comes as an exit takes a vCPU twice that where KVM runs on software.
 */
#define LINGER_TICKS	(1U << 15)
#define SHORT_TICKS	(1U << 19)
#define LINGER_SKIP_MAX 255

/* The oldest completions, taken out of the ring to make room in it. */
#define ASIDES_MAX 4096

static struct completion {
	struct loop_op *op;
	int res;
	uint32_t flags;
} aside[ASIDES_MAX];

static struct completion completion_of(const struct io_uring_cqe *cqe)
{
	return (struct completion){ io_uring_cqe_get_data(cqe), cqe->res,
				    cqe->flags };
}

/*
 * Linux before 5.13 takes no more while it has completions for which there is
 * no room in the ring, as when 256 reads are all answered by the page cache.
 * In between some are handed out: what they bring may come back before the
 * last of them is, again and again.
 */
static void set_aside(struct loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;

	loop->asides -= loop->aside_at;
	memmove(aside, aside + loop->aside_at, loop->asides * sizeof(*aside));
	loop->aside_at = 0;
	io_uring_for_each_cqe(&loop->ring, head, cqe)
	{
		if (loop->asides == ASIDES_MAX)
			break;
		aside[loop->asides++] = completion_of(cqe);
		n++;
	}
	io_uring_cq_advance(&loop->ring, n);
}

struct io_uring_sqe *loop_sqe(struct loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	/* Without SQPOLL a submit empties the queue, so this ends. */
	while (!sqe) {
		if (io_uring_submit(&loop->ring) == -EBUSY)
			set_aside(loop);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	loop->in_flight++;
	return sqe;
}

/*
 * The kernel frees a ring behind an RCU grace period, some 20 ms after the
 * process is gone, and files in its table stay open as long: a reader of our
 * stdout would wait for its end, the next VM would find the disk locked and
 * the TAP busy. Linux 6.14 (6.13, but that one cannot be told) lets go of them
 * at once when it is asked to; older kernels wait for all operations first,
 * which may be for ever, or let go a second later. So there the table is not
 * used: a slot is replaced by its descriptor.
 */
void loop_set_op(struct io_uring_sqe *sqe, struct loop_op *op)
{
	const struct loop *loop = loop_get();

	io_uring_sqe_set_data(sqe, op);
	if (loop->registers) {
		/* The ring takes no other, timeouts included. */
		sqe->flags |= IOSQE_FIXED_FILE;
	} else if ((sqe->flags & IOSQE_FIXED_FILE) &&
		   (unsigned)sqe->fd < loop->files) {
		sqe->flags &= (uint8_t)~IOSQE_FIXED_FILE;
		sqe->fd = loop->file[sqe->fd];
	}
}

bool loop_lets_go(const struct loop *loop)
{
	return loop->registers;
}

/* musl's own sched_setscheduler() answers ENOSYS. */
static const struct {
	int priority;
} no_priority;

void loop_allow_bulk(struct loop *loop)
{
	loop->may_batch = syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER;
}

void loop_set_bulk(struct loop *loop, bool on)
{
	if (loop->bulk == on)
		return;
	loop->bulk = on;
	if (loop->may_batch)
		syscall(SYS_sched_setscheduler, 0,
			on ? SCHED_BATCH : SCHED_OTHER, &no_priority);
}

void loop_wake(struct loop *loop)
{
	turn_wake(&loop->turn);
}

void loop_ring(struct loop *loop, const struct loop_source *source)
{
	atomic_fetch_or(&loop->rung, 1ULL << source->id);
	loop_wake(loop);
}

static void queue(struct loop_tasks *list, struct loop_task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	task->next = NULL;
	*list->end = task;
	list->end = &task->next;
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	queue(&loop->tasks, task);
}

void loop_before_sleep(struct loop *loop, struct loop_task *task)
{
	queue(&loop->resting, task);
}

static void answer(const struct loop *loop, uint64_t rung)
{
	while (rung) {
		unsigned id = (unsigned)__builtin_ctzll(rung);

		rung &= rung - 1;
		loop->source[id]->ring(loop->source[id]);
	}
}

void loop_ring_on_wake(struct loop *loop, const struct loop_source *source)
{
	loop->on_wake |= 1ULL << source->id;
}

static bool next_completion(struct loop *loop, struct completion *ret)
{
	struct io_uring_cqe *cqe;
	unsigned head;

	if (loop->aside_at < loop->asides) {
		*ret = aside[loop->aside_at++];
		if (loop->aside_at == loop->asides)
			loop->aside_at = loop->asides = 0;
		return true;
	}
	io_uring_for_each_cqe(&loop->ring, head, cqe)
	{
		*ret = completion_of(cqe);
		io_uring_cq_advance(&loop->ring, 1);
		return true;
	}
	return false;
}

static void reap_completions(struct loop *loop)
{
	struct completion c;

	while (next_completion(loop, &c)) {
		if (!(c.flags & IORING_CQE_F_MORE))
			loop->in_flight--;
		if (c.op && !loop->ended)
			c.op->done(c.op, c.res, c.flags);
	}
}

static void run_tasks(struct loop_tasks *list)
{
	struct loop_task *task;

	for (unsigned n = 0; n < TASKS_MAX && (task = list->first); n++) {
		list->first = task->next;
		if (!list->first)
			list->end = &list->first;
		task->queued = false;
		task->run(task);
	}
}

/* Completions that only a system call brings into the ring. */
static bool has_events(const struct loop *loop)
{
	return IO_URING_READ_ONCE(*loop->ring.sq.kflags) & IORING_SQ_TASKRUN;
}

/* From outside. A stop that this round has not seen (@stopping) counts too. */
static bool has_come(struct loop *loop, bool stopping)
{
	return atomic_load(&loop->rung) || (!stopping && stop_status() >= 0) ||
	       io_uring_cq_ready(&loop->ring) || loop->asides;
}

static bool at_hand(struct loop *loop, bool stopping)
{
	return loop->tasks.first || has_come(loop, stopping);
}

bool loop_lingers(const struct loop *loop)
{
	return loop->patience.on;
}

/* Return: whether it was worth it. */
static bool linger(struct loop *loop, bool stopping)
{
	struct patience *l = &loop->patience;
	uint64_t begin = timing_now();

	while (timing_now() - begin < LINGER_TICKS) {
		for (struct loop_task *t = loop->resting.first; t; t = t->next)
			if (t->look)
				t->look(t);
		if (at_hand(loop, stopping) || has_events(loop)) {
			l->penalty = 0;
			return true;
		}
		__builtin_ia32_pause();
	}
	if (l->penalty < LINGER_SKIP_MAX)
		l->penalty = 2 * l->penalty + 1;
	l->skip = l->penalty;
	l->on = false;
	return false;
}

/* A sleep is over for which somebody had been asked. */
static void learn(struct patience *l, uint64_t ticks)
{
	if (ticks > SHORT_TICKS)
		return;
	if (l->skip)
		l->skip--;
	else
		l->on = true;
}

/*
 * What waits for the loop to have nothing to do. Much of what is submitted is
 * over when the call returns, so only now it is clear whether that is so.
 * Return: whether the round is over: something is at hand after all.
 */
static bool rest(struct loop *loop, bool stopping, int *ret)
{
	*ret = 0;
	if (!loop->resting.first)
		return false;
	if (io_uring_sq_ready(&loop->ring) || has_events(loop))
		*ret = TIMED(TIMING_SLEEP,
			     io_uring_submit_and_get_events(&loop->ring));
	if (*ret < 0)
		return true;
	/* Others may keep the loop from ever having nothing to do. */
	if (at_hand(loop, stopping)) {
		if (++loop->restless < RESTLESS_MAX)
			return true;
	} else if (loop->patience.on && linger(loop, stopping)) {
		return true;
	}
	loop->restless = 0;
	run_tasks(&loop->resting);
	return at_hand(loop, stopping);
}

/* While it is borrowed, sleep until there is one completion more than there
 * are: that of the eventfd, if no other comes first. */
static void take_turn(struct loop *loop)
{
	unsigned ready = io_uring_cq_ready(&loop->ring);

	while (!turn_take(&loop->turn)) {
		io_uring_submit_and_wait(&loop->ring, ready + 1);
		ready = io_uring_cq_ready(&loop->ring);
	}
}

static int doze(struct loop *loop, bool learns)
{
	uint64_t begin = timing_now();
	int ret = TIMED(TIMING_SLEEP, io_uring_submit_and_wait(&loop->ring, 1));

	take_turn(loop);
	if (learns)
		learn(&loop->patience, timing_now() - begin);
	return ret;
}

/* Submit what the round prepared; wait only if nothing is at hand. */
static int submit_and_sleep(struct loop *loop, bool stopping)
{
	bool asked = loop->resting.first;
	int ret;

	if (rest(loop, stopping, &ret))
		return ret;
	if (!loop->tasks.first) { /* or a borrower would run them */
		turn_sleep(&loop->turn);
		if (!has_come(loop, stopping))
			return doze(loop, asked);
		take_turn(loop);
	}
	return TIMED(TIMING_SLEEP, io_uring_submit_and_get_events(&loop->ring));
}

static int submit(struct loop *loop, bool stopping)
{
	int ret = submit_and_sleep(loop, stopping);

	return ret == -EINTR || ret == -EAGAIN || ret == -EBUSY ? 0 : ret;
}

static void wake_done(struct loop_op *op, int res, uint32_t flags);

/*
 * A poll that stays armed (Linux 5.13): one wake is one completion, with
 * nothing to read and nothing to arm again, which is 4 of the 26 us that a
 * guest's read at depth 1 takes in the nested lane. Nobody empties the
 * eventfd, so each write must be an edge; it is.
 */
void loop_arm_wake(struct loop *loop)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	loop->wake_op.done = wake_done;
	if (loop->wake_by_read)
		io_uring_prep_read(sqe, loop->wake_slot, &loop->wake_value,
				   sizeof(loop->wake_value), 0);
	else
		io_uring_prep_poll_multishot(sqe, loop->wake_slot, POLLIN);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	loop_set_op(sqe, &loop->wake_op);
}

void loop_read_wake(struct loop *loop)
{
	atomic_store(&loop->wake_by_read, true);
}

static void wake_done(struct loop_op *op, int res, uint32_t flags)
{
	struct loop *loop = loop_get();

	(void)op;
	if (res == -EINVAL)
		loop->wake_by_read = true;
	if (!(flags & IORING_CQE_F_MORE))
		loop_arm_wake(loop);
	answer(loop, loop->on_wake);
}

/*
 * Not where the eventfd is read: nobody would read it again before the turn was
 * given back, so that would not wake the thread that waits for it.
 */
bool loop_borrow(struct loop *loop)
{
	return !atomic_load(&loop->wake_by_read) && turn_borrow(&loop->turn);
}

bool loop_is_borrowed(const struct loop *loop)
{
	return turn_is_borrowed(&loop->turn);
}

void loop_give_back(struct loop *loop)
{
	run_tasks(&loop->tasks);
	run_tasks(&loop->resting);
	turn_give_back(&loop->turn, loop->tasks.first);
	if (atomic_load(&loop->rung) || stop_status() >= 0)
		turn_wake(&loop->turn);
}

static bool drained(const struct loop *loop)
{
	bool idle = true;

	/* all of them: they wait side by side, not one after the other */
	for (struct loop_drain *d = loop->drains; d; d = d->next)
		idle &= d->idle(d);
	return idle;
}

/*
 * An operation in flight keeps its file open too, until the ring is freed: the
 * next VM would find the TAP busy, or the disk locked. So end them all, and
 * wait. Most end with the first try; what was just between two states is
 * found by the second; what is left then is a disk that takes its time.
 * Linux before 5.19 cannot do so; DEFER_TASKRUN says that this one is newer.
 */
static void cancel_all(struct loop *loop)
{
	struct io_uring_sqe *sqe;
	int ret = 0;

	loop->ended = true;
	for (unsigned try = 0; loop->in_flight && ret >= 0; try++) {
		sqe = loop_sqe(loop);
		io_uring_prep_cancel64(sqe, 0,
				       (int)(IORING_ASYNC_CANCEL_ANY |
					     IORING_ASYNC_CANCEL_ALL));
		loop_set_op(sqe, NULL);
		ret = io_uring_submit_and_wait(&loop->ring, try < 2 ? 1 : 2);
		reap_completions(loop);
	}
}

/*
 * Take the files out of the table before the process ends, or they stay open
 * until the ring is freed (see loop_set_op()).
 */
static void release_files(struct loop *loop)
{
	if (loop->registers)
		io_uring_unregister_files(&loop->ring);
}

int loop_run(struct loop *loop, struct err *e)
{
	for (;;) {
		bool stopping;
		int ret;

		answer(loop, atomic_exchange(&loop->rung, 0));
		reap_completions(loop);
		run_tasks(&loop->tasks);
		stopping = stop_status() >= 0;
		if (stopping && drained(loop)) {
			if (loop->cancels)
				cancel_all(loop);
			release_files(loop);
			return 0;
		}
		ret = submit(loop, stopping);
		if (ret < 0)
			return err_set(e, ret, "io_uring_enter failed");
	}
}
