/* SPDX-License-Identifier: Apache-2.0 */
/* The transmit queue as back ends use it. */
#ifndef MOTE_DEVICES_NET_TX_H
#define MOTE_DEVICES_NET_TX_H

#include <stdbool.h>

struct virtio_net;
struct virtq_chain;

/**
 * net_tx_pop() - take the next frame that is one
 * Runts and giants are dropped on the way. When there is none left, the driver
 * is asked to kick.
 * Return: true with @chain filled: the header and the frame are its readable
 * part. I/O thread.
 */
bool net_tx_pop(struct virtio_net *n, struct virtq_chain *chain);

#endif
