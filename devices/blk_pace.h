/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it better to let the driver go on when it rings?
 *
 * Where the guest and the I/O thread share a CPU, we preempt the driver at its
 * first doorbell and have answered before it can ring for a second request,
 * however many it has. It cannot be told from what comes, so we try: a few
 * requests without preempting, which take less time, or not. Nested lane, one
 * CPU, a 4 KiB read: 51 us become 23 at depth 32, but 63 at depth 1. Where
 * others want the CPU too, or the guest polls, a try can take milliseconds: so
 * the dearer it was, the longer until the next one.
 */
#ifndef MOTE_DEVICES_BLK_PACE_H
#define MOTE_DEVICES_BLK_PACE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct blk_pace - I/O thread
 * @bulk: let it go on, for now
 * @requests, @begin: in the present window, and since when
 * @plain: ticks a request while @bulk is off: the least, slowly forgotten
 * @pause, @next_try: requests from one try to the next, and left
 */
struct blk_pace {
	bool bulk;
	uint32_t requests;
	uint64_t begin, plain;
	uint32_t pause, next_try;
};

/** blk_pace_start() - the device was activated at @now (TSC) */
void blk_pace_start(struct blk_pace *p, uint64_t now);

/** blk_pace_took() - @requests came at once, at @now. Return: @p->bulk. */
bool blk_pace_took(struct blk_pace *p, unsigned requests, uint64_t now);

#endif
