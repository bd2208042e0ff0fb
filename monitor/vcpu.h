/* SPDX-License-Identifier: Apache-2.0 */
/* One virtual CPU: its state at entry, and the loop around KVM_RUN. */
#ifndef MOTE_MONITOR_VCPU_H
#define MOTE_MONITOR_VCPU_H

#include <stddef.h>
#include <stdint.h>

struct boot_entry;
struct bus;
struct cpuid;
struct err;
struct kvm_run;
struct vm;

/**
 * struct vcpu - one virtual CPU
 * @run: shared with KVM; @run_size bytes
 * @pio, @mmio: borrowed
 *
 * Set up by the main thread; from vcpu_run() on, owned by its own thread.
 */
struct vcpu {
	struct vm *vm;
	const struct bus *pio, *mmio;
	unsigned id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
};

/** vcpu_open() - create vCPU @id of @vm. Stage "load". */
int vcpu_open(struct vcpu *v, struct vm *vm, unsigned id, const struct bus *pio,
	      const struct bus *mmio, struct err *e);

/** vcpu_tsc_khz() - the guest's TSC frequency; 0 if KVM does not say */
uint32_t vcpu_tsc_khz(const struct vcpu *v);

/**
 * vcpu_setup() - CPUID for every vCPU; entry state for vCPU 0
 * @entry: registers to start with. Other vCPUs wait for INIT and SIPI.
 * Stage "load".
 */
int vcpu_setup(const struct vcpu *v, struct cpuid *cpuid,
	       const struct boot_entry *entry, struct err *e);

/**
 * vcpu_run() - run until the run is stopped (monitor/stop.h)
 * Makes the system calls that the lock allows a vCPU thread (docs/lock.md), and
 * allocates nothing.
 */
void vcpu_run(struct vcpu *v);

#endif
