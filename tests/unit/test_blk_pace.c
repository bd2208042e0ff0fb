// SPDX-License-Identifier: Apache-2.0
/* How a disk's driver is served, on hosts as they may be. */
#include "devices/blk_pace.h"

#include <criterion/criterion.h>

/* By mode: ticks a request takes, and how many come at once; how many of
 * eight have to be put off on a vCPU. */
struct host {
	uint64_t ticks[BLK_MODES];
	unsigned batch[BLK_MODES], put_off;
};

static uint64_t now;

/* @requests of them. Return: how many of a thousand came in @mode. */
static unsigned serve(struct blk_pace *p, const struct host *h,
		      enum blk_mode mode, unsigned requests)
{
	uint64_t so = 0, done = 0;

	while (done < requests) {
		unsigned n = h->batch[p->mode];

		now += n * h->ticks[p->mode];
		if (p->mode == mode)
			so += n;
		if (p->mode == BLK_ON_VCPU && done % 8 < h->put_off)
			p->put_off++;
		done += n;
		cr_assert_eq(blk_pace_took(p, n, now), p->mode);
	}
	return (unsigned)(so * 1000 / done);
}

static struct blk_pace started(bool on_vcpu)
{
	struct blk_pace p;

	now = 123456789;
	blk_pace_start(&p, on_vcpu, now);
	now += 1000000000; /* it boots */
	return p;
}

static const struct host deep = { { 51000, 23000, 41000 }, { 1, 32, 1 }, 0 };
static const struct host shallow = { { 51000, 63000, 42000 }, { 1, 1, 1 }, 0 };
/* nothing is in the page cache: the vCPU looks in vain */
static const struct host cold = { { 51000, 63000, 42000 }, { 1, 1, 1 }, 8 };
/* a guest that polls on a CPU that is not its own: a time slice each kick */
static const struct host starved = { { 5000, 300000, 6000 }, { 16, 32, 1 }, 0 };

Test(blk_pace, lets_a_driver_go_on_that_has_many_requests)
{
	for (unsigned on_vcpu = 0; on_vcpu < 2; on_vcpu++) {
		struct blk_pace p = started(on_vcpu);

		serve(&p, &deep, BLK_BULK, 400);
		cr_expect_gt(serve(&p, &deep, BLK_BULK, 20000), 970);
	}
}

Test(blk_pace, preempts_a_driver_that_has_one)
{
	struct blk_pace p = started(false);

	serve(&p, &shallow, BLK_PLAIN, 2000);
	cr_expect_gt(serve(&p, &shallow, BLK_PLAIN, 10000), 970);
}

Test(blk_pace, answers_on_the_vcpu_that_has_one)
{
	struct blk_pace p = started(true);

	serve(&p, &shallow, BLK_ON_VCPU, 400);
	cr_expect_gt(serve(&p, &shallow, BLK_ON_VCPU, 10000), 970);
}

Test(blk_pace, does_not_try_what_it_may_not)
{
	struct blk_pace p = started(false);

	cr_expect_eq(serve(&p, &shallow, BLK_ON_VCPU, 100000), 0);
}

Test(blk_pace, leaves_a_vcpu_alone_that_looks_in_vain)
{
	struct blk_pace p = started(true);

	serve(&p, &cold, BLK_ON_VCPU, 2000);
	cr_expect_lt(serve(&p, &cold, BLK_ON_VCPU, 20000), 30);
}

Test(blk_pace, hardly_ever_tries_where_it_is_dear)
{
	struct blk_pace p = started(true);

	serve(&p, &starved, BLK_BULK, 100000);
	cr_expect_lt(serve(&p, &starved, BLK_BULK, 1000000), 2);
}

Test(blk_pace, follows_a_driver_that_changes)
{
	struct blk_pace p = started(true);

	for (unsigned i = 0; i < 5; i++) {
		serve(&p, &shallow, BLK_PLAIN, 3000);
		serve(&p, &deep, BLK_PLAIN, 1500);
		cr_expect_gt(serve(&p, &deep, BLK_BULK, 5000), 970, "turn %u",
			     i);
		serve(&p, &deep, BLK_PLAIN, 1000);
		serve(&p, &shallow, BLK_PLAIN, 600);
		cr_expect_gt(serve(&p, &shallow, BLK_ON_VCPU, 5000), 960,
			     "turn %u", i);
		serve(&p, &cold, BLK_PLAIN, 100);
		cr_expect_lt(serve(&p, &cold, BLK_ON_VCPU, 5000), 30, "turn %u",
			     i);
	}
}

Test(blk_pace, is_not_misled_by_a_guest_that_rests)
{
	struct blk_pace p = started(true);

	serve(&p, &deep, BLK_BULK, 1000);
	for (unsigned i = 0; i < 20; i++) {
		now += 1000000000;
		serve(&p, &deep, BLK_BULK, 1000);
		cr_expect_gt(serve(&p, &deep, BLK_BULK, 2000), 960, "turn %u",
			     i);
	}
}
