/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of the serial port: terminal, file or nothing. */
#ifndef MOTE_MONITOR_CONSOLE_H
#define MOTE_MONITOR_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct err;
struct loop;

/**
 * struct console_port - the device that is connected to the console
 * @room: bytes of input the port can take now
 * @input: @len bytes of input, at most what @room said
 * @writable: there is room for output again after console_put() had none
 *
 * Called on the I/O thread.
 */
struct console_port {
	size_t (*room)(struct console_port *port);
	void (*input)(struct console_port *port, const uint8_t *buf,
		      size_t len);
	void (*writable)(struct console_port *port);
};

/**
 * console_open() - open the console's file, look at the terminal
 * @port: borrowed; told of input
 * Stage "open". A terminal is not touched yet.
 */
int console_open(const struct config *cfg, struct loop *loop,
		 struct console_port *port, struct err *e);

/**
 * console_start() - start reading; raw mode if stdin is a terminal
 * I/O thread, when the loop has started.
 */
void console_start(void);

/** console_file() - the descriptor of --console file:, or -1 */
int console_file(void);

/**
 * console_put() - queue one byte of output
 * Context: vCPU threads, one at a time (the caller's lock); never blocks.
 * console_ring() is to follow, when the lock is free.
 * Return: false if there is no room; the port is told when there is again.
 */
bool console_put(uint8_t byte);

/** console_ring() - wake the I/O thread if console_put() left a reason to;
 *  any thread, a system call if that sleeps */
void console_ring(void);

/* Who finds a 16550's THR empty fills its FIFO without looking again. */
#define CONSOLE_BURST 16U

/** console_has_room() - would console_put() take CONSOLE_BURST bytes? If not,
 *  the port is told when there may be room again. Context: any thread */
bool console_has_room(void);

/** console_half_free() - would it take 32 KiB? Else as console_has_room() */
bool console_half_free(void);

/** console_silent() - has nothing been put, though it would be written?
 *  I/O thread */
bool console_silent(void);

/** console_unblock_input() - the port has room again; any thread */
void console_unblock_input(void);

#endif
