// SPDX-License-Identifier: Apache-2.0
/*
 * Time a command from exec to its first byte, to a text in its output, and to
 * its end.
 *
 *	timer [-n RUNS] [-u TEXT] [-t SECONDS] [-q] [-o REPORT] COMMAND...
 *	timer -m [-o REPORT] COMMAND...
 *
 * Each run adds one line to REPORT (default: standard error):
 *	first_us=N text_us=N exit_us=N cpu_us=N status=N
 * Times start right before execve() in the child; -1 where it never came.
 * With -u the command is killed once TEXT has come. cpu_us is user and system
 * time of it and its threads. The command's output is passed on, unless -q;
 * its input is ours. The exit status is the command's in the last run, 124 if
 * it ran out of -t (default 60).
 *
 * -m measures memory instead: rss_kib=N anon_kib=N status=N, all that is
 * resident when the command ends, guest memory it touched included, and the
 * part of it that belongs to no file. A process cannot be told from outside
 * that it is about to end, but for ptrace, which would spoil the times. (The
 * kernel's own peak counter is kept per CPU and off by more than a small VM.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TAIL_MAX 512 /* of TEXT, which may straddle two reads */
#define CHUNK	 65536

struct run {
	int64_t begin, first, text, end; /* ns; 0: has not come */
	int status;
	bool late;
	struct rusage usage;
};

static const char *text;
static bool quiet;
static long seconds = 60;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "timer: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* vfork: the child writes the time of its exec where we can read it, and no
 * copying of page tables is charged to it. */
static pid_t start(char **command, int out, volatile int64_t *ret_begin)
{
	pid_t pid = vfork();

	if (pid < 0)
		die("vfork");
	if (pid > 0)
		return pid;
	dup2(out, 1);
	*ret_begin = now_ns();
	execvp(command[0], command);
	_exit(127);
}

/* Does TEXT end in these @len bytes, or span them and the *@kept before? */
static bool text_seen(const char *bytes, size_t len, size_t *kept)
{
	static char window[TAIL_MAX + CHUNK];
	size_t want = strlen(text) - 1;

	memcpy(window + *kept, bytes, len);
	*kept += len;
	if (memmem(window, *kept, text, want + 1))
		return true;
	if (*kept > want) {
		memmove(window, window + *kept - want, want);
		*kept = want;
	}
	return false;
}

static void pass_on(const char *bytes, size_t len)
{
	while (len && !quiet) {
		ssize_t n = write(1, bytes, len);

		if (n < 0)
			die("write");
		bytes += n;
		len -= (size_t)n;
	}
}

static void watch(struct run *run, pid_t pid, int in)
{
	int64_t end = run->begin + seconds * INT64_C(1000000000);
	static char bytes[CHUNK];
	struct pollfd p = { .fd = in, .events = POLLIN };
	size_t kept = 0;

	for (;;) {
		int64_t left = end - now_ns();
		int64_t at;
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)(left / 1000000) + 1) == 0) {
			run->late = true;
			kill(pid, SIGKILL);
			return;
		}
		n = read(in, bytes, sizeof(bytes));
		at = now_ns();
		if (n <= 0)
			return;
		if (!run->first)
			run->first = at;
		if (text && text_seen(bytes, (size_t)n, &kept)) {
			run->text = at;
			kill(pid, SIGKILL);
		}
		pass_on(bytes, (size_t)n);
		if (run->text)
			return;
	}
}

static struct run time_once(char **command)
{
	volatile int64_t begin = 0;
	struct run run = { 0 };
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		die("pipe");
	pid = start(command, pipe_fd[1], &begin);
	close(pipe_fd[1]);
	run.begin = begin;
	watch(&run, pid, pipe_fd[0]);
	while (wait4(pid, &run.status, 0, &run.usage) < 0)
		if (errno != EINTR)
			die("wait4");
	run.end = now_ns();
	close(pipe_fd[0]);
	return run;
}

static long us_since(const struct run *run, int64_t at)
{
	return at ? (long)((at - run->begin) / 1000) : -1;
}

static long us_of(struct timeval t)
{
	return t.tv_sec * 1000000 + t.tv_usec;
}

static int exit_status(const struct run *run)
{
	if (run->late)
		return 124;
	if (WIFSIGNALED(run->status))
		return run->text ? 0 : 128 + WTERMSIG(run->status);
	return WEXITSTATUS(run->status);
}

static void print_run(FILE *to, const struct run *run)
{
	fprintf(to,
		"first_us=%ld text_us=%ld exit_us=%ld cpu_us=%ld status=%d\n",
		us_since(run, run->first), us_since(run, run->text),
		us_since(run, run->end),
		us_of(run->usage.ru_utime) + us_of(run->usage.ru_stime),
		exit_status(run));
}

/* KiB of @tid's memory map as a whole, read at once: another thread that ends
 * the process may wake @tid from its stop at any time, and its map is gone
 * then. Left alone where it is. */
static void read_resident(pid_t tid, long *ret_rss, long *ret_anon)
{
	char path[64], rollup[4096];
	const char *rss, *anon;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, rollup, sizeof(rollup) - 1);
	close(fd);
	if (n <= 0)
		return;
	rollup[n] = '\0';
	rss = strstr(rollup, "\nRss:");
	anon = strstr(rollup, "\nAnonymous:");
	if (!rss || !anon)
		return;
	*ret_rss = atol(rss + sizeof("\nRss:") - 1);
	*ret_anon = atol(anon + sizeof("\nAnonymous:") - 1);
}

static pid_t start_traced(char **command)
{
	pid_t pid = fork();
	int out;

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	out = open("/dev/null", O_WRONLY);
	dup2(out, 1);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(command[0], command);
	_exit(127);
}

#define TRACE_OPTIONS                                                          \
	(PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

/* What to do for the stopped thread @tid: the signal to let it have. */
static long on_stop(pid_t tid, int status, bool *started)
{
	long signal = WSTOPSIG(status);

	if (*started)
		return status >> 16 || signal == SIGSTOP ? 0 : signal;
	*started = true;
	ptrace(PTRACE_SETOPTIONS, tid, NULL, TRACE_OPTIONS);
	return 0;
}

/*
 * All threads are traced: the first to end is the one that ends the process,
 * or at least finds its memory as it was; those that it ends do not stop.
 */
static int measure_memory(char **command, FILE *report)
{
	pid_t pid = start_traced(command), tid;
	long rss = -1, anon = -1;
	bool started = false;
	int status, last = 0;

	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			last = tid == pid ? status : last;
			continue;
		}
		if (status >> 16 == PTRACE_EVENT_EXIT && rss < 0)
			read_resident(tid, &rss, &anon);
		ptrace(PTRACE_CONT, tid, NULL, on_stop(tid, status, &started));
	}
	status = WIFSIGNALED(last) ? 128 + WTERMSIG(last) : WEXITSTATUS(last);
	fprintf(report, "rss_kib=%ld anon_kib=%ld status=%d\n", rss, anon,
		status);
	return status;
}

int main(int argc, char **argv)
{
	bool memory = false;
	FILE *report = stderr;
	int option, status = 0;
	long runs = 1;

	while ((option = getopt(argc, argv, "+n:u:t:qmo:")) >= 0) {
		switch (option) {
		case 'n':
			runs = atol(optarg);
			break;
		case 'u':
			text = optarg;
			break;
		case 't':
			seconds = atol(optarg);
			break;
		case 'q':
			quiet = true;
			break;
		case 'm':
			memory = true;
			break;
		case 'o':
			report = fopen(optarg, "w");
			if (!report)
				die(optarg);
			break;
		default:
			return 125;
		}
	}
	if (optind == argc || (text && (!*text || strlen(text) > TAIL_MAX))) {
		fprintf(stderr, "timer [-n RUNS] [-u TEXT] [-t SECONDS] [-q] "
				"[-o REPORT] COMMAND...\n");
		return 125;
	}
	if (memory)
		status = measure_memory(argv + optind, report);
	while (!memory && runs-- > 0) {
		struct run run = time_once(argv + optind);

		print_run(report, &run);
		status = exit_status(&run);
	}
	return fclose(report) ? 125 : status;
}
