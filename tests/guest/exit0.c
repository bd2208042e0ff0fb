// SPDX-License-Identifier: Apache-2.0
/* Ends with 0 and says nothing. */
#include "guest/kit.h"

int main(void)
{
	return 0;
}
