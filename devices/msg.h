/* SPDX-License-Identifier: Apache-2.0 */
/* A message header over ranges, whatever type the C library counts them in. */
#ifndef MOTE_DEVICES_MSG_H
#define MOTE_DEVICES_MSG_H

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static inline void msg_set(struct msghdr *msg, struct iovec *iov, unsigned iovs)
{
	memset(msg, 0, sizeof(*msg));
	msg->msg_iov = iov;
	msg->msg_iovlen = (__typeof__(msg->msg_iovlen))iovs;
}

#endif
