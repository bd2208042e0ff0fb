/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue as back ends use it: buffers are taken ahead of the frame
 * that will fill them, so that the frame can be read straight into them.
 *
 * With MRG_RXBUF a frame may span all buffers taken; without it, there is
 * never more than one. What was taken and not used stays for the next frame.
 */
#ifndef MOTE_DEVICES_NET_RX_H
#define MOTE_DEVICES_NET_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iovec;
struct virtio_net;

/* All lengths count the virtio_net_hdr in front of the frame. I/O thread. */

/**
 * net_rx_stage() - take buffers until @want bytes are at hand, or none is left
 * Return: bytes that a frame can have at present; 0 if there is no buffer.
 */
uint64_t net_rx_stage(struct virtio_net *n, uint64_t want);

/**
 * net_rx_wait() - the driver must give buffers: ask for a kick
 * Return: true if nothing can be done before it; false if some have come.
 */
bool net_rx_wait(struct virtio_net *n);

enum net_room { NET_ROOM, NET_ROOM_LATER, NET_ROOM_NEVER };

/**
 * net_rx_room() - is there room for a frame that is already here?
 * Return: NET_ROOM; NET_ROOM_LATER when the driver has to give more buffers
 * and is asked to kick; NET_ROOM_NEVER when all the buffers there are would
 * not do, or many kicks brought too little: the frame is to be dropped.
 */
enum net_room net_rx_room(struct virtio_net *n, uint32_t total);

/** net_rx_put() - copy bytes of a frame into the buffers at hand */
void net_rx_put(struct virtio_net *n, size_t off, const void *src, size_t len);

/**
 * net_rx_ranges() - where bytes @off to @off + @len of a frame go
 * There is room for them. Return: entries of @ret filled, at most
 * NET_STAGE_IOVS.
 */
unsigned net_rx_ranges(const struct virtio_net *n, size_t off, size_t len,
		       struct iovec *ret);

/** net_rx_deliver() - a frame of @total bytes is complete: the driver's */
void net_rx_deliver(struct virtio_net *n, uint32_t total);

/** net_rx_release() - a reset: give back all buffers unused */
void net_rx_release(struct virtio_net *n);

#endif
