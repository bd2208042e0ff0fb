// SPDX-License-Identifier: Apache-2.0
/* The smallest program: what `make run` boots. */
#include "guest/kit.h"

int main(void)
{
	console_puts("hello, world\n");
	return 0;
}
