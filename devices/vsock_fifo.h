/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that the guest has sent and the host's end has not taken yet.
 *
 * All connections share one pool of blocks. Whoever may have n bytes under
 * way has reserved blocks for them beforehand, so putting bytes never fails,
 * and the pool is never more than promised. A block is touched when it is
 * first needed, and given back as soon as it is empty: readers that keep up
 * cost no memory.
 */
#ifndef MOTE_DEVICES_VSOCK_FIFO_H
#define MOTE_DEVICES_VSOCK_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define VSOCK_BLOCK  16384U
#define VSOCK_BLOCKS 4096U /* 64 MiB in all */

/**
 * struct vsock_pool - static storage, zeroed; I/O thread
 * @reserved: blocks promised to connections
 * @fresh: blocks ever used
 * @free, @next: list of blocks that were used and are not; numbers plus one
 */
struct vsock_pool {
	unsigned reserved;
	unsigned fresh;
	uint16_t free;
	uint16_t next[VSOCK_BLOCKS];
	uint8_t block[VSOCK_BLOCKS][VSOCK_BLOCK];
};

/**
 * struct vsock_fifo
 * @first, @last: blocks, number plus one; 0: none
 * @from: bytes gone from @first
 * @to: bytes filled of @last
 * @len: bytes in all
 */
struct vsock_fifo {
	uint16_t first, last;
	uint32_t from, to;
	uint32_t len;
};

/** vsock_pool_blocks() - blocks to reserve for a fifo of up to @bytes: the
 *  first and the last may both be in part used */
static inline unsigned vsock_pool_blocks(uint32_t bytes)
{
	return (bytes + VSOCK_BLOCK - 1) / VSOCK_BLOCK + 1;
}

/** vsock_fifo_put() - append; the caller has reserved the room */
void vsock_fifo_put(struct vsock_pool *pool, struct vsock_fifo *f,
		    const void *bytes, size_t len);

/** vsock_fifo_peek() - where the oldest @len bytes are, of those there are
 *  Return: ranges filled, at most @max */
unsigned vsock_fifo_peek(struct vsock_pool *pool, const struct vsock_fifo *f,
			 uint32_t len, struct iovec *iov, unsigned max);

/** vsock_fifo_drop() - the oldest @len bytes are gone */
void vsock_fifo_drop(struct vsock_pool *pool, struct vsock_fifo *f,
		     uint32_t len);

#endif
