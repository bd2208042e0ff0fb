// SPDX-License-Identifier: Apache-2.0
/*
 * The part of liburing that is not inline, as far as the monitor needs it:
 * one ring without a polling thread, on a kernel that can restrict it (Linux
 * 5.10), which maps both of its parts at once. liburing's own serves every
 * kernel and every kind of ring, in 8 KB; names and contracts are its.
 */
#include <errno.h>
#include <liburing.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Return: the address, or NULL with errno set. */
static void *map(int fd, size_t len, off_t what)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, fd, what);

	return p == MAP_FAILED ? NULL : p;
}

static void set_sq(struct io_uring_sq *sq, const struct io_uring_params *p,
		   char *base)
{
	const struct io_sqring_offsets *at = &p->sq_off;

	sq->khead = (void *)(base + at->head);
	sq->ktail = (void *)(base + at->tail);
	sq->kflags = (void *)(base + at->flags);
	sq->array = (void *)(base + at->array);
	sq->ring_mask = p->sq_entries - 1;
	sq->ring_entries = p->sq_entries;
	/* entries are handed over in the order they were taken */
	for (unsigned i = 0; i < p->sq_entries; i++)
		sq->array[i] = i;
}

static void set_cq(struct io_uring_cq *cq, const struct io_uring_params *p,
		   char *base)
{
	const struct io_cqring_offsets *at = &p->cq_off;

	cq->khead = (void *)(base + at->head);
	cq->ktail = (void *)(base + at->tail);
	cq->cqes = (void *)(base + at->cqes);
	cq->ring_mask = p->cq_entries - 1;
	cq->ring_entries = p->cq_entries;
}

static int map_ring(struct io_uring *ring, const struct io_uring_params *p,
		    int fd)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(*ring->cq.cqes);
	size_t len = sq > cq ? sq : cq;
	char *base = map(fd, len, IORING_OFF_SQ_RING);

	if (!base)
		return -errno;
	ring->sq.sqes = map(fd, p->sq_entries * sizeof(*ring->sq.sqes),
			    IORING_OFF_SQES);
	if (!ring->sq.sqes)
		return -errno;
	ring->sq.ring_ptr = base;
	ring->sq.ring_sz = len;
	set_sq(&ring->sq, p, base);
	set_cq(&ring->cq, p, base);
	return 0;
}

/* After a failure nothing is undone: the process ends, and may call neither
 * munmap(2) nor close(2) any more. */
int io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
			       struct io_uring_params *p)
{
	int fd = (int)syscall(SYS_io_uring_setup, entries, p);

	if (fd < 0)
		return -errno;
	*ring = (struct io_uring){ .ring_fd = fd,
				   .flags = p->flags,
				   .features = p->features };
	return p->features & IORING_FEAT_SINGLE_MMAP ? map_ring(ring, p, fd)
						     : -EOPNOTSUPP;
}

void io_uring_queue_exit(struct io_uring *ring)
{
	munmap(ring->sq.sqes, ring->sq.ring_entries * sizeof(*ring->sq.sqes));
	munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
	close(ring->ring_fd);
}

/* Hand over what was prepared; enter the kernel if there is a reason to. */
static int submit(struct io_uring *ring, unsigned wait, bool events)
{
	struct io_uring_sq *sq = &ring->sq;
	unsigned n;
	long ret;

	/* The kernel reads the entries when it is entered, not before. */
	sq->sqe_head = sq->sqe_tail;
	*sq->ktail = sq->sqe_tail;
	n = sq->sqe_tail - *sq->khead;
	events |= wait || IO_URING_READ_ONCE(*sq->kflags) &
				  (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
	if (!n && !events)
		return 0;
	ret = syscall(SYS_io_uring_enter, ring->ring_fd, n, wait,
		      events ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
	return ret < 0 ? -errno : (int)ret;
}

int io_uring_submit(struct io_uring *ring)
{
	return submit(ring, 0, false);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
	return submit(ring, wait_nr, false);
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
	return submit(ring, 0, true);
}

static int call_register(const struct io_uring *ring, unsigned what,
			 const void *arg, unsigned n)
{
	long ret = syscall(SYS_io_uring_register, ring->ring_fd, what, arg, n);

	return ret < 0 ? -errno : (int)ret;
}

int io_uring_register_files(struct io_uring *ring, const int *files,
			    unsigned nr_files)
{
	return call_register(ring, IORING_REGISTER_FILES, files, nr_files);
}

int io_uring_unregister_files(struct io_uring *ring)
{
	return call_register(ring, IORING_UNREGISTER_FILES, NULL, 0);
}

int io_uring_enable_rings(struct io_uring *ring)
{
	return call_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}
