// SPDX-License-Identifier: Apache-2.0
/*
 * The virtqueue: any place and size of its rings, any state it can be in, any
 * bytes in the guest's memory, other ones at each look.
 */
#include "tests/prove/contracts.h"

/* Each region takes the largest rings, and an indirect table, and more. */
#define LOW  8192
#define HIGH 6144

static uint8_t low[LOW], high[HIGH];
static const struct mem mem = {
	.region = { { 0, LOW, low }, { MEM_HOLE_END, HIGH, high } },
	.regions = 2,
};
static struct virtq q;
static struct virtq_chain chain;

static uint64_t any(void)
{
	return Frama_C_unsigned_long_interval(0, UINT64_MAX);
}

/* Whatever came before, counters can be anything. */
static void any_state(void)
{
	q.s.next_avail = (uint16_t)any();
	q.s.next_used = (uint16_t)any();
	q.s.published = (uint16_t)any();
	q.s.inflight = (uint16_t)any();
	q.seen_avail = (uint16_t)any();
	q.s.broken = any() & 1;
}

static void use(void)
{
	any_state();
	virtq_pop(&q, &chain);
	any_state();
	virtq_has(&q);
	if (q.s.inflight)
		virtq_push(&q, (uint16_t)any(), (uint32_t)any());
	any_state();
	virtq_publish(&q);
	any_state();
	virtq_notify_off(&q);
	virtq_notify_on(&q);
}

static void start(unsigned size, bool event_idx, bool indirect)
{
	struct virtq_layout at = { any(), any(), any(), (uint16_t)size };

	Frama_C_make_unknown((char *)low, sizeof(low));
	Frama_C_make_unknown((char *)high, sizeof(high));
	if (virtq_start(&q, &mem, &at, event_idx, indirect))
		return;
	use();
	virtq_stop(&q);
	use();
}

/* ---- copying ---------------------------------------------------------- */

#define RUN 2 /* bytes in a range, at most */

static uint8_t run[3][RUN];

/* Ranges that end where RAM does, from each byte on, of each length. */
static void copy(const struct iovec *iov, unsigned n)
{
	for (size_t len = 0; len <= 3 * RUN; len++) {
		uint8_t buf[3 * RUN] = { 0 };

		for (size_t off = 0; off <= 3 * RUN + 1; off++) {
			virtq_copy_from(iov, n, off, buf + sizeof(buf) - len,
					len);
			virtq_copy_to(iov, n, off, buf + sizeof(buf) - len,
				      len);
		}
	}
}

static void prove_copy(void)
{
	struct iovec iov[3];

	for (unsigned lens = 0; lens < 3 * 3 * 3; lens++) {
		const unsigned in_three[] = { lens % 3, lens / 3 % 3,
					      lens / 9 };

		for (unsigned i = 0; i < 3; i++) {
			size_t len = in_three[i];

			iov[i] = (struct iovec){ run[i] + RUN - len, len };
		}
		copy(iov, 1);
		copy(iov, 3);
	}
}

void prove_virtq(void)
{
	prove_copy();
	for (unsigned size = 0; size <= VIRTQ_SIZE_MAX + 1; size++)
		for (unsigned i = 0; i < 4; i++)
			start(size, i & 1, i & 2);
	start(Frama_C_unsigned_int_interval(VIRTQ_SIZE_MAX + 1, UINT16_MAX),
	      true, true);
}
