/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that can end, if at all, with the process: nobody joins them. */
#ifndef MOTE_MONITOR_THREAD_H
#define MOTE_MONITOR_THREAD_H

struct err;

/**
 * thread_start() - run @run(@arg) in a thread with a stack of 64 KiB
 * It inherits the caller's filters. It must not return from @run once it is
 * locked: lock_end_thread().
 * Return: 0, or negative errno with @e filled.
 */
int thread_start(void *(*run)(void *), void *arg, struct err *e);

#endif
