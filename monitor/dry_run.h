/* SPDX-License-Identifier: Apache-2.0 */
/* --dry-run: say which machine would start. */
#ifndef MOTE_MONITOR_DRY_RUN_H
#define MOTE_MONITOR_DRY_RUN_H

struct boot_entry;
struct config;
struct mem;
struct parts;

/**
 * dry_run_print() - describe a machine that is ready to be entered
 * @fd: where to, borrowed
 * @mem: with everything loaded; the command line is read from it
 * @parts: of the lock, as they would be
 *
 * One fact per line, its subject in the first column; people read it, and
 * scripts may cut it at blanks.
 * Context: main thread, after boot_load() and before any vCPU runs.
 * Return: 0, or the negative errno of a write.
 */
int dry_run_print(int fd, const struct config *config,
		  const struct boot_entry *entry, const struct mem *mem,
		  const struct parts *parts);

#endif
