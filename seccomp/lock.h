/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock: which system calls a thread may still make.
 *
 * Filters are constant BPF, compiled at build time from the rows in rows.c,
 * one for each role and each set of things in use. What is not known before
 * the start, the numbers of descriptors, is patched into a copy on the stack.
 * A call that no row allows kills the process with SIGSYS.
 */
#ifndef MOTE_SECCOMP_LOCK_H
#define MOTE_SECCOMP_LOCK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct sock_filter;

/* Who is locked. */
enum lock_role {
	LOCK_START,   /* every thread, from "drop" on: build the VM, load */
	LOCK_VCPU,    /* a vCPU thread, before its first KVM_RUN */
	LOCK_IO,      /* the I/O thread, before the guest runs */
	LOCK_GUARD,   /* the process that restores the terminal */
	LOCK_OUTSIDE, /* the process that waits outside a jail */
	LOCK_ROLES
};

/* What is in use, where it decides which calls are needed; bits. */
enum lock_set {
	LOCK_KERNEL_IRQCHIP = 1, /* PIC and I/O APIC in the kernel */
	LOCK_TERMINAL = 2,	 /* stdin is a terminal in raw mode */
	LOCK_VIRTIO = 4,	 /* any virtio device */
	LOCK_DISK = 8,
	LOCK_TAP = 16,	  /* a network device on a TAP */
	LOCK_STREAM = 32, /* a network device on a socket */
	LOCK_VSOCK = 64,
	LOCK_CONNECT = 128, /* sockets are connected to, at any time */
};
#define LOCK_SETS 8
/* What there is only where there is a virtio device, too. */
#define LOCK_VIRTIO_KINDS (LOCK_DISK | LOCK_TAP | LOCK_STREAM | LOCK_VSOCK)
#define LOCK_TAPS	  4
#define LOCK_DISKS	  4

/* Descriptors that rows name. */
enum lock_fd {
	LOCK_FD_VM,
	LOCK_FD_VCPU,	/* the thread's own */
	LOCK_FD_RING,	/* the io_uring */
	LOCK_FD_WAKE,	/* eventfd that wakes the I/O thread */
	LOCK_FD_STATUS, /* --status-fd */
	LOCK_FD_GUARD,	/* pipe to the terminal's guard */
	LOCK_FD_TIMING, /* --timing=json:FILE */
	LOCK_FD_TAP0,	/* network devices, LOCK_TAPS of them */
	LOCK_FD_TAP1,
	LOCK_FD_TAP2,
	LOCK_FD_TAP3,
	LOCK_FD_DISK0, /* disks that vCPU threads read from, LOCK_DISKS */
	LOCK_FD_DISK1,
	LOCK_FD_DISK2,
	LOCK_FD_DISK3,
	/* process ids, treated in the same way */
	LOCK_FD_CHILD,
	LOCK_FD_SELF,
	LOCK_FDS
};

/**
 * struct lock - what a filter depends on
 * @fd: numbers, by enum lock_fd; -1 for one that does not exist, which no
 *	call can then name
 * @sets: enum lock_set bits
 * @log_only: let through and log (audit, dmesg) what would be killed
 */
struct lock {
	int fd[LOCK_FDS];
	unsigned sets;
	bool log_only;
};

/**
 * lock_thread() - install @role's filter on the calling thread, for good;
 * LOCK_START's on all threads there are (none may have another one)
 * Threads it creates later inherit the filter. Needs no_new_privs.
 * Return: 0, or negative errno with @e filled.
 */
int lock_thread(const struct lock *lock, enum lock_role role, struct err *e);

#define LOCK_INSNS_MAX 256

/**
 * lock_program() - the filter that lock_thread() would install
 * @buf: LOCK_INSNS_MAX instructions
 * Return: number of instructions.
 */
unsigned lock_program(const struct lock *lock, enum lock_role role,
		      struct sock_filter *buf);

/** lock_calls() - names of the calls @role may make, as "a b c" */
const char *lock_calls(enum lock_role role, unsigned sets);

/**
 * lock_end_thread() - end the calling thread without what a C library does
 * at a thread's end: that takes calls which are not allowed
 */
void lock_end_thread(void) __attribute__((noreturn));

#endif
