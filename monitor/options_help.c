// SPDX-License-Identifier: Apache-2.0
/* --help, printed from the tables that the parser reads. */
#include <stddef.h>
#include <string.h>

#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/options.h"
#include "monitor/options_table.h"
#include "monitor/out.h"

#define INDENT 26
#define WIDTH  79

static const char group_titles[OPTIONS_GROUPS][16] = {
	[GROUP_GUEST] = "The guest",
	[GROUP_MACHINE] = "Its machine",
	[GROUP_DEVICES] = "Its devices",
	[GROUP_RUN] = "The run",
};

static const struct {
	char status[8];
	char meaning[64];
} exit_rows[] = {
	{ "0-123", "what the guest handed over; 0 for power-off and reset" },
	{ "124", "--timeout ran out" },
	{ "125", "mote failed or was misused before the guest ran" },
	{ "126", "the image is not something mote can boot" },
	{ "127", "image, initrd or disk not found" },
	{ "128+n",
	  "mote was ended by signal n; the guest was stopped in order" },
	{ "131", "the guest crashed" },
	{ "159", "the lock was touched: killed by SIGSYS" },
};
_Static_assert(EXIT_GUEST_MAX == 123 && EXIT_TIMED_OUT == 124 &&
		       EXIT_MISUSE == 125 && EXIT_BAD_IMAGE == 126 &&
		       EXIT_NO_IMAGE == 127 && EXIT_SIGNAL_BASE == 128 &&
		       EXIT_CRASHED == 131 && EXIT_LOCKED == 159,
	       "exit_rows tells of other numbers");

/* Writes @text from column INDENT on, broken at blanks before WIDTH. */
static void wrap(struct out *out, const char *text)
{
	size_t room = WIDTH - INDENT;

	while (strlen(text) > room) {
		size_t n = room;

		while (n && text[n] != ' ')
			n--;
		n = n ? n : room;
		out_printf(out, "%.*s\n%*s", (int)n, text, INDENT, "");
		text += n + (text[n] == ' ');
	}
	out_printf(out, "%s\n", text);
}

/* The left column; on a line of its own when it is too wide. */
static void left(struct out *out, const char *text)
{
	out_printf(out, "%-*s", INDENT, text);
	if (strlen(text) >= INDENT)
		out_printf(out, "\n%*s", INDENT, "");
}

static void print_row(struct out *out, const struct options_row *row,
		      const char *help, const char *before, const char *between)
{
	bool maybe = row->kind == KIND_MAYBE || row->kind == KIND_TIMING;
	char name[64], text[200];

	if (maybe)
		fmt_print(name, sizeof(name), "%s%s[=%s]", before, row->name,
			  row->arg);
	else
		fmt_print(name, sizeof(name), "%s%s%s%s", before, row->name,
			  *row->arg ? between : "", row->arg);
	fmt_print(text, sizeof(text), "%s%s%s%s", help, *row->unset ? " [" : "",
		  row->unset, *row->unset ? "]" : "");
	left(out, name);
	wrap(out, text);
}

static void print_subs(struct out *out, unsigned kind)
{
	const struct options_row *row = options_subs(kind);
	const char *help = options_subs_help(kind);

	for (; row && *row->name; row++, help += strlen(help) + 1)
		print_row(out, row, help, "      ", "=");
}

static void print_group(struct out *out, unsigned group)
{
	const struct options_row *row = options_run;
	const char *help = options_run_help;

	out_printf(out, "\n%s:\n", group_titles[group]);
	for (; *row->name; row++, help += strlen(help) + 1) {
		if (row->group != group)
			continue;
		print_row(out, row, help, "  --", " ");
		print_subs(out, row->kind);
	}
}

static void print_run(struct out *out)
{
	out_printf(out,
		   "Usage: mote run %s\n\n"
		   "Starts IMAGE (a Linux bzImage or vmlinux, or an ELF64 "
		   "unikernel) as a microVM\nand ends with its status. "
		   "Options may stand before or behind IMAGE, and are\n"
		   "written --option VALUE or --option=VALUE.\n",
		   options_commands[0].usage);
	for (unsigned group = 0; group < OPTIONS_GROUPS; group++)
		print_group(out, group);
	out_printf(out, "\nExit status:\n");
	for (size_t i = 0; i < sizeof(exit_rows) / sizeof(exit_rows[0]); i++)
		out_printf(out, "  %-8s%s\n", exit_rows[i].status,
			   exit_rows[i].meaning);
}

static void print_check(struct out *out)
{
	out_printf(
		out,
		"Usage: mote check [--porcelain]\n\n"
		"Looks at what mote needs from this host. Each line says "
		"\"fine\", "
		"\"note\" (mote\nruns without it) or \"WRONG\", and where "
		"that can be mended, how.\n\n"
		"  --porcelain   print key=value lines for scripts instead\n\n"
		"Exit status: 0 if mote can run here, 125 if it cannot.\n");
}

static void print_commands(struct out *out)
{
	out_printf(out, "mote starts unikernels and small Linux guests as "
			"microVMs.\n\n");
	for (int i = 0; i < OPTIONS_COMMANDS; i++) {
		const struct options_command *c = &options_commands[i];

		out_printf(out, "  mote %s %-*s%s\n", c->name,
			   42 - (int)strlen(c->name), c->usage, c->text);
	}
}

int options_help(int fd, enum command command)
{
	struct out out = OUT_INIT(fd);

	if (command == COMMAND_HELP_RUN)
		print_run(&out);
	else if (command == COMMAND_HELP_CHECK)
		print_check(&out);
	else
		print_commands(&out);
	return out_flush(&out);
}
