// SPDX-License-Identifier: Apache-2.0
/* The end of the VM. In a file of its own: every program has it. */
#include "guest/kit.h"

#include "bootproto/layout.h"
#include "guest/ring0.h"

_Noreturn void exit(int status)
{
	/* The port takes a byte, in which 256 would be a success. */
	ring0_exit(LAYOUT_PORT_EXIT, status < 0 || status > UINT8_MAX
					     ? UINT8_MAX
					     : (uint8_t)status);
}
