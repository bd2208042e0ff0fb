// SPDX-License-Identifier: Apache-2.0
/* A pool of blocks, and queues of bytes made of them. */
#include "devices/vsock_fifo.h"

#include <assert.h>
#include <string.h>

static uint16_t take_block(struct vsock_pool *pool)
{
	uint16_t number = pool->free;

	if (number) {
		pool->free = pool->next[number - 1];
	} else {
		assert(pool->fresh < VSOCK_BLOCKS);
		number = (uint16_t)++pool->fresh;
	}
	pool->next[number - 1] = 0;
	return number;
}

static void give_block(struct vsock_pool *pool, uint16_t number)
{
	pool->next[number - 1] = pool->free;
	pool->free = number;
}

void vsock_fifo_put(struct vsock_pool *pool, struct vsock_fifo *f,
		    const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		size_t part;

		if (!f->last || f->to == VSOCK_BLOCK) {
			uint16_t number = take_block(pool);

			if (f->last)
				pool->next[f->last - 1] = number;
			else
				f->first = number;
			f->last = number;
			f->to = 0;
		}
		part = VSOCK_BLOCK - f->to;
		if (part > len)
			part = len;
		memcpy(pool->block[f->last - 1] + f->to, p, part);
		f->to += (uint32_t)part;
		f->len += (uint32_t)part;
		p += part;
		len -= part;
	}
}

unsigned vsock_fifo_peek(struct vsock_pool *pool, const struct vsock_fifo *f,
			 uint32_t len, struct iovec *iov, unsigned max)
{
	uint32_t from = f->from;
	unsigned n = 0;

	for (uint16_t b = f->first; b && len && n < max;
	     b = pool->next[b - 1]) {
		uint32_t part = (b == f->last ? f->to : VSOCK_BLOCK) - from;

		if (part > len)
			part = len;
		iov[n++] = (struct iovec){ pool->block[b - 1] + from, part };
		len -= part;
		from = 0;
	}
	return n;
}

void vsock_fifo_drop(struct vsock_pool *pool, struct vsock_fifo *f,
		     uint32_t len)
{
	assert(len <= f->len);
	f->len -= len;
	f->from += len;
	while (f->first && (f->from >= VSOCK_BLOCK || !f->len)) {
		uint16_t number = f->first;

		f->first = pool->next[number - 1];
		give_block(pool, number);
		f->from = f->len ? f->from - VSOCK_BLOCK : 0;
	}
	if (!f->len)
		*f = (struct vsock_fifo){ 0 };
}
