/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that neither a vCPU nor the I/O thread may make, as somebody
 * who took the monitor over would make them. Descriptors 10 and 11 stand for
 * whatever is open there.
 */
#ifndef MOTE_TESTS_ATTACK_ATTEMPTS_H
#define MOTE_TESTS_ATTACK_ATTEMPTS_H

#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct attempt {
	const char *what;
	long nr;
	long args[6];
};

#define CALL(name_, ...)                                                       \
	{                                                                      \
		.what = #name_, .nr = SYS_##name_, .args = { __VA_ARGS__ }     \
	}

/* Forbidden to a vCPU and to the I/O thread. */
static const struct attempt forbidden[] = {
	CALL(open, (long)"/etc/passwd", O_RDONLY),
	CALL(openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY),
	CALL(openat2, AT_FDCWD, (long)"/etc/passwd"),
	CALL(creat, (long)"/tmp/x", 0600),
	CALL(read, 0, 0, 0),
	CALL(pread64, 0, 0, 0),
	CALL(readv, 0, 0, 0),
	CALL(preadv2, 0, 0, 0),
	CALL(close, 0),
	CALL(dup2, 2, 0),
	CALL(fcntl, 0, F_GETFD),
	CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	     -1),
	CALL(mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(mprotect, 0, 0, PROT_EXEC),
	CALL(pkey_mprotect, 0, 0, PROT_EXEC, -1),
	CALL(mremap, 0, 0, 0),
	CALL(munmap, 4096, 4096),
	CALL(madvise, 4096, 4096, MADV_DONTNEED),
	CALL(brk, 0),
	CALL(shmat, 0),
	CALL(memfd_create, (long)"x"),
	CALL(socket, AF_INET, SOCK_STREAM, 0),
	CALL(connect, 0),
	CALL(bind, 0),
	CALL(accept4, 0),
	CALL(sendto, 0),
	CALL(sendmsg, 0),
	CALL(recvmsg, 0),
	CALL(clone, SIGCHLD),
	CALL(clone3, 0),
	CALL(fork),
	CALL(vfork),
	CALL(execve, (long)"/bin/true"),
	CALL(execveat, 0),
	CALL(ptrace, 0),
	CALL(process_vm_readv, 1),
	CALL(process_vm_writev, 1),
	CALL(kill, 0, 0),
	CALL(tkill, 1, 0),
	CALL(tgkill, 1, 1, 0),
	CALL(rt_sigqueueinfo, 1, 0),
	CALL(pidfd_open, 1),
	CALL(pidfd_send_signal, 0),
	CALL(pidfd_getfd, 0),
	CALL(rt_sigaction, SIGSYS),
	CALL(rt_sigprocmask, 0),
	CALL(rt_sigreturn),
	CALL(sigaltstack, 0),
	CALL(prctl, PR_SET_DUMPABLE, 1),
	CALL(arch_prctl, 0x1002),
	CALL(seccomp, 1),
	CALL(setuid, 0),
	CALL(setresuid, 0, 0, 0),
	CALL(capset, 0),
	CALL(prlimit64, 0, 7),
	CALL(unshare, 0),
	CALL(setns, 0),
	CALL(mount, 0),
	CALL(pivot_root, 0),
	CALL(chroot, (long)"/"),
	CALL(bpf, 0),
	CALL(perf_event_open, 0),
	CALL(userfaultfd, 0),
	CALL(keyctl, 0),
	CALL(add_key, 0),
	CALL(request_key, 0),
	CALL(io_uring_setup, 1),
	CALL(io_setup, 1),
	CALL(futex, 0),
	CALL(getpid),
	CALL(gettid),
	CALL(clock_gettime, 0),
	CALL(nanosleep, 0),
	CALL(sched_yield),
	CALL(restart_syscall),
	CALL(vmsplice, 0),
	CALL(splice, 0),
	CALL(tee, 0),
	CALL(sendfile, 0),
	CALL(modify_ldt, 0),
	CALL(ioctl, 0, 0x5412 /* TIOCSTI */),
	CALL(ioctl, 11, KVM_SET_REGS),
	CALL(ioctl, 10, KVM_SET_USER_MEMORY_REGION),
	CALL(pwritev2, 1, 0, 0),
	CALL(pwritev2, 10, 0, 0),
	CALL(writev, 2, 0, 0),
	CALL(write, 2, 0, 0),
	{ .what = "a number that no call has", .nr = 1000 },
	{ .what = "x32 write", .nr = 0x40000001 },
};

#endif
