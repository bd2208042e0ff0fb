// SPDX-License-Identifier: Apache-2.0
/*
 * The chain walker under a guest that writes what it likes into its rings at
 * any moment. Whatever comes out of virtq_pop() must lie in guest RAM, and
 * heads must balance.
 */
#include <stdlib.h>

#include "tests/fuzz/script.h"
#include "tests/unit/vring.h"

#define RAM 0x10000U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mem mem;
static struct virtq q;
static struct virtq_chain chain;
static uint16_t taken[VIRTQ_SIZE_MAX];
static unsigned takens;

static void start(struct script *s)
{
	struct virtq_layout at = {
		.desc = 0x1000, .avail = 0x3000, .used = 0x4000, .size = 16
	};
	uint8_t how = script_u8(s);

	if (how & 1)
		at.size = (uint16_t)(1U << (how >> 4 & 15));
	if (how & 2) {
		at.desc = script_gpa(s, RAM);
		at.avail = script_gpa(s, RAM);
		at.used = script_gpa(s, RAM);
		at.size = script_u16(s);
	}
	takens = 0;
	if (virtq_start(&q, &mem, &at, how & 4, how & 8))
		FUZZ_CHECK(!q.s.live && q.fault);
}

static bool in_ram(const struct iovec *iov)
{
	const uint8_t *p = iov->iov_base;

	for (unsigned i = 0; i < mem.regions; i++) {
		const struct mem_region *r = &mem.region[i];

		if (p >= r->host && p < r->host + r->len &&
		    iov->iov_len <= (size_t)(r->host + r->len - p))
			return true;
	}
	return false;
}

static void check_chain(void)
{
	static uint8_t bytes[4096];
	uint64_t out = 0, in = 0;

	FUZZ_CHECK(chain.head < q.s.at.size);
	FUZZ_CHECK(chain.out + chain.in <= VIRTQ_CHAIN_MAX);
	for (unsigned i = 0; i < (unsigned)chain.out + chain.in; i++) {
		FUZZ_CHECK(chain.iov[i].iov_len && in_ram(&chain.iov[i]));
		if (i < chain.out)
			out += chain.iov[i].iov_len;
		else
			in += chain.iov[i].iov_len;
	}
	FUZZ_CHECK(out == chain.out_bytes && in == chain.in_bytes);
	virtq_copy_from(chain.iov, chain.out, out / 2, bytes, sizeof(bytes));
	virtq_copy_to(chain.iov + chain.out, chain.in, in / 2, bytes,
		      sizeof(bytes));
}

static void pop(void)
{
	int r = virtq_pop(&q, &chain);

	if (r < 0)
		FUZZ_CHECK(q.s.broken && q.fault);
	if (r <= 0)
		return;
	check_chain();
	FUZZ_CHECK(takens < VIRTQ_SIZE_MAX);
	taken[takens++] = chain.head;
}

static void push(struct script *s)
{
	unsigned i;

	if (!takens)
		return;
	i = script_u8(s) % takens;
	virtq_push(&q, taken[i], script_u32(s));
	taken[i] = taken[--takens];
}

static void scribble(struct script *s)
{
	uint16_t at = script_u16(s);
	uint8_t len = script_u8(s);

	if (at + len > RAM)
		return;
	script_bytes(s, mem.region[0].host + at, len);
}

/* One descriptor that makes some sense, somewhere. */
static void describe(struct script *s)
{
	uint32_t at = script_u16(s) & ~15U;
	struct ring_desc d = { .addr = script_gpa(s, RAM) };

	d.len = script_u8(s) & 1 ? script_u32(s) : script_u16(s) & 0xff0;
	d.flags = script_u8(s) & 7;
	d.next = script_u8(s) & 31;
	memcpy(mem.region[0].host + at, &d, sizeof(d));
}

static void offer(struct script *s)
{
	uint16_t head = script_u8(s) & 31;

	if (!q.s.live)
		return;
	q.avail->ring[q.avail->idx & (q.s.at.size - 1)] = head;
	q.avail->idx++;
}

static void act(struct script *s)
{
	switch (script_u8(s) % 12) {
	case 0:
		start(s);
		break;
	case 1:
		virtq_stop(&q);
		break;
	case 2:
		push(s);
		break;
	case 3:
		virtq_publish(&q);
		break;
	case 4:
		virtq_notify_off(&q);
		break;
	case 5:
		virtq_notify_on(&q);
		break;
	case 6:
		scribble(s);
		break;
	case 7:
	case 8:
		describe(s);
		break;
	case 9:
		offer(s);
		break;
	default:
		pop();
		break;
	}
	FUZZ_CHECK(q.s.inflight == takens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };

	if (!mem.regions)
		guest_ram(&mem, RAM, 4096);
	memset(mem.region[0].host, 0, RAM);
	start(&s);
	while (script_more(&s))
		act(&s);
	return 0;
}
