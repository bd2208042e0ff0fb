/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How is a driver best served when it rings?
 *
 * PLAIN: the I/O thread is woken and, where it shares a CPU with the guest,
 * preempts it. It has answered before the driver can ring for a second request,
 * however many it has.
 * BULK: it preempts nobody, and finds all that the driver has.
 * ON_VCPU: the vCPU that rang answers before it goes on, if that takes no
 * waiting (loop_borrow()). Nobody is woken, and nobody waits to be.
 *
 * Which one is best cannot be told from what comes, so we try: a few requests
 * in another way take less time than of late, or not. Nested lane, one CPU, a
 * 4 KiB read: 51 us (PLAIN), 23 (BULK) or 41 (ON_VCPU) at depth 32; 51, 63 or
 * 42 at depth 1. Where others want the CPU too, or the guest polls, a try can
 * take milliseconds: so the dearer it was, the longer until the next one.
 */
#ifndef MOTE_DEVICES_BLK_PACE_H
#define MOTE_DEVICES_BLK_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum blk_mode { BLK_PLAIN, BLK_BULK, BLK_ON_VCPU, BLK_MODES };

/**
 * struct blk_pace - I/O thread
 * @mode: for now: the best one, or one that is being tried
 * @best: the one to beat
 * @may: bit n: mode n may be tried
 * @requests, @window, @begin: ever, and when the present window began, with
 *	its time
 * @put_off: of them, had to wait for the I/O thread after all
 * @plain, @least: ticks a request with PLAIN and with @best: the least, slowly
 *	forgotten
 * @pause, @not_before: by mode, requests from one try to the next, and how
 *	many there must have been
 */
struct blk_pace {
	uint8_t mode, best; /* enum blk_mode */
	uint8_t may;
	uint64_t requests, window;
	uint32_t put_off;
	uint64_t begin, plain, least;
	uint64_t pause[BLK_MODES], not_before[BLK_MODES];
};

/** blk_pace_start() - the device was activated at @now (TSC)
 *  @on_vcpu: that may be tried */
void blk_pace_start(struct blk_pace *p, bool on_vcpu, uint64_t now);

/** blk_pace_took() - @requests came at once, at @now. Return: @p->mode. */
enum blk_mode blk_pace_took(struct blk_pace *p, unsigned requests,
			    uint64_t now);

#endif
