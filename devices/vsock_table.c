// SPDX-License-Identifier: Apache-2.0
/* Every state, every packet. */
#include "devices/vsock_table.h"

#include <stdint.h>

/* clang-format off: it would break the columns */
/* Rows may be read as: what is not a step of the protocol ends in RST. */
static const uint8_t table[VSOCK_OPS][VSOCK_KNOWN_STATES] = {
#define ROW(op_, none_, calling_, dialing_, open_, closing_)                   \
	[VSOCK_OP_##op_] = { VSOCK_ACT_##none_, VSOCK_ACT_##calling_,          \
			     VSOCK_ACT_##dialing_, VSOCK_ACT_##open_,          \
			     VSOCK_ACT_##closing_ }
	/*  op              none    calling dialing open      closing */
	ROW(INVALID, REFUSE, KILL, KILL, KILL, KILL),
	ROW(REQUEST, DIAL, KILL, KILL, KILL, KILL),
	ROW(RESPONSE, REFUSE, OPEN, KILL, KILL, KILL),
	ROW(RST, IGNORE, END, END, END, END),
	ROW(SHUTDOWN, REFUSE, KILL, KILL, SHUTDOWN, SHUTDOWN),
	ROW(RW, REFUSE, KILL, KILL, DATA, IGNORE),
	ROW(CREDIT_UPDATE, REFUSE, KILL, KILL, LISTEN, IGNORE),
	ROW(CREDIT_REQUEST, REFUSE, KILL, KILL, TELL, IGNORE),
#undef ROW
};
/* clang-format on */

enum vsock_act vsock_act(enum vsock_state state, unsigned op)
{
	return table[op < VSOCK_OPS ? op : VSOCK_OP_INVALID][state];
}
