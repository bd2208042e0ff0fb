// SPDX-License-Identifier: Apache-2.0
/* Children, their times and their memory. */
#define _GNU_SOURCE
#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

_Noreturn void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(125);
}

int64_t child_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* @line with @number for each {}. */
static void fill_in(char *to, size_t size, const char *line, unsigned number)
{
	size_t len = 0;

	while (*line && len < size) {
		if (!strncmp(line, "{}", 2)) {
			len += (size_t)snprintf(to + len, size - len, "%u",
						number);
			line += 2;
		} else {
			to[len++] = *line++;
		}
	}
	if (len >= size) {
		errno = E2BIG;
		die(line);
	}
	to[len] = '\0';
}

void command_set(struct command *command, const char *line, unsigned number)
{
	unsigned n = 0;

	fill_in(command->words, sizeof(command->words), line, number);
	for (char *w = strtok(command->words, " "); w; w = strtok(NULL, " ")) {
		if (n == CHILD_ARGS) {
			errno = E2BIG;
			die(line);
		}
		command->argv[n++] = w;
	}
	command->argv[n] = NULL;
}

/* vfork: the child leaves the time of its exec where we read it, and no
 * copying of page tables is charged to it. */
pid_t child_start(const struct command *command, int in, int out,
		  struct child_run *begin)
{
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing outlives a failed bench */
	dup2(in, 0);
	dup2(out, 1);
	if (begin) {
		begin->begin = child_now();
		begin->tsc_begin = __builtin_ia32_rdtsc();
	}
	execvp(command->argv[0], command->argv);
	_exit(127);
}

static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		die("pidfd_open");
	return fd;
}

/* Its output may end before or behind its life: both ends are waited for. */
static void reap(struct child_run *run, pid_t pid, bool late)
{
	struct rusage usage;
	int status;

	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			die("wait4");
	run->tsc_reaped = __builtin_ia32_rdtsc();
	run->reaped = child_now();
	run->user = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
	run->system = usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
	run->status = late		    ? 124
		      : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
					    : WEXITSTATUS(status);
}

struct child_run child_watch(const struct command *command, int seconds)
{
	struct child_run run = { 0 };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), out[2];
	struct pollfd p[2];
	bool late = false;
	char bytes[4096];
	pid_t pid;

	if (null < 0 || pipe2(out, O_CLOEXEC))
		die("pipe");
	pid = child_start(command, null, out[1], &run);
	close(out[1]);
	close(null);
	p[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = open_pidfd(pid), .events = POLLIN };
	while (!run.eof || !run.reaped) {
		if (poll(p, 2, seconds * 1000) == 0) {
			late = true;
			kill(pid, SIGKILL);
		}
		if (!run.eof && p[0].revents) {
			if (read(out[0], bytes, sizeof(bytes)) <= 0) {
				run.eof = child_now();
				p[0].fd = -1;
			} else if (!run.first) {
				run.first = child_now();
			}
		}
		if (!run.reaped && p[1].revents) {
			reap(&run, pid, late);
			close(p[1].fd);
			p[1].fd = -1;
		}
	}
	close(out[0]);
	return run;
}

/* ---- memory ----------------------------------------------------------------
 */

/* Anonymous mappings that follow one another without a gap: RAM may be cut by
 * what the pages of a part of it shall be like. */
struct run {
	unsigned long end;
	long size, dirty;
};

/* The run is over: the guest's RAM, or ours? */
static void end_run(struct run *run, long guest_kib, struct child_memory *ret)
{
	if (run->size < guest_kib)
		ret->dirty += run->dirty;
	*run = (struct run){ 0 };
}

/* "55d0-55d4 rw-p 00000000 00:00 0 [heap]" */
static bool begins_mapping(const char *line, struct run *run, long guest_kib,
			   struct child_memory *ret)
{
	unsigned long begin, end, inode;
	char mode[8], device[16];

	if (sscanf(line, "%lx-%lx %7s %*x %15s %lu", &begin, &end, mode, device,
		   &inode) != 5)
		return false;
	if (inode || strcmp(mode, "rw-p") || begin != run->end)
		end_run(run, guest_kib, ret);
	run->end = inode || strcmp(mode, "rw-p") ? 0 : end;
	return true;
}

int child_smaps(pid_t pid, long guest_kib, struct child_memory *ret)
{
	char path[64], line[512];
	struct run run = { 0 };
	long kib;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	*ret = (struct child_memory){ 0 };
	while (fgets(line, sizeof(line), f)) {
		if (begins_mapping(line, &run, guest_kib, ret))
			continue;
		if (sscanf(line, "Size: %ld kB", &kib) == 1)
			run.size += kib;
		else if (sscanf(line, "Rss: %ld kB", &kib) == 1)
			ret->rss += kib;
		else if (sscanf(line, "Private_Dirty: %ld kB", &kib) == 1)
			run.dirty += kib;
	}
	end_run(&run, guest_kib, ret);
	fclose(f);
	return 0;
}

/* Stopped at its exit, a thread still has the memory of all; the first one may
 * end alone, ahead of the process, and be woken and gone by then. */
int child_memory_at_exit(const struct command *command, long guest_kib,
			 struct child_memory *ret)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), gate[2], status;
	int got = -1;
	char go = 0;
	pid_t pid, at;

	if (null < 0 || pipe2(gate, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (read(gate[0], &go, 1) != 1)
			_exit(127);
		execvp(command->argv[0], command->argv);
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, pid, 0,
		   (void *)(PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE |
			    PTRACE_O_EXITKILL)))
		die("ptrace");
	if (write(gate[1], &go, 1) != 1)
		die("write");
	while ((at = waitpid(-1, &status, __WALL)) > 0) {
		int sig = 0;

		if (!WIFSTOPPED(status))
			continue;
		if (status >> 16 == PTRACE_EVENT_EXIT && got)
			got = child_smaps(at, guest_kib, ret);
		else if (!(status >> 16))
			sig = WSTOPSIG(status);
		ptrace(PTRACE_CONT, at, 0, (void *)(long)sig);
	}
	close(gate[0]);
	close(gate[1]);
	close(null);
	return got;
}
