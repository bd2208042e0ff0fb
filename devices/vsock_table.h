/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet from the guest means, by the state of its connection. */
#ifndef MOTE_DEVICES_VSOCK_TABLE_H
#define MOTE_DEVICES_VSOCK_TABLE_H

#include "devices/vsock_wire.h"

/**
 * enum vsock_state - of a connection
 * The first five are what the guest's packets can meet, and columns of the
 * table; in the others the guest knows nothing of the connection.
 */
enum vsock_state {
	VSOCK_NONE,    /* there is no such connection; a free slot */
	VSOCK_CALLING, /* the host called; the guest has not answered */
	VSOCK_DIALING, /* the guest called; its host's socket is being sought */
	VSOCK_OPEN,    /* bytes may flow */
	VSOCK_CLOSING, /* the host's end is gone; the guest must say RST */
	VSOCK_KNOWN_STATES,

	VSOCK_ACCEPTING = VSOCK_KNOWN_STATES, /* waits for a host's connect */
	VSOCK_GREETING, /* a host's end is expected to say CONNECT */
	VSOCK_DRAINING, /* the guest has closed; its last bytes go out */
	VSOCK_ENDING,	/* operations under way are being waited for */
};

enum vsock_act {
	VSOCK_ACT_REFUSE, /* answer RST */
	VSOCK_ACT_IGNORE, /* do nothing */
	VSOCK_ACT_DIAL,	  /* look for a socket on the host */
	VSOCK_ACT_OPEN,	  /* the guest accepts the host's call */
	VSOCK_ACT_DATA,	  /* bytes for the host */
	VSOCK_ACT_LISTEN, /* credit was updated: go on if that waited for it */
	VSOCK_ACT_TELL,	  /* say how much credit there is */
	VSOCK_ACT_SHUTDOWN, /* the guest ends one direction, or both */
	VSOCK_ACT_END,	    /* the guest is done with the connection */
	VSOCK_ACT_KILL,	    /* answer RST, and end the connection */
	VSOCK_ACTS,
};

/** vsock_act() - @op as it came, maybe not one that exists */
enum vsock_act vsock_act(enum vsock_state state, unsigned op);

#endif
