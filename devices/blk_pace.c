// SPDX-License-Identifier: Apache-2.0
/* Tries out in which way requests are answered sooner. */
#include "devices/blk_pace.h"

/* Requests. */
#define WINDOW	   8
#define PAUSE_MIN  32UL
#define PAUSE_MAX  512UL
#define PAUSE_DEAR 65536UL

void blk_pace_start(struct blk_pace *p, bool on_vcpu, uint64_t now)
{
	*p = (struct blk_pace){ .begin = now,
				.may = 1U << BLK_BULK |
				       (uint8_t)(on_vcpu << BLK_ON_VCPU),
				.plain = UINT64_MAX / 2,
				.least = UINT64_MAX / 2,
				.pause = { 0, PAUSE_MIN, PAUSE_MIN },
				.not_before = { 0, PAUSE_MIN, PAUSE_MIN } };
}

/* The guest may have had nothing to do for a while, so a single window means
 * little: what is dear is not tried again soon, but not given up either. */
static void fail(struct blk_pace *p, bool dear)
{
	uint64_t *pause = &p->pause[p->mode];

	if (dear)
		*pause *= 4;
	else if (*pause < PAUSE_MAX)
		*pause *= 2;
	if (*pause > PAUSE_DEAR)
		*pause = PAUSE_DEAR;
	p->not_before[p->mode] = p->requests + *pause;
	if (p->mode == p->best) {
		p->best = BLK_PLAIN;
		p->least = p->plain;
	}
	p->mode = p->best;
}

/* The one to try next, or the best one if it is too soon. */
static uint8_t choose(const struct blk_pace *p)
{
	for (uint8_t mode = BLK_MODES - 1; mode > BLK_PLAIN; mode--)
		if (p->may & 1U << mode && mode != p->best &&
		    p->requests >= p->not_before[mode])
			return mode;
	return p->best;
}

static bool beats(uint64_t ticks, uint64_t others)
{
	return ticks < others - others / 16;
}

/* A window is over, at so many ticks a request. */
static void judge(struct blk_pace *p, uint64_t ticks)
{
	uint64_t most = p->least + p->least / 8 + 1;

	if (p->put_off > WINDOW / 4) {
		fail(p, false);
	} else if (p->mode != BLK_PLAIN && !beats(ticks, p->plain)) {
		fail(p, ticks / 4 > p->plain);
	} else if (p->mode != p->best && !beats(ticks, p->least)) {
		fail(p, false);
	} else if (p->mode != p->best) {
		p->best = p->mode;
		p->least = ticks;
		p->pause[p->mode] = PAUSE_MIN;
	} else {
		p->least = ticks < most ? ticks : most;
		if (p->best == BLK_PLAIN)
			p->plain = p->least;
		p->mode = choose(p);
	}
}

enum blk_mode blk_pace_took(struct blk_pace *p, unsigned requests, uint64_t now)
{
	uint64_t n;

	p->requests += requests;
	n = p->requests - p->window;
	if (n >= WINDOW) {
		judge(p, (now - p->begin) / n);
		p->window = p->requests;
		p->put_off = 0;
		p->begin = now;
	}
	return (enum blk_mode)p->mode;
}
