/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets for the fake loop: operations are carried out at once by system
 * calls that do not wait; those that would have to wait stay unfinished.
 */
#ifndef MOTE_TESTS_FAKE_SOCKET_H
#define MOTE_TESTS_FAKE_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/fake_loop.h"

#define FAKE_SLOTS (LOOP_FILES_MAX + LOOP_RESERVE_MAX)

/**
 * struct fake_sockets
 * @generation: something happened at the other end: a multishot poll, which
 *        hears of events and not of states, may complete once more
 * @short_bytes: send and receive at most so much at once; 0: no limit
 * @time_out: timeouts are over
 * @fail_op, @fail_res: this opcode gets this result; 0: none
 * @fd: of slots that operations filled; -1 for an empty one
 */
struct fake_sockets {
	unsigned generation;
	unsigned short_bytes;
	bool time_out;
	int fail_op, fail_res;
	unsigned fired[FAKE_SLOTS];
	int fd[FAKE_SLOTS];
};

extern struct fake_sockets fake_sockets;

/** fake_sockets_on() - after fake_loop_on() */
void fake_sockets_on(void);

/** fake_sockets_off() - close what operations opened */
void fake_sockets_off(void);

/** fake_sockets_event() - the other end did something: go round */
void fake_sockets_event(void);

#endif
