// SPDX-License-Identifier: Apache-2.0
/* Whose turn it is: one word, moved by compare and exchange. */
#include "monitor/turn.h"

#include <sys/uio.h>

/* (writev(), as that is what a vCPU thread may call: monitor/libc_calls.c) */
static void write_wake(const struct turn *turn)
{
	uint64_t one = 1;
	struct iovec iov = { &one, sizeof(one) };

	if (writev(turn->wake_fd, &iov, 1) < 0)
		return; /* counter at its end: a wake is already under way */
}

static bool move(struct turn *turn, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&turn->owner, &from, to);
}

void turn_wake(struct turn *turn)
{
	if (move(turn, TURN_ASLEEP, TURN_AWAKE))
		write_wake(turn);
}

void turn_sleep(struct turn *turn)
{
	atomic_store(&turn->owner, TURN_ASLEEP);
}

/* Others move the word only from ASLEEP, and the borrower from what he has. */
bool turn_take(struct turn *turn)
{
	for (;;) {
		switch (atomic_load(&turn->owner)) {
		case TURN_AWAKE:
			return true;
		case TURN_ASLEEP:
			if (move(turn, TURN_ASLEEP, TURN_AWAKE))
				return true;
			break;
		case TURN_BORROWED:
			if (move(turn, TURN_BORROWED, TURN_AWAITED))
				return false;
			break;
		default:
			return false;
		}
	}
}

bool turn_borrow(struct turn *turn)
{
	return move(turn, TURN_ASLEEP, TURN_BORROWED);
}

void turn_give_back(struct turn *turn, bool busy)
{
	if (!busy && move(turn, TURN_BORROWED, TURN_ASLEEP))
		return;
	atomic_store(&turn->owner, TURN_AWAKE);
	write_wake(turn);
}
