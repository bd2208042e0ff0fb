// SPDX-License-Identifier: Apache-2.0
/* Streams are told from questions and answers by the last few portions. */
#include "devices/flow.h"

#include "monitor/loop.h"

/*
 * Requests and answers alternate, and are short; what has one direction, or
 * many bytes, is a stream. 64 frames of the largest Ethernet size and their
 * acknowledgements, one for two, are 65 KiB; of answers of that size and their
 * requests, 50.
 */
#define PORTIONS 64
#define BYTES	 (56U << 10)
#define ONE_WAY	 48

void flow_moved(struct flow *f, struct loop *loop, bool to_guest,
		uint64_t bytes)
{
	f->bytes += bytes;
	f->balance += to_guest ? 1 : -1;
	if (++f->portions < PORTIONS)
		return;
	loop_set_bulk(loop, f->bytes >= BYTES || f->balance >= ONE_WAY ||
				    f->balance <= -ONE_WAY);
	f->portions = 0;
	f->balance = 0;
	f->bytes = 0;
}

void flow_ends(struct flow *f, struct loop *loop)
{
	*f = (struct flow){ 0 };
	loop_set_bulk(loop, false);
}
