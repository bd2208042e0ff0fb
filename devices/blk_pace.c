// SPDX-License-Identifier: Apache-2.0
/* Tries out which way of scheduling makes requests come faster. */
#include "devices/blk_pace.h"

/* Requests. */
#define WINDOW	   8
#define PAUSE_MIN  32U
#define PAUSE_MAX  512U
#define PAUSE_DEAR 65536U

void blk_pace_start(struct blk_pace *p, uint64_t now)
{
	*p = (struct blk_pace){ .begin = now,
				.plain = UINT64_MAX / 2,
				.pause = PAUSE_MIN,
				.next_try = PAUSE_MIN };
}

/* The guest may have had nothing to do for a while, so a single window means
 * little: what is dear is not tried again soon, but not given up either. */
static void fail(struct blk_pace *p, bool dear)
{
	if (dear)
		p->pause *= 4;
	else if (p->pause < PAUSE_MAX)
		p->pause *= 2;
	if (p->pause > PAUSE_DEAR)
		p->pause = PAUSE_DEAR;
	p->next_try = p->pause;
	p->bulk = false;
}

/* A window is over, at so many ticks a request. */
static void judge(struct blk_pace *p, uint64_t ticks)
{
	uint64_t most = p->plain + p->plain / 8 + 1;

	if (p->bulk && ticks < p->plain - p->plain / 16) {
		p->pause = PAUSE_MIN;
	} else if (p->bulk) {
		fail(p, ticks / 4 > p->plain);
	} else {
		p->plain = ticks < most ? ticks : most;
		p->bulk = !p->next_try;
	}
}

bool blk_pace_took(struct blk_pace *p, unsigned requests, uint64_t now)
{
	p->requests += requests;
	if (p->requests >= WINDOW) {
		p->next_try -=
			p->requests < p->next_try ? p->requests : p->next_try;
		judge(p, (now - p->begin) / p->requests);
		p->requests = 0;
		p->begin = now;
	}
	return p->bulk;
}
