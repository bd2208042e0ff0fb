// SPDX-License-Identifier: Apache-2.0
/* Children that make forbidden calls under the real filters, and die of it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/err.h"
#include "seccomp/lock.h"
#include "tests/attack/attempts.h"

static const struct lock lock = {
	.fd = { 10, 11, 12, 13, -1, -1, -1 },
};

/* The wait status of a child that locks itself and makes the call. */
static int child(enum lock_role role, const struct attempt *a)
{
	struct err e;
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		long r = -1;

		prctl(PR_SET_DUMPABLE, 0);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    lock_thread(&lock, role, &e))
			_exit(99);
		r = syscall(a->nr, a->args[0], a->args[1], a->args[2],
			    a->args[3], a->args[4], a->args[5]);
		(void)r;
		/* not through a noreturn function: the sanitizers' hook
		 * before one makes a call of its own, and dies of it */
		syscall(role == LOCK_IO ? SYS_exit_group : SYS_exit, 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

Test(seccomp_kill, forbidden_calls_end_the_process)
{
	static const enum lock_role roles[] = { LOCK_VCPU, LOCK_IO };

	for (unsigned k = 0; k < 2; k++) {
		for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]);
		     i++) {
			int status = child(roles[k], &forbidden[i]);

			cr_expect(WIFSIGNALED(status) &&
					  WTERMSIG(status) == SIGSYS,
				  "%s (%zu) as role %d: wait status 0x%x",
				  forbidden[i].what, i, roles[k], status);
		}
	}
}

Test(seccomp_kill, allowed_calls_come_back)
{
	static const struct attempt allowed[] = {
		CALL(ioctl, 10, KVM_SIGNAL_MSI),
		CALL(pwritev2, 2, 0, 1, -1),
	};
	static const struct attempt ring = CALL(io_uring_enter, 12);
	static const struct attempt run = CALL(ioctl, 11, KVM_RUN);

	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(child(LOCK_VCPU, &allowed[i]), 0);
		cr_expect_eq(child(LOCK_IO, &allowed[i]), 0);
	}
	cr_expect_eq(child(LOCK_IO, &ring), 0);
	cr_expect_eq(child(LOCK_VCPU, &run), 0);
}

/* The 32-bit door into the kernel has numbers of its own. */
Test(seccomp_kill, int80_ends_the_process)
{
	struct err e;
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		long ret = 1; /* exit(0) */

		prctl(PR_SET_DUMPABLE, 0);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    lock_thread(&lock, LOCK_VCPU, &e))
			_exit(99);
		__asm__ volatile("int $0x80"
				 : "+a"(ret)
				 : "b"(0), "c"(0), "d"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		syscall(SYS_exit, 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	/* A kernel without 32-bit support faults instead. */
	cr_expect(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS ||
					  WTERMSIG(status) == SIGSEGV),
		  "wait status 0x%x", status);
}
