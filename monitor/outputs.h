/* SPDX-License-Identifier: Apache-2.0 */
/* What mote writes to beside disks: stdout, stderr, the status, files of
 * console output and timing. */
#ifndef MOTE_MONITOR_OUTPUTS_H
#define MOTE_MONITOR_OUTPUTS_H

#include <stdbool.h>

struct config;
struct err;

/* A regular file, or -1; the option that names it; and whether what is in it
 * stays. */
struct output {
	int fd;
	const char *option;
	bool keep;
};

/**
 * outputs_check() - 0, 1 and 2, as far as mote uses them, are nobody else's
 * Not a disk's or a network card's, and what is written to them does not go
 * into the image, the initrd or a disk. If stderr did, it does not any more: @e
 * can be printed.
 *
 * Before anything is opened, printed or told, by the names in @cfg.
 */
int outputs_check(const struct config *cfg, struct err *e);

/** outputs_check_status() - the same for the descriptor of --status-fd, if any
 */
int outputs_check_status(const struct config *cfg, struct err *e);

/**
 * outputs_open() - open or make the file @path of the option @option
 * What is in it stays. A FIFO that nobody reads is an error, not a wait.
 * @dry_run: make none; /dev/null stands for what is not there
 * @option: as it is written before the path: "--console file:"
 * Return: descriptor, the caller's, or negative errno with @e filled.
 */
int outputs_open(const char *option, const char *path, bool dry_run,
		 struct err *e);

/**
 * outputs_empty() - empty them, now that nothing else can go wrong
 * @out: @outs of them. None may be the same file as another, or as one of the
 *	@ins descriptors @in (-1: none), which would be lost by it.
 * @dry_run: leave them as they are
 * Main thread, end of stage "open".
 * Return: 0, or negative errno with @e filled and nothing emptied.
 */
int outputs_empty(const struct output *out, unsigned outs, const int *in,
		  unsigned ins, bool dry_run, struct err *e);

#endif
