// SPDX-License-Identifier: Apache-2.0
/* passt: connected to, or started. */
#define _GNU_SOURCE 1
#include "devices/net_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devices/virtio_net.h"
#include "monitor/err.h"
#include "monitor/fmt.h"

#define PASST_FD 3 /* what the descriptor is called in passt */

static char passt[] = "passt";

static int connect_failed(int ret, const char *path, struct err *e)
{
	struct stat st;

	/* The advice below would have passt put its socket there. */
	if (ret == -ECONNREFUSED && !stat(path, &st) && !S_ISSOCK(st.st_mode))
		return err_set(e, -EINVAL,
			       "--net passt=%s is there, and not a socket",
			       path);
	if (ret == -ENOENT || ret == -ECONNREFUSED)
		return err_set(e, ret,
			       "no passt at %s; `passt --socket %s` starts "
			       "one, and --net passt has mote start it",
			       path, path);
	if (ret == -EAGAIN)
		return err_set(e, ret,
			       "passt at %s takes no more connections; does "
			       "it still run, and is it another VM's?",
			       path);
	return err_set(e, ret, "cannot connect to passt at %s", path);
}

/* Does not wait for one that accepts nobody: the start would hang, with the
 * signals that end it blocked. */
static int connect_now(int fd, const struct sockaddr_un *addr)
{
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ||
	    fcntl(fd, F_SETFL, O_RDWR) < 0)
		return -errno;
	return 0;
}

/* The working directory may be another one when it connects again. */
static const char *absolute(const char *path, char buf[PATH_MAX])
{
	size_t n;

	if (*path == '/')
		return path;
	if (!getcwd(buf, PATH_MAX))
		return NULL;
	n = strlen(buf);
	fmt_print(buf + n, PATH_MAX - n, "/%s", path);
	return buf;
}

int net_open_passt(struct virtio_net *n, const char *path, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char real[PATH_MAX];
	int fd, ret;

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, -EINVAL,
			       "--net passt=%.40s...: a socket's path has at "
			       "most %zu bytes",
			       path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, -errno, "cannot make a socket");
	ret = connect_now(fd, &addr);
	if (ret) {
		close(fd);
		return connect_failed(ret, path, e);
	}
	n->fd = fd;
	n->link_up = true;
	net_stream_init(n, absolute(path, real));
	return 0;
}

/* Returns -errno when there is no such program in PATH, or it cannot start; and
 * without @argv 0 when there is one. */
static int exec_by_path(const char *name, char *const argv[],
			char *const envp[])
{
	const char *dirs = getenv("PATH");
	int error = ENOENT;

	for (dirs = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *dirs;) {
		size_t n = strcspn(dirs, ":");
		char file[PATH_MAX];

		fmt_print(file, sizeof(file), "%.*s/%s", (int)n, dirs, name);
		if (argv)
			execve(file, argv, envp);
		else if (!access(file, X_OK))
			return 0;
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		dirs += n + (dirs[n] == ':');
	}
	return -error;
}

/* Mote handles some signals and ignores others; passt shall know the usual. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * In a process group of its own, so that a Ctrl-C meant for mote lets mote
 * end in order. It ends by itself when our end of the socket is closed.
 *
 * Says at @report why it could not.
 */
static void __attribute__((noreturn)) become_passt(int fd, int report)
{
	static char fd_option[] = "--fd", fd_number[] = "3",
		    foreground[] = "--foreground", quiet[] = "--quiet";
	char *argv[] = { passt, fd_option, fd_number, foreground, quiet, NULL };
	char *no_environment[] = { NULL };
	int error;

	_Static_assert(PASST_FD == 3, "fd_number says so");
	setpgid(0, 0);
	reset_signals();
	report = fcntl(report, F_DUPFD_CLOEXEC, PASST_FD + 1);
	/* without FD_CLOEXEC, also when both are the same */
	if (fd == PASST_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, PASST_FD) < 0)
		error = errno;
	else
		error = -exec_by_path(passt, argv, no_environment);
	_exit(write(report, &error, sizeof(error)) < 0);
}

/* posix_spawn() allocates, and an allocator takes 5 KB. */
static int spawn(int fd)
{
	int error = 0, report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (!pid)
		become_passt(fd, report[1]);
	error = pid < 0 ? errno : 0;
	close(report[1]);
	/* nothing comes, but the end, when it has become passt */
	while (pid > 0 && read(report[0], &error, sizeof(error)) < 0)
		if (errno != EINTR)
			break;
	close(report[0]);
	if (pid > 0 && error)
		waitpid(pid, NULL, 0);
	return -error;
}

int net_open_own_passt(struct virtio_net *n, struct err *e)
{
	int ret, pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(e, -errno, "cannot make a pair of sockets");
	ret = n->dry_run ? exec_by_path(passt, NULL, NULL) : spawn(pair[1]);
	close(pair[1]);
	if (ret) {
		close(pair[0]);
		if (ret == -ENOENT)
			return err_set(e, ret,
				       "passt is not installed; `apt install "
				       "passt` does that, or name a TAP: --net "
				       "tap=NAME");
		return err_set(e, ret, "cannot start passt");
	}
	n->fd = pair[0];
	n->link_up = true;
	net_stream_init(n, NULL);
	return 0;
}
