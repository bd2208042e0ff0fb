// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a monitor that is as broken as can be: a guest that writes a number
 * to a port has the monitor itself make a forbidden call. For tests only;
 * linked around platform_add_ports() (ld --wrap), so that nothing of it is in
 * the real monitor's source.
 *
 *	N		forbidden[N] on the vCPU's thread
 *	1000 + N	forbidden[N] on the I/O thread
 *	2000 + N	operations[N] through the io_uring
 *
 * A call that comes back, whatever it says, ends the run with status
 * ATTACK_CAME_BACK; an io_uring operation that is refused as it should be,
 * with ATTACK_REFUSED; a number that names no attack, with ATTACK_NONE.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/platform.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/stop.h"
#include "tests/attack/attempts.h"

#define ATTACK_PORT 0x5a50

enum { ATTACK_REFUSED = 10, ATTACK_CAME_BACK = 77, ATTACK_NONE = 99 };

int __real_platform_add_ports(struct bus *pio, bool kernel_irqchip);
int __wrap_platform_add_ports(struct bus *pio, bool kernel_irqchip);

extern int lock_without;

static _Atomic uint32_t number;
static long parent;

/* ---- system calls
 * ------------------------------------------------------------ */

static void make_call(const struct attempt *a)
{
	long args[6], ret;

	for (unsigned i = 0; i < 6; i++)
		args[i] = a->args[i];
	if (a->nr == SYS_kill)
		args[0] = parent;
	ret = syscall(a->nr, args[0], args[1], args[2], args[3], args[4],
		      args[5]);
	log_err("attack", "%s came back with %ld", a->what, ret);
	stop_now(ATTACK_CAME_BACK);
}

/* ---- io_uring operations
 * ------------------------------------------------------ */

static struct sockaddr address;
static struct open_how how;
static char buffer[64];

static void prep_open(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
}

static void prep_open2(struct io_uring_sqe *sqe)
{
	io_uring_prep_openat2(sqe, AT_FDCWD, "/etc/passwd", &how);
}

static void prep_socket(struct io_uring_sqe *sqe)
{
	io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0);
}

static void prep_connect(struct io_uring_sqe *sqe)
{
	io_uring_prep_connect(sqe, 0, &address, sizeof(address));
}

static void prep_accept(struct io_uring_sqe *sqe)
{
	io_uring_prep_accept(sqe, 0, NULL, NULL, 0);
}

static void prep_send(struct io_uring_sqe *sqe)
{
	io_uring_prep_send(sqe, 0, buffer, 1, 0);
}

static void prep_close(struct io_uring_sqe *sqe)
{
	io_uring_prep_close(sqe, 0);
}

static void prep_unlink(struct io_uring_sqe *sqe)
{
	io_uring_prep_unlinkat(sqe, AT_FDCWD, "/nothing", 0);
}

static void prep_files_update(struct io_uring_sqe *sqe)
{
	static int fd = 2;

	io_uring_prep_files_update(sqe, &fd, 1, 0);
}

static void prep_msg_ring(struct io_uring_sqe *sqe)
{
	io_uring_prep_msg_ring(sqe, 0, 0, 0, 0);
}

static void prep_madvise(struct io_uring_sqe *sqe)
{
	io_uring_prep_madvise(sqe, buffer, 0, 0);
}

static void prep_splice(struct io_uring_sqe *sqe)
{
	io_uring_prep_splice(sqe, 0, -1, 1, -1, 1, 0);
}

static void prep_epoll(struct io_uring_sqe *sqe)
{
	io_uring_prep_epoll_ctl(sqe, 0, 0, 0, NULL);
}

static void prep_uring_cmd(struct io_uring_sqe *sqe)
{
	io_uring_prep_nop(sqe);
	sqe->opcode = IORING_OP_URING_CMD;
}

/* Allowed operations, on a descriptor that was not registered. */
static void prep_read_descriptor(struct io_uring_sqe *sqe)
{
	io_uring_prep_read(sqe, 3, buffer, 1, 0);
}

static void prep_write_descriptor(struct io_uring_sqe *sqe)
{
	io_uring_prep_write(sqe, 2, buffer, 0, 0);
}

/* An allowed operation with a flag that is not. */
static void prep_async(struct io_uring_sqe *sqe)
{
	io_uring_prep_read(sqe, 0, buffer, 0, 0);
	sqe->flags |= IOSQE_ASYNC;
}

static const struct {
	void (*prep)(struct io_uring_sqe *sqe);
	bool plain; /* without IOSQE_FIXED_FILE */
} operations[] = {
	{ prep_open, false },		{ prep_open2, false },
	{ prep_socket, false },		{ prep_connect, false },
	{ prep_accept, false },		{ prep_send, false },
	{ prep_close, false },		{ prep_unlink, false },
	{ prep_files_update, false },	{ prep_msg_ring, false },
	{ prep_madvise, false },	{ prep_splice, false },
	{ prep_epoll, false },		{ prep_uring_cmd, false },
	{ prep_async, false },		{ prep_open, true },
	{ prep_socket, true },		{ prep_connect, true },
	{ prep_close, true },		{ prep_files_update, true },
	{ prep_read_descriptor, true }, { prep_write_descriptor, true },
};

static void operation_done(struct loop_op *op, int res, uint32_t flags)
{
	(void)op;
	(void)flags;
	if (res == -EACCES) {
		stop_now(ATTACK_REFUSED);
		return;
	}
	log_err("attack", "the ring answers %d", res);
	stop_now(ATTACK_CAME_BACK);
}

static void submit(unsigned n)
{
	static struct loop_op op = { .done = operation_done };
	struct io_uring_sqe *sqe = loop_sqe(loop_get());

	operations[n].prep(sqe);
	if (!operations[n].plain)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, &op); /* loop_set_op() would help */
}

/* ---- the port
 * ------------------------------------------------------------------ */

#define COUNT(array_) (sizeof(array_) / sizeof((array_)[0]))

static void on_io_thread(struct loop_source *source)
{
	uint32_t n = number;

	(void)source;
	if (n >= 2000 && n - 2000 < COUNT(operations))
		submit(n - 2000);
	else if (n >= 1000 && n - 1000 < COUNT(forbidden))
		make_call(&forbidden[n - 1000]);
	else
		stop_now(ATTACK_NONE);
}

static struct loop_source io_source = { .ring = on_io_thread };

static void port_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)off;
	(void)size;
	if (val < COUNT(forbidden)) {
		make_call(&forbidden[val]);
		return;
	}
	number = (uint32_t)val;
	loop_ring(loop_get(), &io_source);
}

static uint64_t port_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0;
}

static const struct bus_ops attack_ops = { "attack", 4, 4, port_read,
					   port_write };

/* Before main(): the terminal's guard is forked early. */
__attribute__((constructor)) static void choose_row(void)
{
	const char *row = getenv("MOTE_TEST_WITHOUT_ROW");

	if (row)
		lock_without = atoi(row);
}

int __wrap_platform_add_ports(struct bus *pio, bool kernel_irqchip)
{
	int ret = __real_platform_add_ports(pio, kernel_irqchip);

	parent = getppid();
	if (!ret)
		ret = loop_add_source(loop_get(), &io_source);
	return ret ? ret : bus_add(pio, ATTACK_PORT, 4, &attack_ops, NULL);
}
