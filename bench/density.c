// SPDX-License-Identifier: Apache-2.0
/*
 * Many VMs at once: what a start takes, what each one costs the host, whether
 * all still answer, what they do while nothing happens.
 *
 *	density [-n VMS] [-w WIDTH] [-i SECONDS] [-s SOCKET] [-o SAMPLES]
 *		[-t TABLE] COMMAND
 *
 * COMMAND (one argument, cut at blanks, {} in it is the VM's number) must
 * print "ready\n", send each line back that it gets, and go on until it is
 * told to end by SIGTERM, as mote does with guest/examples/pong.c. Lines go to
 * its input, or with -s to port 7 of the guest over vsock: SOCKET is the path
 * it was given, {} included, and guest/examples/vecho.c the guest.
 *
 * First VMS (1000) are started one after the other, each awaited; then WIDTH
 * (8) at a time. Memory is what MemAvailable lost, kernel memory included, so
 * other work on the host disturbs it; beside it the processes' own: Pss, where
 * a page that n share counts 1/n for each.
 *
 * For SECONDS (5) the VMs idle before they are asked: their CPU time (ticks of
 * 10 ms) and context switches in that time are added up. The exit status is 1
 * if one of them did not answer.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/activity.h"
#include "bench/ask.h"
#include "bench/child.h"

#define VMS_MAX	  10000
#define STEPS_MAX 64

#define SETTLE_TENTHS 50 /* of a second */

struct vm {
	pid_t pid;
	int fd; /* its console, both ways */
	int64_t began;
	double start_us, answer_us;
};

/* KiB of /proc/meminfo. Kernel: slab, page tables, stacks, vmalloc. */
struct host {
	long available, kernel;
};

struct step {
	unsigned vms;
	struct host host;
};

static struct vm vm[VMS_MAX];
static struct step step[STEPS_MAX];
static unsigned vms = 1000, width = 8, idle_s = 5, steps;
static struct command command;
static const char *words, *vsock;

static struct host host_memory(void)
{
	static const char *const kernel[] = { "Slab:",	      "KernelStack:",
					      "PageTables:",  "SecPageTables:",
					      "VmallocUsed:", "Percpu:" };
	struct host h = { 0 };
	char line[128], key[64];
	long kib;
	FILE *f = fopen("/proc/meminfo", "r");

	if (!f)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld", key, &kib) != 2)
			continue;
		if (!strcmp(key, "MemAvailable:"))
			h.available = kib;
		for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
			if (!strcmp(key, kernel[i]))
				h.kernel += kib;
	}
	fclose(f);
	return h;
}

static void start(struct vm *v)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	command_set(&command, words, (unsigned)(v - vm));
	v->began = child_now();
	v->pid = child_start(&command, pair[1], pair[1], NULL);
	v->fd = pair[0];
	close(pair[1]);
}

static void await(struct vm *v)
{
	if (!ask_ready(v->fd)) {
		fprintf(stderr, "density: VM %ld does not start\n",
			(long)(v - vm));
		exit(1);
	}
	v->start_us = (double)(child_now() - v->began) / 1e3;
}

static bool ask(struct vm *v)
{
	unsigned number = (unsigned)(v - vm);
	int64_t begin = child_now();
	struct command path;
	char line[32];
	bool same;

	snprintf(line, sizeof(line), "vm %u\n", number);
	if (vsock) {
		command_set(&path, vsock, number);
		same = ask_vsock(path.argv[0], line);
	} else {
		same = ask_echo(v->fd, line);
	}
	v->answer_us = (double)(child_now() - begin) / 1e3;
	return same;
}

static unsigned ask_all(void)
{
	unsigned answers = 0;

	for (unsigned i = 0; i < vms; i++)
		answers += ask(&vm[i]);
	return answers;
}

/* KiB of all VMs together; 0 where only root may look. */
static long pss(void)
{
	char path[64];
	long kib = 0;

	for (unsigned i = 0; i < vms; i++) {
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup",
			 (int)vm[i].pid);
		kib += activity_field(path, "Pss:");
	}
	return kib;
}

static void end_all(void)
{
	for (unsigned i = 0; i < vms; i++)
		kill(vm[i].pid, SIGTERM);
	for (unsigned i = 0; i < vms; i++) {
		waitpid(vm[i].pid, NULL, 0);
		close(vm[i].fd);
	}
}

static void note_step(unsigned n)
{
	if (steps < STEPS_MAX)
		step[steps++] = (struct step){ n, host_memory() };
}

static struct activity activity(void)
{
	struct activity a = { 0 };

	for (unsigned i = 0; i < vms; i++)
		activity_add(vm[i].pid, &a);
	return a;
}

/* What the starts left to do is done, or it never will be. */
static struct activity settled(void)
{
	struct activity before, now = activity();

	for (unsigned i = 0; i < SETTLE_TENTHS; i++) {
		before = now;
		usleep(100000);
		now = activity();
		if (now.switches == before.switches)
			break;
	}
	return now;
}

static struct activity idle(void)
{
	struct activity before = settled(), after;

	sleep(idle_s);
	after = activity();
	return (struct activity){ after.ticks - before.ticks,
				  after.switches - before.switches };
}

/* ---- the two rounds --------------------------------------------------------
 */

static void start_in_turn(void)
{
	unsigned every = vms / 20 ? vms / 20 : 1;

	note_step(0);
	for (unsigned i = 0; i < vms; i++) {
		start(&vm[i]);
		await(&vm[i]);
		if ((i + 1) % every == 0)
			note_step(i + 1);
	}
}

/* Return: seconds for all. */
static double start_together(void)
{
	int64_t begin = child_now();

	for (unsigned i = 0; i < vms + width; i++) {
		if (i < vms)
			start(&vm[i]);
		if (i >= width)
			await(&vm[i - width]);
	}
	return (double)(child_now() - begin) / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The @p-th part of the field at @off of all VMs. */
static double quantile(size_t off, double p)
{
	static double v[VMS_MAX];

	for (unsigned i = 0; i < vms; i++)
		memcpy(&v[i], (char *)&vm[i] + off, sizeof(v[i]));
	qsort(v, vms, sizeof(v[0]), compare);
	return v[(unsigned)(p * (vms - 1) + 0.5)];
}

static void print_quantiles(const char *what, size_t off)
{
	printf("%-28s p50 %.0f us, p90 %.0f us, p99 %.0f us\n", what,
	       quantile(off, 0.5), quantile(off, 0.9), quantile(off, 0.99));
}

/* For plotting: VMs, KiB that MemAvailable lost, kernel's part of them. */
static void write_table(const char *path)
{
	FILE *to = fopen(path, "w");

	if (!to)
		die(path);
	for (unsigned i = 0; i < steps; i++)
		fprintf(to, "%u\t%ld\t%ld\n", step[i].vms,
			step[0].host.available - step[i].host.available,
			step[i].host.kernel - step[0].host.kernel);
	if (fclose(to))
		die(path);
}

static void write_samples(const char *path)
{
	FILE *to = fopen(path, "w");

	if (!to)
		die(path);
	fprintf(to, "{\"command\":\"%s\",\"memory_kib\":[\n", words);
	for (unsigned i = 0; i < steps; i++)
		fprintf(to, "%s{\"vms\":%u,\"available\":%ld,\"kernel\":%ld}",
			i ? ",\n" : "", step[i].vms, step[i].host.available,
			step[i].host.kernel);
	fprintf(to, "],\n\"start_us\":[");
	for (unsigned i = 0; i < vms; i++)
		fprintf(to, "%s%.0f", i ? "," : "", vm[i].start_us);
	fprintf(to, "],\n\"answer_us\":[");
	for (unsigned i = 0; i < vms; i++)
		fprintf(to, "%s%.0f", i ? "," : "", vm[i].answer_us);
	fprintf(to, "]}\n");
	if (fclose(to))
		die(path);
}

/* Return: whether all answered. */
static bool in_turn(const char *samples)
{
	const struct host *first = &step[0].host, *last;
	struct activity a;
	unsigned answers;
	double mib;
	long own;

	start_in_turn();
	last = &step[steps - 1].host;
	mib = (double)(first->available - last->available) / 1024;
	own = pss();
	a = idle();
	answers = ask_all();
	printf("%-28s %u\n", "VMs at once", vms);
	print_quantiles("start, one after the other",
			offsetof(struct vm, start_us));
	print_quantiles("answer", offsetof(struct vm, answer_us));
	printf("%-28s %.1f MiB, %.3f MiB each (kernel's part %.3f)\n",
	       "memory, all included", mib, mib / vms,
	       (double)(last->kernel - first->kernel) / 1024 / vms);
	printf("%-28s %.1f MiB, %.3f MiB each\n", "the processes' own (Pss)",
	       (double)own / 1024, (double)own / 1024 / vms);
	printf("%-28s %u of %u\n", "answered", answers, vms);
	printf("%-28s %ld ticks of CPU, %ld context switches in %u s\n",
	       "idle, all together", a.ticks, a.switches, idle_s);
	if (samples)
		write_samples(samples);
	end_all();
	return answers == vms;
}

int main(int argc, char **argv)
{
	const char *samples = NULL, *table = NULL;
	unsigned answers;
	double seconds;
	int option;
	bool fine;

	while ((option = getopt(argc, argv, "+n:w:i:s:o:t:")) >= 0) {
		if (option == 'n')
			vms = (unsigned)atoi(optarg);
		else if (option == 'w')
			width = (unsigned)atoi(optarg);
		else if (option == 'i')
			idle_s = (unsigned)atoi(optarg);
		else if (option == 's')
			vsock = optarg;
		else if (option == 'o')
			samples = optarg;
		else if (option == 't')
			table = optarg;
		else
			return 125;
	}
	if (argc - optind != 1 || !vms || vms > VMS_MAX || !width ||
	    width > vms) {
		fprintf(stderr,
			"density [-n VMS] [-w WIDTH] [-i SECONDS] "
			"[-s SOCKET] [-o SAMPLES] [-t TABLE] COMMAND\n");
		return 125;
	}
	signal(SIGPIPE, SIG_IGN);
	words = argv[optind];
	fine = in_turn(samples);
	if (table)
		write_table(table);
	seconds = start_together();
	answers = ask_all();
	printf("%u at a time%-17s %.0f VMs/s, %.0f us each, %u of %u "
	       "answered\n",
	       width, "", vms / seconds, seconds * 1e6 / vms, answers, vms);
	end_all();
	return fine && answers == vms ? 0 : 1;
}
