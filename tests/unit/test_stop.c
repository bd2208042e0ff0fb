// SPDX-License-Identifier: Apache-2.0
/* The first reason to end a run is the one that counts. */
#include "monitor/stop.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>

Test(stop, has_no_status_while_the_run_goes_on)
{
	cr_expect(stop_status() == -1);
	cr_expect(stop_status() == -1);
}

Test(stop, first_call_wins)
{
	static const int order[] = { 0, 131, 42, 0 };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		stop_now(order[i]);
		cr_expect(stop_status() == 0, "after call %zu", i);
	}
}

#define STOPPERS 4

static pthread_barrier_t together;

static void *stopper(void *arg)
{
	int seen;

	pthread_barrier_wait(&together);
	stop_now((int)(intptr_t)arg);
	seen = stop_status();
	for (int i = 0; i < 1000; i++)
		if (stop_status() != seen)
			return (void *)-1;
	return (void *)(intptr_t)seen;
}

Test(stop, threads_agree_on_one_status)
{
	pthread_t thread[STOPPERS];

	cr_assert(!pthread_barrier_init(&together, NULL, STOPPERS));
	for (intptr_t i = 0; i < STOPPERS; i++)
		cr_assert(!pthread_create(&thread[i], NULL, stopper,
					  (void *)(i + 10)));
	for (int i = 0; i < STOPPERS; i++) {
		void *seen;

		pthread_join(thread[i], &seen);
		cr_expect((intptr_t)seen == stop_status(), "thread %d", i);
	}
	cr_expect(stop_status() >= 10 && stop_status() < 10 + STOPPERS);
}
