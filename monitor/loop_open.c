// SPDX-License-Identifier: Apache-2.0
/* Setting the event loop up: its ring, its tables, and what it may do. */
#include <errno.h>
#include <liburing.h>
#include <sys/eventfd.h>

#include "monitor/err.h"
#include "monitor/loop_parts.h"
#include "monitor/timing.h"
#include "seccomp/lock.h"
#include "seccomp/uring.h"

/*
 * The most with which both parts of the ring fit a page each. Linux 6.14 and
 * later charges these to RLIMIT_MEMLOCK, 8 MiB for all processes of a user by
 * default: 1,024 VMs, where rings of 256 let 292 start. A full queue is
 * submitted early.
 */
#define SQ_ENTRIES 64

/* IORING_FEAT_RW_ATTR: Linux 6.14 or later */
#define FEAT_RW_ATTR (1U << 16)

struct loop *loop_get(void)
{
	static struct loop the_loop;

	return &the_loop;
}

static int open_ring(struct io_uring *ring)
{
	/* DEFER_TASKRUN (Linux 6.1): completions are worked off when we ask
	 * for them, not by interrupting us; a flag says that there are some.
	 * Older kernels do without. */
	static const unsigned tries[] = {
		IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
			IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_R_DISABLED,
	};
	int ret = -EINVAL;

	for (unsigned i = 0; i < 2 && ret == -EINVAL; i++) {
		struct io_uring_params p = { .flags = tries[i] };

		ret = io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
	}
	return ret;
}

int loop_open(struct loop *loop, struct err *e)
{
	int ret = TIMED(TIMING_RING, open_ring(&loop->ring));

	if (ret == -EPERM)
		return err_set(e, ret,
			       "io_uring is forbidden here; see `mote check`");
	if (ret == -ENOMEM)
		return err_set(e, ret,
			       "cannot create an io_uring; raise the limit on "
			       "locked memory (`ulimit -l`): each VM takes 8 "
			       "KiB of it");
	if (ret)
		return err_set(e, ret, "cannot create an io_uring");
	loop->registers = loop_can_bind(loop->ring.features);
	loop->tasks.end = &loop->tasks.first;
	loop->resting.end = &loop->resting.first;
	loop->turn.wake_fd = TIMED(TIMING_WAKE, eventfd(0, EFD_CLOEXEC));
	if (loop->turn.wake_fd < 0)
		return err_set(e, -errno, "cannot create an eventfd");
	loop->wake_slot = loop_add_file(loop, loop->turn.wake_fd);
	return 0;
}

int loop_add_source(struct loop *loop, struct loop_source *source)
{
	if (loop->sources == LOOP_SOURCES_MAX)
		return -ENOSPC;
	source->id = loop->sources;
	loop->source[loop->sources++] = source;
	return 0;
}

int loop_add_file(struct loop *loop, int fd)
{
	if (loop->files == LOOP_FILES_MAX)
		return -ENOSPC;
	loop->file[loop->files] = fd;
	return (int)loop->files++;
}

int loop_reserve_files(struct loop *loop, unsigned n)
{
	unsigned first = loop->reserved;

	if (n > LOOP_RESERVE_MAX - first)
		return -ENOSPC;
	loop->reserved += n;
	return (int)first;
}

unsigned loop_reserved(const struct loop *loop)
{
	return loop->files;
}

void loop_add_drain(struct loop *loop, struct loop_drain *drain)
{
	drain->next = loop->drains;
	loop->drains = drain;
}

int loop_ring_fd(const struct loop *loop)
{
	return loop->ring.ring_fd;
}

int loop_wake_fd(const struct loop *loop)
{
	return loop->turn.wake_fd;
}

bool loop_can_bind(uint32_t features)
{
	return features & FEAT_RW_ATTR;
}

bool loop_unix_only(const struct loop *loop)
{
	return loop->unix_only;
}

bool loop_registered_only(const struct loop *loop)
{
	return loop->registers;
}

/* Slots of ours and free ones behind them. */
static int register_files(struct loop *loop)
{
	unsigned n = loop->files + loop->reserved;

	if (!loop->registers && !loop->reserved)
		return 0;
	for (unsigned i = 0; i < n; i++)
		loop->table[i] =
			loop->registers && i < loop->files ? loop->file[i] : -1;
	return io_uring_register_files(&loop->ring, loop->table, n);
}

int loop_bind(struct loop *loop, unsigned sets, struct err *e)
{
	int ret = TIMED(TIMING_FILES, register_files(loop));

	if (ret < 0)
		return err_set(e, ret, "cannot register files with io_uring");
	if (sets & LOCK_CONNECT)
		loop->unix_only = uring_bind_sockets(loop->ring.ring_fd);
	ret = TIMED(TIMING_RESTRICT, uring_restrict(loop->ring.ring_fd, sets,
						    loop->registers, e));
	loop->cancels = sets & LOCK_VIRTIO &&
			loop->ring.flags & IORING_SETUP_DEFER_TASKRUN;
	return ret;
}

/* Whoever enables a ring is the only one who may submit (SINGLE_ISSUER). */
int loop_start(struct loop *loop, struct err *e)
{
	int ret = TIMED(TIMING_RESTRICT, io_uring_enable_rings(&loop->ring));

	if (ret < 0)
		return err_set(e, ret, "cannot enable the io_uring");
	loop_arm_wake(loop);
	return 0;
}
