// SPDX-License-Identifier: Apache-2.0
/* Says "ready", sends one line of input back by polling, and ends. */
#include "guest/kit.h"

int main(void)
{
	int c = 0;

	console_puts("ready\n");
	while (c != '\n') {
		c = console_getc();
		if (c >= 0)
			console_write(&c, 1);
	}
	return 0;
}
