/* SPDX-License-Identifier: Apache-2.0 */
/* Raw mode on the user's terminal, and the promise to undo it. */
#ifndef MOTE_MONITOR_TERMINAL_H
#define MOTE_MONITOR_TERMINAL_H

#include <stdbool.h>

struct err;

/**
 * terminal_open() - remember the terminal's mode and post its guard
 *
 * The guard is a child process that waits for this process to end, however
 * it ends (SIGKILL and SIGSYS included), and restores the mode. It exists
 * only where stdin is a terminal in the foreground.
 * Stage "open", before any thread exists.
 * Return: 1 if stdin is a terminal to be used, 0 if not, negative errno.
 */
int terminal_open(struct err *e);

/** terminal_guard_fd() - the guard's pipe, -1 without a guard */
int terminal_guard_fd(void);

/** terminal_raw() - set raw mode; only after terminal_open() returned 1 */
void terminal_raw(void);

/** terminal_restore() - put the mode back; idempotent, any thread */
void terminal_restore(void);

#endif
