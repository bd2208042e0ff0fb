/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to main()'s arguments. */
#ifndef MOTE_GUEST_ARGS_H
#define MOTE_GUEST_ARGS_H

/**
 * args_split() - cut @line, in place, into the program's words
 * @argv: @argv[0] is replaced if the line has a name for the program. Has
 *	  room for @max words and the NULL behind them; @max at least 1.
 * Return: argc.
 */
int args_split(char *line, char **argv, int max);

/** kit_main() - what start.S calls: find the arguments, call main(), exit */
_Noreturn void kit_main(void);

#endif
