/* SPDX-License-Identifier: Apache-2.0 */
/* Start a command, watch it to its end, say what it took: for bench/. */
#ifndef MOTE_BENCH_CHILD_H
#define MOTE_BENCH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILD_ARGS 64

/**
 * struct command - a command line, cut at its blanks
 * @argv: NULL-terminated, pointing into @words
 */
struct command {
	char words[1024];
	char *argv[CHILD_ARGS + 1];
};

/** command_set() - cut @line, with @number for each {}; dies if it is too
 *  long */
void command_set(struct command *command, const char *line, unsigned number);

/**
 * struct child_run - one run; times in ns of CLOCK_MONOTONIC, 0: never came
 * @begin: right before execve()
 * @first: its first byte was read
 * @eof: its output ended
 * @reaped: wait4() had it
 * @tsc_begin, @tsc_reaped: the same moments by the TSC
 * @user, @system: CPU time in us
 * @status: exit status, 128+n for a signal; 124 if it was killed for being late
 */
struct child_run {
	int64_t begin, first, eof, reaped;
	uint64_t tsc_begin, tsc_reaped;
	int64_t user, system;
	int status;
};

/** child_now() - CLOCK_MONOTONIC, ns */
int64_t child_now(void);

/**
 * child_start() - vfork and exec
 * @in, @out: its descriptors 0 and 1; 2 is ours
 * @begin: filled before the child runs; may be NULL
 */
pid_t child_start(const struct command *command, int in, int out,
		  struct child_run *begin);

/** child_watch() - run @command once; its output is dropped, its input empty */
struct child_run child_watch(const struct command *command, int seconds);

/**
 * struct child_memory - a process's pages as it ends, KiB
 * @dirty: Private_Dirty without the guest's RAM
 * @rss: all that is resident, guest's RAM included
 */
struct child_memory {
	long dirty, rss;
};

/**
 * child_memory_at_exit() - run once more, stopped where it ends
 * @guest_kib: mappings of at least this size, in one piece or in several that
 *	       follow one another, are the guest's RAM
 * Return: 0; -1 if the process could not be traced.
 */
int child_memory_at_exit(const struct command *command, long guest_kib,
			 struct child_memory *ret);

/** child_smaps() - the same for a living process */
int child_smaps(pid_t pid, long guest_kib, struct child_memory *ret);

_Noreturn void die(const char *what);

#endif
