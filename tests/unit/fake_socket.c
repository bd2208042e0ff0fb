// SPDX-License-Identifier: Apache-2.0
/* Socket operations for the fake loop. */
#include "tests/unit/fake_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define OPCODE_CANCELED IORING_OP_NOP

struct fake_sockets fake_sockets;

static int fd_of(int slot)
{
	if (slot < 0 || slot >= FAKE_SLOTS)
		abort();
	return (unsigned)slot < fake.fds && fake_sockets.fd[slot] < 0
		       ? fake.fd[slot]
		       : fake_sockets.fd[slot];
}

static int fill_slot(const struct io_uring_sqe *sqe, int fd)
{
	unsigned slot = sqe->file_index - 1;

	if (fd < 0)
		return -errno;
	if (slot >= FAKE_SLOTS)
		abort();
	if (fake_sockets.fd[slot] >= 0)
		close(fake_sockets.fd[slot]);
	fake_sockets.fd[slot] = fd;
	fake_sockets.fired[slot] = 0;
	return 0;
}

static bool do_poll(const struct io_uring_sqe *sqe, int *res, uint32_t *flags)
{
	struct pollfd p = { .fd = fd_of(sqe->fd),
			    .events = (short)sqe->poll32_events };
	bool multishot = sqe->len & IORING_POLL_ADD_MULTI;

	if (multishot && fake_sockets.fired[sqe->fd] == fake_sockets.generation)
		return false;
	if (poll(&p, 1, 0) != 1)
		return false;
	fake_sockets.fired[sqe->fd] = fake_sockets.generation;
	*flags = multishot ? IORING_CQE_F_MORE : 0;
	*res = p.revents;
	return true;
}

/* As much of @from as short_bytes allows; messages are never cut. */
static void shorten(int fd, struct msghdr *msg, struct iovec *iov,
		    const struct msghdr *from)
{
	size_t left = fake_sockets.short_bytes;
	int type = 0;
	socklen_t size = sizeof(type);

	*msg = *from;
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	if (!left || type == SOCK_SEQPACKET)
		return;
	msg->msg_iov = iov;
	msg->msg_iovlen = 0;
	for (size_t i = 0; left && i < from->msg_iovlen; i++) {
		struct iovec *to = &iov[msg->msg_iovlen++];

		*to = from->msg_iov[i];
		if (to->iov_len > left)
			to->iov_len = left;
		left -= to->iov_len;
	}
}

static bool do_message(const struct io_uring_sqe *sqe, int *res,
		       uint32_t *flags_out)
{
	static struct iovec iov[1024];
	bool send = sqe->opcode == IORING_OP_SEND ||
		    sqe->opcode == IORING_OP_SENDMSG;
	struct iovec one = { (void *)(uintptr_t)sqe->addr, sqe->len };
	struct msghdr single = { .msg_iov = &one, .msg_iovlen = 1 };
	bool plain =
		sqe->opcode == IORING_OP_SEND || sqe->opcode == IORING_OP_RECV;
	int fd = fd_of(sqe->fd), flags = (int)sqe->msg_flags | MSG_DONTWAIT;
	struct msghdr msg;
	ssize_t len;
	int left;

	shorten(fd, &msg, iov, plain ? &single : (void *)(uintptr_t)sqe->addr);
	len = send ? sendmsg(fd, &msg, flags | MSG_NOSIGNAL)
		   : recvmsg(fd, &msg, flags);
	if (len < 0 && errno == EAGAIN && !(sqe->msg_flags & MSG_DONTWAIT))
		return false;
	*res = len < 0 ? -errno : (int)len;
	if (!send && len >= 0 && !ioctl(fd, FIONREAD, &left) && left)
		*flags_out = IORING_CQE_F_SOCK_NONEMPTY;
	return true;
}

/* On a non-blocking file; io_uring waits all the same. */
static bool do_read(const struct io_uring_sqe *sqe, int *res)
{
	ssize_t len = readv(fd_of(sqe->fd), (void *)(uintptr_t)sqe->addr,
			    (int)sqe->len);

	*res = len < 0 ? -errno : (int)len;
	return *res != -EAGAIN;
}

static bool do_accept(const struct io_uring_sqe *sqe, int *res)
{
	struct pollfd p = { .fd = fd_of(sqe->fd), .events = POLLIN };

	if (poll(&p, 1, 0) != 1)
		return false;
	*res = fill_slot(sqe, accept4(p.fd, NULL, NULL, SOCK_CLOEXEC));
	return true;
}

static int do_connect(const struct io_uring_sqe *sqe)
{
	int fd = fd_of(sqe->fd);

	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return connect(fd, (void *)(uintptr_t)sqe->addr, (socklen_t)sqe->off) <
			       0
		       ? -errno
		       : 0;
}

static bool matches(const struct io_uring_sqe *op,
		    const struct io_uring_sqe *cancel)
{
	if (op == cancel || op->opcode == OPCODE_CANCELED)
		return false;
	if (cancel->cancel_flags & IORING_ASYNC_CANCEL_FD)
		return op->fd == cancel->fd &&
		       op->opcode != IORING_OP_TIMEOUT &&
		       op->opcode != IORING_OP_ASYNC_CANCEL;
	return op->user_data == cancel->addr;
}

/* Those submitted before it; they complete when their turn comes. */
static int do_cancel(const struct io_uring_sqe *sqe)
{
	int found = 0;

	for (struct io_uring_sqe *op = fake.op; op != sqe; op++) {
		if (!matches(op, sqe))
			continue;
		op->opcode = OPCODE_CANCELED;
		found++;
	}
	return found ? found : -ENOENT;
}

/* Before Linux 6.3 a worker shuts sockets, unless a cancellation that was
 * submitted at once with it, but behind it, comes first. */
static int do_shutdown(const struct io_uring_sqe *sqe)
{
	for (const struct io_uring_sqe *op = sqe + 1; op < fake.op + fake.ops;
	     op++)
		if (op->opcode == IORING_OP_ASYNC_CANCEL && matches(sqe, op))
			return -ECANCELED;
	return shutdown(fd_of(sqe->fd), (int)sqe->len) ? -errno : 0;
}

static bool perform(const struct io_uring_sqe *sqe, int *res, uint32_t *flags)
{
	if (fake_sockets.fail_op && fake_sockets.fail_op == sqe->opcode) {
		*res = fake_sockets.fail_res;
		return true;
	}
	switch (sqe->opcode) {
	case OPCODE_CANCELED:
		*res = -ECANCELED;
		return true;
	case IORING_OP_POLL_ADD:
		return do_poll(sqe, res, flags);
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_RECV:
	case IORING_OP_RECVMSG:
		return do_message(sqe, res, flags);
	case IORING_OP_READV:
		return do_read(sqe, res);
	case IORING_OP_ACCEPT:
		return do_accept(sqe, res);
	case IORING_OP_SOCKET:
		*res = fill_slot(sqe, socket(sqe->fd, (int)sqe->off, 0));
		return true;
	case IORING_OP_CONNECT:
		*res = do_connect(sqe);
		return true;
	case IORING_OP_SHUTDOWN:
		*res = do_shutdown(sqe);
		return true;
	case IORING_OP_TIMEOUT:
		*res = -ETIME;
		return fake_sockets.time_out;
	case IORING_OP_ASYNC_CANCEL:
		*res = do_cancel(sqe);
		return true;
	default:
		abort();
	}
}

void fake_sockets_on(void)
{
	memset(&fake_sockets, 0, sizeof(fake_sockets));
	for (unsigned i = 0; i < FAKE_SLOTS; i++)
		fake_sockets.fd[i] = -1;
	fake_sockets.generation = 1;
	fake.perform = perform;
}

void fake_sockets_off(void)
{
	for (unsigned i = 0; i < FAKE_SLOTS; i++)
		if (fake_sockets.fd[i] >= 0)
			close(fake_sockets.fd[i]);
}

void fake_sockets_event(void)
{
	fake_sockets.generation++;
	fake_loop_run();
}
