// SPDX-License-Identifier: Apache-2.0
/* Privileges, descriptors, limits: system calls in the order that works. */
#include "seccomp/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/timing.h"
#include "seccomp/landlock.h"

/* ---- descriptors --------------------------------------------------------- */

/* Without 0..2, /dev/kvm could become stderr. */
static int fill_standard(struct err *e)
{
	struct pollfd fds[] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(fds, 3, 0) <= 0)
		return 0;
	for (unsigned i = 0; i < 3; i++)
		if ((fds[i].revents & POLLNVAL) &&
		    open("/dev/null", O_RDWR) != (int)i)
			return err_set(e, -EBADF,
				       "descriptor %u is closed; start mote "
				       "with 0, 1 and 2 open",
				       i);
	return 0;
}

static void sort(int *fd, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		int x = fd[i];
		unsigned k = i;

		for (; k && fd[k - 1] > x; k--)
			fd[k] = fd[k - 1];
		fd[k] = x;
	}
}

/* Kernels before 5.9 have no close_range(). */
static void close_from_to(unsigned first, unsigned last)
{
	struct rlimit limit;

	if (first > last || !syscall(SYS_close_range, first, last, 0))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_cur = 1024;
	for (; first <= last && first < limit.rlim_cur; first++)
		close((int)first);
}

/*
 * Before anything is opened: a closed one would become the number of something
 * else. And what has two uses gets spoilt by one of them.
 */
static int check_kept(const int *keep, unsigned n, struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < 0)
			continue;
		if (fcntl(keep[i], F_GETFD) < 0)
			return err_set(e, -EBADF,
				       "descriptor %d is named by an option, "
				       "and not open",
				       keep[i]);
		if (i && keep[i] == keep[i - 1])
			return err_set(e, -EINVAL,
				       "descriptor %d is named by two options",
				       keep[i]);
	}
	return 0;
}

int drop_inherited(int *keep, unsigned n, struct err *e)
{
	unsigned first = 3;
	int ret;

	sort(keep, n);
	ret = check_kept(keep, n, e);
	if (ret)
		return ret;
	for (unsigned i = 0; i < n; i++) {
		if (keep[i] < (int)first)
			continue;
		close_from_to(first, (unsigned)keep[i] - 1);
		fcntl(keep[i], F_SETFD, FD_CLOEXEC);
		first = (unsigned)keep[i] + 1;
	}
	close_from_to(first, ~0U);
	return fill_standard(e);
}

int drop_files(struct err *e)
{
	static const struct rlimit none;

	if (setrlimit(RLIMIT_NOFILE, &none))
		return err_set(e, -errno, "cannot give up making descriptors");
	return 0;
}

/* ---- capabilities -------------------------------------------------------- */

/* Which are permitted; *ret_any: is there any at all? */
static uint64_t permitted(bool *ret_any)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[2] = { 0 };

	*ret_any = syscall(SYS_capget, &head, sets) || sets[0].permitted ||
		   sets[1].permitted || sets[0].inheritable ||
		   sets[1].inheritable;
	return sets[0].permitted | (uint64_t)sets[1].permitted << 32;
}

/*
 * A drop takes 1.4 us, a look 0.2: what is permitted is most likely in the
 * bounding set, and what is not permitted is most likely not (containers).
 */
static void empty_bounding_set(uint64_t likely)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		int has = likely >> cap & 1;

		if (!has)
			has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (has < 0)
			return; /* past the last */
		if (has)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
}

void drop_bounding_set(void)
{
	empty_bounding_set(0);
}

/* Empties the ambient set as well (capabilities(7)). */
static int set_capabilities(uint32_t keep, struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct sets[2] = {
		{ .permitted = keep, .effective = keep },
	};

	if (syscall(SYS_capset, &head, sets))
		return err_set(e, -errno, "cannot drop capabilities");
	return 0;
}

int drop_capabilities(struct err *e)
{
	return set_capabilities(0, e);
}

static int drop_most(struct drop *d, struct err *e)
{
	bool any;
	uint64_t had = permitted(&any);
	uint32_t keep = had & 1U << CAP_IPC_LOCK;

	if (!any)
		return 0;
	d->ipc_lock = keep;
	empty_bounding_set(had);
	return set_capabilities(keep, e);
}

int drop_ipc_lock(const struct drop *d, struct err *e)
{
	return d->ipc_lock ? set_capabilities(0, e) : 0;
}

/* ---- keys ---------------------------------------------------------------- */

/* To be found by name, and to be seen; nothing can be put into it. */
#define SEALED 0x08090000U

/* Whoever comes first makes it; the others may not even seal it again. */
static bool join_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "mote") > 0 &&
	       !syscall(SYS_keyctl, KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING,
			SEALED);
}

void drop_keys(void)
{
	TIMED(TIMING_KEYS, join_keyring());
}

/* ---- all of it ----------------------------------------------------------- */

int drop_privileges(const char *const *dirs, struct drop *ret, struct err *e)
{
	static const struct rlimit none;
	struct drop d = { 0 };
	int error;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(e, -errno, "the kernel has no no_new_privs");
	error = TIMED(TIMING_CAPABILITIES, drop_most(&d, e));
	if (error)
		return error;
	/* No core files, no ptrace by processes of the same user. */
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(e, -errno, "cannot switch off core dumps");
	d.landlock = TIMED(TIMING_LANDLOCK, landlock_enter(dirs));
	if (d.landlock < 0)
		return err_set(e, d.landlock, "cannot enter Landlock");
	*ret = d;
	return 0;
}
