// SPDX-License-Identifier: Apache-2.0
/* main() returns the number in its argument. */
#include "guest/kit.h"

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "0";
	bool negative = *word == '-';
	int status = (int)strtou64(word + negative, NULL);

	return negative ? -status : status;
}
