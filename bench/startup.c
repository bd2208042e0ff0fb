// SPDX-License-Identifier: Apache-2.0
/*
 * Start and stop of several monitors, taken in turn.
 *
 *	startup [-c] [-r] [-n ROUNDS] [-p VMS] [-w WIDTH] [-g GUEST_KIB] [-m
 *RUNS]
 *		[-o SAMPLES] [-t DIR] NAME COMMAND [NAME COMMAND]...
 *
 * A COMMAND is one argument, cut at blanks. The first one is the base: each
 * round runs all commands once, and a figure's ratio is the median of its
 * ratios to the base in the same round, so that a slow moment of the machine
 * hits both. Each command must print something and end with the status of its
 * first run, or nothing is reported. {} in it stands for a number that no other
 * run has at the same time, from 0, for what cannot be shared.
 *
 *	-c	on a busy machine: begin a round when nothing else runs, and
 *		take it again if something else does at its end
 *	-r	on a machine that is never idle: rounds at real-time priority.
 *		(Several at once are not: what the kernel's threads have to do
 *		for them would have to wait.)
 *	-n	rounds one at a time (default 100)
 *	-p, -w	then rounds of VMS runs with WIDTH in flight (default 0, 4)
 *	-m	runs of each command for its memory (default 3)
 *	-g	the guests' RAM in KiB, left out of what is private (131072)
 *	-o	raw samples, JSON
 *	-t	the same for plotting: DIR/samples.tsv, and the table as
 *		DIR/summary.tsv
 *
 * Figures: us from right before execve() to the first byte of output, to the
 * end of output, to being reaped; user and system CPU time, us; Private_Dirty
 * as the process ends, KiB. The table goes to stdout.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"

#define CASES_MAX  16
#define WIDTH_MAX  64
#define ROUNDS_MAX 10000
#define LATE_S	   30
#define CALM_LOOKS 5
#define CALM_US	   4000

enum figure { FIRST, EOF_, REAPED, CPU, FIGURES };

static const char *const figure_names[FIGURES] = { "first_us", "eof_us",
						   "reaped_us", "cpu_us" };

struct one {
	const char *name, *line;
	struct command command[WIDTH_MAX]; /* by the number that {} is */
	int status;
	double sample[FIGURES][ROUNDS_MAX];
	double rate[ROUNDS_MAX]; /* VMs/s, WIDTH at once */
	struct child_memory memory;
};

static struct one *cases;
static unsigned ncases;
static unsigned rounds = 100, parallel, rate_rounds, width = 4, memory_runs = 3;
static long guest_kib = 131072;
static bool calmly, urgently;

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The @p-th part of @n values: 0.5 is the median. */
static double quantile(const double *v, unsigned n, double p)
{
	static double sorted[ROUNDS_MAX];
	unsigned at = (unsigned)(p * (n - 1) + 0.5);

	if (!n)
		return 0;
	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*v), compare);
	return sorted[at];
}

static double ratio(const double *v, const double *base, unsigned n)
{
	static double r[ROUNDS_MAX];

	for (unsigned i = 0; i < n; i++)
		r[i] = v[i] / base[i];
	return quantile(r, n, 0.5);
}

static void fail(const struct one *c, const char *why, int status)
{
	fprintf(stderr, "startup: %s: %s (status %d): %s\n", c->name, why,
		status, c->line);
	exit(1);
}

/* Do no others run or wait for a CPU? (proc(5): loadavg, field 4) */
static bool calm(void)
{
	unsigned running = 0;
	FILE *f = fopen("/proc/loadavg", "r");

	if (!f || fscanf(f, "%*s %*s %*s %u", &running) != 1)
		die("/proc/loadavg");
	fclose(f);
	return running <= 1;
}

static void wait_for_calm(void)
{
	for (unsigned quiet = 0; quiet < CALM_LOOKS; usleep(CALM_US))
		quiet = calm() ? quiet + 1 : 0;
}

static void run_round(unsigned round)
{
	for (unsigned i = 0; i < ncases; i++) {
		struct one *c = &cases[i];
		struct child_run run = child_watch(&c->command[0], LATE_S);

		if (!run.first)
			fail(c, "prints nothing", run.status);
		if (run.status != c->status)
			fail(c, "another status than before", run.status);
		c->sample[FIRST][round] = (double)(run.first - run.begin) / 1e3;
		c->sample[EOF_][round] = (double)(run.eof - run.begin) / 1e3;
		c->sample[REAPED][round] =
			(double)(run.reaped - run.begin) / 1e3;
		c->sample[CPU][round] = (double)(run.user + run.system);
	}
}

/* The first run of each is for the page cache, and shows whether it works. */
static void warm_up(void)
{
	for (unsigned i = 0; i < ncases; i++) {
		struct child_run run =
			child_watch(&cases[i].command[0], LATE_S);

		cases[i].status = run.status;
		if (!run.first || run.status > 123)
			fail(&cases[i], "does not work", run.status);
	}
}

/* ---- several at once -------------------------------------------------------
 */

static double rate_of(const struct one *c, int null)
{
	unsigned started = 0, ended = 0;
	int64_t begin = child_now();
	pid_t running[WIDTH_MAX] = { 0 };

	while (ended < parallel) {
		int status;
		pid_t pid;

		for (unsigned i = 0; i < width && started < parallel; i++) {
			if (running[i])
				continue;
			running[i] =
				child_start(&c->command[i], null, null, NULL);
			started++;
		}
		pid = waitpid(-1, &status, 0);
		if (pid < 0)
			die("waitpid");
		if (!WIFEXITED(status) || WEXITSTATUS(status) != c->status)
			fail(c, "failed beside others", WEXITSTATUS(status));
		for (unsigned i = 0; i < width; i++)
			if (running[i] == pid)
				running[i] = 0;
		ended++;
	}
	return parallel / ((double)(child_now() - begin) / 1e9);
}

/* For us and what we start. musl's own functions answer ENOSYS. */
static void set_urgent(bool on)
{
	const struct {
		int priority;
	} param = { on ? 10 : 0 };

	if (syscall(SYS_sched_setscheduler, 0, on ? SCHED_FIFO : SCHED_OTHER,
		    &param))
		die("sched_setscheduler");
}

static void run_rates(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	rate_rounds = rounds < 10 ? rounds : 10;
	for (unsigned round = 0; round < rate_rounds;) {
		if (calmly)
			wait_for_calm();
		for (unsigned i = 0; i < ncases; i++)
			cases[i].rate[round] = rate_of(&cases[i], null);
		round += !calmly || calm();
	}
	close(null);
}

/* The most of a few runs: what is dirty differs by the pages a race touches. */
static void run_memory(void)
{
	for (unsigned i = 0; i < ncases; i++) {
		for (unsigned k = 0; k < memory_runs; k++) {
			struct child_memory m;

			if (child_memory_at_exit(&cases[i].command[0],
						 guest_kib, &m))
				fail(&cases[i], "cannot be traced", -1);
			if (m.dirty > cases[i].memory.dirty)
				cases[i].memory = m;
		}
	}
}

/* ---- reports ---------------------------------------------------------------
 */

static void print_table(void)
{
	printf("%-14s", "");
	for (unsigned f = 0; f < FIGURES; f++)
		printf(" %-28s", figure_names[f]);
	printf(" %-7s %s\n%-14s", "dirty", parallel ? "at once" : "", "");
	for (unsigned f = 0; f < FIGURES; f++)
		printf(" %-7s %-6s %-6s %-6s", "p50", "p90", "p99", "ratio");
	printf(" %-7s %s\n", "KiB", parallel ? "VMs/s  ratio" : "");
	for (unsigned i = 0; i < ncases; i++) {
		struct one *c = &cases[i];

		printf("%-14s", c->name);
		for (unsigned f = 0; f < FIGURES; f++)
			printf(" %-7.0f %-6.0f %-6.0f %-6.2f",
			       quantile(c->sample[f], rounds, 0.5),
			       quantile(c->sample[f], rounds, 0.9),
			       quantile(c->sample[f], rounds, 0.99),
			       ratio(c->sample[f], cases[0].sample[f], rounds));
		printf(" %-7ld", c->memory.dirty);
		if (parallel)
			printf(" %-6.0f %.2f",
			       quantile(c->rate, rate_rounds, 0.5),
			       ratio(c->rate, cases[0].rate, rate_rounds));
		printf("\n");
	}
}

static void put_list(FILE *to, const char *name, const double *v, unsigned n)
{
	fprintf(to, ",\n \"%s\":[", name);
	for (unsigned i = 0; i < n; i++)
		fprintf(to, "%s%.1f", i ? "," : "", v[i]);
	fprintf(to, "]");
}

/* Names and commands are our caller's: no quotes or backslashes in them. */
static void write_samples(const char *path)
{
	FILE *to = fopen(path, "w");

	if (!to)
		die(path);
	fprintf(to, "{\"rounds\":%u,\"width\":%u,\"cases\":[", rounds, width);
	for (unsigned i = 0; i < ncases; i++) {
		struct one *c = &cases[i];

		fprintf(to, "%s{\"name\":\"%s\",\"command\":\"%s\"",
			i ? ",\n" : "\n", c->name, c->line);
		for (unsigned f = 0; f < FIGURES; f++)
			put_list(to, figure_names[f], c->sample[f], rounds);
		put_list(to, "vms_per_s", c->rate, rate_rounds);
		fprintf(to, ",\n \"dirty_kib\":%ld,\"rss_kib\":%ld}",
			c->memory.dirty, c->memory.rss);
	}
	fprintf(to, "]}\n");
	if (fclose(to))
		die(path);
}

static FILE *create(const char *dir, const char *name)
{
	char path[4096];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	to = fopen(path, "w");
	if (!to)
		die(path);
	return to;
}

static void write_tables(const char *dir)
{
	FILE *to = create(dir, "samples.tsv");

	fprintf(to, "# case\tfirst_us\teof_us\treaped_us\tcpu_us\n");
	for (unsigned i = 0; i < ncases; i++) {
		const struct one *c = &cases[i];

		for (unsigned r = 0; r < rounds; r++)
			fprintf(to, "%s\t%.1f\t%.1f\t%.1f\t%.1f\n", c->name,
				c->sample[FIRST][r], c->sample[EOF_][r],
				c->sample[REAPED][r], c->sample[CPU][r]);
	}
	if (fclose(to))
		die("samples.tsv");
	to = create(dir, "summary.tsv");
	fprintf(to, "# case\t(p50 p90 p99 ratio) of first_us eof_us reaped_us "
		    "cpu_us\tdirty_kib\trss_kib\tvms_per_s\tratio\n");
	for (unsigned i = 0; i < ncases; i++) {
		const struct one *c = &cases[i];

		fprintf(to, "%s", c->name);
		for (unsigned f = 0; f < FIGURES; f++)
			fprintf(to, "\t%.0f\t%.0f\t%.0f\t%.3f",
				quantile(c->sample[f], rounds, 0.5),
				quantile(c->sample[f], rounds, 0.9),
				quantile(c->sample[f], rounds, 0.99),
				ratio(c->sample[f], cases[0].sample[f],
				      rounds));
		fprintf(to, "\t%ld\t%ld\t%.1f\t%.3f\n", c->memory.dirty,
			c->memory.rss, quantile(c->rate, rate_rounds, 0.5),
			parallel ? ratio(c->rate, cases[0].rate, rate_rounds)
				 : 0);
	}
	if (fclose(to))
		die("summary.tsv");
}

static unsigned number(const char *text, unsigned max)
{
	long n = atol(text);

	if (n < 0 || n > (long)max) {
		fprintf(stderr, "startup: %s: 0 to %u\n", text, max);
		exit(125);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	const char *samples = NULL, *tables = NULL;
	int option;

	while ((option = getopt(argc, argv, "+crn:p:w:m:g:o:t:")) >= 0) {
		switch (option) {
		case 'c':
			calmly = true;
			break;
		case 'r':
			urgently = true;
			break;
		case 'n':
			rounds = number(optarg, ROUNDS_MAX);
			break;
		case 'p':
			parallel = number(optarg, 100000);
			break;
		case 'w':
			width = number(optarg, WIDTH_MAX);
			break;
		case 'm':
			memory_runs = number(optarg, 1000);
			break;
		case 'g':
			guest_kib = number(optarg, 1U << 30);
			break;
		case 'o':
			samples = optarg;
			break;
		case 't':
			tables = optarg;
			break;
		default:
			return 125;
		}
	}
	if (optind == argc || (argc - optind) % 2 || !rounds || !width ||
	    (argc - optind) / 2 > CASES_MAX) {
		fprintf(stderr, "startup [options] NAME COMMAND...\n");
		return 125;
	}
	ncases = (unsigned)(argc - optind) / 2;
	cases = calloc(ncases, sizeof(*cases));
	if (!cases)
		die("calloc");
	for (unsigned i = 0; i < ncases; i++) {
		cases[i].name = argv[optind + 2 * (int)i];
		cases[i].line = argv[optind + 2 * (int)i + 1];
		for (unsigned k = 0; k < WIDTH_MAX; k++)
			command_set(&cases[i].command[k], cases[i].line, k);
	}
	warm_up();
	if (urgently)
		set_urgent(true);
	for (unsigned round = 0; round < rounds;) {
		if (calmly)
			wait_for_calm();
		run_round(round);
		round += !calmly || calm();
	}
	if (urgently)
		set_urgent(false);
	if (parallel)
		run_rates();
	run_memory();
	print_table();
	if (samples)
		write_samples(samples);
	if (tables)
		write_tables(tables);
	return 0;
}
