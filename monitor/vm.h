/* SPDX-License-Identifier: Apache-2.0 */
/* The KVM side of the machine: VM, memory slots, interrupt controller. */
#ifndef MOTE_MONITOR_VM_H
#define MOTE_MONITOR_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/ioapic.h"
#include "monitor/config.h"
#include "monitor/irq.h"

struct err;
struct mem;

/**
 * struct vm - descriptors of /dev/kvm and of the VM
 * @run_size: bytes of a vCPU's shared run area
 * @msr_filter: unknown MSRs fault in the guest (Linux 5.10); the I/O thread's
 *		until the guest runs
 * @ioapic: the interrupt router with IRQCHIP_SPLIT; unused with
 *          IRQCHIP_KERNEL
 *
 * Constant after vm_open(), but for @ioapic, which has its own lock.
 */
struct vm {
	int kvm_fd, vm_fd;
	size_t run_size;
	enum config_irqchip irqchip;
	bool msr_filter;
	struct ioapic ioapic;
};

/** vm_open_kvm() - open /dev/kvm and check its API version. Stage "open". */
int vm_open_kvm(struct vm *vm, struct err *e);

/** vm_create() - create the VM: vm_fd is valid from here on. Stage "load". */
int vm_create(struct vm *vm, struct err *e);

/**
 * vm_show() - map pages of ours into the guest, read-only: reading them is no
 * exit, writing them is one, as where nothing is mapped
 * @pages: page-aligned, borrowed for the life of the VM
 * Stage "load", before vm_open(), for the reason given in vm.c; once.
 * Return: 0, also where KVM cannot do it and every access is an exit; negative
 * errno with @e filled.
 */
int vm_show(const struct vm *vm, uint64_t gpa, const void *pages, size_t len,
	    struct err *e);

/**
 * vm_open() - give the VM @mem as its RAM, and its interrupt controller
 * @mem: borrowed for the life of the VM
 * In this order, for the reason given in vm.c. Stage "load".
 */
int vm_open(struct vm *vm, const struct mem *mem, struct err *e);

/**
 * vm_bell() - have KVM write an eventfd when the guest writes @value, 32 bits
 * wide, at @gpa, instead of leaving KVM_RUN
 * Makes the end of the VM slower (Linux 6.18: 13 to 19 ms). I/O thread: the
 * lock allows it to no other.
 * Return: 0 or negative errno.
 */
int vm_bell(const struct vm *vm, uint64_t gpa, uint32_t value, int eventfd);

/** vm_irq_line() - the line @gsi of whichever interrupt controller there is */
struct irq_line vm_irq_line(struct vm *vm, unsigned gsi);

#endif
