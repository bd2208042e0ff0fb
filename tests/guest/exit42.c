// SPDX-License-Identifier: Apache-2.0
/* Ends with 42, from within. */
#include "guest/kit.h"

int main(void)
{
	exit(42);
}
