// SPDX-License-Identifier: Apache-2.0
/* When the I/O thread lets a disk's driver go on, on hosts as they may be. */
#include "devices/blk_pace.h"

#include <criterion/criterion.h>

/* Ticks a request takes, and how many come at once. */
struct host {
	uint64_t plain, bulk;
	unsigned plain_batch, bulk_batch;
};

static uint64_t now;

/* @requests of them. Return: how many of a thousand came in bulk. */
static unsigned serve(struct blk_pace *p, const struct host *h,
		      unsigned requests)
{
	uint64_t in_bulk = 0, done = 0;

	while (done < requests) {
		unsigned n = p->bulk ? h->bulk_batch : h->plain_batch;

		now += n * (p->bulk ? h->bulk : h->plain);
		if (p->bulk)
			in_bulk += n;
		done += n;
		cr_assert_eq(blk_pace_took(p, n, now), p->bulk);
	}
	return (unsigned)(in_bulk * 1000 / done);
}

static struct blk_pace started(void)
{
	struct blk_pace p;

	now = 123456789;
	blk_pace_start(&p, now);
	now += 1000000000; /* it boots */
	return p;
}

static const struct host deep = { 51000, 23000, 1, 32 };
static const struct host shallow = { 51000, 63000, 1, 1 };
/* a guest that polls on a CPU that is not its own: a time slice each kick */
static const struct host starved = { 5000, 300000, 16, 32 };

Test(blk_pace, lets_a_driver_go_on_that_has_many_requests)
{
	struct blk_pace p = started();

	serve(&p, &deep, 200);
	cr_expect_gt(serve(&p, &deep, 10000), 990);
}

Test(blk_pace, preempts_a_driver_that_has_one)
{
	struct blk_pace p = started();

	serve(&p, &shallow, 2000);
	cr_expect_lt(serve(&p, &shallow, 10000), 30);
}

Test(blk_pace, hardly_ever_tries_where_it_is_dear)
{
	struct blk_pace p = started();

	serve(&p, &starved, 100000);
	cr_expect_lt(serve(&p, &starved, 1000000), 2);
}

Test(blk_pace, follows_a_driver_that_changes)
{
	struct blk_pace p = started();

	for (unsigned i = 0; i < 5; i++) {
		serve(&p, &shallow, 3000);
		serve(&p, &deep, 1000);
		cr_expect_gt(serve(&p, &deep, 5000), 990, "turn %u", i);
		serve(&p, &deep, 1000);
		serve(&p, &shallow, 100);
		cr_expect_lt(serve(&p, &shallow, 5000), 30, "turn %u", i);
	}
}

Test(blk_pace, is_not_misled_by_a_guest_that_rests)
{
	struct blk_pace p = started();

	serve(&p, &deep, 1000);
	for (unsigned i = 0; i < 20; i++) {
		now += 1000000000;
		serve(&p, &deep, 1000);
		cr_expect_gt(serve(&p, &deep, 1000), 990, "turn %u", i);
	}
}
