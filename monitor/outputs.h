/* SPDX-License-Identifier: Apache-2.0 */
/* The files that mote writes beside disks: console output, timing. */
#ifndef MOTE_MONITOR_OUTPUTS_H
#define MOTE_MONITOR_OUTPUTS_H

#include <stdbool.h>

struct err;

/* A regular file, or -1; and the option that names it. */
struct output {
	int fd;
	const char *option;
};

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
