// SPDX-License-Identifier: Apache-2.0
/*
 * Sleeps for ever, behind a line that says so: `sleep` by time_sleep(), `wait`
 * until the last moment there is. Coming back is a failure.
 */
#include "tests/guest/check.h"

int main(int argc, char **argv)
{
	console_puts("asleep\n");
	if (argc > 1 && !strcmp(argv[1], "wait"))
		irq_wait(0, UINT64_MAX - 1);
	else
		time_sleep(UINT64_MAX);
	CHECK_NOT_REACHED();
}
