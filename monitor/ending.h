/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to end that come from outside the guest, and the end itself. */
#ifndef MOTE_MONITOR_ENDING_H
#define MOTE_MONITOR_ENDING_H

#include <signal.h>

struct config;
struct err;
struct loop;

/** ending_init() - signals that end nothing; first thing of all, any command */
void ending_init(void);

/**
 * ending_set_status_fd() - whom to tell the status, from here on
 * @fd: what --status-fd names; outputs_check_status() has let it pass
 * Return: 0, or negative errno with @e filled: it cannot be written to.
 */
int ending_set_status_fd(int fd, struct err *e);

/**
 * ending_open() - block the signals that end a run and open a signalfd
 * @cfg: its timeout
 * SIGTERM, and SIGINT, SIGHUP and SIGQUIT unless they are being ignored.
 * Stage "open", before other threads exist: they inherit the mask.
 */
int ending_open(const struct config *cfg, struct loop *loop, struct err *e);

/** ending_signals() - those that ending_open() has blocked */
const sigset_t *ending_signals(void);

/** ending_start() - watch signals, start --timeout; I/O thread, loop started */
void ending_start(void);

/**
 * ending_tell() - restore the terminal; write @status to the descriptor for it,
 * if there is one
 * Any thread, right before its _exit(): of two, the second does not return.
 * Return: the status to end with: if nobody could be told, not 0.
 */
int ending_tell(int status);

/**
 * ending_exit() - restore the terminal, tell --status-fd, end the process
 * The status is written before the kernel takes the VM down.
 */
void ending_exit(int status) __attribute__((noreturn));

#endif
