/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-net as it is on the rings (virtio 1.2 §5.1). */
#ifndef MOTE_DEVICES_NET_WIRE_H
#define MOTE_DEVICES_NET_WIRE_H

#include <stdint.h>

/* Feature bits, §5.1.3 */
#define NET_F_CSUM	 (1ULL << 0)
#define NET_F_GUEST_CSUM (1ULL << 1)
#define NET_F_MTU	 (1ULL << 3)
#define NET_F_MAC	 (1ULL << 5)
#define NET_F_GUEST_TSO4 (1ULL << 7)
#define NET_F_GUEST_TSO6 (1ULL << 8)
#define NET_F_GUEST_ECN	 (1ULL << 9)
#define NET_F_GUEST_UFO	 (1ULL << 10)
#define NET_F_HOST_TSO4	 (1ULL << 11)
#define NET_F_HOST_TSO6	 (1ULL << 12)
#define NET_F_HOST_ECN	 (1ULL << 13)
#define NET_F_HOST_UFO	 (1ULL << 14)
#define NET_F_MRG_RXBUF	 (1ULL << 15)
#define NET_F_STATUS	 (1ULL << 16)
#define NET_F_GUEST_USO4 (1ULL << 54)
#define NET_F_GUEST_USO6 (1ULL << 55)
#define NET_F_HOST_USO	 (1ULL << 56)

#define NET_S_LINK_UP 1

/* Bits of net_hdr.flags, §5.1.6 */
#define NET_HDR_NEEDS_CSUM 1U /* csum_start and csum_offset say where */
#define NET_HDR_DATA_VALID 2U /* it was checked */

/* net_hdr.gso_type */
enum net_gso {
	NET_GSO_TCPV4 = 1,
	NET_GSO_UDP = 3,
	NET_GSO_TCPV6 = 4,
	NET_GSO_UDP_L4 = 5,
	NET_GSO_ECN = 0x80, /* beside one of these */
};

/* §5.1.6; little-endian */
struct net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};
_Static_assert(sizeof(struct net_hdr) == 12, "virtio 1.2 §5.1.6");

/* §5.1.4 */
struct net_config {
	uint8_t mac[6];
	uint16_t status;
	uint16_t max_virtqueue_pairs;
	uint16_t mtu;
};
_Static_assert(sizeof(struct net_config) == 12, "virtio 1.2 §5.1.4");

enum net_queue { NET_RX, NET_TX };

#define NET_HDR ((uint32_t)sizeof(struct net_hdr))

#endif
