/* SPDX-License-Identifier: Apache-2.0 */
/* Does a device move a stream, or questions and answers? */
#ifndef MOTE_DEVICES_FLOW_H
#define MOTE_DEVICES_FLOW_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/**
 * struct flow - what the last portions were like; I/O thread
 * @portions, @bytes: of both directions
 * @balance: to the guest less from it
 */
struct flow {
	unsigned portions;
	int balance;
	uint64_t bytes;
};

/** flow_moved() - a frame, or what was sent or received at once */
void flow_moved(struct flow *f, struct loop *loop, bool to_guest,
		uint64_t bytes);

/** flow_ends() - a reset */
void flow_ends(struct flow *f, struct loop *loop);

#endif
