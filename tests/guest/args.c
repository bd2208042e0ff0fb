// SPDX-License-Identifier: Apache-2.0
/* Prints its arguments, one on a line. */
#include "guest/kit.h"

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		console_printf("argv[%d]=%s\n", i, argv[i]);
	return argv[argc] != NULL;
}
