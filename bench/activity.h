/* SPDX-License-Identifier: Apache-2.0 */
/* What processes do while nothing happens: for bench/density. */
#ifndef MOTE_BENCH_ACTIVITY_H
#define MOTE_BENCH_ACTIVITY_H

#include <sys/types.h>

/**
 * struct activity - of all threads of a process, since they began
 * @ticks: user and system time, in ticks of 10 ms
 * @switches: how often one of them stopped or began to run
 */
struct activity {
	long ticks, switches;
};

/** activity_add() - add @pid's to @a; may be read by any user */
void activity_add(pid_t pid, struct activity *a);

/**
 * activity_field() - the number behind @key in the file @path
 * Return: 0 where there is none, or only root may look.
 */
long activity_field(const char *path, const char *key);

#endif
