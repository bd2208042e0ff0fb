/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spinlock for device registers that several vCPU threads touch.
 *
 * Held for a few dozen instructions and never across a system call, so that
 * no vCPU thread waits for another thread's system call.
 */
#ifndef MOTE_MONITOR_SPIN_H
#define MOTE_MONITOR_SPIN_H

#include <stdatomic.h>

struct spin {
	atomic_flag held;
};

static inline void spin_lock(struct spin *s)
{
	while (atomic_flag_test_and_set_explicit(&s->held,
						 memory_order_acquire))
		__builtin_ia32_pause();
}

static inline void spin_unlock(struct spin *s)
{
	atomic_flag_clear_explicit(&s->held, memory_order_release);
}

#endif
