// SPDX-License-Identifier: Apache-2.0
/* Operations are ended early, or tried again when the host had no memory or no
 * worker for them. */
#include <errno.h>
#include <liburing.h>

#include "monitor/loop.h"

void loop_cancel(struct loop *loop, struct loop_op *op)
{
	struct io_uring_sqe *sqe = loop_sqe(loop);

	io_uring_prep_cancel(sqe, op, 0);
	loop_set_op(sqe, NULL);
}

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
