/* SPDX-License-Identifier: Apache-2.0 */
/* A network driver for tests, with the back end's other end in its hands. */
#ifndef MOTE_TESTS_NETDRV_H
#define MOTE_TESTS_NETDRV_H

#include "devices/virtio_net.h"
#include "tests/unit/fake_socket.h"
#include "tests/unit/vring.h"

#define NET_BASIC                                                              \
	(VIRTIO_RESERVED_FEATURES | NET_F_MAC | NET_F_STATUS | NET_F_MRG_RXBUF)

/* Guest memory: receive buffer n, of 4 KiB; frames to send. */
#define NETDRV_RX(n) (VDRV_DATA + 0x1000U * (n))
#define NETDRV_TX    (VDRV_DATA + 0x200000U)

extern struct virtio_net netdrv_net;
extern struct vdrv netdrv;
extern int netdrv_peer;

/** netdrv_tap() - a card on a datagram socket that plays the TAP */
void netdrv_tap(bool vnet_hdr);
/** netdrv_stream() - a card on a stream socket */
void netdrv_stream(void);
void netdrv_deinit(void);
/** netdrv_start() - bring it up, 256 entries */
void netdrv_start(uint64_t features);

/** netdrv_give() - offer receive buffers @from to @to - 1 of @len bytes each,
 *  without ringing */
void netdrv_give(unsigned from, unsigned to, uint32_t len);

/** netdrv_send() - offer a frame of @len bytes (and a header), without ringing;
 *  its bytes are those of netdrv_byte(seed, i) */
void netdrv_send(unsigned seed, uint32_t len);

/** netdrv_byte() - what byte @i of frame @seed is */
uint8_t netdrv_byte(unsigned seed, size_t i);
void netdrv_fill(uint8_t *p, unsigned seed, size_t len);
bool netdrv_is(const uint8_t *p, unsigned seed, size_t len);

/** netdrv_go() - ring @queue, run the loop */
void netdrv_go(unsigned queue);

/** netdrv_take() - the next used length of @queue, or -1 */
int64_t netdrv_take(unsigned queue);

/** netdrv_drops() - frames dropped, for whatever reason */
uint64_t netdrv_drops(void);

#endif
