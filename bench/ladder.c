// SPDX-License-Identifier: Apache-2.0
/*
 * The cost ladder of many runs: medians of what `mote run --timing` says.
 *
 *	ladder [-n RUNS] [-o SAMPLES] [-m MEDIAN] FILE COMMAND
 *
 * COMMAND (one argument, cut at blanks) must hold --timing=json:FILE. Before
 * the monitor's own steps comes what it cannot see, from execve() to its first
 * reading of the clock, and behind them what lies between its last one and the
 * moment it is reaped. Prints a table with tabs:
 *
 *	thread  stage  step  kind  begin_ns  ns  count
 *
 * kind is kernel, wait, ours (the rest of a stage), outside or event. A step
 * that occurs several times in a stage is added up. SAMPLES gets every run's
 * JSON, as one array; MEDIAN the same table of one run, that with the median
 * time to being reaped: its steps fit together, which medians do not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"

#define STEPS_MAX 128
#define RUNS_MAX  1000

/* last: 1 + the run that was added last */
struct step {
	char thread[8], stage[8], name[40], kind[8];
	unsigned runs, last, count;
	unsigned run[RUNS_MAX];
	double begin[RUNS_MAX], ns[RUNS_MAX];
};

static struct step *steps;
static unsigned nsteps;

static struct step *find(const char *thread, const char *stage,
			 const char *name, const char *kind)
{
	struct step *s;

	for (s = steps; s < steps + nsteps; s++)
		if (!strcmp(s->thread, thread) && !strcmp(s->stage, stage) &&
		    !strcmp(s->name, name))
			return s;
	if (nsteps == STEPS_MAX) {
		fprintf(stderr, "ladder: too many steps\n");
		exit(1);
	}
	snprintf(s->thread, sizeof(s->thread), "%s", thread);
	snprintf(s->stage, sizeof(s->stage), "%s", stage);
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->kind, sizeof(s->kind), "%s", kind);
	nsteps++;
	return s;
}

static void add(struct step *s, unsigned run, double begin, double ns,
		unsigned count)
{
	if (s->last == run + 1) {
		s->ns[s->runs - 1] += ns;
		s->count += count;
		return;
	}
	s->last = run + 1;
	s->run[s->runs] = run;
	s->begin[s->runs] = begin;
	s->ns[s->runs++] = ns;
	s->count = count;
}

static _Noreturn void bad(const char *text)
{
	fprintf(stderr, "ladder: cannot read %.60s\n", text);
	exit(1);
}

/* The number behind @key. */
static double value(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	if (!at)
		bad(key);
	return strtod(at + strlen(key), NULL);
}

static const char *read_step(const char *at, unsigned run, const char *thread,
			     const char *stage)
{
	char name[40], kind[8];
	unsigned count;
	double begin, ns;
	int len = 0;

	if (sscanf(at,
		   "{\"name\":\"%39[^\"]\",\"kind\":\"%7[^\"]\",\"begin_ns\":"
		   "%lf,\"ns\":%lf,\"count\":%u}%n",
		   name, kind, &begin, &ns, &count, &len) != 5 ||
	    !len)
		bad(at);
	add(find(thread, stage, name, kind), run, begin, ns, count);
	return at + len;
}

static void read_stages(const char *at, unsigned run)
{
	while ((at = strstr(at, "{\"thread\":"))) {
		double begin, whole, kernel, wait, ours;
		char thread[8], stage[8];
		int len = 0;

		if (sscanf(at,
			   "{\"thread\":\"%7[^\"]\",\"stage\":\"%7[^\"]\","
			   "\"begin_ns\":%lf,\"ns\":%lf,\"kernel_ns\":%lf,"
			   "\"wait_ns\":%lf,\"ours_ns\":%lf,\"steps\":[%n",
			   thread, stage, &begin, &whole, &kernel, &wait, &ours,
			   &len) != 7 ||
		    !len)
			bad(at);
		for (at += len; *at != ']'; at += *at == ',')
			at = read_step(at, run, thread, stage);
		add(find(thread, stage, "ours", "ours"), run, begin, ours, 1);
	}
}

static void read_run(const char *text, const struct child_run *run, unsigned n)
{
	static const char *const events[] = { "first_exit", "first_byte",
					      "stop" };
	double khz = value(text, "\"tsc_khz\":");
	double begin = value(text, "\"tsc_begin\":");
	double end = value(text, "\"tsc_end\":");
	double before = (begin - (double)run->tsc_begin) / khz * 1e6;
	double after = ((double)run->tsc_reaped - end) / khz * 1e6;

	add(find("main", "exec", "exec and options", "outside"), n, -before,
	    before, 1);
	read_stages(text, n);
	add(find("I/O", "exit", "exit to reaped", "outside"), n,
	    (end - begin) / khz * 1e6, after, 1);
	for (unsigned i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		char key[32];

		snprintf(key, sizeof(key), "\"%s_ns\":", events[i]);
		if (strstr(text, key))
			add(find("event", "event", events[i], "event"), n,
			    value(text, key), 0, 1);
	}
}

static char *read_file(const char *path)
{
	static char text[65536];
	FILE *from = fopen(path, "r");
	size_t n;

	if (!from)
		die(path);
	n = fread(text, 1, sizeof(text) - 1, from);
	text[n] = '\0';
	fclose(from);
	return text;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The steps of @run alone. */
static void write_run(const char *path, unsigned run)
{
	FILE *to = fopen(path, "w");

	if (!to)
		die(path);
	for (struct step *s = steps; s < steps + nsteps; s++)
		for (unsigned i = 0; i < s->runs; i++)
			if (s->run[i] == run)
				fprintf(to, "%s\t%s\t%s\t%s\t%.0f\t%.0f\n",
					s->thread, s->stage, s->name, s->kind,
					s->begin[i], s->ns[i]);
	if (fclose(to))
		die(path);
}

/* Which run took the median time? */
static unsigned middle(const double *total, unsigned n)
{
	static double sorted[RUNS_MAX];
	unsigned i = 0;

	memcpy(sorted, total, n * sizeof(*total));
	qsort(sorted, n, sizeof(*sorted), compare);
	while (total[i] < sorted[n / 2] || total[i] > sorted[n / 2])
		i++;
	return i;
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static void print_steps(void)
{
	printf("# thread\tstage\tstep\tkind\tbegin_ns\tns\tcount\n");
	for (struct step *s = steps; s < steps + nsteps; s++)
		printf("%s\t%s\t%s\t%s\t%.0f\t%.0f\t%u\n", s->thread, s->stage,
		       s->name, s->kind, median(s->begin, s->runs),
		       median(s->ns, s->runs), s->count);
}

int main(int argc, char **argv)
{
	const char *samples = NULL, *one = NULL, *file;
	static double total[RUNS_MAX];
	struct command command;
	unsigned runs = 50;
	FILE *to = NULL;
	int option;

	while ((option = getopt(argc, argv, "+n:o:m:")) >= 0) {
		if (option == 'n')
			runs = (unsigned)atoi(optarg);
		else if (option == 'o')
			samples = optarg;
		else if (option == 'm')
			one = optarg;
		else
			return 125;
	}
	if (argc - optind != 2 || !runs || runs > RUNS_MAX) {
		fprintf(stderr,
			"ladder [-n RUNS] [-o SAMPLES] [-m MEDIAN] FILE "
			"COMMAND\n");
		return 125;
	}
	file = argv[optind];
	command_set(&command, argv[optind + 1], 0);
	steps = calloc(STEPS_MAX, sizeof(*steps));
	if (!steps)
		die("calloc");
	if (samples && !(to = fopen(samples, "w")))
		die(samples);
	child_watch(&command, 30); /* for the page cache */
	for (unsigned n = 0; n < runs; n++) {
		struct child_run run = child_watch(&command, 30);
		char *text = read_file(file);

		total[n] = (double)(run.reaped - run.begin);
		read_run(text, &run, n);
		if (to)
			fprintf(to, "%s%s", n ? "," : "[", text);
	}
	if (to && (fprintf(to, "]\n") < 0 || fclose(to)))
		die(samples);
	if (one)
		write_run(one, middle(total, runs));
	print_steps();
	return 0;
}
