/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O thread's event loop: one io_uring, every device's data path.
 *
 * Work comes in from two sides. The kernel completes operations: loop_op.
 * vCPU threads ring doorbells: loop_source; ringing sets a bit, and writes an
 * eventfd only when the loop is asleep, so a busy loop costs a vCPU no system
 * call. What is better done once for many completions (an interrupt, a
 * submission) is put off to the end of the round: loop_task. All callbacks
 * run on the I/O thread, or for a moment on one that borrows the loop while
 * that sleeps (loop_borrow()), one at a time, and must not block.
 */
#ifndef MOTE_MONITOR_LOOP_H
#define MOTE_MONITOR_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct loop;
struct io_uring_sqe;

/**
 * struct loop_op - one operation in flight; embed it in the request
 * @done: called with the CQE's res (negative errno or result) and flags.
 *        The op is free for reuse from the moment of the call unless flags
 *        has IORING_CQE_F_MORE.
 */
struct loop_op {
	void (*done)(struct loop_op *op, int res, uint32_t flags);
};

/**
 * struct loop_source - something another thread can ring
 * @ring: runs on the I/O thread after one or more loop_ring() calls; rings
 *        that arrive while it runs bring another call
 * @id: set by loop_add_source()
 */
struct loop_source {
	void (*ring)(struct loop_source *source);
	unsigned id;
};

/**
 * struct loop_task - work put off to the end of the present round
 * @run: called once per loop_defer(), after all completions and rings at hand
 *       were handled and before new operations are submitted
 * @look: for loop_before_sleep() only, may be NULL: called again and again
 *       while the loop lingers; looks whether what @run would ask to be told
 *       of has come untold, and rings or queues what is to be done then
 */
struct loop_task {
	void (*run)(struct loop_task *task);
	void (*look)(struct loop_task *task);
	struct loop_task *next;
	bool queued;
};

/**
 * struct loop_drain - something to finish before the process ends
 * @idle: asked after a stop, at the end of each round; true when nothing is
 *        left to do. When it says false, an operation in flight or a deferred
 *        task must bring the next round, and it may submit them itself; the
 *        loop sleeps until then.
 */
struct loop_drain {
	bool (*idle)(struct loop_drain *drain);
	struct loop_drain *next;
};

#define LOOP_SOURCES_MAX 64
#define LOOP_FILES_MAX	 64
#define LOOP_RESERVE_MAX 1032
#define LOOP_LATER_NS	 10000000

/* The process's loop: there is one. */
struct loop *loop_get(void);

/**
 * loop_open() - create the ring (disabled) and the wake eventfd
 * Stage "drop"; sources, files and drains have been added before.
 */
int loop_open(struct loop *loop, struct err *e);

/**
 * loop_add_source(), loop_add_file() - stage "open" only
 * loop_add_file() gives @fd a slot in the registered file table: use the
 * returned index with IOSQE_FIXED_FILE. @fd stays the caller's and open.
 * Return: 0 (index); -ENOSPC when the table is full.
 */
int loop_add_source(struct loop *loop, struct loop_source *source);
int loop_add_file(struct loop *loop, int fd);

/**
 * loop_reserve_files() - @n empty slots behind the files, for descriptors
 * that operations open themselves (accept, socket)
 * Stage "open" only. The number of all slots must not exceed RLIMIT_NOFILE.
 * Return: their place among the reserved ones; -ENOSPC when there would be
 * more than LOOP_RESERVE_MAX.
 */
int loop_reserve_files(struct loop *loop, unsigned n);

/** loop_reserved() - the first of the reserved slots; after loop_start() */
unsigned loop_reserved(const struct loop *loop);

/**
 * loop_sqe() - a prepared slot for @op, to be filled with io_uring_prep_*()
 * (prep clears the SQE: call loop_set_op() after it).
 * Submitted together with everything else at the end of the round.
 * Never NULL: a full submission queue is submitted first.
 * Context: I/O thread.
 */
struct io_uring_sqe *loop_sqe(struct loop *loop);

/** loop_set_op() - name who is told; last, after io_uring_prep_*() and the
 *  flags, both of which it may have to change */
void loop_set_op(struct io_uring_sqe *sqe, struct loop_op *op);

/** loop_cancel() - ask for the end of @op, which completes in any case; who
 * asked is not told of more */
void loop_cancel(struct loop *loop, struct loop_op *op);

/** loop_is_passing() - is @res no verdict on what was asked for, but on the
 *  host's memory or workers just then? */
bool loop_is_passing(int res);

/**
 * loop_later() - complete @op in LOOP_LATER_NS, to try again what failed in
 * passing. Its res is -ETIME then. It is another, at once, if even that fails:
 * who tries again all the same must count. I/O thread.
 */
void loop_later(struct loop *loop, struct loop_op *op);

/** loop_ring() - ring @source; any thread, lock-free, wait-free but for one
 *  eventfd write when the loop sleeps */
void loop_ring(struct loop *loop, const struct loop_source *source);

/**
 * loop_ring_on_wake() - ring @source whenever the eventfd is written
 * For who has KVM write it (loop_wake_fd()); I/O thread, for good.
 */
void loop_ring_on_wake(struct loop *loop, const struct loop_source *source);

/**
 * loop_borrow() - run callbacks on the calling vCPU's thread, for a moment
 * See turn.h. What is the I/O thread's is the caller's until loop_give_back(),
 * but for the ring, so loop_sqe() is out of the question, and for what the lock
 * lets only the I/O thread do.
 * Return: whether the I/O thread was asleep; if not, nothing has happened.
 */
bool loop_borrow(struct loop *loop);

/** loop_give_back() - runs the tasks that were put off; what else there is to
 *  do wakes the I/O thread */
void loop_give_back(struct loop *loop);

/** loop_is_borrowed() - for callbacks: is this not the I/O thread? */
bool loop_is_borrowed(const struct loop *loop);

/** loop_defer() - queue @task for the end of this round (I/O thread) */
void loop_defer(struct loop *loop, struct loop_task *task);

/**
 * loop_before_sleep() - run @task once, right before the loop would sleep
 * When it runs, everything prepared has been submitted and nothing is at hand.
 * What it brings about (rings, tasks, operations) is done before the sleep.
 * For what need not be told as long as the loop is busy anyway.
 */
void loop_before_sleep(struct loop *loop, struct loop_task *task);

/**
 * loop_lingers() - does the loop look around before it sleeps?
 * It does, for some microseconds, while that has been worth it of late: see
 * struct patience. Who has a task for loop_before_sleep() then better has one
 * all the time.
 */
bool loop_lingers(const struct loop *loop);

/** loop_add_drain() - stage "open" only; @drain stays the caller's */
void loop_add_drain(struct loop *loop, struct loop_drain *drain);

/**
 * loop_allow_bulk() - loop_set_bulk() has an effect from now on
 * Main thread, stage "open"; only where the lock allows for it (LOCK_VIRTIO).
 * Not if mote was started under another policy than SCHED_OTHER.
 */
void loop_allow_bulk(struct loop *loop);

/**
 * loop_set_bulk() - what one device does is a stream now, or no longer
 *
 * A thread that wakes us is preempted, as a rule: good for answers, which are
 * ready when a vCPU goes on. In a stream it is better that a vCPU, or a sender
 * on the host, goes on until it waits for something itself, and that we then
 * find many buffers. So in a stream this thread is SCHED_BATCH, which preempts
 * nobody. Devices say so again and again, and who spoke last is right: a stream
 * that ended says nothing any more (a vsock's answers took 90.6 us after one,
 * and 77.8 before). Where there is a CPU to spare it makes no difference.
 * Nested lane, one CPU: TCP up 377 to 647 and down 606 to 747 MB/s, 64-byte UDP
 * up 20 to 76 kpps. I/O thread.
 */
void loop_set_bulk(struct loop *loop, bool on);

/** loop_lets_go() - is a file let go of as soon as its reserved slot is used
 *  anew? Before Linux 6.14 all operations at such slots that began earlier must
 *  be over first. */
bool loop_lets_go(const struct loop *loop);

/** loop_wake() - start a round, whoever asks (any thread) */
void loop_wake(struct loop *loop);

/**
 * loop_read_wake() - read the wake eventfd, as where polls end with their first
 * event (before Linux 5.13). Before loop_start(); for tests.
 */
void loop_read_wake(struct loop *loop);

/**
 * loop_bind() - register the files and restrict the ring, once and for all
 * @sets: what is in use (enum lock_set), which decides what it may do
 * Stage "drop", after loop_open().
 */
int loop_bind(struct loop *loop, unsigned sets, struct err *e);

/**
 * loop_start() - enable the ring
 * I/O thread, stage "lock"; operations can be prepared afterwards.
 */
int loop_start(struct loop *loop, struct err *e);

/** loop_ring_fd(), loop_wake_fd() - the descriptors the lock allows to use;
 *  after loop_open() */
int loop_ring_fd(const struct loop *loop);
int loop_wake_fd(const struct loop *loop);

/** loop_can_bind() - can a ring with these IORING_FEAT_... be bound so? */
bool loop_can_bind(uint32_t features);

/** loop_unix_only() - are its sockets Unix sockets? after loop_bind() */
bool loop_unix_only(const struct loop *loop);

/** loop_registered_only() - is it bound to registered files? after
 *  loop_open() */
bool loop_registered_only(const struct loop *loop);

/**
 * loop_run() - serve until stop_now() was called and every drain is idle
 * Return: 0, or negative errno with @e filled if the ring cannot be used.
 */
int loop_run(struct loop *loop, struct err *e);

#endif
