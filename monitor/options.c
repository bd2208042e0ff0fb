// SPDX-License-Identifier: Apache-2.0
/* Reads argv by the tables of options_table.c. */
#include "monitor/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/nearest.h"
#include "monitor/options_table.h"

/* The table's `unset` column says the same; a test compares them. */
static const struct config defaults = {
	.memory_bytes = 128ULL << 20,
	.cpus = 1,
	.numa_node = CONFIG_ANY_NODE,
	.announce = BOOT_ANNOUNCE_AUTO,
	.irqchip = IRQCHIP_SPLIT,
	.console = CONSOLE_STDIO,
	.log_level = LOG_WARN,
	.status_fd = -1,
};

/* ---- names ------------------------------------------------------- */

static bool takes_value(const struct options_row *row)
{
	return row->kind != KIND_FLAG && row->kind != KIND_HELP;
}

/* The row called by the first @len bytes of @name, or NULL. */
static const struct options_row *find_row(const struct options_row *table,
					  const char *name, size_t len)
{
	for (; *table->name; table++)
		if (strlen(table->name) == len &&
		    !memcmp(table->name, name, len))
			return table;
	return NULL;
}

static const char *near_row(const struct options_row *table, const char *name)
{
	size_t rows = 0;

	while (*table[rows].name)
		rows++;
	return nearest_find(name, table->name, sizeof(*table), rows);
}

/* ---- sub-options ------------------------------------------------ */

static int unknown_sub(const char *option, const struct options_row *table,
		       const char *name, bool has_value, bool behind_comma,
		       struct err *e)
{
	const char *near = near_row(table, name);
	char list[100];
	size_t at = 0;

	if (near)
		return err_set(e, -EINVAL,
			       "--%s %.40s: no such sub-option; did you mean "
			       "%s?",
			       option, name, near);
	if (!has_value && behind_comma)
		return err_set(e, -EINVAL,
			       "--%s %.40s: no such sub-option; a path cannot "
			       "contain a comma",
			       option, name);
	if (!has_value)
		return err_set(e, -EINVAL, "--%s %.80s: did you mean %s=%.80s?",
			       option, name, table->name, name);
	for (; *table->name && at < sizeof(list) - 1; table++)
		at += (size_t)fmt_print(list + at, sizeof(list) - at, "%s%s",
					at ? ", " : "", table->name);
	return err_set(e, -EINVAL,
		       "--%s %.40s: no such sub-option; there are %s", option,
		       name, list);
}

/* One "key", or "key=value", NUL-terminated; its value is cut off in place. */
static int apply_sub(const char *option, const struct options_row *table,
		     char *sub, void *base, unsigned *seen, struct err *e)
{
	char *equals = strchr(sub, '=');
	size_t len = equals ? (size_t)(equals - sub) : strlen(sub);
	const struct options_row *row = find_row(table, sub, len);
	struct options_item item = { option, sub, equals ? equals + 1 : NULL };

	if (equals)
		*equals = '\0';
	if (!row)
		return unknown_sub(option, table, sub, equals, *seen, e);
	if (*seen & 1U << (row - table))
		return err_set(e, -EINVAL, "--%s: %s is given twice; keep one",
			       option, sub);
	*seen |= 1U << (row - table);
	if (!equals && takes_value(row) && row->kind != KIND_MAYBE)
		return err_set(e, -EINVAL, "--%s: %s needs a value: %s=%s",
			       option, sub, sub, row->arg);
	if (equals && !takes_value(row))
		return options_bad(e, &item, "takes no value; write just %s",
				   sub);
	return options_apply(row, &item, base, e);
}

static int apply_subs(const char *option, const struct options_row *table,
		      char *value, void *base, struct err *e)
{
	unsigned seen = 0;

	for (;;) {
		char *comma = strchr(value, ',');
		int r;

		if (comma)
			*comma = '\0';
		r = apply_sub(option, table, value, base, &seen, e);
		if (r || !comma)
			return r;
		value = comma + 1;
	}
}

static int apply_disk(char *value, struct config *config, struct err *e)
{
	struct config_disk *disk = &config->disk[config->disks];
	int r;

	if (config->disks == CONFIG_DISKS_MAX)
		return err_set(e, -EINVAL, "--disk: %d disks are the most",
			       CONFIG_DISKS_MAX);
	*disk = (struct config_disk){ .fd = -1 };
	r = apply_subs("disk", options_disk, value, disk, e);
	if (r)
		return r;
	if (disk->path && disk->fd >= 0)
		return err_set(e, -EINVAL,
			       "--disk: path= and fd= name two files; keep "
			       "one of them");
	if (!disk->path && disk->fd < 0)
		return err_set(e, -EINVAL,
			       "--disk: which file? write path=FILE, or fd=N "
			       "for an open one");
	config->disks++;
	return 0;
}

static int apply_net(char *value, struct config *config, struct err *e)
{
	struct config_net *net = &config->net[config->nets];
	int r, ends;

	if (config->nets == CONFIG_NETS_MAX)
		return err_set(e, -EINVAL,
			       "--net: %d network devices are the most",
			       CONFIG_NETS_MAX);
	*net = (struct config_net){ .fd = -1 };
	r = apply_subs("net", options_net, value, net, e);
	if (r)
		return r;
	ends = !!net->tap + !!net->passt + (net->fd >= 0);
	if (ends > 1)
		return err_set(e, -EINVAL,
			       "--net: tap=, fd= and passt name different "
			       "networks; keep one of them");
	if (!ends)
		return err_set(e, -EINVAL,
			       "--net: which network? write tap=NAME, fd=N or "
			       "passt");
	config->nets++;
	return 0;
}

static int apply_vsock(char *value, struct config *config, struct err *e)
{
	int r;

	config->vsock = (struct config_vsock){ .cid = 3 };
	r = apply_subs("vsock", options_vsock, value, &config->vsock, e);
	if (!r && !config->vsock.path)
		return err_set(e, -EINVAL, "--vsock: where? write path=SOCKET");
	return r;
}

/* ---- mote run ---------------------------------------------------- */

struct run {
	int argc, at; /* at: the word being read */
	char *const *argv;
	uint64_t seen; /* bit by row of options_run */
	bool help;
	struct config config;
};

static int unknown_option(const char *word, struct err *e)
{
	char name[NEAREST_MAX + 2]; /* long enough to be too long */
	const char *near;

	word += strspn(word, "-");
	fmt_print(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	near = near_row(options_run, name);
	if (near)
		return err_set(e, -EINVAL,
			       "--%s: no such option; did you mean --%s?", name,
			       near);
	return err_set(e, -EINVAL,
		       "--%s: no such option; `mote run --help` lists them",
		       name);
}

/* The value of @row's option: behind '=', or the next word. */
static char *find_value(struct run *run, const struct options_row *row,
			char *equals, struct err *e)
{
	const char *next;

	if (equals)
		return equals + 1;
	next = run->at + 1 < run->argc ? run->argv[run->at + 1] : "--";
	if (!strncmp(next, "--", 2)) {
		err_set(e, -EINVAL, "--%s needs a value: --%s=%s", row->name,
			row->name, row->arg);
		return NULL;
	}
	return run->argv[++run->at];
}

static int apply_option(struct run *run, struct err *e)
{
	char *word = run->argv[run->at];
	char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct options_row *row = NULL;
	char *value = NULL;
	uint64_t bit;

	if (!strcmp(word, "-h"))
		row = find_row(options_run, "help", 4);
	else if (word[1] == '-')
		row = find_row(options_run, word + 2, len - 2);
	if (!row)
		return unknown_option(word, e);
	bit = 1ULL << (row - options_run);
	if (run->seen & bit && !row->repeatable)
		return err_set(e, -EINVAL, "--%s is given twice; keep one",
			       row->name);
	run->seen |= bit;
	if (!takes_value(row)) {
		if (equals)
			return err_set(e, -EINVAL,
				       "--%s takes no value; write just --%s",
				       row->name, row->name);
	} else if (row->kind == KIND_TIMING) {
		value = equals ? equals + 1 : NULL;
	} else {
		value = find_value(run, row, equals, e);
		if (!value)
			return -EINVAL;
	}
	run->help |= row->kind == KIND_HELP;
	if (row->kind == KIND_DISK)
		return apply_disk(value, &run->config, e);
	if (row->kind == KIND_NET)
		return apply_net(value, &run->config, e);
	if (row->kind == KIND_VSOCK)
		return apply_vsock(value, &run->config, e);
	return options_apply(row,
			     &(struct options_item){ row->name, NULL, value },
			     &run->config, e);
}

static int apply_image(struct run *run, struct err *e)
{
	const char *word = run->argv[run->at];

	if (run->config.image)
		return err_set(e, -EINVAL,
			       "%.60s: the IMAGE is already %.60s; the guest's "
			       "own arguments go behind --",
			       word, run->config.image);
	if (!*word)
		return err_set(e, -EINVAL,
			       "the IMAGE is an empty word; give a file");
	run->config.image = word;
	return 0;
}

static int parse_run(struct run *run, struct err *e)
{
	int r = 0;

	for (; !r && !run->help && run->at < run->argc; run->at++) {
		const char *word = run->argv[run->at];

		if (!strcmp(word, "--")) {
			run->at++;
			break;
		}
		if (word[0] == '-' && word[1])
			r = apply_option(run, e);
		else
			r = apply_image(run, e);
	}
	if (r || run->help)
		return r;
	run->config.nargs = (unsigned)(run->argc - run->at);
	run->config.args = (const char *const *)(run->argv + run->at);
	if (!run->config.image)
		return err_set(e, -EINVAL,
			       "which IMAGE? mote run [options] IMAGE "
			       "[-- guest arguments]");
	return 0;
}

/* ---- commands ---------------------------------------------------- */

static const struct options_command *find_command(const char *word)
{
	for (int i = 0; i < OPTIONS_COMMANDS; i++)
		if (!strcmp(options_commands[i].name, word))
			return &options_commands[i];
	return NULL;
}

static int unknown_command(const char *word, struct err *e)
{
	const char *near;

	if (word[0] == '-')
		return err_set(e, -EINVAL,
			       "%.60s: options stand behind a command, as in "
			       "mote run %.60s",
			       word, word);
	near = nearest_find(word, options_commands[0].name,
			    sizeof(options_commands[0]), OPTIONS_COMMANDS);
	if (near)
		return err_set(e, -EINVAL,
			       "%.60s: no such command; did you mean mote %s?",
			       word, near);
	return err_set(e, -EINVAL,
		       "%.60s: no such command; mote run %.60s would start it "
		       "as a VM, mote help lists the others",
		       word, word);
}

/* What follows check, version and help: at most one word. */
static int parse_small(const struct options_command *command, const char *word,
		       enum command *ret, struct err *e)
{
	const struct options_command *topic;

	*ret = command->command;
	if (!word)
		return 0;
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		*ret = command->help;
		return 0;
	}
	if (command->command == COMMAND_CHECK && !strcmp(word, "--porcelain")) {
		*ret = COMMAND_CHECK_PORCELAIN;
		return 0;
	}
	if (command->command == COMMAND_HELP) {
		topic = find_command(word);
		if (!topic)
			return unknown_command(word, e);
		*ret = topic->help;
		return 0;
	}
	if (command->command == COMMAND_CHECK &&
	    nearest_find(word + strspn(word, "-"), "porcelain", 1, 1))
		return err_set(e, -EINVAL,
			       "%.60s: no such option; did you mean "
			       "--porcelain?",
			       word);
	return err_set(e, -EINVAL, "%.60s: mote %s takes no such word%s%s",
		       word, command->name, *command->usage ? ", only " : "",
		       command->usage);
}

int options_parse(int argc, char *const *argv, enum command *ret_command,
		  struct config *ret_config, struct err *e)
{
	const struct options_command *command;
	const char *word = argc > 1 ? argv[1] : NULL;
	enum command which;
	int r;

	if (!word)
		return err_set(e, -EINVAL,
			       "what to do? mote run IMAGE starts a VM, mote "
			       "help lists the rest");
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		word = "help";
	else if (!strcmp(word, "--version"))
		word = "version";
	command = find_command(word);
	if (!command)
		return unknown_command(word, e);
	if (command->command == COMMAND_RUN) {
		struct run run = {
			.argc = argc, .at = 2, .argv = argv, .config = defaults
		};

		r = parse_run(&run, e);
		if (r)
			return r;
		if (!run.help)
			*ret_config = run.config;
		*ret_command = run.help ? COMMAND_HELP_RUN : COMMAND_RUN;
		return 0;
	}
	if (argc > 3)
		return err_set(e, -EINVAL,
			       "%.60s: one word too many behind "
			       "mote %s",
			       argv[3], word);
	r = parse_small(command, argc > 2 ? argv[2] : NULL, &which, e);
	if (!r)
		*ret_command = which;
	return r;
}
