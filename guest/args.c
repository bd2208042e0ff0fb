// SPDX-License-Identifier: Apache-2.0
/* From the command line to main()'s arguments. */
#include "guest/args.h"

#include "guest/kit.h"
#include "guest/ring0.h"

#define DEVICE_WORD "virtio_mmio.device="
#define SHORT_LINE  256 /* bytes with the NUL */

int main(int argc, char **argv);

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/*
 * Cut the next word off @*at. One that starts with a double quote goes on to
 * the next double quote; @ret_quoted says so, since it is no "--" then.
 * Return: the word, or NULL at the end.
 */
static char *next_word(char **at, bool *ret_quoted)
{
	char *word = *at, *end;

	while (is_space(*word))
		word++;
	if (!*word)
		return NULL;
	*ret_quoted = *word == '"';
	if (*ret_quoted) {
		end = ++word;
		while (*end && *end != '"')
			end++;
	} else {
		end = word;
		while (*end && !is_space(*end))
			end++;
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

int args_split(char *line, char **argv, int max)
{
	bool first = true, program = false, quoted;
	int argc = 1;
	char *word;

	for (; (word = next_word(&line, &quoted)); first = false) {
		if (!program && !quoted && !strcmp(word, "--")) {
			program = true;
			argc = 1;
		} else if (!program &&
			   !strncmp(word, DEVICE_WORD, strlen(DEVICE_WORD))) {
			continue;
		} else if (first) {
			argv[0] = word;
		} else if (argc < max) {
			argv[argc++] = word;
		}
	}
	argv[argc] = NULL;
	return argc;
}

static _Noreturn void run(const char *cmdline, size_t size, char *line,
			  char **argv, int max)
{
	char name[] = "guest";

	memcpy(line, cmdline, size);
	argv[0] = name;
	exit(main(args_split(line, argv, max), argv));
}

/*
 * The usual command line is short and is cut up on the stack, whose page is
 * touched anyway. (Every page costs some microseconds.)
 */
_Noreturn void kit_main(void)
{
	char short_line[SHORT_LINE];
	char *short_argv[SHORT_LINE / 2 + 2];
	const char *cmdline = kit_boot.cmdline ? kit_boot.cmdline : "";
	size_t size = strlen(cmdline) + 1;
	char *line, **argv;

	if (size <= sizeof(short_line))
		run(cmdline, size, short_line, short_argv, SHORT_LINE / 2 + 1);
	line = malloc(size);
	argv = calloc(size / 2 + 2, sizeof(*argv));
	if (!line || !argv)
		kit_panic("no memory for the command line");
	run(cmdline, size, line, argv, (int)(size / 2 + 1));
}
