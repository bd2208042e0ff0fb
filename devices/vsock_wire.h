/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-vsock as it is on the rings (virtio 1.2 §5.10). */
#ifndef MOTE_DEVICES_VSOCK_WIRE_H
#define MOTE_DEVICES_VSOCK_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Feature bits, §5.10.3 */
#define VSOCK_F_STREAM	  (1ULL << 0)
#define VSOCK_F_SEQPACKET (1ULL << 1)

enum vsock_queue { VSOCK_RX, VSOCK_TX, VSOCK_EVENT };

#define VSOCK_CID_HOST 2

enum vsock_type { VSOCK_STREAM = 1, VSOCK_SEQPACKET = 2 };

/* Operations, §5.10.6 */
enum vsock_op {
	VSOCK_OP_INVALID,
	VSOCK_OP_REQUEST,
	VSOCK_OP_RESPONSE,
	VSOCK_OP_RST,
	VSOCK_OP_SHUTDOWN,
	VSOCK_OP_RW,
	VSOCK_OP_CREDIT_UPDATE,
	VSOCK_OP_CREDIT_REQUEST,
	VSOCK_OPS, /* and everything above is undefined, too */
};

/* Flags of VSOCK_OP_SHUTDOWN: what its sender will not do any more */
#define VSOCK_SHUT_RECEIVE 1U
#define VSOCK_SHUT_SEND	   2U
#define VSOCK_SHUT_BOTH	   3U

/* Flag of VSOCK_OP_RW of a VSOCK_SEQPACKET: the message ends with it. (Another,
 * for MSG_EOR, has no counterpart in a Unix socket.) */
#define VSOCK_SEQ_EOM 1U

/* §5.10.6; little-endian */
struct vsock_hdr {
	uint64_t src_cid;
	uint64_t dst_cid;
	uint32_t src_port;
	uint32_t dst_port;
	uint32_t len;
	uint16_t type; /* enum vsock_type */
	uint16_t op;   /* enum vsock_op */
	uint32_t flags;
	uint32_t buf_alloc;
	uint32_t fwd_cnt;
} __attribute__((packed));
_Static_assert(sizeof(struct vsock_hdr) == 44, "virtio 1.2 §5.10.6");
_Static_assert(offsetof(struct vsock_hdr, type) == 28, "virtio 1.2 §5.10.6");

#define VSOCK_HDR ((uint32_t)sizeof(struct vsock_hdr))

/* §5.10.4 */
struct vsock_config {
	uint64_t guest_cid;
};

#endif
