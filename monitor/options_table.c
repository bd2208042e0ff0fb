// SPDX-License-Identifier: Apache-2.0
/* The options' rows, and apart from them what --help says of each. */
#include "monitor/options_table.h"

#include <limits.h>
#include <stddef.h>

#include "monitor/config.h"
#include "monitor/options.h"

_Static_assert(CONFIG_DISKS_MAX == 12 && CONFIG_NETS_MAX == 4,
	       "options_rows.inc tells of other numbers");

#define FIELD(name_) .field = offsetof(struct config, name_)
#define DISK(name_)  .field = offsetof(struct config_disk, name_)
#define NET(name_)   .field = offsetof(struct config_net, name_)
#define VSOCK(name_) .field = offsetof(struct config_vsock, name_)

#define OPTIONS(table_) const struct options_row options_##table_[] = {
#define OPTION(name_, arg_, unset_, help_, ...)                                \
	{ .name = name_, .arg = arg_, .unset = unset_, __VA_ARGS__ },
/* clang-format off */
#define OPTIONS_END { .name = "" } };
/* clang-format on */
#include "monitor/options_rows.inc"
#undef OPTIONS
#undef OPTION
#undef OPTIONS_END

/* clang-format off */
#define OPTIONS(table_) const char options_##table_##_help[] =
#define OPTION(name_, arg_, unset_, help_, ...) help_ "\0"
#define OPTIONS_END "";
/* clang-format on */
#include "monitor/options_rows.inc"

const struct options_row *options_subs(unsigned kind)
{
	return kind == KIND_DISK    ? options_disk
	       : kind == KIND_NET   ? options_net
	       : kind == KIND_VSOCK ? options_vsock
				    : NULL;
}

const char *options_subs_help(unsigned kind)
{
	return kind == KIND_DISK    ? options_disk_help
	       : kind == KIND_NET   ? options_net_help
	       : kind == KIND_VSOCK ? options_vsock_help
				    : NULL;
}

const struct options_command options_commands[OPTIONS_COMMANDS] = {
	{ "run", COMMAND_RUN, COMMAND_HELP_RUN,
	  "[options] IMAGE [-- guest arguments]", "start a VM" },
	{ "check", COMMAND_CHECK, COMMAND_HELP_CHECK, "[--porcelain]",
	  "can this host run mote?" },
	{ "version", COMMAND_VERSION, COMMAND_HELP, "", "print the version" },
	{ "help", COMMAND_HELP, COMMAND_HELP, "[run|check]", "print this" },
};
