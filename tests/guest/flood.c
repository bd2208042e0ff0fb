// SPDX-License-Identifier: Apache-2.0
/* Writes as many numbered lines as its argument says, 64 bytes each. */
#include "guest/kit.h"

int main(int argc, char **argv)
{
	uint64_t lines = argc > 1 ? strtou64(argv[1], NULL) : 100;

	for (uint64_t i = 0; i < lines; i++)
		console_printf("%063lu\n", i);
	return 0;
}
