/* SPDX-License-Identifier: Apache-2.0 */
/* How a run ends: one place that remembers the first reason. */
#ifndef MOTE_MONITOR_STOP_H
#define MOTE_MONITOR_STOP_H

struct loop;

/**
 * stop_init() - name the event loop that a stop wakes
 * Main thread, before any other thread calls stop_now().
 */
void stop_init(struct loop *loop);

/**
 * stop_now() - end the run with @status (enum exit_status, or the guest's)
 * The first call wins, later ones change nothing. Returns at once: the event
 * loop sees the request, lets devices finish and ends the process.
 * Context: any thread; never blocks.
 */
void stop_now(int status);

/** stop_status() - the status asked for, or -1 while the run goes on */
int stop_status(void);

#endif
