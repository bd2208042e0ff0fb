/* SPDX-License-Identifier: Apache-2.0 */
/* What a card is connected to: found, opened and asked what it can do. */
#ifndef MOTE_DEVICES_NET_OPEN_H
#define MOTE_DEVICES_NET_OPEN_H

struct err;
struct virtio_net;

/*
 * All set n->fd (owned, also when it was handed in), n->ops, n->link_up and
 * add to n->offered. Stage "open".
 * Return: 0, or negative errno with @e filled.
 */

/** net_open_tap() - attach to an existing TAP interface */
int net_open_tap(struct virtio_net *n, const char *name, struct err *e);

/** net_open_fd() - take over an attached TAP, or a connected stream socket */
int net_open_fd(struct virtio_net *n, int fd, struct err *e);

/** net_open_passt() - connect to passt's socket */
int net_open_passt(struct virtio_net *n, const char *path, struct err *e);

/** net_open_own_passt() - start a passt that ends when mote does */
int net_open_own_passt(struct virtio_net *n, struct err *e);

#endif
