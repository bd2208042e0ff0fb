// SPDX-License-Identifier: Apache-2.0
/*
 * Compiles the lock's rows. Runs on the machine that builds, linked with
 * libseccomp; nothing of it is in the monitor.
 *
 *	lockgen FILE		the BPF programs, as C
 *	lockgen FILE every	the same, and for each row the programs without
 *				it, for the test that shows each is needed
 *	lockgen FILE rows	a line for each row: number, role, call, why
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seccomp/rows.h"

#define SETS_ALL ((1U << LOCK_SETS) - 1)

/* Stands for descriptor number n until the filter is installed. */
#define PLACEHOLDER(n) (0x4d6f7400U + (n))

static FILE *out;

/* What all programs hold, one after the other. */
static unsigned insns, patches;

struct program {
	unsigned role, sets, without;
	unsigned first, len, first_patch, patches;
	char calls[400];
	unsigned calls_at;
};
static struct program programs[4096];
static unsigned count;

static void die(const char *what)
{
	fprintf(stderr, "lockgen: %s\n", what);
	exit(1);
}

static bool applies(const struct lock_row *row, unsigned role, unsigned sets)
{
	return row->role == role && (row->with & sets) == row->with &&
	       !(row->unless & sets);
}

/* The sets that change anything for @role. */
static unsigned relevant(unsigned role)
{
	unsigned sets = 0;

	for (const struct lock_row *r = lock_rows; r->call; r++)
		if (r->role == role)
			sets |= r->with | r->unless;
	return sets;
}

static struct scmp_arg_cmp compare(const struct lock_match *m)
{
	struct scmp_arg_cmp cmp = { .arg = m->arg, .op = SCMP_CMP_EQ };

	switch ((enum lock_match_kind)m->kind) {
	case MATCH_IS:
		cmp.datum_a = m->value;
		break;
	case MATCH_FD:
		cmp.datum_a = PLACEHOLDER(m->value);
		break;
	case MATCH_MASKED:
		cmp.op = SCMP_CMP_MASKED_EQ;
		cmp.datum_a = m->mask;
		cmp.datum_b = m->value;
		break;
	case MATCH_END:
	default:
		die("a row matches on nothing");
	}
	return cmp;
}

static void add_row(scmp_filter_ctx ctx, const struct lock_row *row,
		    unsigned priority)
{
	struct scmp_arg_cmp cmp[LOCK_MATCH_MAX];
	unsigned n = 0;

	for (; row->match[n].kind; n++)
		cmp[n] = compare(&row->match[n]);
	if (seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, row->nr, n, cmp))
		die("libseccomp refuses a row");
	if (seccomp_syscall_priority(ctx, row->nr, (uint8_t)priority))
		die("libseccomp refuses a priority");
}

static void note_call(struct program *p, const char *call)
{
	char *at = strstr(p->calls, call);
	size_t len = strlen(call), used = strlen(p->calls);

	for (; at; at = strstr(at + 1, call))
		if ((at == p->calls || at[-1] == ' ') &&
		    (at[len] == ' ' || !at[len]))
			return;
	snprintf(p->calls + used, sizeof(p->calls) - used, "%s%s",
		 used ? " " : "", call);
}

/*
 * A long filter is a tree: when it is installed, the kernel runs it once for
 * each system call there is, to learn which it always allows.
 */
static scmp_filter_ctx new_filter(unsigned role)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);

	if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
				     SCMP_ACT_KILL_PROCESS))
		die("libseccomp does not start");
	if (role == LOCK_START &&
	    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		die("libseccomp 2.5 is needed");
	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		die("only x86-64");
	return ctx;
}

static unsigned export(scmp_filter_ctx ctx, struct sock_filter *buf)
{
	FILE *tmp = tmpfile();
	size_t n;

	if (!tmp || seccomp_export_bpf(ctx, fileno(tmp)))
		die("cannot export a filter");
	rewind(tmp);
	n = fread(buf, sizeof(*buf), LOCK_INSNS_MAX + 1, tmp);
	fclose(tmp);
	if (!n || n > LOCK_INSNS_MAX)
		die("a filter is empty or too long");
	return (unsigned)n;
}

/* A descriptor's placeholder is compared with, and never anything else. */
static int placeholder(const struct sock_filter *f)
{
	if (f->k < PLACEHOLDER(0) || f->k >= PLACEHOLDER(LOCK_FDS))
		return -1;
	if (f->code != (BPF_JMP | BPF_JEQ | BPF_K))
		die("a placeholder is used for more than a comparison");
	return (int)(f->k - PLACEHOLDER(0));
}

static struct sock_filter all[1 << 20], kind[1 << 16];
static unsigned kinds;
static struct {
	unsigned at, fd;
} patch[1 << 16];

static void collect(struct program *p, const struct sock_filter *f, unsigned n)
{
	p->first = insns;
	p->len = n;
	p->first_patch = patches;
	for (unsigned i = 0; i < n; i++) {
		int fd = placeholder(&f[i]);

		all[insns + i] = f[i];
		if (fd < 0)
			continue;
		patch[patches].at = i;
		patch[patches++].fd = (unsigned)fd;
	}
	insns += n;
	p->patches = patches - p->first_patch;
}

/* @without: a row's index, or ~0U */
static void compile(unsigned role, unsigned sets, unsigned without)
{
	struct sock_filter buf[LOCK_INSNS_MAX + 1];
	struct program *p = &programs[count++];
	scmp_filter_ctx ctx = new_filter(role);
	unsigned priority = 255;

	p->role = role;
	p->sets = sets;
	p->without = without;
	for (unsigned i = 0; lock_rows[i].call; i++) {
		if (i == without || !applies(&lock_rows[i], role, sets))
			continue;
		add_row(ctx, &lock_rows[i], priority);
		note_call(p, lock_rows[i].call);
		priority -= priority > 1;
	}
	collect(p, buf, export(ctx, buf));
	seccomp_release(ctx);
}

static void compile_role(unsigned role, unsigned without)
{
	unsigned mask = relevant(role);

	for (unsigned sets = 0; sets <= SETS_ALL; sets++)
		if (!(sets & ~mask) && lock_possible(sets, mask))
			compile(role, sets, without);
}

/* The first program with the same calls as @p. */
static const struct program *namesake(const struct program *p)
{
	const struct program *first = programs;

	while (strcmp(first->calls, p->calls))
		first++;
	return first;
}

static void print_programs(void)
{
	unsigned at = 0;

	fprintf(out, "static const char call_names[] =\n");
	for (struct program *p = programs; p < programs + count; p++) {
		if (namesake(p) != p)
			continue;
		p->calls_at = at;
		at += (unsigned)strlen(p->calls) + 1;
		fprintf(out, "\t\"%s\\0\"\n", p->calls);
	}
	fprintf(out, "\t;\n\nstatic const struct program programs[] = {\n");
	for (struct program *p = programs; p < programs + count; p++)
		fprintf(out, "\t{ %u, %u, %d, %u, %u, %u, %u, %u },\n", p->role,
			p->sets, (int)p->without, p->first, p->len,
			p->first_patch, p->patches, namesake(p)->calls_at);
	fprintf(out, "};\n\n");
}

/* Programs are much alike: each instruction is kept once, and numbered. */
static unsigned number(const struct sock_filter *f)
{
	unsigned i = 0;

	while (i < kinds && memcmp(&kind[i], f, sizeof(*f)))
		i++;
	if (i == kinds)
		kind[kinds++] = *f;
	if (kinds > UINT16_MAX)
		die("too many instructions");
	return i;
}

static void print_tables(void)
{
	fprintf(out, "static const uint8_t relevant[LOCK_ROLES] = {");
	for (unsigned role = 0; role < LOCK_ROLES; role++)
		fprintf(out, " %u,", relevant(role));
	fprintf(out, " };\n\nstatic const struct patch patches[] = {\n");
	for (unsigned i = 0; i < patches; i++)
		fprintf(out, "\t{ %u, %u },\n", patch[i].at, patch[i].fd);
	fprintf(out, "};\n\nstatic const uint16_t insns[] = {\n");
	for (unsigned i = 0; i < insns; i++)
		fprintf(out, "\t%u,\n", number(&all[i]));
	fprintf(out, "};\n\nstatic const struct sock_filter kinds[] = {\n");
	for (unsigned i = 0; i < kinds; i++)
		fprintf(out, "\t{ 0x%02x, %u, %u, 0x%08x },\n", kind[i].code,
			kind[i].jt, kind[i].jf, kind[i].k);
	fprintf(out, "};\n");
}

int main(int argc, char **argv)
{
	bool every = argc == 3 && !strcmp(argv[2], "every");

	if (argc != 2 && argc != 3)
		die("usage: lockgen FILE [every|rows]");
	out = fopen(argv[1], "w");
	if (!out)
		die("cannot write");
	if (argc == 3 && !strcmp(argv[2], "rows")) {
		for (unsigned i = 0; lock_rows[i].call; i++)
			fprintf(out, "%u %s %s %s\n", i,
				lock_role_names[lock_rows[i].role].name,
				lock_rows[i].call, lock_rows[i].why);
		return fclose(out) ? 1 : 0;
	}
	for (unsigned role = 0; role < LOCK_ROLES; role++)
		compile_role(role, ~0U);
	for (unsigned i = 0; every && lock_rows[i].call; i++)
		compile_role(lock_rows[i].role, i);
	fprintf(out, "/* Generated by seccomp/host/lockgen.c from "
		     "seccomp/rows.c. */\n\n");
	print_programs();
	print_tables();
	if (fclose(out))
		die("cannot write");
	return 0;
}
