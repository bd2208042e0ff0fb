// SPDX-License-Identifier: Apache-2.0
/* The lock's filters, run in user space: what they allow and what they kill. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "seccomp/lock.h"
#include "seccomp/rows.h"
#include "tests/unit/bpf.h"

#define ALL ((1U << LOCK_SETS) - 1)

static const struct lock usual = {
	.fd = { [LOCK_FD_VM] = 10,
		[LOCK_FD_VCPU] = 11,
		[LOCK_FD_RING] = 12,
		[LOCK_FD_WAKE] = 13,
		[LOCK_FD_STATUS] = 14,
		[LOCK_FD_GUARD] = 15,
		[LOCK_FD_TIMING] = 16,
		[LOCK_FD_TAP0] = 22,
		[LOCK_FD_TAP1] = 23,
		[LOCK_FD_TAP2] = 24,
		[LOCK_FD_TAP3] = 25,
		[LOCK_FD_DISK0] = 30,
		[LOCK_FD_DISK1] = 31,
		[LOCK_FD_DISK2] = 32,
		[LOCK_FD_DISK3] = 33,
		[LOCK_FD_CHILD] = 20,
		[LOCK_FD_SELF] = 21 },
};

static struct seccomp_data call(unsigned nr, const uint64_t *args)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = AUDIT_ARCH_X86_64 };

	memcpy(data.args, args, sizeof(data.args));
	return data;
}

static uint32_t verdict(const struct lock *lock, unsigned role,
			const struct seccomp_data *data, unsigned *ret_steps)
{
	struct sock_filter prog[LOCK_INSNS_MAX];
	unsigned len = lock_program(lock, role, prog);

	cr_assert(len > 0 && len <= LOCK_INSNS_MAX);
	return bpf_run(prog, len, data, ret_steps);
}

/* ---- the rows as they read, without libseccomp ------------------------ */

static bool row_applies(const struct lock_row *r, unsigned role, unsigned sets)
{
	return r->role == role && (r->with & sets) == r->with &&
	       !(r->unless & sets);
}

static bool row_allows(const struct lock_row *r, const struct lock *lock,
		       const struct seccomp_data *data)
{
	if ((unsigned)data->nr != r->nr)
		return false;
	for (const struct lock_match *m = r->match; m->kind; m++) {
		uint64_t arg = data->args[m->arg];

		if (m->kind == MATCH_IS && arg != m->value)
			return false;
		if (m->kind == MATCH_MASKED && (arg & m->mask) != m->value)
			return false;
		if (m->kind == MATCH_FD && arg != (uint32_t)lock->fd[m->value])
			return false;
	}
	return true;
}

/* @without: a row that is not asked, or NULL */
static bool rows_allow(const struct lock *lock, unsigned role,
		       const struct seccomp_data *data,
		       const struct lock_row *without)
{
	for (const struct lock_row *r = lock_rows; r->call; r++)
		if (r != without && row_applies(r, role, lock->sets) &&
		    row_allows(r, lock, data))
			return true;
	return false;
}

/* The call that @r describes, its other arguments being @rest. */
static struct seccomp_data sample(const struct lock_row *r,
				  const struct lock *lock, uint64_t rest)
{
	uint64_t args[6] = { rest, rest, rest, rest, rest, rest };

	for (const struct lock_match *m = r->match; m->kind; m++)
		args[m->arg] =
			m->kind == MATCH_FD	  ? (uint32_t)lock->fd[m->value]
			: m->kind == MATCH_MASKED ? m->value | (rest & ~m->mask)
						  : m->value;
	return call(r->nr, args);
}

static void expect_as_rows(const struct lock *lock, unsigned role,
			   const struct seccomp_data *data)
{
	uint32_t want = rows_allow(lock, role, data, NULL)
				? SECCOMP_RET_ALLOW
				: SECCOMP_RET_KILL_PROCESS;
	uint32_t got = verdict(lock, role, data, NULL);

	cr_assert_eq(got, want,
		     "%s, sets %u: call %d(0x%llx, 0x%llx, 0x%llx, 0x%llx) "
		     "gives 0x%x, the rows say 0x%x",
		     lock_role_names[role].name, lock->sets, data->nr,
		     data->args[0], data->args[1], data->args[2], data->args[3],
		     got, want);
}

/* Every row's call, and every neighbour of it with one bit turned. */
Test(seccomp, programs_do_what_the_rows_say)
{
	const unsigned used = LOCK_KERNEL_IRQCHIP | LOCK_TERMINAL |
			      LOCK_VIRTIO | LOCK_TAP | LOCK_DISK;

	for (unsigned sets = 0; sets <= ALL; sets++) {
		struct lock lock = usual;

		if (sets & ~used || !lock_possible(sets, ALL))
			continue;
		lock.sets = sets;
		for (const struct lock_row *r = lock_rows; r->call; r++) {
			struct seccomp_data data = sample(r, &lock, 0);

			for (unsigned role = 0; role < LOCK_ROLES; role++)
				expect_as_rows(&lock, role, &data);
			data = sample(r, &lock, ~0ULL);
			expect_as_rows(&lock, r->role, &data);
			data = sample(r, &lock, 0);
			for (unsigned bit = 0; bit < 6 * 64; bit++) {
				data.args[bit / 64] ^= 1ULL << bit % 64;
				expect_as_rows(&lock, r->role, &data);
				data.args[bit / 64] ^= 1ULL << bit % 64;
			}
		}
	}
}

/* Every number a system call can have, with innocent and with wild arguments.
 */
Test(seccomp, no_other_call_is_allowed)
{
	static const uint64_t args[][6] = {
		{ 0 },
		{ 11, KVM_RUN },
		{ 2, 2, 1 },
		{ ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL, ~0ULL },
	};

	for (unsigned role = 0; role < LOCK_ROLES; role++) {
		for (unsigned nr = 0; nr < 600; nr++) {
			for (unsigned i = 0; i < 4; i++) {
				struct seccomp_data data = call(nr, args[i]);

				expect_as_rows(&usual, role, &data);
			}
		}
	}
}

/* The least that must be in use for @r. */
static unsigned with(const struct lock_row *r)
{
	return r->with & LOCK_VIRTIO_KINDS ? r->with | LOCK_VIRTIO : r->with;
}

Test(seccomp, each_row_allows_what_no_other_does)
{
	for (const struct lock_row *r = lock_rows; r->call; r++) {
		struct lock lock = usual;
		struct seccomp_data data;

		lock.sets = with(r);
		data = sample(r, &lock, 0);
		cr_expect(!rows_allow(&lock, r->role, &data, r),
			  "row %d (%s, %s) is superfluous",
			  (int)(r - lock_rows), lock_role_names[r->role].name,
			  r->call);
	}
}

/* What a last filter allows would be killed by the first one otherwise. */
Test(seccomp, the_first_filter_allows_what_the_last_ones_do)
{
	for (const struct lock_row *r = lock_rows; r->call; r++) {
		struct lock lock = usual;
		struct seccomp_data data;

		if (r->role != LOCK_VCPU && r->role != LOCK_IO)
			continue;
		lock.sets = with(r);
		data = sample(r, &lock, 0);
		cr_expect_eq(verdict(&lock, LOCK_START, &data, NULL),
			     SECCOMP_RET_ALLOW, "%s of %s", r->call,
			     lock_role_names[r->role].name);
	}
}

/* ---- written down by hand, to be read by an auditor ------------------- */

#define V      LOCK_VCPU
#define I      LOCK_IO
#define S      LOCK_START
#define DISK   (LOCK_DISK | LOCK_VIRTIO)
#define TAP    (LOCK_TAP | LOCK_VIRTIO)
#define STREAM (LOCK_STREAM | LOCK_VIRTIO)
#define OK     SECCOMP_RET_ALLOW
#define NO     SECCOMP_RET_KILL_PROCESS

static const struct {
	uint8_t role;
	uint8_t sets;
	uint16_t nr;
	uint64_t args[6];
	uint32_t verdict;
} cases[] = {
	/* a vCPU runs its own vCPU and no other */
	{ V, 0, SYS_ioctl, { 11, KVM_RUN }, OK },
	{ V, 0, SYS_ioctl, { 12, KVM_RUN }, NO },
	{ V, 0, SYS_ioctl, { 10, KVM_RUN }, NO },
	{ V, 0, SYS_ioctl, { 11, KVM_GET_REGS }, OK },
	{ V, 0, SYS_ioctl, { 11, KVM_SET_REGS }, NO },
	{ V, 0, SYS_ioctl, { 11, KVM_SET_SREGS }, NO },
	{ V, 0, SYS_ioctl, { 11, KVM_SET_CPUID2 }, NO },
	{ V, 0, SYS_ioctl, { 10, KVM_SIGNAL_MSI }, OK },
	{ V, LOCK_KERNEL_IRQCHIP, SYS_ioctl, { 10, KVM_SIGNAL_MSI }, NO },
	{ V, LOCK_KERNEL_IRQCHIP, SYS_ioctl, { 10, KVM_IRQ_LINE }, OK },
	{ V, 0, SYS_ioctl, { 10, KVM_IRQ_LINE }, NO },
	{ V, 0, SYS_ioctl, { 10, KVM_SET_USER_MEMORY_REGION }, NO },
	{ V, 0, SYS_ioctl, { 10, KVM_CREATE_VCPU }, NO },
	{ V, 0, SYS_ioctl, { 10, KVM_IOEVENTFD }, NO },
	{ V, 0, SYS_ioctl, { 0, TIOCSTI }, NO },
	{ V, 0, SYS_ioctl, { 11 | 1ULL << 32, KVM_RUN }, NO },
	{ V, 0, SYS_ioctl, { 11, KVM_RUN | 1ULL << 32 }, NO },
	{ V, 0, SYS_pwritev2, { 13, 4096, 1 }, OK },
	{ V, 0, SYS_pwritev2, { 13, 4096, 2 }, NO },
	{ V, 0, SYS_pwritev2, { 2, 4096, 1 }, OK },
	{ V, 0, SYS_pwritev2, { 1, 4096, 1 }, NO },
	{ V, 0, SYS_pwritev2, { 14, 4096, 1 }, NO },
	{ V, 0, SYS_write, { 13, 4096, 8 }, NO },
	{ V, 0, SYS_preadv2, { 30, 4096, 1, 0, 0, 0 }, NO },
	{ V, DISK, SYS_preadv2, { 30, 4096, 1, 0, 0, 0 }, OK },
	{ V, DISK, SYS_preadv2, { 33, 4096, 9, 512, 0, RWF_NOWAIT }, OK },
	{ V, DISK, SYS_preadv2, { 34, 4096, 1, 0, 0, RWF_NOWAIT }, NO },
	{ V, DISK, SYS_preadv2, { 30, 4096, 1, 0, 0, RWF_HIPRI }, NO },
	{ V, DISK, SYS_preadv2, { 30 | 1ULL << 32, 4096, 1 }, NO },
	{ V, DISK, SYS_preadv2, { 13, 4096, 1, 0, 0, 0 }, NO },
	{ V, DISK, SYS_pwritev2, { 31, 4096, 3, 512, 0, RWF_NOWAIT }, OK },
	{ V, DISK, SYS_pwritev2, { 31, 4096, 1, 0, 0, RWF_DSYNC }, NO },
	{ V, 0, SYS_pwritev2, { 31, 4096, 1 }, NO },
	{ V, 0, SYS_writev, { 2, 4096, 1 }, NO },
	{ I, 0, SYS_writev, { 2, 4096, 1 }, NO },
	{ I, DISK, SYS_preadv2, { 30, 4096, 1, 0, 0, RWF_NOWAIT }, NO },
	{ V, 0, SYS_io_uring_enter, { 12, 1, 0, 0, 0 }, NO },
	{ V, 0, SYS_exit, { 0 }, OK },
	{ V, 0, SYS_exit_group, { 0 }, NO },

	/* the I/O thread */
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, IORING_ENTER_GETEVENTS }, OK },
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, 0 }, OK },
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, IORING_ENTER_SQ_WAKEUP }, NO },
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, IORING_ENTER_EXT_ARG }, NO },
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, 16 }, NO },
	{ I, 0, SYS_io_uring_enter, { 12, 1, 1, 0, 4096 }, NO },
	{ I, 0, SYS_io_uring_enter, { 11, 1, 1, 0 }, NO },
	{ I, 0, SYS_io_uring_register, { 12, IORING_UNREGISTER_FILES }, OK },
	{ I, 0, SYS_io_uring_register, { 12, IORING_REGISTER_FILES }, NO },
	{ I,
	  0,
	  SYS_io_uring_register,
	  { 12, IORING_REGISTER_RESTRICTIONS },
	  NO },
	{ I, 0, SYS_io_uring_register, { ~0ULL, IORING_UNREGISTER_FILES }, NO },
	{ I, 0, SYS_io_uring_setup, { 1 }, NO },
	{ I, 0, SYS_ioctl, { 11, KVM_RUN }, NO },
	{ I, 0, SYS_ioctl, { 10, KVM_SIGNAL_MSI }, OK },
	{ I, 0, SYS_ioctl, { 10, KVM_SET_GSI_ROUTING }, NO },
	{ I, LOCK_VIRTIO, SYS_ioctl, { 10, KVM_IOEVENTFD }, OK },
	{ I, 0, SYS_ioctl, { 10, KVM_IOEVENTFD }, NO },
	{ I, 0, SYS_ioctl, { 0, TCSETS }, NO },
	{ I, LOCK_TERMINAL, SYS_ioctl, { 0, TCSETS }, OK },
	{ I, LOCK_TERMINAL, SYS_ioctl, { 1, TCSETS }, NO },
	{ I, LOCK_TERMINAL, SYS_ioctl, { 0, TIOCSTI }, NO },
	{ I, LOCK_TERMINAL, SYS_pwritev2, { 15, 4096, 1 }, OK },
	{ I, 0, SYS_pwritev2, { 15, 4096, 1 }, NO },
	{ I, 0, SYS_pwritev2, { 2, 4096, 1 }, OK },
	{ I, 0, SYS_pwritev2, { 14, 4096, 1 }, OK },
	{ I, 0, SYS_pwritev2, { 10, 4096, 1 }, NO },
	{ I, TAP, SYS_readv, { 22, 4096, 1 }, NO },
	{ I, TAP, SYS_pwritev2, { 22, 4096, 9 }, OK },
	{ I, TAP, SYS_pwritev2, { 25, 4096, 9 }, OK },
	{ I, TAP, SYS_pwritev2, { 26, 4096, 9 }, NO },
	{ I,
	  LOCK_VIRTIO,
	  SYS_sched_setscheduler,
	  { 0, SCHED_BATCH, 4096 },
	  OK },
	{ I,
	  LOCK_VIRTIO,
	  SYS_sched_setscheduler,
	  { 0, SCHED_OTHER, 4096 },
	  OK },
	{ I, LOCK_VIRTIO, SYS_sched_setscheduler, { 0, SCHED_FIFO, 4096 }, NO },
	{ I,
	  LOCK_VIRTIO,
	  SYS_sched_setscheduler,
	  { 1, SCHED_BATCH, 4096 },
	  NO },
	{ I, 0, SYS_sched_setscheduler, { 0, SCHED_BATCH, 4096 }, NO },
	{ I, TAP, SYS_ioctl, { 22, TUNSETOFFLOAD }, OK },
	{ I, TAP, SYS_ioctl, { 22, TUNSETIFF }, NO },
	{ I, STREAM, SYS_pwritev2, { 22, 4096, 1 }, NO },
	{ I, 0, SYS_exit_group, { 3 }, OK },
	{ I, 0, SYS_exit, { 0 }, NO },
	{ I, 0, SYS_futex, { 4096 }, NO },

	/* before that, while images are parsed */
	{ S, 0, SYS_pread64, { 5, 4096, 10, 0 }, OK },
	{ S, 0, SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE }, OK },
	{ S, 0, SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC }, NO },
	{ S, 0, SYS_mprotect, { 0, 4096, PROT_EXEC }, NO },
	{ S, 0, SYS_clone, { 0x7d0f00 }, OK },
	{ S, 0, SYS_clone, { 17 }, NO },
	{ S, 0, SYS_clone, { 0x7d0f00 | 0x10000000 }, NO },
	/* what parses images makes no ring of its own */
	{ S, 0, SYS_io_uring_setup, { 1 }, NO },
	{ S, 0, SYS_eventfd2, { 0 }, NO },
	{ S, 0, SYS_sched_setscheduler, { 0, SCHED_BATCH, 4096 }, OK },
	{ S, 0, SYS_sched_setscheduler, { 1, SCHED_BATCH, 4096 }, NO },
	{ S, 0, SYS_prlimit64, { 0, 7 }, OK },
	{ S, 0, SYS_prlimit64, { 1, 7 }, NO },
};

Test(seccomp, cases_by_hand)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seccomp_data data = call(cases[i].nr, cases[i].args);
		struct lock lock = usual;

		lock.sets = cases[i].sets;
		cr_expect_eq(verdict(&lock, cases[i].role, &data, NULL),
			     cases[i].verdict,
			     "case %zu: %s %u(0x%llx, 0x%llx)", i,
			     lock_role_names[cases[i].role].name, cases[i].nr,
			     data.args[0], data.args[1]);
	}
}

Test(seccomp, other_architectures_are_killed)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
					  0 };

	for (unsigned role = 0; role < LOCK_ROLES; role++) {
		for (unsigned nr = 0; nr < 600; nr++) {
			static const uint64_t none[6];
			struct seccomp_data data = call(nr, none);

			for (unsigned i = 0; i < 3; i++) {
				data.arch = archs[i];
				cr_assert_eq(verdict(&usual, role, &data, NULL),
					     NO);
			}
			data = call(nr | 0x40000000, none); /* x32 */
			cr_assert_eq(verdict(&usual, role, &data, NULL), NO);
		}
	}
}

Test(seccomp, a_descriptor_that_does_not_exist_cannot_be_named)
{
	struct lock lock = usual;
	struct seccomp_data data =
		call(SYS_pwritev2, (const uint64_t[6]){ ~0ULL, 4096, 1 });

	lock.fd[LOCK_FD_STATUS] = -1;
	lock.fd[LOCK_FD_TIMING] = -1;
	cr_expect_eq(verdict(&lock, LOCK_IO, &data, NULL), NO);
	data.args[0] = 14;
	cr_expect_eq(verdict(&lock, LOCK_IO, &data, NULL), NO);
}

Test(seccomp, log_mode_logs_what_would_be_killed)
{
	struct lock lock = usual;
	struct seccomp_data data = call(SYS_open, (const uint64_t[6]){ 0 });

	lock.log_only = true;
	for (unsigned role = 0; role < LOCK_ROLES; role++) {
		cr_expect_eq(verdict(&lock, role, &data, NULL),
			     SECCOMP_RET_LOG);
		data.arch = AUDIT_ARCH_I386;
		cr_expect_eq(verdict(&lock, role, &data, NULL),
			     SECCOMP_RET_LOG);
		data.arch = AUDIT_ARCH_X86_64;
	}
}

/* Both filters run at each exit of the guest. */
Test(seccomp, running_the_guest_is_decided_early)
{
	struct seccomp_data data =
		call(SYS_ioctl, (const uint64_t[6]){ 11, KVM_RUN });
	unsigned last, first;

	cr_expect_eq(verdict(&usual, LOCK_VCPU, &data, &last), OK);
	cr_expect_eq(verdict(&usual, LOCK_START, &data, &first), OK);
	cr_expect_leq(last, 20, "%u instructions", last);
	cr_expect_leq(first, 40, "%u instructions", first);
}

static unsigned words(const char *text)
{
	unsigned n = *text != '\0';

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

Test(seccomp, a_vcpu_has_at_most_5_calls_and_io_6)
{
	for (unsigned sets = 0; sets <= ALL; sets++) {
		if (!lock_possible(sets, ALL))
			continue;
		cr_expect_leq(words(lock_calls(LOCK_VCPU, sets)), 5, "%s",
			      lock_calls(LOCK_VCPU, sets));
		cr_expect_leq(words(lock_calls(LOCK_IO, sets)), 6, "%s",
			      lock_calls(LOCK_IO, sets));
	}
}
