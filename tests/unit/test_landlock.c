// SPDX-License-Identifier: Apache-2.0
/* Hosts that have no Landlock, in a process of its own each. */
#include "seccomp/landlock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As containers' profiles do. */
static int refuse(unsigned call, unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { 4, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

Test(landlock, host_without_it_is_done_without)
{
	static const unsigned errors[] = { ENOSYS, EOPNOTSUPP, EPERM };

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		int status;
		pid_t pid = fork();

		cr_assert(pid >= 0);
		if (!pid)
			_exit(refuse(SYS_landlock_create_ruleset, errors[i]) ||
			      landlock_enter(NULL) != 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect_eq(status, 0, "errno %u", errors[i]);
	}
}
