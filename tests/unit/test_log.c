// SPDX-License-Identifier: Apache-2.0
/* What reaches stderr, and in how many pieces. */
#include "monitor/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/capture.h"

/* A test is a process of its own: its stderr may go. */
static int catch_stderr(void)
{
	int fd = capture_open();

	cr_assert(dup2(fd, STDERR_FILENO) >= 0);
	return fd;
}

Test(log, names_program_and_component)
{
	int fd = catch_stderr();

	log_err("serial", "port %d", 3);
	log_warn("", "no component");
	cr_expect_str_eq(capture_close(fd),
			 "mote: serial: port 3\nmote: no component\n");
}

Test(log, names_the_vm)
{
	int fd = catch_stderr();

	log_set_name("web1");
	log_err("serial", "port %d", 3);
	log_err("", "no component");
	cr_expect_str_eq(capture_close(fd), "mote: web1: serial: port 3\n"
					    "mote: web1: no component\n");
}

/* A path or a name of a guest's must not pass for a line of ours, or clear
 * the screen. */
Test(log, passes_on_no_control_characters)
{
	int fd = catch_stderr();

	log_err("", "%s", "a\033[2Jb\nmote: c\x7f\t\xc3\xbc");
	cr_expect_str_eq(capture_close(fd), "mote: a?[2Jb?mote: c??\xc3\xbc\n");
}

Test(log, drops_what_is_above_the_level)
{
	static const enum log_level levels[] = { LOG_ERR, LOG_WARN, LOG_INFO,
						 LOG_DEBUG };
	static const char *const want[] = {
		"mote: e\n",
		"mote: e\nmote: w\n",
		"mote: e\nmote: w\nmote: i\n",
		"mote: e\nmote: w\nmote: i\nmote: d\n",
	};

	cr_expect(log_enabled(LOG_WARN));
	cr_expect(!log_enabled(LOG_INFO)); /* at start */
	for (int i = 0; i < 4; i++) {
		int fd = catch_stderr();

		log_set_level(levels[i]);
		log_err("", "e");
		log_warn("", "w");
		log_info("", "i");
		log_debug("", "d");
		cr_expect_str_eq(capture_close(fd), want[i], "level %d", i);
	}
}

Test(log, cuts_a_long_line_but_ends_it)
{
	static char wide[1000];

	memset(wide, 'w', sizeof(wide) - 1);
	for (int len = 290; len < 330; len++) {
		int fd = catch_stderr();
		const char *text;

		log_err("c", "%.*s", len, wide);
		text = capture_close(fd);
		cr_expect(!strncmp(text, "mote: c: www", 12));
		cr_expect_eq(strcspn(text, "\n"), strlen(text) - 1);
		cr_expect(strlen(text) <= 320);
	}
}

Test(log, writes_a_line_in_one_piece)
{
	int pair[2];
	char line[512];
	ssize_t n;

	/* a socket that keeps the bounds of each write */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	cr_assert(dup2(pair[1], STDERR_FILENO) >= 0);
	log_err("a", "%s %d", "first", 1);
	log_err("b", "second");
	n = recv(pair[0], line, sizeof(line) - 1, MSG_DONTWAIT);
	cr_assert(n > 0);
	line[n] = '\0';
	cr_expect_str_eq(line, "mote: a: first 1\n");
	n = recv(pair[0], line, sizeof(line) - 1, MSG_DONTWAIT);
	cr_assert(n > 0);
	line[n] = '\0';
	cr_expect_str_eq(line, "mote: b: second\n");
	cr_expect(recv(pair[0], line, sizeof(line), MSG_DONTWAIT) < 0);
}

static void guest_did(int what)
{
	log_guest(LOG_WARN, "guest", "did %d", what);
}

Test(log, prints_only_the_first_of_what_a_guest_repeats)
{
	int fd = catch_stderr();
	const char *line;
	int lines = 0;

	for (int i = 0; i < 1000; i++)
		guest_did(i);
	line = capture_close(fd);
	cr_expect(strstr(line, "did 0\n"));
	for (; *line; line += strcspn(line, "\n") + 1)
		lines++;
	cr_expect_eq(lines, LOG_GUEST_MAX);
}

Test(log, does_not_count_what_nobody_sees)
{
	int fd;

	log_set_level(LOG_ERR);
	for (int i = 0; i < 100; i++)
		guest_did(i);
	log_set_level(LOG_WARN);
	fd = catch_stderr();
	guest_did(100);
	cr_expect_str_eq(capture_close(fd), "mote: guest: did 100\n");
}
