/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: all parts of one VM, and the four stages of its start. */
#ifndef MOTE_MONITOR_MACHINE_H
#define MOTE_MONITOR_MACHINE_H

struct config;
struct err;
struct machine;

/** machine_get() - the process's machine: one process is one VM */
struct machine *machine_get(void);

/**
 * machine_open() - stage 1: open files, devices, KVM; nothing of an image is
 * read
 * @cfg: borrowed for the life of the process
 */
int machine_open(struct machine *m, const struct config *cfg, struct err *e);

/** machine_drop() - stage 2: give up what the later stages do not need */
int machine_drop(struct machine *m, struct err *e);

/** machine_load() - stage 3: images into guest memory, state into vCPUs */
int machine_load(struct machine *m, struct err *e);

/** machine_print() - what would be started (--dry-run); after machine_load() */
int machine_print(struct machine *m);

/**
 * machine_run() - stage 4: lock, then run the guest to its end
 * The calling thread becomes vCPU 0; the process ends in here unless
 * something fails before the guest runs.
 */
int machine_run(struct machine *m, struct err *e);

#endif
