// SPDX-License-Identifier: Apache-2.0
/*
 * Every system call mote makes once its privileges are dropped, and why.
 * docs/lock.md is generated from this file.
 */
#include "seccomp/rows.h"

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define CALL(name_) .nr = SYS_##name_, .call = #name_

#define IS(arg_, value_)                                                       \
	{                                                                      \
		arg_, MATCH_IS, value_, 0, #value_                             \
	}
#define WITHOUT(arg_, bits_)                                                   \
	{                                                                      \
		arg_, MATCH_MASKED, 0, bits_, "without " #bits_                \
	}
#define NOTHING_BUT(arg_, bits_)                                               \
	{                                                                      \
		arg_, MATCH_MASKED, 0, ~(uint64_t)(bits_),                     \
			"nothing but " #bits_                                  \
	}
#define FD(name_)                                                              \
	{                                                                      \
		0, MATCH_FD, LOCK_FD_##name_, 0, #name_                        \
	}
#define STDIN  IS(0, 0)
#define STDERR IS(0, 2)

/* asm/termbits.h; its header clashes with the C library's. */
#define TCSETS 0x5402

/* What musl's pthread_create() asks for. */
#define A_THREAD                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |                  \
	 CLONE_CHILD_CLEARTID | 0x400000)

/* The same for each TAP. */
#define TAP_ROW(call_, fd_, why_, ...)                                         \
	{                                                                      \
		IO, CALL(call_), .with = LOCK_TAP,                             \
				 .match = { FD(fd_), ##__VA_ARGS__ },          \
				 .why = why_                                   \
	}
#define TAP_ROWS(call_, why_, ...)                                             \
	TAP_ROW(call_, TAP0, why_, ##__VA_ARGS__),                             \
		TAP_ROW(call_, TAP1, why_, ##__VA_ARGS__),                     \
		TAP_ROW(call_, TAP2, why_, ##__VA_ARGS__),                     \
		TAP_ROW(call_, TAP3, why_, ##__VA_ARGS__)

/* The same for each disk whose requests vCPU threads may answer. */
#define DISK_ROW(call_, fd_, why_)                                             \
	{                                                                      \
		VCPU, CALL(call_),                                             \
			.with = LOCK_DISK,                                     \
			.match = { FD(fd_), NOTHING_BUT(5, RWF_NOWAIT) },      \
			.why = why_                                            \
	}
#define DISK_ROWS(call_, why_)                                                 \
	DISK_ROW(call_, DISK0, why_ " the first disk"),                        \
		DISK_ROW(call_, DISK1, why_ " the second"),                    \
		DISK_ROW(call_, DISK2, why_ " the third"),                     \
		DISK_ROW(call_, DISK3, why_ " the fourth")

#define START	.role = LOCK_START
#define VCPU	.role = LOCK_VCPU
#define IO	.role = LOCK_IO
#define GUARD	.role = LOCK_GUARD
#define OUTSIDE .role = LOCK_OUTSIDE

const struct lock_row lock_rows[] = {
	/*
	 * A vCPU thread. It runs guest code for as long as it lives.
	 */
	{ VCPU, CALL(ioctl), .match = { FD(VCPU), IS(1, KVM_RUN) },
	  .why = "run the guest" },
	{ VCPU, CALL(ioctl), .unless = LOCK_KERNEL_IRQCHIP,
	  .match = { FD(VM), IS(1, KVM_SIGNAL_MSI) },
	  .why = "interrupt the guest, when a register access raises a line" },
	{ VCPU, CALL(ioctl), .unless = LOCK_KERNEL_IRQCHIP,
	  .match = { FD(VM), IS(1, KVM_SET_GSI_ROUTING) },
	  .why = "tell KVM for which level-triggered interrupts it must report "
		 "the EOI, when the guest programs the I/O APIC" },
	{ VCPU, CALL(ioctl), .with = LOCK_KERNEL_IRQCHIP,
	  .match = { FD(VM), IS(1, KVM_IRQ_LINE) },
	  .why = "interrupt the guest, when a register access raises a line" },
	{ VCPU, CALL(ioctl), .match = { FD(VCPU), IS(1, KVM_GET_REGS) },
	  .why = "say where a guest crashed" },
	{ VCPU, CALL(ioctl), .match = { FD(VCPU), IS(1, KVM_GET_SREGS) },
	  .why = "say where a guest crashed" },
	{ VCPU, CALL(pwritev2), .match = { FD(WAKE), IS(2, 1) },
	  .why = "wake the I/O thread" },
	{ VCPU, CALL(pwritev2), .match = { STDERR, IS(2, 1) }, .why = "log" },
	DISK_ROWS(preadv2, "read, without waiting, from"),
	DISK_ROWS(pwritev2, "write, without waiting, to"),
	{ VCPU, CALL(nanosleep), .with = LOCK_VIRTIO,
	  .why = "wait for the I/O thread, when the guest resets a device that "
		 "has requests in flight" },
	{ VCPU, CALL(exit),
	  .why = "end the thread; the process goes on until "
		 "the I/O thread has finished" },

	/*
	 * The I/O thread. All data moves by io_uring, within the ring's own
	 * restrictions (uring.c).
	 */
	{ IO, CALL(io_uring_enter),
	  .match = { FD(RING), NOTHING_BUT(3, IORING_ENTER_GETEVENTS),
		     IS(4, 0) },
	  .why = "submit operations and wait for their ends" },
	{ IO, CALL(ioctl), .unless = LOCK_KERNEL_IRQCHIP,
	  .match = { FD(VM), IS(1, KVM_SIGNAL_MSI) },
	  .why = "interrupt the guest" },
	{ IO, CALL(ioctl), .with = LOCK_KERNEL_IRQCHIP,
	  .match = { FD(VM), IS(1, KVM_IRQ_LINE) },
	  .why = "interrupt the guest" },
	{ IO, CALL(ioctl), .with = LOCK_VIRTIO,
	  .match = { FD(VM), IS(1, KVM_IOEVENTFD) },
	  .why = "doorbells that are no exits, once a queue has proved busy" },
	{ IO, CALL(ioctl), .with = LOCK_TERMINAL,
	  .match = { STDIN, IS(1, TCSETS) },
	  .why = "raw mode when the guest starts, and back at the end" },
	{ IO, CALL(pwritev2), .match = { STDERR, IS(2, 1) }, .why = "log" },
	{ IO, CALL(pwritev2), .match = { FD(STATUS) },
	  .why = "hand over the exit status" },
	{ IO, CALL(pwritev2), .match = { FD(TIMING) },
	  .why = "--timing=json:FILE, at the end" },
	{ IO, CALL(pwritev2), .with = LOCK_TERMINAL, .match = { FD(GUARD) },
	  .why = "tell the guard that the terminal is raw, or restored" },
	TAP_ROWS(pwritev2, "send frames"),
	TAP_ROWS(ioctl, "tell the TAP what the guest can take",
		 IS(1, TUNSETOFFLOAD)),
	{ IO, CALL(sched_setscheduler), .with = LOCK_VIRTIO,
	  .match = { IS(0, 0), IS(1, SCHED_BATCH) },
	  .why = "preempt nobody while frames, bytes or disk requests come in "
		 "streams" },
	{ IO, CALL(sched_setscheduler), .with = LOCK_VIRTIO,
	  .match = { IS(0, 0), IS(1, SCHED_NORMAL) },
	  .why = "as before, when they do not any more" },
	{ IO, CALL(io_uring_register),
	  .match = { FD(RING), IS(1, IORING_UNREGISTER_FILES) },
	  .why = "let go of files (a disk's lock, stdout) before the end" },
	{ IO, CALL(exit_group), .why = "end the process" },

	/*
	 * All threads from stage "drop" on, while the VM is built and the
	 * images are parsed. The filters above come on top of this one, so it
	 * must allow what they do.
	 */
	{ START, CALL(ioctl), .match = { IS(1, KVM_RUN) },
	  .why = "see vCPU thread" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SIGNAL_MSI) },
	  .why = "see both threads" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_GSI_ROUTING) },
	  .why = "see vCPU thread" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_IRQ_LINE) },
	  .why = "see both threads" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_GET_REGS) },
	  .why = "see vCPU thread" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_GET_SREGS) },
	  .why = "see vCPU thread" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_IOEVENTFD) },
	  .why = "see I/O thread" },
	{ START, CALL(ioctl), .match = { STDIN, IS(1, TCSETS) },
	  .why = "see I/O thread" },
	{ START, CALL(ioctl), .match = { IS(1, TUNSETOFFLOAD) },
	  .why = "see I/O thread: TAPs" },
	{ START, CALL(sched_setscheduler), .match = { IS(0, 0) },
	  .why = "see I/O thread" },
	{ START, CALL(io_uring_enter), .why = "see I/O thread" },
	{ START, CALL(pwritev2), .why = "see both threads; --dry-run" },
	{ START, CALL(preadv2), .match = { NOTHING_BUT(5, RWF_NOWAIT) },
	  .why = "see vCPU thread" },
	{ START, CALL(nanosleep), .why = "see vCPU thread" },
	{ START, CALL(exit), .why = "see vCPU thread" },
	{ START, CALL(exit_group), .why = "see I/O thread; a bad image" },

	{ START, CALL(ioctl), .match = { IS(1, KVM_CREATE_VM) },
	  .why = "the VM" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_GET_VCPU_MMAP_SIZE) },
	  .why = "size of a vCPU's shared area" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_X86_SET_MSR_FILTER) },
	  .why = "the guest's MSRs" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_USER_MEMORY_REGION) },
	  .why = "the guest's RAM" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_TSS_ADDR) },
	  .why = "Intel without unrestricted guest" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_TSC_KHZ) },
	  .why = "the host's rate, not what it was when KVM was loaded" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_ENABLE_CAP) },
	  .why = "split irqchip" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_CREATE_IRQCHIP) },
	  .why = "--irqchip kernel" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_CREATE_PIT2) },
	  .why = "--irqchip kernel" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_CREATE_VCPU) },
	  .why = "the vCPUs" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_GET_SUPPORTED_CPUID) },
	  .why = "what the guest's CPUID is cut from" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_GET_TSC_KHZ) },
	  .why = "told to the guest" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_CPUID2) },
	  .why = "the guest's CPUID" },
	{ START, CALL(ioctl), .match = { IS(1, KVM_SET_MSRS) },
	  .why = "entry state" },
	{ START, CALL(pread64), .why = "read the images" },
	{ START, CALL(mmap), .match = { WITHOUT(2, PROT_EXEC) },
	  .why = "RAM, vCPUs' shared areas, thread stacks" },
	{ START, CALL(mprotect), .match = { WITHOUT(2, PROT_EXEC) },
	  .why = "thread stacks but for their guard pages" },
	{ START, CALL(madvise),
	  .why = "keep RAM out of core dumps; --hugepages, --prefault, --ksm" },
	{ START, CALL(sched_setaffinity), .match = { IS(0, 0) },
	  .why = "--cpu-affinity: each thread for itself" },
	{ START, CALL(clone), .match = { IS(0, A_THREAD) },
	  .why = "threads; no processes" },
	{ START, CALL(rt_sigprocmask), .why = "a thread's start" },
	{ START, CALL(futex), .why = "the threads wait for each other" },
	{ START, CALL(sched_yield), .why = "the threads wait for each other" },
	{ START, CALL(io_uring_register),
	  .why = "enable the ring, which is restricted by then" },
	{ START, CALL(prlimit64), .match = { IS(0, 0), IS(1, RLIMIT_NOFILE) },
	  .why = "no more descriptors, once all are open" },
	{ START, CALL(capset),
	  .why = "the last capability, once the ring is there" },
	{ START, CALL(seccomp), .match = { IS(0, SECCOMP_SET_MODE_FILTER) },
	  .why = "the last filters" },

	/*
	 * The process that restores the terminal's mode when mote is gone.
	 */
	{ GUARD, CALL(read), .match = { IS(0, 3) },
	  .why = "wait for the monitor's end" },
	{ GUARD, CALL(ioctl), .match = { STDIN, IS(1, TCSETS) },
	  .why = "restore the mode" },
	{ GUARD, CALL(exit_group), .why = "end" },

	/*
	 * With --jail, the process outside it.
	 */
	{ OUTSIDE, CALL(wait4), .why = "wait for the monitor's end" },
	{ OUTSIDE, CALL(rt_sigtimedwait), .why = "wait for signals" },
	{ OUTSIDE, CALL(kill), .match = { FD(CHILD) }, .why = "pass them on" },
	{ OUTSIDE, CALL(kill), .match = { FD(SELF) },
	  .why = "end by the signal that ended the monitor" },
	{ OUTSIDE, CALL(rt_sigprocmask), .why = "the same" },
	{ OUTSIDE, CALL(rt_sigaction), .why = "the same" },
	{ OUTSIDE, CALL(prlimit64), .match = { IS(0, 0), IS(1, RLIMIT_CORE) },
	  .why = "the same, without a core file" },
	{ OUTSIDE, CALL(exit_group), .why = "end" },
	{ .call = NULL },
};

const struct lock_name lock_role_names[LOCK_ROLES] = {
	[LOCK_START] = { "start", "every thread, from stage \"drop\" until its "
				  "own filter comes on top" },
	[LOCK_VCPU] = { "vcpu", "a vCPU thread, before its first KVM_RUN" },
	[LOCK_IO] = { "io", "the I/O thread, before the guest runs" },
	[LOCK_GUARD] = { "guard", "the process that restores the terminal; "
				  "only when stdin is one" },
	[LOCK_OUTSIDE] = { "outside", "with --jail, the process outside it, "
				      "which waits for the monitor's end" },
};

const struct lock_name lock_set_names[LOCK_SETS] = {
	{ "kernel-irqchip", "--irqchip kernel" },
	{ "terminal", "stdin is a terminal" },
	{ "virtio", "a virtio device" },
	{ "disk", "--disk" },
	{ "tap", "--net tap=, or fd= with a TAP" },
	{ "stream", "--net passt, or fd= with a socket" },
	{ "vsock", "--vsock" },
	{ "connect", "--vsock, --net passt=PATH" },
};

const struct lock_name lock_fd_names[LOCK_FDS] = {
	[LOCK_FD_VM] = { "VM", "the VM" },
	[LOCK_FD_VCPU] = { "VCPU", "the thread's own vCPU" },
	[LOCK_FD_RING] = { "RING", "the io_uring" },
	[LOCK_FD_WAKE] = { "WAKE", "the eventfd that wakes the I/O thread" },
	[LOCK_FD_STATUS] = { "STATUS", "--status-fd" },
	[LOCK_FD_GUARD] = { "GUARD", "the pipe to the terminal's guard" },
	[LOCK_FD_TIMING] = { "TIMING", "the file of --timing=json:FILE" },
	[LOCK_FD_TAP0] = { "TAP0", "the first network device" },
	[LOCK_FD_TAP1] = { "TAP1", "the second" },
	[LOCK_FD_TAP2] = { "TAP2", "the third" },
	[LOCK_FD_TAP3] = { "TAP3", "the fourth" },
	[LOCK_FD_DISK0] = { "DISK0", "the first disk, if vCPU threads may "
				     "answer for it" },
	[LOCK_FD_DISK1] = { "DISK1", "the second" },
	[LOCK_FD_DISK2] = { "DISK2", "the third" },
	[LOCK_FD_DISK3] = { "DISK3", "the fourth" },
	[LOCK_FD_CHILD] = { "CHILD", "the monitor's process id" },
	[LOCK_FD_SELF] = { "SELF", "its own process id" },
};
