// SPDX-License-Identifier: Apache-2.0
/*
 * Touches a model-specific register: "msr read|write NUMBER". Where the guest
 * may not, ends with KIT_EXIT_FAULT and a line.
 */
#include "guest/ring0.h"
#include "tests/guest/check.h"

int main(int argc, char **argv)
{
	uint32_t msr;

	CHECK(argc == 3);
	msr = (uint32_t)strtou64(argv[2], NULL);
	if (!strcmp(argv[1], "read"))
		console_printf("0x%llx\n",
			       (unsigned long long)ring0_rdmsr(msr));
	else
		ring0_wrmsr(msr, 0);
	return check_done("msr");
}
