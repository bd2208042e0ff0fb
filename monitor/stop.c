// SPDX-License-Identifier: Apache-2.0
/* The first reason to end the run, and a nudge to the event loop. */
#include "monitor/stop.h"

#include <stdatomic.h>
#include <stddef.h>

#include "monitor/loop.h"
#include "monitor/timing.h"

static struct loop *the_loop;
static _Atomic int the_status = -1;

void stop_init(struct loop *loop)
{
	the_loop = loop;
}

void stop_now(int status)
{
	int none = -1;

	timing_event(TIMING_STOP);
	if (atomic_compare_exchange_strong(&the_status, &none, status) &&
	    the_loop)
		loop_wake(the_loop);
}

int stop_status(void)
{
	return atomic_load(&the_status);
}
