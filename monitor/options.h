/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of options, read and explained. */
#ifndef MOTE_MONITOR_OPTIONS_H
#define MOTE_MONITOR_OPTIONS_H

struct config;
struct err;

enum command {
	COMMAND_RUN,
	COMMAND_CHECK,
	COMMAND_CHECK_PORCELAIN, /* the same for scripts: key=value */
	COMMAND_VERSION,
	COMMAND_HELP,
	COMMAND_HELP_RUN,
	COMMAND_HELP_CHECK,
};

/**
 * options_parse() - what the user wants
 * @argv: @argc strings, argv[0] is skipped. Not reordered, but the values
 *        of --disk, --net and --vsock are cut in place, at commas and "=".
 * @ret_command: what to do
 * @ret_config: filled for COMMAND_RUN only; its strings are borrowed from
 *              @argv
 *
 * Opens no file; asks the kernel for the host's memory when --memory is
 * given, and for nothing else.
 * Context: main thread; no allocation.
 * Return: 0; or -EINVAL with @e saying what is wrong and how to mend it, and
 * the outputs untouched.
 */
int options_parse(int argc, char *const *argv, enum command *ret_command,
		  struct config *ret_config, struct err *e);

/**
 * options_help() - print the help that @command (COMMAND_HELP...) asks for
 * @fd: where to, borrowed
 * Return: 0, or the negative errno of a write.
 */
int options_help(int fd, enum command command);

#endif
