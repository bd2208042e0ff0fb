// SPDX-License-Identifier: Apache-2.0
/* An event loop without a kernel, for devices under test. */
#include "tests/unit/fake_loop.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "devices/disk.h"

struct fake_loop fake;

/* What --wrap makes of the names. */
int __real_loop_add_source(struct loop *loop, struct loop_source *source);
int __real_loop_add_file(struct loop *loop, int fd);
struct io_uring_sqe *__real_loop_sqe(struct loop *loop);
void __real_loop_ring(struct loop *loop, const struct loop_source *source);
void __real_loop_defer(struct loop *loop, struct loop_task *task);
void __real_loop_before_sleep(struct loop *loop, struct loop_task *task);
void __wrap_loop_before_sleep(struct loop *loop, struct loop_task *task);
bool __real_loop_borrow(struct loop *loop);
int __wrap_io_uring_submit(struct io_uring *ring);
int __real_io_uring_submit(struct io_uring *ring);
bool __wrap_loop_borrow(struct loop *loop);
void __real_loop_give_back(struct loop *loop);
void __wrap_loop_give_back(struct loop *loop);
bool __real_loop_is_borrowed(const struct loop *loop);
bool __wrap_loop_is_borrowed(const struct loop *loop);
long __real_disk_read_now(const struct disk *d, const struct iovec *iov,
			  unsigned iovs, uint64_t off);
long __wrap_disk_read_now(const struct disk *d, const struct iovec *iov,
			  unsigned iovs, uint64_t off);
long __real_disk_write_now(const struct disk *d, const struct iovec *iov,
			   unsigned iovs, uint64_t off);
long __wrap_disk_write_now(const struct disk *d, const struct iovec *iov,
			   unsigned iovs, uint64_t off);
int __real_nanosleep(const struct timespec *req, struct timespec *rem);
int __wrap_loop_add_source(struct loop *loop, struct loop_source *source);
int __wrap_loop_add_file(struct loop *loop, int fd);
int __real_loop_reserve_files(struct loop *loop, unsigned n);
int __wrap_loop_reserve_files(struct loop *loop, unsigned n);
unsigned __real_loop_reserved(const struct loop *loop);
unsigned __wrap_loop_reserved(const struct loop *loop);
struct io_uring_sqe *__wrap_loop_sqe(struct loop *loop);
void __wrap_loop_ring(struct loop *loop, const struct loop_source *source);
void __wrap_loop_defer(struct loop *loop, struct loop_task *task);
/* Return: whether there was somebody to ask before the sleep. */
static bool rest(void)
{
	struct loop_task *task = fake.resting;

	if (!task)
		return false;
	fake.resting = task->next;
	task->queued = false;
	task->run(task);
	return true;
}

static void run_tasks(void)
{
	struct loop_task *task;

	while ((task = fake.tasks)) {
		fake.tasks = task->next;
		if (!fake.tasks)
			fake.tasks_end = &fake.tasks;
		task->queued = false;
		task->run(task);
	}
}

int __wrap_io_uring_submit(struct io_uring *ring)
{
	if (fake.full && io_uring_cq_ready(ring) >= fake.full)
		return -EBUSY;
	return __real_io_uring_submit(ring);
}

bool __wrap_loop_borrow(struct loop *loop)
{
	if (!fake.on)
		return __real_loop_borrow(loop);
	fake.borrowed = fake.lends;
	return fake.lends;
}

void __wrap_loop_give_back(struct loop *loop)
{
	if (!fake.on) {
		__real_loop_give_back(loop);
		return;
	}
	do
		run_tasks();
	while (rest());
	fake.borrowed = false;
}

bool __wrap_loop_is_borrowed(const struct loop *loop)
{
	return fake.on ? fake.borrowed : __real_loop_is_borrowed(loop);
}

int __wrap_nanosleep(const struct timespec *req, struct timespec *rem);

int __wrap_loop_add_source(struct loop *loop, struct loop_source *source)
{
	if (!fake.on)
		return __real_loop_add_source(loop, source);
	if (fake.sources == LOOP_SOURCES_MAX)
		return -ENOSPC;
	source->id = fake.sources;
	fake.source[fake.sources++] = source;
	return 0;
}

int __wrap_loop_add_file(struct loop *loop, int fd)
{
	if (!fake.on)
		return __real_loop_add_file(loop, fd);
	if (fake.fds == LOOP_FILES_MAX)
		return -ENOSPC;
	fake.fd[fake.fds] = fd;
	return (int)fake.fds++;
}

int __wrap_loop_reserve_files(struct loop *loop, unsigned n)
{
	unsigned first = fake.reserved;

	if (!fake.on)
		return __real_loop_reserve_files(loop, n);
	fake.reserved += n;
	return (int)first;
}

unsigned __wrap_loop_reserved(const struct loop *loop)
{
	return fake.on ? fake.fds : __real_loop_reserved(loop);
}

struct io_uring_sqe *__wrap_loop_sqe(struct loop *loop)
{
	if (!fake.on)
		return __real_loop_sqe(loop);
	if (fake.borrowed)
		abort(); /* a vCPU thread cannot */
	if (fake.ops == FAKE_OPS_MAX)
		abort(); /* a device has more in flight than it may */
	fake.submitted++;
	memset(&fake.op[fake.ops], 0, sizeof(fake.op[0]));
	return &fake.op[fake.ops++];
}

void __wrap_loop_ring(struct loop *loop, const struct loop_source *source)
{
	if (!fake.on) {
		__real_loop_ring(loop, source);
		return;
	}
	fake.rings++;
	fake.rung |= 1ULL << source->id;
}

void __wrap_loop_defer(struct loop *loop, struct loop_task *task)
{
	if (!fake.on) {
		__real_loop_defer(loop, task);
		return;
	}
	if (fake.on_defer)
		fake.on_defer();
	if (task->queued)
		return;
	task->queued = true;
	task->next = NULL;
	*fake.tasks_end = task;
	fake.tasks_end = &task->next;
}

void __wrap_loop_before_sleep(struct loop *loop, struct loop_task *task)
{
	if (!fake.on) {
		__real_loop_before_sleep(loop, task);
		return;
	}
	if (task->queued)
		return;
	task->queued = true;
	task->next = fake.resting;
	fake.resting = task;
}

int __wrap_nanosleep(const struct timespec *req, struct timespec *rem)
{
	if (!fake.on)
		return __real_nanosleep(req, rem);
	/* Whoever sleeps waits for the I/O thread, which takes its time. */
	fake.hold = false;
	if (fake.on_nap)
		fake.on_nap();
	fake_loop_round();
	if (!fake.rung && !fake.tasks && !fake.ops)
		rest();
	return 0;
}

void fake_loop_on(size_t size)
{
	/* not one memset: the file's two megabytes are mostly untouched */
	memset(&fake, 0, offsetof(struct fake_loop, file.bytes));
	memset(fake.file.bytes, 0, size);
	memset(fake.file.stable, 0, size);
	memset(&fake.file.size, 0,
	       sizeof(fake.file) - offsetof(struct fake_file, size));
	fake.file.size = size;
	fake.tasks_end = &fake.tasks;
	fake.on = true;
}

void fake_loop_off(void)
{
	fake.on = false;
}

void fake_complete(unsigned i, int res)
{
	struct loop_op *op = (void *)(uintptr_t)fake.op[i].user_data;

	fake.ops--;
	memmove(&fake.op[i], &fake.op[i + 1],
		(fake.ops - i) * sizeof(fake.op[0]));
	op->done(op, res, 0);
}

/* Return: whether any operation was carried on with. */
static bool perform_batch(void)
{
	bool any = false;
	unsigned i = 0;

	for (unsigned n = fake.ops; n && !fake.hold; n--) {
		struct loop_op *op = (void *)(uintptr_t)fake.op[i].user_data;
		uint32_t flags = 0;
		int res;

		if (!fake.perform(&fake.op[i], &res, &flags)) {
			i++;
			continue;
		}
		any = true;
		if (flags & IORING_CQE_F_MORE) {
			i++;
		} else {
			fake.ops--;
			memmove(&fake.op[i], &fake.op[i + 1],
				(fake.ops - i) * sizeof(fake.op[0]));
		}
		if (op)
			op->done(op, res, flags);
	}
	return any;
}

static bool complete_batch(void)
{
	if (fake.perform)
		return perform_batch();
	/* Those that completions bring about belong to the next round. */
	for (unsigned n = fake.ops; n && !fake.hold; n--) {
		unsigned i = fake.newest_first ? n - 1 : 0;

		fake_complete(i, fake_execute(&fake.op[i]));
	}
	return fake.ops;
}

/* Return: whether there is more to do: not when the rest is held, or waits. */
static bool go_round(void)
{
	uint64_t rung = fake.rung;
	unsigned submitted;
	bool more;

	fake.rounds++;
	fake.rung = 0;
	for (unsigned i = 0; i < fake.sources; i++)
		if (rung & 1ULL << i)
			fake.source[i]->ring(fake.source[i]);
	more = complete_batch();
	submitted = fake.submitted;
	run_tasks();
	return !fake.hold && (more || fake.submitted != submitted);
}

void fake_loop_round(void)
{
	go_round();
}

void fake_loop_run(void)
{
	while (go_round() || fake.rung || fake.tasks || rest())
		;
}

/* ---- the file ------------------------------------------------------------ */

static void check_address(const uint8_t *p, size_t len)
{
	const struct fake_file *f = &fake.file;

	if (!f->mem)
		return;
	for (unsigned i = 0; i < f->mem->regions; i++) {
		const struct mem_region *r = &f->mem->region[i];

		if (p >= r->host && len <= r->len &&
		    (size_t)(p - r->host) <= r->len - len)
			return;
	}
	if (f->own && p >= f->own && len <= f->own_len &&
	    (size_t)(p - f->own) <= f->own_len - len)
		return;
	abort(); /* the device would touch memory that is not the guest's */
}

static bool misaligned(const struct iovec *iov, unsigned n, uint64_t off)
{
	const struct fake_file *f = &fake.file;

	if (!f->mem_align)
		return false;
	if (off % f->offset_align)
		return true;
	for (unsigned i = 0; i < n; i++)
		if ((uintptr_t)iov[i].iov_base % f->mem_align ||
		    iov[i].iov_len % f->offset_align)
			return true;
	return false;
}

static size_t move_piece(uint8_t *p, size_t len, uint64_t off, bool write,
			 bool dsync)
{
	struct fake_file *f = &fake.file;
	uint64_t end = write ? FAKE_FILE_MAX : f->size;

	if (off >= end)
		return 0;
	if (len > end - off)
		len = end - off;
	/* zeroes to write are the only bytes neither guest's nor bounced */
	if (!write || *p || len > 65536)
		check_address(p, len);
	if (!write) {
		memcpy(p, f->bytes + off, len);
		return len;
	}
	memcpy(f->bytes + off, p, len);
	if (dsync)
		memcpy(f->stable + off, p, len);
	if (off + len > f->size)
		f->size = off + len;
	return len;
}

static int move(const struct iovec *iov, unsigned n, uint64_t off, bool write,
		bool dsync)
{
	struct fake_file *f = &fake.file;
	size_t left = f->short_bytes ? f->short_bytes : SIZE_MAX, done = 0;

	if (write)
		f->writes++;
	else
		f->reads++;
	f->dsyncs += dsync;
	if (misaligned(iov, n, off))
		return -EINVAL;
	for (unsigned i = 0; i < n && left; i++) {
		size_t len = iov[i].iov_len < left ? iov[i].iov_len : left;
		size_t part = move_piece(iov[i].iov_base, len, off + done,
					 write, dsync);

		done += part;
		left -= part;
		if (part < len)
			break;
	}
	return write && !done ? -ENOSPC : (int)done;
}

static long move_now(const struct iovec *iov, unsigned n, uint64_t off,
		     bool write)
{
	if (!fake.borrowed)
		abort(); /* the I/O thread has its ring */
	if (fake.file.cold)
		return -EAGAIN;
	fake.file.moves_now++;
	return move(iov, n, off, write, false);
}

long __wrap_disk_read_now(const struct disk *d, const struct iovec *iov,
			  unsigned iovs, uint64_t off)
{
	return fake.on ? move_now(iov, iovs, off, false)
		       : __real_disk_read_now(d, iov, iovs, off);
}

long __wrap_disk_write_now(const struct disk *d, const struct iovec *iov,
			   unsigned iovs, uint64_t off)
{
	return fake.on ? move_now(iov, iovs, off, true)
		       : __real_disk_write_now(d, iov, iovs, off);
}

static int do_fallocate(const struct io_uring_sqe *sqe)
{
	struct fake_file *f = &fake.file;
	uint64_t off = sqe->off, len = sqe->addr;
	bool punch = sqe->len & FALLOC_FL_PUNCH_HOLE;

	if (!(sqe->len & FALLOC_FL_KEEP_SIZE) || !len)
		return -EINVAL;
	if (punch ? f->no_punch : f->no_zero_range)
		return -EOPNOTSUPP;
	if (punch)
		f->punches++;
	else
		f->zeroings++;
	if (off < f->size)
		memset(f->bytes + off, 0,
		       len < f->size - off ? len : f->size - off);
	return 0;
}

int fake_execute(const struct io_uring_sqe *sqe)
{
	struct fake_file *f = &fake.file;
	struct iovec one = { (void *)(uintptr_t)sqe->addr, sqe->len };
	const struct iovec *list = (void *)(uintptr_t)sqe->addr;
	bool dsync = sqe->rw_flags & RWF_DSYNC;

	if (sqe->opcode == IORING_OP_TIMEOUT)
		return -ETIME;
	if (f->fail_nth && !--f->fail_nth)
		return f->fail_res;
	switch (sqe->opcode) {
	case IORING_OP_READ:
		return move(&one, 1, sqe->off, false, false);
	case IORING_OP_WRITE:
		return move(&one, 1, sqe->off, true, dsync);
	case IORING_OP_READV:
		return move(list, sqe->len, sqe->off, false, false);
	case IORING_OP_WRITEV:
		return move(list, sqe->len, sqe->off, true, dsync);
	case IORING_OP_FSYNC:
		f->syncs++;
		memcpy(f->stable, f->bytes, f->size);
		return 0;
	case IORING_OP_FALLOCATE:
		return do_fallocate(sqe);
	default:
		abort();
	}
}
