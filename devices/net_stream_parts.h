/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the stream back end need of each other. */
#ifndef MOTE_DEVICES_NET_STREAM_PARTS_H
#define MOTE_DEVICES_NET_STREAM_PARTS_H

#include <errno.h>
#include <stdbool.h>

struct net_stream;
struct virtio_net;

/** net_stream_passes() - does this error say nothing about the peer? */
static inline bool net_stream_passes(int res)
{
	return res == -EAGAIN || res == -EINTR || res == -ECANCELED ||
	       res == -ENOMEM || res == -ENOBUFS;
}

/** net_stream_usable() - is there a driver, and a peer? */
bool net_stream_usable(const struct virtio_net *n);

/** net_stream_lost() - the peer has gone: link down, end what is in flight */
void net_stream_lost(struct virtio_net *n, int res);

/**
 * net_stream_settle() - an operation has ended during a reset, or with the
 * link down: go on if it was the last one
 */
void net_stream_settle(struct virtio_net *n);

/** net_stream_receive() - deliver what has come, and wait for more */
void net_stream_receive(struct virtio_net *n);

void net_stream_init_rx(struct net_stream *s);

#endif
