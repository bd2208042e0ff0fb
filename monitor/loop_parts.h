/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the event loop share, and nobody else sees. */
#ifndef MOTE_MONITOR_LOOP_PARTS_H
#define MOTE_MONITOR_LOOP_PARTS_H

#include <liburing.h>
#include <stdatomic.h>

#include "monitor/loop.h"
#include "monitor/turn.h"

/* First in, first out. */
struct loop_tasks {
	struct loop_task *first, **end;
};

/*
 * Look around before sleeping? While devices are busy the next buffer often is
 * a matter of microseconds, and who has a CPU to himself may as well wait for
 * it. We begin to after a sleep so short that waiting would have been the
 * better choice, and end with the first wait in vain. Where no CPU is to spare
 * sleeps are short too, and waiting keeps the guest from running: so each
 * failure in a row doubles the number of short sleeps before the next try.
 */
struct patience {
	bool on;
	unsigned skip;	  /* short sleeps left before the next try */
	unsigned penalty; /* what skip was last set to */
};

struct loop {
	/* any thread */
	_Atomic uint64_t rung;	  /* bit n: source n */
	atomic_bool wake_by_read; /* an old kernel */
	struct turn turn;

	/* constant after loop_open() */
	bool registers; /* files go into the ring's table */
	int wake_slot;
	/* constant after stage "open" */
	bool may_batch; /* loop_allow_bulk() */
	struct loop_source *source[LOOP_SOURCES_MAX];
	unsigned sources;
	int file[LOOP_FILES_MAX];
	unsigned files, reserved;
	struct loop_drain *drains;

	/* I/O thread */
	struct io_uring ring;
	struct loop_op wake_op;
	uint64_t on_wake; /* bit n: loop_ring_on_wake() of source n */
	bool unix_only;	  /* the sockets it makes */
	bool cancels;	  /* it may */
	bool ended;	  /* nobody is told of completions any more */
	unsigned in_flight;
	unsigned asides, aside_at; /* of aside[]: filled; the next one */
	uint64_t wake_value;
	bool bulk; /* loop_set_bulk() */
	struct loop_tasks tasks, resting;
	unsigned restless; /* rounds that resting has waited */
	struct patience patience;

	int table[LOOP_FILES_MAX + LOOP_RESERVE_MAX]; /* loop_bind() */
};

/** loop_arm_wake() - have the wake eventfd's events reported */
void loop_arm_wake(struct loop *loop);

#endif
