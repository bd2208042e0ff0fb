// SPDX-License-Identifier: Apache-2.0
/* Picks a filter, fills in the descriptors, installs it. */
#include "seccomp/lock.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/timing.h"

/* Indices into the tables; the tests' build has some for each row. */
#ifdef LOCK_EVERY
typedef uint32_t place;
#else
typedef uint16_t place;
#endif

/*
 * What the generated tables are made of. Offsets and arrays instead of
 * pointers: nothing here is relocated, so no page is written at start-up.
 *
 * A program's instructions are those of kinds[] with the numbers
 * insns[first..first + len), the places where descriptors belong are
 * patches[first_patch..first_patch + patches).
 * @calls: where in call_names its calls are
 * @without: the row that was left out, in the tests' build; -1: none
 */
struct program {
	uint8_t role, sets;
	int16_t without;
	place first;
	uint16_t len;
	place first_patch;
	uint16_t patches;
	place calls;
};

struct patch {
	uint8_t at, fd;
};

#include "lock_programs.h"

/* Set by nothing but the tests' build of the monitor. */
extern int lock_without;
int lock_without = -1;

static const struct program *find(unsigned role, unsigned sets)
{
	const struct program *found = NULL;

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const struct program *p = &programs[i];

		if (p->role != role || p->sets != (sets & relevant[role]))
			continue;
		if (p->without < 0 || p->without == lock_without)
			found = p;
	}
	return found;
}

unsigned lock_program(const struct lock *lock, enum lock_role role,
		      struct sock_filter *buf)
{
	const struct program *p = find(role, lock->sets);

	for (unsigned i = 0; i < p->len; i++)
		buf[i] = kinds[insns[p->first + i]];
	for (unsigned i = 0; i < p->patches; i++) {
		const struct patch *patch = &patches[p->first_patch + i];

		buf[patch->at].k = (uint32_t)lock->fd[patch->fd];
	}
	for (unsigned i = 0; lock->log_only && i < p->len; i++)
		if (buf[i].code == (BPF_RET | BPF_K) &&
		    buf[i].k == SECCOMP_RET_KILL_PROCESS)
			buf[i].k = SECCOMP_RET_LOG;
	return p->len;
}

int lock_thread(const struct lock *lock, enum lock_role role, struct err *e)
{
	struct sock_filter buf[LOCK_INSNS_MAX];
	struct sock_fprog prog = { .filter = buf };
	int ret;

	prog.len = (unsigned short)lock_program(lock, role, buf);
	/* Without SPEC_ALLOW: on kernels that tie it to seccomp, speculative
	 * store bypass stays off for this thread. */
	ret = (int)TIMED(
		TIMING_FILTER,
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			role == LOCK_START ? SECCOMP_FILTER_FLAG_TSYNC : 0,
			&prog));
	/* above 0: the thread that it cannot be given to */
	if (ret)
		return err_set(e, ret < 0 ? -errno : -EBUSY,
			       "the kernel takes no seccomp filter; see "
			       "`mote check`");
	return 0;
}

const char *lock_calls(enum lock_role role, unsigned sets)
{
	return &call_names[find(role, sets)->calls];
}

void lock_end_thread(void)
{
	for (;;)
		syscall(SYS_exit, 0);
}
