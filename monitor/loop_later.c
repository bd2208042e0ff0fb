// SPDX-License-Identifier: Apache-2.0
/* Trying again what the host had no memory or no worker for. */
#include <errno.h>
#include <liburing.h>

#include "monitor/loop.h"

bool loop_is_passing(int res)
{
	return res == -ENOMEM || res == -ENOBUFS || res == -ECANCELED ||
	       res == -EINTR;
}

void loop_later(struct loop *loop, struct loop_op *op)
{
	static const struct __kernel_timespec pause = {
		.tv_nsec = LOOP_LATER_NS,
	};
	struct io_uring_sqe *sqe = loop_sqe(loop);

	/* the kernel only reads it */
	io_uring_prep_timeout(sqe, (void *)(uintptr_t)&pause, 0, 0);
	loop_set_op(sqe, op);
}
