/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop without a kernel: the loop_*() calls that devices make end
 * here (the linker's --wrap, tests.mk), operations are carried out on a file in
 * memory when the test says so, and with the result it says. While the fake is
 * off, calls go to the real loop.
 *
 * One thread plays all parts: a vCPU that waits for the I/O thread (nanosleep)
 * makes the fake loop go round.
 */
#ifndef MOTE_TESTS_FAKE_LOOP_H
#define MOTE_TESTS_FAKE_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/loop.h"
#include "monitor/mem.h"

#define FAKE_OPS_MAX  4096
#define FAKE_FILE_MAX (1U << 20)

/**
 * struct fake_file - what operations work on
 * @bytes, @size: as another process would read it now
 * @stable: what a power cut would leave: fsync and RWF_DSYNC write it
 * @mem: if set, addresses must lie in this guest's RAM, or in @own
 * @mem_align, @offset_align: if set, refuse (EINVAL) what O_DIRECT would
 * @short_bytes: move at most so much at once; 0: no limit
 * @cold: nothing of it is in the page cache
 * @no_punch, @no_zero_range: answer fallocate with EOPNOTSUPP
 * @fail_nth: this operation (1: the next) gets @fail_res instead; 0: none
 */
struct fake_file {
	uint8_t bytes[FAKE_FILE_MAX], stable[FAKE_FILE_MAX];
	size_t size;
	const struct mem *mem;
	const uint8_t *own;
	size_t own_len;
	uint32_t mem_align, offset_align;
	uint32_t short_bytes;
	bool cold, no_punch, no_zero_range;
	unsigned fail_nth;
	int fail_res;

	/* counted */
	unsigned reads, writes, moves_now, syncs, dsyncs, punches, zeroings;
};

/**
 * struct fake_loop
 * @op, @ops: submitted and not completed, oldest first
 * @hold: fake_loop_run() completes nothing; the test does
 * @newest_first: complete in the reverse order
 * @lends: the I/O thread is asleep: a vCPU may borrow the loop
 * @borrowed: one has
 * @rings: loop_ring() calls seen
 * @full: the true ring takes no more when so many completions wait, as Linux
 *        before 5.13 does; 0: it is not asked
 * @on_nap: called when a vCPU sleeps, before the loop goes round
 * @fd: what loop_add_file() was given, by slot
 * @perform: if set, does operations instead of fake_execute(): fills the
 *        result and flags, or says that the operation is not over. With
 *        IORING_CQE_F_MORE in flags it stays submitted.
 */
struct fake_loop {
	bool on, hold, newest_first, lends, borrowed;
	struct io_uring_sqe op[FAKE_OPS_MAX];
	unsigned ops;
	struct loop_source *source[LOOP_SOURCES_MAX];
	unsigned sources;
	uint64_t rung;
	unsigned rings, rounds, submitted;
	struct loop_task *tasks, **tasks_end;
	struct loop_task *resting; /* loop_before_sleep(), newest first */
	void (*on_nap)(void);
	void (*on_defer)(void); /* as another thread would, just then */
	int fd[LOOP_FILES_MAX];
	unsigned fds, reserved;
	unsigned full;
	bool (*perform)(const struct io_uring_sqe *sqe, int *ret_res,
			uint32_t *ret_flags);
	struct fake_file file;
};

extern struct fake_loop fake;

/** fake_loop_on() - start anew, with a file of @size zero bytes */
void fake_loop_on(size_t size);
void fake_loop_off(void);

/** fake_loop_round() - rings, completions (unless held), tasks; once */
void fake_loop_round(void);

/** fake_loop_run() - rounds until nothing is left to do (or all is held) */
void fake_loop_run(void);

/** fake_execute() - do what @sqe asks on the file; its result */
int fake_execute(const struct io_uring_sqe *sqe);

/** fake_complete() - end operation number @i of fake.op[] with @res */
void fake_complete(unsigned i, int res);

#endif
