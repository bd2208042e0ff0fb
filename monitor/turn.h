/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is to run the loop's callbacks.
 *
 * As a rule the I/O thread's. While it sleeps a vCPU thread may borrow the
 * turn: a doorbell whose answer takes no waiting is answered sooner by who rang
 * than by a thread that has to be woken first, and to be left again. All that
 * is said to belong to the I/O thread is then the borrower's.
 *
 * Sleeping and waking pair like this. Who is about to sleep stores ASLEEP, then
 * looks once more at what there is to do; who has something to do for him makes
 * it visible, then calls turn_wake(). Both are sequentially consistent: so
 * either the one sees it and does not sleep, or the other sees ASLEEP and
 * writes the eventfd. Who borrowed the turn gives it back in the same way.
 */
#ifndef MOTE_MONITOR_TURN_H
#define MOTE_MONITOR_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum turn_owner {
	TURN_AWAKE,    /* the I/O thread has it */
	TURN_ASLEEP,   /* nobody: it sleeps, or is about to */
	TURN_BORROWED, /* a vCPU thread has it */
	TURN_AWAITED,  /* the same, and the I/O thread is awake and wants it */
};

/**
 * struct turn - any thread; zeroed, it is the I/O thread's
 * @wake_fd: the eventfd that ends its sleep; constant
 */
struct turn {
	_Atomic uint32_t owner; /* enum turn_owner */
	int wake_fd;
};

/** turn_wake() - have the I/O thread look around; any thread, wait-free but
 *  for one write when it sleeps */
void turn_wake(struct turn *turn);

/** turn_sleep() - I/O thread: up for borrowing until turn_take() */
void turn_sleep(struct turn *turn);

/**
 * turn_take() - I/O thread, awake again
 * Return: true if it has the turn; false while that is borrowed. The eventfd is
 * then written once, after this call, when it has been given back.
 */
bool turn_take(struct turn *turn);

/**
 * turn_borrow() - vCPU threads
 * Return: true if the turn is the caller's until turn_give_back().
 */
bool turn_borrow(struct turn *turn);

/**
 * turn_give_back() - who borrowed it
 * @busy: there is something to do for the I/O thread
 * What others have made visible since, whose turn_wake() did nothing, is the
 * caller's to look for after this: see above.
 */
void turn_give_back(struct turn *turn, bool busy);

/** turn_is_borrowed() - for who has the turn: from the I/O thread? */
static inline bool turn_is_borrowed(const struct turn *turn)
{
	return atomic_load_explicit(&turn->owner, memory_order_relaxed) >=
	       TURN_BORROWED;
}

#endif
