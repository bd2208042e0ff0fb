/* SPDX-License-Identifier: Apache-2.0 */
/* A vsock driver for tests, in a directory of its own for the host's sockets.
 */
#ifndef MOTE_TESTS_VSOCKDRV_H
#define MOTE_TESTS_VSOCKDRV_H

#include "devices/virtio_vsock.h"
#include "tests/unit/fake_socket.h"
#include "tests/unit/vring.h"

#define VSOCKDRV_CID 3
#define VSOCKDRV_FEATURES                                                      \
	(VIRTIO_RESERVED_FEATURES | VSOCK_F_STREAM | VSOCK_F_SEQPACKET)

/* Guest memory: receive buffers of 4 KiB, then packets to send. */
#define VSOCKDRV_RX(n) (VDRV_DATA + 0x1000U * (n))
#define VSOCKDRV_TX    (VDRV_DATA + 0x200000U)

extern struct virtio_vsock vsockdrv_vsock;
extern struct vdrv vsockdrv;
/* Of the packets and listeners made from now on; init() makes it a stream. */
extern enum vsock_type vsockdrv_type;

/** vsockdrv_init() - a device with room for @conns; the working directory is
 *  that of its sockets from now on */
void vsockdrv_init(unsigned conns);
void vsockdrv_deinit(void);
/** vsockdrv_clear() - the device as static storage has it at the start */
void vsockdrv_clear(void);

/** vsockdrv_start() - bring it up, give @buffers receive buffers */
void vsockdrv_start(unsigned buffers);

/** vsockdrv_give() - @n more receive buffers, and ring */
void vsockdrv_give(unsigned n);

/** vsockdrv_packet() - offer a packet as it is, with @hdr->len bytes of
 *  payload that begin with byte @seed of an endless pattern; ring, run */
void vsockdrv_packet(const struct vsock_hdr *hdr, size_t seed);

/** vsockdrv_queue() - the same without ringing */
void vsockdrv_queue(const struct vsock_hdr *hdr, size_t seed);

/** vsockdrv_queue_more() - the same with @more bytes behind the payload, that
 *  the header's length does not speak of; fewer if it is negative */
void vsockdrv_queue_more(const struct vsock_hdr *hdr, size_t seed, int more);

/** vsockdrv_hdr() - a header from the guest's port to the host's */
struct vsock_hdr vsockdrv_hdr(uint32_t guest_port, uint32_t host_port,
			      enum vsock_op op);

/** vsockdrv_send() - a packet with nothing special about it */
void vsockdrv_send(uint32_t guest_port, uint32_t host_port, enum vsock_op op);

/** vsockdrv_shut() - a SHUTDOWN with these flags */
void vsockdrv_shut(uint32_t guest_port, uint32_t host_port, uint32_t flags);

/** vsockdrv_data() - @len bytes of the pattern from @seed on */
void vsockdrv_data(uint32_t guest_port, uint32_t host_port, size_t seed,
		   uint32_t len);

/**
 * vsockdrv_take() - the next packet for the guest
 * Its payload goes to @payload, if that is not NULL, and the buffer back to
 * the device.
 * Return: false if there is none.
 */
bool vsockdrv_take(struct vsock_hdr *hdr, uint8_t *payload);

/** vsockdrv_op() - the next packet's operation, or -1 */
int vsockdrv_op(void);

/** vsockdrv_byte() - byte @i of the pattern */
uint8_t vsockdrv_byte(size_t i);
bool vsockdrv_is(const uint8_t *p, size_t seed, size_t len);
void vsockdrv_fill(uint8_t *p, size_t seed, size_t len);

/** vsockdrv_listen() - a host's program listens for the guest's @port */
int vsockdrv_listen(uint32_t port, int backlog);

/** vsockdrv_connect() - a host's program connects to the device */
int vsockdrv_connect(void);

/** vsockdrv_open() - the guest connects its @guest_port to a program that
 *  listens at @listener for @host_port. Return: the program's end. */
int vsockdrv_open(int listener, uint32_t guest_port, uint32_t host_port);

/** vsockdrv_read() - what a host's program can read now; -errno */
ssize_t vsockdrv_read(int fd, void *buf, size_t size);

/** vsockdrv_passes() - let time pass: @ticks of the device's clock */
void vsockdrv_passes(unsigned ticks);

#endif
