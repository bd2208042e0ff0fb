/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit (virtio 1.2 §5.10.6.3): how much either side may send before the
 * other has taken it. All counters run for ever and wrap at 2^32; only
 * differences mean something. What the guest says is believed only as far as
 * it cannot hurt.
 */
#ifndef MOTE_DEVICES_VSOCK_CREDIT_H
#define MOTE_DEVICES_VSOCK_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct vsock_credit - one connection's counters
 * To the guest:
 * @sent: bytes of payload sent to it, ever
 * @peer_alloc, @peer_taken: its buffer, and what it took of @sent so far; as it
 *        says
 * From the guest:
 * @got: bytes of payload it sent, ever
 * @taken: of these, gone to the host's socket
 * @told: @taken as it was last told
 * @alloc: our buffer; constant while the connection lasts
 */
struct vsock_credit {
	uint32_t sent, peer_alloc, peer_taken;
	uint32_t got, taken, told, alloc;
};

/** vsock_credit_heard() - every packet of the guest says where it stands */
static inline void vsock_credit_heard(struct vsock_credit *c, uint32_t alloc,
				      uint32_t taken)
{
	c->peer_alloc = alloc;
	c->peer_taken = taken;
}

/** vsock_credit_to_guest() - bytes that it has room for */
static inline uint32_t vsock_credit_to_guest(const struct vsock_credit *c)
{
	uint32_t under_way = c->sent - c->peer_taken;

	/* Also when it claims to have taken more than there was, or has made
	 * its buffer smaller than what is under way. */
	return under_way >= c->peer_alloc ? 0 : c->peer_alloc - under_way;
}

/** vsock_credit_get() - it sent @len bytes. Return: false if it had no right
 *  to; nothing is counted then. */
static inline bool vsock_credit_get(struct vsock_credit *c, uint32_t len)
{
	uint32_t room = c->alloc - (c->got - c->taken);

	if (len > room)
		return false;
	c->got += len;
	return true;
}

/**
 * vsock_credit_due() - should it be told what was taken?
 * When it believes that half of our buffer is full, and it is not.
 */
static inline bool vsock_credit_due(const struct vsock_credit *c)
{
	return c->taken != c->told && c->got - c->told > c->alloc / 2;
}

#endif
