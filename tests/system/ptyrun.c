// SPDX-License-Identifier: Apache-2.0
/*
 * Run a command on a terminal of its own and follow a small script.
 *
 *	ptyrun [STEP...] -- COMMAND [ARGUMENT...]
 *
 * Steps, in order:
 *	-e TEXT     wait until TEXT has been put out (from where -e last ended)
 *	-r          wait until the terminal is raw (not canonical, no echo)
 *	-s TEXT     type TEXT; \r \n \\ and \NNN (octal) are understood
 *	-k SIGNAL   send the command signal number SIGNAL
 *	-c          hang up: close the terminal's other side
 * Then wait for the command's end. Its output is passed on to stdout; the last
 * line says "terminal: restored" or what differs from before the start. The
 * exit status is the command's, 128+n for signal n; 123 if a step's wait or
 * the end took more than PTYRUN_SECONDS (60).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define OUTPUT_MAX (1 << 20)
#define RESTORE_MS 20000 /* at most, for a restorer that outlives SIGKILL */

static char output[OUTPUT_MAX];
static size_t output_len;
static size_t expect_from;
static int master = -1, slave = -1;
static pid_t child;
static int child_status;
static bool child_ended;
static long deadline;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "ptyrun: %s: %s\n", what, strerror(errno));
	exit(123);
}

static _Noreturn void give_up(const char *what)
{
	printf("\nptyrun: gave up waiting for %s\n", what);
	if (!child_ended)
		kill(child, SIGKILL);
	exit(123);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Take what there is to read, waiting at most @ms, and notice the end. */
static void pump(int ms)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (master < 0)
		usleep((useconds_t)ms * 1000);
	while (master >= 0 && poll(&p, 1, ms) > 0) {
		if (output_len == OUTPUT_MAX)
			give_up("less output");
		n = read(master, output + output_len, OUTPUT_MAX - output_len);
		if (n <= 0)
			break;
		fwrite(output + output_len, 1, (size_t)n, stdout);
		output_len += (size_t)n;
		ms = 0;
	}
	if (!child_ended && waitpid(child, &child_status, WNOHANG) == child)
		child_ended = true;
}

static void check_time(const char *what)
{
	fflush(stdout);
	if (now_ms() > deadline)
		give_up(what);
}

static void step_expect(const char *text)
{
	size_t len = strlen(text);

	for (bool ended = false;; pump(50)) {
		char *at = memmem(output + expect_from,
				  output_len - expect_from, text, len);

		if (at) {
			expect_from = (size_t)(at - output) + len;
			return;
		}
		/* its last words may have come between a look and the other */
		if (ended)
			give_up(text);
		ended = child_ended;
		check_time(text);
	}
}

static void step_raw(void)
{
	for (;;) {
		struct termios t;

		if (tcgetattr(slave, &t))
			die("tcgetattr");
		if (!(t.c_lflag & (ICANON | ECHO)))
			return;
		if (child_ended)
			give_up("a raw terminal");
		pump(20);
		check_time("a raw terminal");
	}
}

/* Undo the escapes of @text in place; return the length. */
static size_t unescape(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		if (from[0] != '\\' || !from[1]) {
			*to++ = *from++;
		} else if (from[1] >= '0' && from[1] <= '7') {
			*to++ = (char)strtol(from + 1, &from, 8);
		} else {
			*to++ = (char)(from[1] == 'r'	? '\r'
				       : from[1] == 'n' ? '\n'
							: from[1]);
			from += 2;
		}
	}
	return (size_t)(to - text);
}

static void step_send(char *text)
{
	size_t len = unescape(text), done = 0;

	while (done < len) {
		ssize_t n = write(master, text + done, len - done);

		if (n > 0)
			done += (size_t)n;
		pump(n > 0 ? 0 : 20);
		check_time("the typed text to be taken");
	}
}

/* What of the terminal differs from @before, or NULL. */
static const char *difference(const struct termios *before)
{
	struct termios now = { 0 };

	if (tcgetattr(slave, &now))
		die("tcgetattr");
	if (now.c_lflag != before->c_lflag)
		return "local flags";
	if (now.c_iflag != before->c_iflag)
		return "input flags";
	if (now.c_oflag != before->c_oflag)
		return "output flags";
	if (now.c_cflag != before->c_cflag)
		return "control flags";
	if (memcmp(now.c_cc, before->c_cc, sizeof(now.c_cc)))
		return "control characters";
	return NULL;
}

static void start(char **command, struct termios *ret_before)
{
	int flags;

	if (openpty(&master, &slave, NULL, NULL, NULL) ||
	    tcgetattr(slave, ret_before))
		die("openpty");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(master);
		if (login_tty(slave))
			die("login_tty");
		execvp(command[0], command);
		die(command[0]);
	}
	flags = fcntl(master, F_GETFL);
	if (fcntl(master, F_SETFL, flags | O_NONBLOCK))
		die("fcntl");
}

static void hang_up(void)
{
	close(master);
	master = -1;
}

/* All before "--" in @argv; the options were checked by getopt. */
static void follow(int argc, char **argv)
{
	int option;

	optind = 1;
	while ((option = getopt(argc, argv, "+e:rs:k:c")) >= 0) {
		switch (option) {
		case 'e':
			step_expect(optarg);
			break;
		case 'r':
			step_raw();
			break;
		case 's':
			step_send(optarg);
			break;
		case 'k':
			kill(child, atoi(optarg));
			break;
		case 'c':
			hang_up();
			break;
		default:
			break;
		}
	}
}

static void report(const struct termios *before)
{
	long end = now_ms() + RESTORE_MS;
	const char *what;

	while ((what = difference(before)) && now_ms() < end)
		usleep(10000);
	if (what)
		printf("\nterminal: %s changed\n", what);
	else
		printf("\nterminal: restored\n");
}

int main(int argc, char **argv)
{
	const char *seconds = getenv("PTYRUN_SECONDS");
	struct termios before = { 0 };
	int option;

	while ((option = getopt(argc, argv, "+e:rs:k:c")) >= 0)
		if (option == '?')
			return 123;
	if (optind >= argc) {
		fprintf(stderr, "ptyrun: no command\n");
		return 123;
	}
	deadline = now_ms() + (seconds ? atol(seconds) : 60) * 1000;
	start(argv + optind, &before);
	follow(argc, argv);
	while (!child_ended) {
		pump(50);
		check_time("the command's end");
	}
	pump(0);
	if (master >= 0)
		report(&before);
	if (WIFSIGNALED(child_status))
		return 128 + WTERMSIG(child_status);
	return WEXITSTATUS(child_status);
}
