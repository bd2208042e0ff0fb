/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the messages of a SOCK_SEQPACKET end: one bit for each byte that the
 * guest may have under way. However small the messages, there is room for the
 * ends of all; bytes are told apart by their place in all that was ever sent.
 */
#ifndef MOTE_DEVICES_VSOCK_ENDS_H
#define MOTE_DEVICES_VSOCK_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#define VSOCK_ENDS (64U << 10) /* bytes under way, at most; power of two */

/** struct vsock_ends - zeroed for each connection; I/O thread */
struct vsock_ends {
	uint64_t bit[VSOCK_ENDS / 64];
};

/** vsock_ends_flip() - byte @at becomes the last one of a message, or, when
 *  that is gone, of none */
static inline void vsock_ends_flip(struct vsock_ends *e, uint32_t at)
{
	e->bit[at % VSOCK_ENDS / 64] ^= 1ULL << at % 64;
}

/** vsock_ends_at() - is byte @at the last one of a message? */
static inline bool vsock_ends_at(const struct vsock_ends *e, uint32_t at)
{
	return e->bit[at % VSOCK_ENDS / 64] >> at % 64 & 1;
}

/** vsock_ends_next() - length of the message that begins with byte @from of
 *  the @len bytes under way; 0: it has not ended yet */
static inline uint32_t vsock_ends_next(const struct vsock_ends *e,
				       uint32_t from, uint32_t len)
{
	uint32_t n = 0;

	while (n < len) {
		uint32_t at = from + n;
		uint64_t bits = e->bit[at % VSOCK_ENDS / 64] >> at % 64;

		if (bits) {
			n += (uint32_t)__builtin_ctzll(bits) + 1;
			return n <= len ? n : 0;
		}
		n += 64 - at % 64;
	}
	return 0;
}

#endif
