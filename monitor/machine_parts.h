/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine's files share, and nobody else sees. */
#ifndef MOTE_MONITOR_MACHINE_PARTS_H
#define MOTE_MONITOR_MACHINE_PARTS_H

#include <semaphore.h>
#include <stdatomic.h>

#include "bootproto/boot.h"
#include "monitor/bus.h"
#include "monitor/config.h"
#include "monitor/cpuid.h"
#include "monitor/devices.h"
#include "monitor/loop.h"
#include "monitor/machine.h"
#include "monitor/mem.h"
#include "monitor/timing.h"
#include "monitor/vcpu.h"
#include "monitor/vm.h"
#include "seccomp/drop.h"
#include "seccomp/lock.h"
#include "seccomp/parts.h"

struct machine {
	const struct config *cfg;
	struct loop *loop;
	int timing_fd; /* or -1: none but stderr */
	struct image kernel, initrd;
	struct mem mem;
	struct bus pio, mmio;
	struct vm vm;
	struct vcpu vcpu[CONFIG_CPUS_MAX];
	struct boot_entry entry;

	/* constant after machine_drop() but for descriptors made later */
	struct drop drop;
	struct lock lock;

	sem_t cpuid_ready;
	sem_t ring_bound;
	sem_t created;	  /* VM and vCPUs are: the I/O thread may lock itself */
	sem_t io_locking; /* and is about to */
	_Atomic unsigned locked; /* threads, but for the main thread */
	struct loop_source go;	 /* the main thread is locked too */

	/* made by the I/O thread, the main thread's after cpuid_ready */
	struct cpuid cpuid;

	struct devices devices; /* last: 87 MiB, of which little is touched */
};

/**
 * machine_io_thread() - thread_start()ed once the privileges are dropped:
 * helps to build the VM, locks itself, serves, and ends the process
 * @arg: the machine
 */
void *machine_io_thread(void *arg);

/** machine_wait() - until @sem is posted; timed as @what */
void machine_wait(sem_t *sem, enum timing_what what);

/** machine_fail() - for threads with nobody to return to: print, end */
void machine_fail(const struct err *e) __attribute__((noreturn));

/** machine_parts_in_force() - for sure once the ring and the VM are there */
struct parts machine_parts_in_force(const struct machine *m);

#endif
