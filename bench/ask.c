// SPDX-License-Identifier: Apache-2.0
/* Lines to a guest and back, with a deadline. */
#include "bench/ask.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LATE_MS	  30000
#define LINE_SIZE 64

/* Read until a line ends; false when none comes. */
static bool read_line(int fd, char line[LINE_SIZE])
{
	size_t len = 0;

	while (len < LINE_SIZE - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, LATE_MS) <= 0)
			return false;
		n = read(fd, line + len, LINE_SIZE - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		line[len] = '\0';
		if (line[len - 1] == '\n')
			return true;
	}
	return false;
}

static bool say(int fd, const char *line)
{
	return write(fd, line, strlen(line)) == (ssize_t)strlen(line);
}

bool ask_ready(int fd)
{
	char line[LINE_SIZE];

	return read_line(fd, line) && !strcmp(line, "ready\n");
}

bool ask_echo(int fd, const char *line)
{
	char answer[LINE_SIZE];

	return say(fd, line) && read_line(fd, answer) && !strcmp(answer, line);
}

bool ask_vsock(const char *path, const char *line)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char hello[LINE_SIZE];
	bool same;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	same = !connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
	       say(fd, "CONNECT 7\n") && read_line(fd, hello) &&
	       !strncmp(hello, "OK ", 3) && ask_echo(fd, line);
	close(fd);
	return same;
}
