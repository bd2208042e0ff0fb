/* SPDX-License-Identifier: Apache-2.0 */
/* Talk to a VM whose guest sends lines back: for bench/density. */
#ifndef MOTE_BENCH_ASK_H
#define MOTE_BENCH_ASK_H

#include <stdbool.h>

/**
 * ask_ready() - wait for the line "ready" on the guest's console @fd
 * Return: false if none comes within 30 s.
 */
bool ask_ready(int fd);

/** ask_echo() - is @line, which ends with \n, sent back on @fd? */
bool ask_echo(int fd, const char *line);

/**
 * ask_vsock() - the same, on a new connection with port 7 of the guest
 * @path: the VM's --vsock path
 */
bool ask_vsock(const char *path, const char *line);

#endif
