// SPDX-License-Identifier: Apache-2.0
/* Keys, capabilities and the ring's workers, each given up in a process of its
 * own. */
#include "seccomp/drop.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/err.h"
#include "seccomp/uring.h"

static long session(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
		       KEY_SPEC_SESSION_KEYRING, 0);
}

/* 0: all is as it should be */
static int keys_gone(long before, int say)
{
	long now;

	drop_keys();
	now = session();
	if (now <= 0 || now == before)
		return 1;
	if (syscall(SYS_add_key, "user", "mote-test", "x", 1,
		    KEY_SPEC_SESSION_KEYRING) >= 0 ||
	    errno != EACCES)
		return 2;
	return write(say, &now, sizeof(now)) != sizeof(now);
}

Test(drop, keys_are_an_empty_ring_for_all, .timeout = 300)
{
	long ring[2] = { 0 }, before = session();
	int status, said[2], end[2];
	char c;

	if (before < 0)
		cr_skip_test("no keys here");
	cr_assert_eq(pipe(said), 0);
	cr_assert_eq(pipe(end), 0);
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(end[1]);
			/* each is there until both have said what they have */
			_exit(keys_gone(before, said[1]) ||
			      read(end[0], &c, 1));
		}
		cr_assert_eq(read(said[0], &ring[i], sizeof(ring[i])),
			     sizeof(ring[i]));
	}
	close(end[1]);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(wait(&status) > 0);
		cr_expect_eq(status, 0, "status 0x%x", status);
	}
	cr_expect_eq(ring[0], ring[1], "one for each VM uses up the quota");
}

Test(drop, what_an_option_names_must_be_open)
{
	int keep[] = { -1, 40, 2 };
	struct err e = { 0 };

	close(40);
	cr_expect_eq(drop_inherited(keep, 3, &e), -EBADF);
	cr_expect_not_null(strstr(e.msg, "descriptor 40"), "%s", e.msg);
}

Test(drop, what_an_option_names_has_one_use)
{
	int keep[] = { 41, -1, -1, 41 };
	struct err e = { 0 };

	cr_assert_eq(dup2(STDERR_FILENO, 41), 41);
	cr_expect_eq(drop_inherited(keep, 4, &e), -EINVAL);
	cr_expect_not_null(strstr(e.msg, "descriptor 41"), "%s", e.msg);
}

Test(drop, what_an_option_names_is_not_for_programs_we_start)
{
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		int keep[] = { 42, 2, 40 };
		struct err e;

		dup2(STDERR_FILENO, 40);
		dup2(STDERR_FILENO, 42);
		if (drop_inherited(keep, 3, &e))
			_exit(1);
		_exit(fcntl(40, F_GETFD) == FD_CLOEXEC &&
				      fcntl(42, F_GETFD) == FD_CLOEXEC &&
				      !fcntl(2, F_GETFD)
			      ? 0
			      : 2);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0, "status 0x%x", status);
}

Test(drop, bounding_set_is_empty)
{
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		drop_bounding_set();
		for (unsigned long cap = 0; cap <= 63; cap++)
			if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) > 0)
				_exit(1);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) <= 0 || geteuid())
		cr_skip_test("takes CAP_SETPCAP");
	cr_expect_eq(status, 0);
}

Test(drop, ring_has_few_workers)
{
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	unsigned workers[2] = { 0, 0 }; /* asks */
	struct io_uring ring;
	struct err e;

	cr_assert_eq(io_uring_queue_init_params(4, &ring, &p), 0);
	cr_assert_eq(uring_restrict(ring.ring_fd, 0, false, &e), 0);
	cr_assert_eq(syscall(SYS_io_uring_register, ring.ring_fd,
			     IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2),
		     0);
	cr_expect_eq(workers[1], URING_WORKERS, "%u", workers[1]);
	io_uring_queue_exit(&ring);
}
