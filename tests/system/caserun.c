// SPDX-License-Identifier: Apache-2.0
/*
 * Run one case under a deadline and leave nothing of it behind.
 *
 *	caserun SECONDS OUTPUT RESULT COMMAND [ARGUMENT...]
 *
 * Standard output and error go to OUTPUT, standard input is /dev/null. RESULT
 * gets one line: status=N timeout=0|1 ms=N. The status is the shell's: 128+n
 * for signal n. Everything the command started, in whatever session, is killed
 * at the end: we are its reaper, so whoever loses a parent becomes our child.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS 10000

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "caserun: %s: %s\n", what, strerror(errno));
	exit(125);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The parent of process @name (a directory of /proc), or -1. */
static pid_t parent_of(const char *name)
{
	char path[300], stat[512];
	const char *after_name;
	int fd, parent = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	stat[n] = '\0';
	after_name = strrchr(stat, ')');
	if (!after_name || sscanf(after_name, ") %*c %d", &parent) != 1)
		return -1;
	return parent;
}

static void kill_children(void)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		die("/proc");
	while ((entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(entry->d_name) == getpid())
			kill(atoi(entry->d_name), SIGKILL);
	}
	closedir(proc);
}

/* Killing a child hands us its children: go on until there are none. */
static void sweep(void)
{
	long end = now_ms() + SWEEP_MS;

	while (now_ms() < end) {
		pid_t pid;

		kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			return;
		usleep(1000);
	}
	fprintf(stderr, "caserun: something cannot be killed\n");
}

static pid_t start(const char *output, char **command, const sigset_t *old)
{
	pid_t pid = fork();
	int in, out;

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	sigprocmask(SIG_SETMASK, old, NULL);
	/* nohup's and a background's ignoring is not for the case */
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	setsid();
	in = open("/dev/null", O_RDONLY);
	out = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	if (in < 0 || out < 0)
		die(output);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	close(in);
	close(out);
	execvp(command[0], command);
	die(command[0]);
}

/* Wait for @pid until @end; other children are reaped on the way. */
static bool wait_until(pid_t pid, int chld_fd, long end, int *ret_status)
{
	for (;;) {
		struct pollfd p = { .fd = chld_fd, .events = POLLIN };
		struct signalfd_siginfo info;
		long left = end - now_ms();
		int status;
		pid_t got;

		while ((got = waitpid(-1, &status, WNOHANG)) > 0) {
			if (got != pid)
				continue;
			*ret_status = status;
			return true;
		}
		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) > 0 &&
		    read(chld_fd, &info, sizeof(info)) < 0)
			die("signalfd");
	}
}

int main(int argc, char **argv)
{
	int status = 0, chld_fd;
	sigset_t chld, old;
	long begin, ms;
	bool ended;
	FILE *result;
	pid_t pid;

	if (argc < 5) {
		fprintf(stderr, "caserun SECONDS OUTPUT RESULT COMMAND...\n");
		return 125;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	chld_fd = signalfd(-1, &chld, SFD_CLOEXEC);
	if (chld_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("set-up");

	begin = now_ms();
	pid = start(argv[2], argv + 4, &old);
	ended = wait_until(pid, chld_fd, begin + atol(argv[1]) * 1000, &status);
	ms = now_ms() - begin;
	sweep();

	if (WIFSIGNALED(status))
		status = 128 + WTERMSIG(status);
	else
		status = ended ? WEXITSTATUS(status) : 137;
	result = fopen(argv[3], "w");
	if (!result)
		die(argv[3]);
	fprintf(result, "status=%d timeout=%d ms=%ld\n", status, !ended, ms);
	return fclose(result) ? 125 : 0;
}
