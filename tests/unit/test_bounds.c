// SPDX-License-Identifier: Apache-2.0
/* Where sockets may lead: what the ring may make, what Landlock lets through.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp/landlock.h"
#include "seccomp/uring.h"

/* 0, or what the operation says */
static int make_socket(struct io_uring *ring, int family, int type)
{
	struct io_uring_cqe *cqe;
	unsigned head;
	int res = 1;

	io_uring_prep_socket(io_uring_get_sqe(ring), family, type, 0, 0);
	cr_assert_eq(io_uring_submit_and_wait(ring, 1), 1);
	io_uring_for_each_cqe(ring, head, cqe) res = cqe->res;
	io_uring_cq_advance(ring, 1);
	if (res < 0)
		return res;
	close(res);
	return 0;
}

Test(bounds, ring_makes_unix_stream_sockets_only)
{
	static const struct {
		int family, type, res;
	} rows[] = {
		{ AF_UNIX, SOCK_STREAM, 0 },
		{ AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0 },
		{ AF_UNIX, SOCK_DGRAM, -EACCES },
		{ AF_INET, SOCK_STREAM, -EACCES },
		{ AF_INET, SOCK_DGRAM, -EACCES },
		{ AF_INET6, SOCK_DGRAM, -EACCES },
		{ AF_NETLINK, SOCK_RAW, -EACCES },
	};
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	struct io_uring ring;

	cr_assert_eq(io_uring_queue_init_params(4, &ring, &p), 0);
	if (!uring_bind_sockets(ring.ring_fd))
		cr_skip_test("this kernel cannot (Linux 7.0)");
	cr_assert_eq(io_uring_enable_rings(&ring), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(make_socket(&ring, rows[i].family, rows[i].type),
			     rows[i].res, "row %zu", i);
	io_uring_queue_exit(&ring);
}

static void listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cr_assert_eq(listen(fd, 4), 0);
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ret, fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	ret = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	close(fd);
	return ret;
}

/* A child, since it cannot clean up. Return: what was wrong, 0: nothing */
static int inside(void)
{
	static const char *const dirs[] = { ".", NULL };
	int abi;

	if (chdir("in") || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 1;
	abi = landlock_enter(dirs);
	if (abi < 0)
		return 2;
	if (!abi)
		return 77;
	if (open("file", O_RDONLY) >= 0 || errno != EACCES)
		return 3;
	if (connect_to("s"))
		return 4;
	if (connect_to("../out/s") != (abi < LANDLOCK_SOCKETS ? 0 : -EACCES))
		return 5;
	return 0;
}

Test(bounds, landlock_leaves_one_directory_of_sockets)
{
	char dir[] = "/tmp/mote-bounds-XXXXXX";
	int status;
	pid_t child;

	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(mkdir("in", 0700) | mkdir("out", 0700), 0);
	listen_at("in/s");
	listen_at("out/s");
	close(open("in/file", O_CREAT | O_WRONLY, 0600));
	child = fork();
	if (!child)
		_exit(inside());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(unlink("in/s") | unlink("out/s") | unlink("in/file") |
			     rmdir("in") | rmdir("out") | rmdir(dir),
		     0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		cr_skip_test("no Landlock here");
	cr_expect_eq(status, 0, "status 0x%x", status);
}
