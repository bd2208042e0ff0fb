// SPDX-License-Identifier: Apache-2.0
/* vsock with as many connections as there may be, its pool, and opening it. */
#include "devices/virtio_vsock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/vsock_conn.h"
#include "monitor/config.h"
#include "monitor/err.h"
#include "tests/unit/vsockdrv.h"

#define HOST 52U
#define MANY 1000

/* Both ends of each are ours; the shell may allow fewer than the host does. */
static void allow_descriptors(void)
{
	struct rlimit r;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = r.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	if (r.rlim_cur < 2 * VSOCK_CONNS + 100)
		cr_skip_test("takes %u descriptors", 2 * VSOCK_CONNS + 100);
}

static void init(void)
{
	vsockdrv_init(VSOCK_CONNS);
	vsockdrv_start(128);
}

TestSuite(vsock_many, .init = init, .fini = vsockdrv_deinit);

static unsigned xorshift(unsigned *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

Test(vsock_many, a_thousand_connections_at_once)
{
	int listener = vsockdrv_listen(HOST, 4096);
	static int fd[MANY];
	static uint8_t buf[5000];
	struct vsock_hdr hdr;
	unsigned seed = 12345, open = 0;

	allow_descriptors();
	for (unsigned i = 0; i < MANY; i++)
		fd[i] = vsockdrv_open(listener, i, HOST);
	cr_expect_leq(vsockdrv_vsock.pool.reserved, VSOCK_BLOCKS);
	/* each says its number, and gets an answer */
	for (unsigned i = 0; i < MANY; i++)
		cr_assert_eq(write(fd[i], &i, sizeof(i)), sizeof(i));
	fake_sockets_event();
	for (unsigned n = 0; n < MANY; n++) {
		unsigned i;

		while (!vsockdrv_take(&hdr, buf))
			fake_loop_run();
		cr_assert_eq(hdr.op, VSOCK_OP_RW);
		memcpy(&i, buf, sizeof(i));
		cr_assert_eq(i, hdr.dst_port);
		vsockdrv_data(i, HOST, i, 10);
	}
	for (unsigned i = 0; i < MANY; i++) {
		cr_assert_eq(vsockdrv_read(fd[i], buf, sizeof(buf)), 10);
		cr_assert(vsockdrv_is(buf, i, 10));
	}
	/* one side or the other closes, in no order */
	for (unsigned i = 0; i < MANY; i++) {
		if (xorshift(&seed) & 1) {
			vsockdrv_send(i, HOST, VSOCK_OP_RST);
		} else {
			close(fd[i]);
			fd[i] = -1;
		}
	}
	fake_sockets_event();
	for (unsigned i = 0; i < 100000; i++) {
		if (vsockdrv_take(&hdr, NULL)) {
			cr_assert_eq(hdr.op, VSOCK_OP_SHUTDOWN);
			vsockdrv_send(hdr.dst_port, HOST, VSOCK_OP_RST);
		} else {
			break;
		}
		fake_loop_run();
	}
	for (unsigned i = 0; i < vsockdrv_vsock.used; i++)
		open += vsockdrv_vsock.conn[i].state != VSOCK_NONE &&
			vsockdrv_vsock.conn[i].state != VSOCK_ACCEPTING;
	cr_expect_eq(open, 0);
	cr_expect_eq(vsockdrv_vsock.pool.reserved, 0);
	for (unsigned i = 0; i < MANY; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	close(listener);
}

Test(vsock_many, windows_shrink_so_that_all_get_one)
{
	int listener = vsockdrv_listen(HOST, 4096);
	uint32_t first = 0, last = 0;
	struct vsock_hdr hdr;
	unsigned got = 0;

	allow_descriptors();
	for (unsigned i = 0; i < VSOCK_CONNS + 5; i++) {
		int fd;

		vsockdrv_send(i, HOST, VSOCK_OP_REQUEST);
		cr_assert(vsockdrv_take(&hdr, NULL));
		if (hdr.op != VSOCK_OP_RESPONSE)
			continue;
		last = hdr.buf_alloc;
		if (!got++)
			first = last;
		fd = accept(listener, NULL, NULL);
		cr_assert_geq(fd, 0); /* closed at the end of the process */
	}
	/* one is kept for a host's program that may connect */
	cr_expect_eq(got, VSOCK_CONNS - 1);
	cr_expect_eq(first, 256 << 10);
	cr_expect_eq(last, VSOCK_BLOCK);
	cr_expect_leq(vsockdrv_vsock.pool.reserved, VSOCK_BLOCKS);
	close(listener);
}

/* More programs connect than there is room for: the rest waits its turn. */
Test(vsock_many, accepts_again_when_a_connection_is_free)
{
	int fd[20];
	struct vsock_hdr hdr;
	unsigned called = 0;

	vsockdrv_vsock.conns = 8;
	for (unsigned i = 0; i < 20; i++) {
		fd[i] = vsockdrv_connect();
		cr_assert_eq(write(fd[i], "CONNECT 9\n", 10), 10);
	}
	fake_sockets_event();
	for (unsigned i = 0; i < 1000 && called < 20; i++) {
		if (!vsockdrv_take(&hdr, NULL)) {
			fake_sockets_event();
			continue;
		}
		cr_assert_eq(hdr.op, VSOCK_OP_REQUEST);
		called++;
		vsockdrv_send(9, hdr.src_port, VSOCK_OP_RST);
	}
	cr_expect_eq(called, 20);
	for (unsigned i = 0; i < 20; i++)
		close(fd[i]);
}

/* ---- the pool -------------------------------------------------------------
 */

Test(vsock_fifo, is_a_queue)
{
	static struct vsock_pool pool;
	static struct vsock_fifo fifo[3];
	static uint8_t buf[100000];
	size_t in[3] = { 0 }, out[3] = { 0 };
	unsigned seed = 99;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned k = xorshift(&seed) % 3;
		size_t len = xorshift(&seed) % 50000;
		struct iovec iov[4];
		unsigned iovs;

		if (xorshift(&seed) & 1) {
			if (fifo[k].len + len > 256 << 10)
				continue;
			vsockdrv_fill(buf, in[k] + k, len);
			vsock_fifo_put(&pool, &fifo[k], buf, len);
			in[k] += len;
			cr_assert_eq(fifo[k].len, in[k] - out[k]);
			continue;
		}
		iovs = vsock_fifo_peek(&pool, &fifo[k], (uint32_t)len, iov, 4);
		for (unsigned n = 0, at = 0; n < iovs; n++) {
			cr_assert(vsockdrv_is(iov[n].iov_base, out[k] + at + k,
					      iov[n].iov_len));
			at += (unsigned)iov[n].iov_len;
		}
		if (len > fifo[k].len)
			len = fifo[k].len;
		vsock_fifo_drop(&pool, &fifo[k], (uint32_t)len);
		out[k] += len;
	}
	cr_expect_leq(pool.fresh, 3 * vsock_pool_blocks(256 << 10));
	for (unsigned k = 0; k < 3; k++)
		vsock_fifo_drop(&pool, &fifo[k], fifo[k].len);
	/* all blocks are in the list of free ones, each once */
	for (unsigned n = pool.free, left = pool.fresh; left; left--) {
		cr_assert_neq(n, 0);
		n = pool.next[n - 1];
		if (left == 1)
			cr_expect_eq(n, 0);
	}
}

/* ---- opening --------------------------------------------------------------
 */

static char dir[] = "/tmp/mote-vsock-XXXXXX";

static void init_dir(void)
{
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
	fake_loop_on(0);
}

static void remove_dir(void)
{
	fake_loop_off();
	unlink("s");
	unlink("f");
	rmdir("sub");
	cr_expect_eq(chdir("/"), 0);
	rmdir(dir);
}

TestSuite(vsock_open, .init = init_dir, .fini = remove_dir);

static int open_at(const char *path, struct err *e)
{
	const struct config_vsock cfg = { path, 3 };

	e->msg[0] = '\0';
	vsockdrv_clear();
	return virtio_vsock_open(&vsockdrv_vsock, &cfg, loop_get(), e);
}

Test(vsock_open, takes_over_from_who_is_gone_and_from_nobody_else)
{
	struct err e;

	cr_assert_eq(open_at("s", &e), 0, "%s", e.msg);
	cr_expect_lt(open_at("s", &e), 0);
	cr_expect_not_null(strstr(e.msg, "somebody listens"), "%s", e.msg);
}

Test(vsock_open, replaces_a_stale_socket)
{
	struct err e;

	cr_assert_eq(open_at("s", &e), 0);
	close(vsockdrv_vsock.listener_fd);
	cr_expect_eq(open_at("s", &e), 0, "%s", e.msg);
}

Test(vsock_open, leaves_files_alone)
{
	struct err e;
	struct stat st;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	cr_expect_lt(open_at("f", &e), 0);
	cr_expect_not_null(strstr(e.msg, "not a socket"), "%s", e.msg);
	cr_expect_eq(stat("f", &st), 0);
}

Test(vsock_open, says_what_is_wrong_with_a_path)
{
	char longer[200];
	struct err e;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_lt(open_at(longer, &e), 0);
	cr_expect_not_null(strstr(e.msg, "at most 82"), "%s", e.msg);
	cr_expect_lt(open_at("no/where", &e), 0);
	cr_expect_not_null(strstr(e.msg, "directory no"), "%s", e.msg);
	cr_expect_lt(open_at("sub/", &e), 0);
	cr_expect_not_null(strstr(e.msg, "name is missing"), "%s", e.msg);
}

Test(vsock_open, enters_the_directory)
{
	char want[100], now[100];
	struct err e;

	cr_assert_eq(mkdir("sub", 0700), 0);
	cr_assert_eq(open_at("sub/s", &e), 0, "%s", e.msg);
	cr_assert_eq(virtio_vsock_enter(&vsockdrv_vsock, false, &e), 0);
	snprintf(want, sizeof(want), "%s/sub", dir);
	cr_expect_str_eq(getcwd(now, sizeof(now)), want);
	cr_expect_eq(unlink("s"), 0);
	cr_expect_eq(chdir(dir), 0);
}
