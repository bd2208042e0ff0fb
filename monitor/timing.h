/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost ladder: where the time of a start and a stop went (--timing).
 *
 * Base layer; everyone may include it. What is measured is a span: a system
 * call, or a wait for the other thread. What lies between spans is our own
 * code, page faults included. Clock: the TSC, read by the thread itself and
 * converted at the end, since the locked process may ask no other clock.
 *
 * Off, a span costs two branches that are never taken.
 */
#ifndef MOTE_MONITOR_TIMING_H
#define MOTE_MONITOR_TIMING_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a span was. Requests of KVM (type 0xae) stand for themselves; only
 * their low 16 bits are kept.
 */
enum timing_what {
	TIMING_CLOSE, /* inherited descriptors */
	TIMING_OPEN_OUT,
	TIMING_OPEN_IMAGE,
	TIMING_OPEN_KVM,
	TIMING_SIGNALS,
	TIMING_KEYS,
	TIMING_CAPABILITIES,
	TIMING_LANDLOCK,
	TIMING_FILTER,
	TIMING_THREAD,
	TIMING_RAM,
	TIMING_PREFAULT,
	TIMING_MERGE,
	TIMING_NUMA,
	TIMING_AFFINITY,
	TIMING_MAP_RUN,
	TIMING_READ,
	TIMING_SHARE,
	TIMING_RING,
	TIMING_WAKE,
	TIMING_FILES,
	TIMING_RESTRICT,
	TIMING_FIRST_RUN,
	TIMING_WAIT_CPUID,
	TIMING_WAIT_RING,
	TIMING_WAIT_CREATED,
	TIMING_WAIT_LOCKS,
	TIMING_SLEEP,
	TIMING_WHATS
};

/* Stages; each thread is in one at a time. */
enum timing_stage {
	TIMING_STAGE_OPEN,
	TIMING_STAGE_DROP,
	TIMING_STAGE_LOAD,
	TIMING_STAGE_LOCK,
	TIMING_STAGE_RUN,
	TIMING_STAGES
};

/* Single events, the first of each counts. */
enum timing_event {
	TIMING_FIRST_EXIT,
	TIMING_FIRST_BYTE,
	TIMING_STOP,
	TIMING_EVENTS
};

enum timing_thread { TIMING_MAIN, TIMING_IO, TIMING_THREADS };

/* Constant after timing_init(). */
extern bool timing_on;

/** timing_init() - switch measuring on; the main thread, in stage "open" */
void timing_init(bool json);

/** timing_set_out() - where the ladder goes; borrowed */
void timing_set_out(int fd);

/**
 * timing_enter() - the calling thread is @thread from now on, and in @stage
 * Threads that never call it are not measured (vCPUs but the first).
 */
void timing_enter_always(enum timing_thread thread, enum timing_stage stage);

/** timing_event() - @event has happened (any thread) */
void timing_event_always(enum timing_event event);

/** timing_add_always() - a span from @begin to now; see timing_end() */
void timing_add_always(unsigned what, uint64_t begin);

/** timing_print() - the ladder, to where timing_set_out() said; nothing where
 *  the TSC's frequency is not known. I/O thread, last. */
void timing_print(void);

/** timing_set_khz() - the TSC's frequency, before the guest runs */
void timing_set_khz(uint32_t khz);

static inline uint64_t timing_now(void)
{
	return __builtin_ia32_rdtsc();
}

/** timing_begin(), timing_end() - around a system call */
static inline uint64_t timing_begin(void)
{
	return __builtin_expect(timing_on, 0) ? timing_now() : 0;
}

static inline void timing_end(unsigned what, uint64_t begin)
{
	if (__builtin_expect(timing_on, 0))
		timing_add_always(what, begin);
}

static inline void timing_enter(enum timing_thread thread,
				enum timing_stage stage)
{
	if (__builtin_expect(timing_on, 0))
		timing_enter_always(thread, stage);
}

static inline void timing_event(enum timing_event event)
{
	if (__builtin_expect(timing_on, 0))
		timing_event_always(event);
}

/* The value of @expr_, its time noted as @what_. */
#define TIMED(what_, expr_)                                                    \
	({                                                                     \
		uint64_t timed_ = timing_begin();                              \
		__auto_type value_ = (expr_);                                  \
		timing_end(what_, timed_);                                     \
		value_;                                                        \
	})

#endif
