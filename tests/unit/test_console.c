// SPDX-License-Identifier: Apache-2.0
/* The console between a port and a pipe, a file, a terminal or nothing. */
#include "monitor/console.h"
#include "monitor/outputs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/loop.h"
#include "monitor/stop.h"
#include "tests/unit/capture.h"

/* ---- a port, and the monitor's threads around it
 * ----------------------------- */

static struct {
	struct console_port port; /* first */
	_Atomic size_t room;
	char input[4096];
	_Atomic size_t len;
	sem_t got_input, writable;
} guest;

static size_t room(struct console_port *port)
{
	cr_assert(port == &guest.port);
	return guest.room;
}

static void input(struct console_port *port, const uint8_t *buf, size_t len)
{
	cr_assert(port == &guest.port);
	cr_expect(len && len <= guest.room, "%zu bytes for %zu", len,
		  (size_t)guest.room);
	memcpy(guest.input + guest.len, buf, len);
	guest.room -= len;
	guest.len += len;
	sem_post(&guest.got_input);
}

static void writable(struct console_port *port)
{
	cr_assert(port == &guest.port);
	sem_post(&guest.writable);
}

static struct config cfg;
static struct err err;
static pthread_t io;

static void *io_thread(void *arg)
{
	(void)arg;
	cr_assert(loop_bind(loop_get(), 0, &err) == 0 &&
			  loop_start(loop_get(), &err) == 0,
		  "%s", err.msg);
	console_start();
	cr_assert(loop_run(loop_get(), &err) == 0, "%s", err.msg);
	return NULL;
}

static void open_console(void)
{
	guest.port = (struct console_port){ room, input, writable };
	guest.room = 1000;
	sem_init(&guest.got_input, 0, 0);
	sem_init(&guest.writable, 0, 0);
	signal(SIGPIPE, SIG_IGN); /* as ending_init() does */
	stop_init(loop_get());
	cr_assert(loop_open(loop_get(), &err) == 0, "%s", err.msg);
	cr_assert(console_open(&cfg, loop_get(), &guest.port, &err) == 0, "%s",
		  err.msg);
}

static void start(void)
{
	open_console();
	cr_assert(!pthread_create(&io, NULL, io_thread, NULL));
}

static void finish(void)
{
	stop_now(0);
	pthread_join(io, NULL);
}

/* Stdin and stdout of this process, for the console to find. */
static void become(int in, int out)
{
	cr_assert(dup2(in, STDIN_FILENO) == STDIN_FILENO);
	cr_assert(dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
	close(in);
	close(out);
}

/* A pipe as stdout, as small as it gets; its other end. */
static int pipe_out(int flags)
{
	int fds[2];

	cr_assert(pipe2(fds, O_CLOEXEC) == 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	if (flags)
		cr_assert(fcntl(fds[1], F_SETFL, flags) == 0);
	become(open("/dev/null", O_RDONLY), fds[1]);
	return fds[0];
}

/* A pipe as stdin; its other end. Output goes nowhere. */
static int pipe_in(int flags)
{
	int fds[2];

	cr_assert(pipe2(fds, O_CLOEXEC) == 0);
	if (flags)
		cr_assert(fcntl(fds[0], F_SETFL, flags) == 0);
	become(fds[0], open("/dev/null", O_WRONLY));
	return fds[1];
}

/* As the port does, but for its lock. */
static bool put_byte(uint8_t byte)
{
	bool taken = console_put(byte);

	console_ring();
	return taken;
}

static void put(const char *text)
{
	for (; *text; text++)
		cr_assert(put_byte((uint8_t)*text));
}

/* What the n-th byte of a long output is: no period that divides a buffer. */
static uint8_t pattern(size_t n)
{
	return (uint8_t)(n % 251);
}

TestSuite(console, .timeout = 300);

/* ---- output
 * -------------------------------------------------------------------- */

/* Stdout that keeps each write apart; its other end. */
static int packets_out(void)
{
	int fds[2];

	cr_assert(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	become(open("/dev/null", O_RDONLY), fds[1]);
	return fds[0];
}

Test(console, first_byte_after_a_pause_goes_out_alone)
{
	int fd = packets_out();
	char buf[16];

	start();
	put("$");
	cr_expect(recv(fd, buf, sizeof(buf), 0) == 1 && buf[0] == '$');
	put(" ");
	cr_expect(recv(fd, buf, sizeof(buf), 0) == 1, "without a new line");
	finish();
}

Test(console, lines_share_their_writes)
{
	static char text[65536], got[65536];
	int fd = packets_out();
	size_t len = 0, writes = 0;

	for (int i = 0; i < 300; i++)
		len += (size_t)sprintf(text + len, "line %03d of a boot\n", i);
	start();
	put(text);
	finish();
	shutdown(fd, SHUT_WR);
	close(STDOUT_FILENO);
	for (size_t n = 0; n < len; writes++) {
		ssize_t part = recv(fd, got + n, sizeof(got) - n, 0);

		cr_assert(part > 0);
		n += (size_t)part;
	}
	cr_expect_str_eq(got, text);
	cr_expect(writes * 4 < len, "%zu writes for %zu bytes", writes, len);
}

#define LONG_OUTPUT 700000

/* A guest that waits for room, as a driver does that obeys THRE. */
static void *produce(void *arg)
{
	for (size_t n = 0; n < LONG_OUTPUT; n++) {
		while (!console_has_room())
			sem_wait(&guest.writable);
		cr_assert(put_byte(pattern(n)));
	}
	finish();
	return arg;
}

/* Reads all there is, in uneven pieces. */
static void expect_long_output(int fd)
{
	static uint8_t buf[8192];
	size_t n = 0, step = 1;
	pthread_t producer;
	ssize_t part;

	start();
	cr_assert(!pthread_create(&producer, NULL, produce, NULL));
	while (n < LONG_OUTPUT) {
		part = read(fd, buf, step);
		cr_assert(part > 0, "the end after %zu bytes", n);
		for (ssize_t i = 0; i < part; i++, n++)
			cr_assert(buf[i] == pattern(n), "byte %zu", n);
		step = step * 3 % sizeof(buf) + 1;
	}
	pthread_join(producer, NULL);
	cr_expect(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 0) == 0,
		  "more than was put");
}

Test(console, slow_reader_loses_nothing)
{
	expect_long_output(pipe_out(0));
}

Test(console, slow_reader_of_a_non_blocking_pipe_neither)
{
	expect_long_output(pipe_out(O_NONBLOCK));
}

/* A 16550 driver sends a FIFO's worth for each time it sees THRE. */
Test(console, takes_a_burst_whenever_it_has_room)
{
	size_t n = 0;

	pipe_out(0);
	start();
	while (console_has_room()) {
		for (unsigned i = 0; i < CONSOLE_BURST; i++)
			cr_assert(put_byte('x'), "byte %u of burst", i);
		cr_assert((n += CONSOLE_BURST) < 1000000, "no end of room");
		/* bursts that begin anywhere */
		if (console_has_room())
			put_byte('y');
	}
	cr_expect(n >= 16384);
	finish();
}

Test(console, says_when_it_is_full_and_when_not)
{
	int fd = pipe_out(0);
	char buf[4096];
	size_t n = 0;

	start();
	while (put_byte('x'))
		cr_assert(++n < 1000000, "no end of room");
	cr_expect(!console_has_room());
	cr_expect(n >= 65536);
	while (!console_has_room()) {
		cr_assert(read(fd, buf, sizeof(buf)) > 0);
		sem_wait(&guest.writable);
	}
	cr_expect(put_byte('y'));
	stop_now(0);
	for (size_t left = n + 1 - sizeof(buf); left;) {
		ssize_t part = read(fd, buf, sizeof(buf));

		cr_assert(part > 0);
		left -= (size_t)part < left ? (size_t)part : left;
	}
	pthread_join(io, NULL);
}

Test(console, stop_waits_for_output_without_a_new_line)
{
	static uint8_t buf[60000];
	int fd = pipe_out(0);
	size_t n = 0;

	start();
	for (size_t i = 0; i < sizeof(buf); i++)
		cr_assert(put_byte(pattern(i)));
	stop_now(0);
	while (n < sizeof(buf)) {
		ssize_t part = read(fd, buf + n, sizeof(buf) - n);

		cr_assert(part > 0);
		n += (size_t)part;
	}
	for (size_t i = 0; i < sizeof(buf); i++)
		cr_assert(buf[i] == pattern(i), "byte %zu", i);
	pthread_join(io, NULL);
}

Test(console, stop_does_not_wait_for_a_reader_that_never_reads)
{
	int fd = pipe_out(0);

	start();
	for (int i = 0; i < 20000; i++)
		cr_assert(put_byte('x'));
	/* not even when the log goes to the same reader */
	cr_assert(dup2(STDOUT_FILENO, STDERR_FILENO) >= 0);
	finish();
	close(fd);
}

/* As a slow reader does. The stop's two seconds of patience end rightly where
 * the host keeps us from reading for so long. */
static void pause_for(long ms)
{
	static long late_ms;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	late_ms += (to.tv_sec - from.tv_sec) * 1000 +
		   (to.tv_nsec - from.tv_nsec) / 1000000 - ms;
	if (late_ms > 900)
		cr_skip("the host stopped us meanwhile");
}

Test(console, stop_waits_for_a_reader_as_long_as_it_reads)
{
	static uint8_t buf[4096];
	int fd = pipe_out(0);
	size_t n = 0;

	start();
	for (size_t i = 0; i < 40000; i++)
		cr_assert(put_byte(pattern(i)));
	stop_now(0);
	/* takes longer than the stop waits for one that does nothing */
	while (n < 40000) {
		ssize_t part;

		pause_for(240);
		part = read(fd, buf, sizeof(buf));
		cr_assert(part > 0);
		for (ssize_t i = 0; i < part; i++, n++)
			cr_assert(buf[i] == pattern(n), "byte %zu", n);
	}
	pthread_join(io, NULL);
}

/* 4 KB/s: a pipe of 4 KiB has room again every second. */
Test(console, stop_waits_for_a_reader_of_a_few_kilobytes_a_second)
{
	int fd = pipe_out(0);
	char buf[500];
	size_t n = 0;

	start();
	for (size_t i = 0; i < 10000; i++)
		cr_assert(put_byte(pattern(i)));
	stop_now(0);
	while (n < 10000) {
		ssize_t part;

		pause_for(120);
		cr_assert(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 30000) ==
				  1,
			  "%zu bytes", n);
		part = read(fd, buf, sizeof(buf));
		for (ssize_t i = 0; i < part; i++, n++)
			cr_assert((uint8_t)buf[i] == pattern(n), "byte %zu", n);
	}
	pthread_join(io, NULL);
}

Test(console, reader_that_is_gone_is_said_once)
{
	int fd = capture_open();
	const char *text;

	close(pipe_out(0));
	cr_assert(dup2(fd, STDERR_FILENO) >= 0);
	start();
	for (size_t n = 0; n < 300000; n++) {
		while (!console_has_room())
			sem_wait(&guest.writable);
		cr_assert(put_byte(n % 50 ? 'x' : '\n'));
	}
	finish();
	text = capture_close(fd);
	cr_expect(strstr(text, "output is lost"), "%s", text);
	cr_expect(strchr(text, '\n') == strrchr(text, '\n'), "%s", text);
}

Test(console, file_without_room_keeps_what_it_has)
{
	const struct rlimit limit = { 5, 5 };
	char name[] = "/tmp/mote-test-console-XXXXXX", got[99] = { 0 };
	int said[2], fd = mkstemp(name);

	cr_assert(fd >= 0 && !unlink(name) && !pipe(said));
	become(open("/dev/null", O_RDONLY), dup(fd));
	cr_assert(dup2(said[1], STDERR_FILENO) >= 0);
	signal(SIGXFSZ, SIG_IGN); /* as ending_init() does */
	open_console();
	put("12345678\n");
	cr_assert(!setrlimit(RLIMIT_FSIZE, &limit));
	cr_assert(!pthread_create(&io, NULL, io_thread, NULL));
	put("abc\n");
	finish();
	cr_expect_eq(pread(fd, got, sizeof(got), 0), 5);
	cr_expect(!memcmp(got, "12345", 5), "%.5s", got);
	cr_assert(write(said[1], ".", 1) == 1);
	cr_expect(read(said[0], got, sizeof(got) - 1) > 1);
	cr_expect(strstr(got, "output is lost"), "%s", got);
	close(fd);
}

static const char *path(void)
{
	static char name[] = "/tmp/mote-console-XXXXXX";
	static bool made;
	int fd = made ? -1 : mkstemp(name);

	cr_assert(made || fd >= 0);
	if (!made) {
		close(fd);
		unlink(name);
	}
	made = true;
	return name;
}

Test(console, file_holds_the_output_and_nothing_older)
{
	struct output out = { .option = "--console" };
	char buf[64] = { 0 };
	struct err e;
	int fd = open(path(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	cr_assert(fd >= 0 && write(fd, "something longer", 16) == 16);
	cfg.console = CONSOLE_FILE;
	cfg.console_path = path();
	start();
	out.fd = console_file();
	cr_expect(outputs_empty(&out, 1, NULL, 0, false, &e) == 0);
	put("one\ntwo");
	finish();
	cr_expect(pread(fd, buf, sizeof(buf), 0) == 7);
	cr_expect_str_eq(buf, "one\ntwo");
	unlink(path());
}

Test(console, file_that_cannot_be_opened_is_named)
{
	cfg.console = CONSOLE_FILE;
	cfg.console_path = "/nonexistent/log";
	cr_expect(console_open(&cfg, loop_get(), &guest.port, &err) == -ENOENT);
	cr_expect(strstr(err.msg, "/nonexistent/log"), "%s", err.msg);
	cr_expect(err.status == EXIT_MISUSE);
}

Test(console, fifo_without_a_reader_is_an_error)
{
	cr_assert(mkfifo(path(), 0600) == 0);
	cfg.console = CONSOLE_FILE;
	cfg.console_path = path();
	cr_expect(console_open(&cfg, loop_get(), &guest.port, &err) == -ENXIO);
	unlink(path());
}

Test(console, fifo_with_a_reader_is_a_console)
{
	char buf[16];
	int fd;

	cr_assert(mkfifo(path(), 0600) == 0);
	fd = open(path(), O_RDONLY | O_NONBLOCK);
	cr_assert(fd >= 0);
	cfg.console = CONSOLE_FILE;
	cfg.console_path = path();
	start();
	put("hello\n");
	finish();
	cr_expect(read(fd, buf, sizeof(buf)) == 6);
	unlink(path());
}

Test(console, none_takes_everything_and_says_nothing)
{
	int fd = packets_out();
	char c;

	cfg.console = CONSOLE_NONE;
	start();
	for (size_t n = 0; n < 200000; n++)
		cr_assert(console_has_room() && put_byte('\n'));
	finish();
	cr_expect(recv(fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
	cr_expect(guest.len == 0);
}

/* ---- input
 * ----------------------------------------------------------------------- */

static void await_input(size_t len)
{
	while (guest.len < len)
		sem_wait(&guest.got_input);
	cr_expect(guest.len == len);
}

static void type(int fd, const char *text)
{
	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void expect_typed(int flags)
{
	int fd = pipe_in(flags);

	start();
	type(fd, "first ");
	await_input(6);
	type(fd, "second \x1d");
	await_input(14);
	cr_expect(!memcmp(guest.input, "first second \x1d", 14));
	cr_expect(stop_status() < 0, "Ctrl-] means nothing in a pipe");
	close(fd);
	finish();
}

Test(console, pipe_brings_input)
{
	expect_typed(0);
}

Test(console, non_blocking_pipe_too)
{
	expect_typed(O_NONBLOCK);
}

Test(console, input_waits_for_room)
{
	char text[301];
	int fd = pipe_in(0);

	memset(text, 'i', 300);
	text[0] = 'a';
	text[100] = 'b';
	text[300] = 0;
	type(fd, text);
	open_console();
	guest.room = 100;
	cr_assert(!pthread_create(&io, NULL, io_thread, NULL));
	await_input(100);
	guest.room = 50;
	console_unblock_input();
	await_input(150);
	guest.room = 1000;
	console_unblock_input();
	console_unblock_input();
	await_input(300);
	cr_expect(!memcmp(guest.input, text, 300));
	finish();
}

Test(console, end_of_input_leaves_output_alone)
{
	int in[2], out[2];
	char buf[8];

	cr_assert(pipe(in) == 0 && pipe(out) == 0);
	become(in[0], out[1]);
	type(in[1], "last");
	close(in[1]);
	start();
	await_input(4);
	put("still here\n");
	cr_expect(read(out[0], buf, sizeof(buf)) > 0);
	console_unblock_input();
	cr_expect(stop_status() < 0);
	finish();
	cr_expect(guest.len == 4);
}

Test(console, file_as_input_is_read_to_its_end)
{
	int fd = capture_open();

	type(fd, "from a file");
	cr_assert(lseek(fd, 5, SEEK_SET) == 5);
	become(fd, open("/dev/null", O_WRONLY));
	start();
	await_input(6);
	cr_expect(!memcmp(guest.input, "a file", 6), "from where it stands");
	finish();
}

/* ---- terminals
 * --------------------------------------------------------------------- */

/* A terminal as stdin; its keyboard. */
static int terminal_in(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;

	cr_assert(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	tty = open(ptsname(fd), O_RDWR | O_NOCTTY);
	cr_assert(tty >= 0);
	become(tty, open("/dev/null", O_WRONLY));
	return fd;
}

/* A terminal as stdout; what its user reads from. */
static int terminal_out(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;

	cr_assert(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	tty = open(ptsname(fd), O_RDWR | O_NOCTTY);
	cr_assert(tty >= 0);
	become(open("/dev/null", O_RDONLY), tty);
	return fd;
}

static void await_raw_mode(void)
{
	struct termios t;

	do {
		sched_yield();
		cr_assert(tcgetattr(STDIN_FILENO, &t) == 0);
	} while (t.c_lflag & ICANON);
}

Test(console, terminal_brings_keys_as_they_are_typed)
{
	int fd = terminal_in();

	start();
	await_raw_mode();
	/* neither a line nor what a terminal would act upon itself */
	type(fd, "a\r\x03\x04");
	await_input(4);
	cr_expect(!memcmp(guest.input, "a\r\x03\x04", 4));
	cr_expect(stop_status() < 0);
	finish();
}

Test(console, escape_key_ends_the_run)
{
	int fd = terminal_in();

	start();
	await_raw_mode();
	type(fd, "x");
	await_input(1);
	type(fd, "\x1dy");
	pthread_join(io, NULL);
	cr_expect(stop_status() == EXIT_SIGNAL_BASE + SIGINT);
	cr_expect(guest.len == 1, "what came with it is not for the guest");
}

Test(console, terminal_gets_all_however_slowly_it_reads)
{
	int fd = terminal_out();
	struct termios t;

	cr_assert(tcgetattr(fd, &t) == 0);
	t.c_oflag &= ~(tcflag_t)OPOST;
	cr_assert(tcsetattr(fd, TCSANOW, &t) == 0);
	expect_long_output(fd);
}

/* Ctrl-S, or a window that hangs. */
Test(console, stop_does_not_wait_for_a_terminal_that_never_reads)
{
	int fd = terminal_out();

	start();
	for (int i = 0; i < 60000; i++)
		cr_assert(put_byte('x'));
	finish();
	close(fd);
}

static void io_is_alive(struct loop_source *source)
{
	(void)source;
	sem_post(&guest.got_input);
}

Test(console, terminal_that_never_reads_does_not_stop_the_io_thread)
{
	static struct loop_source other = { .ring = io_is_alive };
	int fd = terminal_out();

	open_console();
	loop_add_source(loop_get(), &other);
	cr_assert(!pthread_create(&io, NULL, io_thread, NULL));
	for (int i = 0; i < 60000; i++)
		cr_assert(put_byte('x'));
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	loop_ring(loop_get(), &other); /* a disk's doorbell, say */
	sem_wait(&guest.got_input);
	finish();
	close(fd);
}

/* Descriptors that a shell or a pager shares with us. */
Test(console, terminal_of_others_stays_as_it_is)
{
	int fd = terminal_out();

	start();
	put("x");
	cr_expect(!(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK));
	finish();
	close(fd);
}

/* Opening a terminal's other side by its name makes another terminal. */
Test(console, other_side_of_a_terminal_is_a_console_too)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;
	char buf[16] = { 0 };

	cr_assert(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
	tty = open(ptsname(fd), O_RDWR | O_NOCTTY);
	cr_assert(tty >= 0);
	become(open("/dev/null", O_RDONLY), fd);
	start();
	put("hello\n");
	cr_expect(read(tty, buf, sizeof(buf)) == 6);
	cr_expect_str_eq(buf, "hello\n");
	finish();
}
