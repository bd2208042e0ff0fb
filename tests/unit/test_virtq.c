// SPDX-License-Identifier: Apache-2.0
/* The chain walker against rings that no driver would make, and good ones. */
#include "devices/virtq.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/vring.h"

#define LOW   (1U << 20)
#define HIGH  (1U << 20)
#define RING  0x1000
#define DATA  0x8000
#define TABLE 0x4000

static struct mem mem;
static struct vring v;
static struct virtq q;
static struct virtq_chain c;

static void start(uint16_t size, bool event_idx, bool indirect)
{
	vring_init(&v, &mem, RING, size);
	cr_assert_eq(virtq_start(&q, &mem, &v.at, event_idx, indirect), 0, "%s",
		     q.fault);
}

static void set_up(void)
{
	guest_ram(&mem, LOW, HIGH);
	start(16, false, true);
}

static void tear_down(void)
{
	guest_ram_free(&mem);
}

TestSuite(virtq, .init = set_up, .fini = tear_down);

/* ---- where rings may lie ------------------------------------------------- */

Test(virtq, starts_only_on_rings_that_lie_in_ram)
{
	static const struct {
		const char *what;
		gpa_t desc, avail, used;
		uint16_t size;
		bool event, fine;
	} rows[] = {
		{ "plain", 0x1000, 0x2000, 0x3000, 16, 0, 1 },
		{ "at 0", 0, 0x2000, 0x3000, 16, 0, 1 },
		{ "size 1", 0x1000, 0x2000, 0x3000, 1, 0, 1 },
		{ "size 256", 0x1000, 0x2000, 0x3000, 256, 0, 1 },
		{ "size 0", 0x1000, 0x2000, 0x3000, 0, 0, 0 },
		{ "size 3", 0x1000, 0x2000, 0x3000, 3, 0, 0 },
		{ "size 512", 0x1000, 0x2000, 0x3000, 512, 0, 0 },
		{ "size 32768", 0x1000, 0x2000, 0x3000, 32768, 0, 0 },
		{ "desc misaligned", 0x1008, 0x2000, 0x3000, 16, 0, 0 },
		{ "avail misaligned", 0x1000, 0x2001, 0x3000, 16, 0, 0 },
		{ "used misaligned", 0x1000, 0x2000, 0x3002, 16, 0, 0 },
		{ "desc ends at the top", LOW - 256, 0x2000, 0x3000, 16, 0, 1 },
		{ "desc beyond", LOW - 240, 0x2000, 0x3000, 16, 0, 0 },
		{ "desc in the hole", LOW, 0x2000, 0x3000, 16, 0, 0 },
		{ "desc high", MEM_HOLE_END, 0x2000, 0x3000, 16, 0, 1 },
		{ "desc wraps", -256ULL, 0x2000, 0x3000, 16, 0, 0 },
		{ "desc at the end of it all", -16ULL, 0x2000, 0x3000, 16, 0,
		  0 },
		{ "avail at the top", 0x1000, LOW - 36, 0x3000, 16, 0, 1 },
		{ "no room for used_event", 0x1000, LOW - 36, 0x3000, 16, 1,
		  0 },
		{ "used_event fits", 0x1000, LOW - 38, 0x3000, 16, 1, 1 },
		{ "used at the top", 0x1000, 0x2000, LOW - 132, 16, 0, 1 },
		{ "no room for avail_event", 0x1000, 0x2000, LOW - 132, 16, 1,
		  0 },
		{ "avail nowhere", 0x1000, 1ULL << 63, 0x3000, 16, 0, 0 },
		{ "used nowhere", 0x1000, 0x2000, -4ULL, 16, 0, 0 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct virtq_layout at = { rows[i].desc, rows[i].avail,
					   rows[i].used, rows[i].size };
		int ret = virtq_start(&q, &mem, &at, rows[i].event, false);

		cr_expect_eq(ret, rows[i].fine ? 0 : -EINVAL, "%s: %d %s",
			     rows[i].what, ret, q.fault);
		cr_expect_eq(q.s.live, rows[i].fine, "%s", rows[i].what);
		cr_expect_eq(!q.fault, rows[i].fine, "%s", rows[i].what);
		if (!rows[i].fine)
			cr_expect_eq(virtq_pop(&q, &c), 0, "%s", rows[i].what);
	}
}

/* ---- good chains --------------------------------------------------------- */

Test(virtq, takes_a_chain_of_both_directions)
{
	const struct vseg seg[] = { { DATA, 16 },
				    { DATA + 0x1000, 512 },
				    { DATA + 0x2000, 1 } };
	uint16_t head = vring_add(&v, seg, 1, 2);

	cr_assert_eq(virtq_pop(&q, &c), 1);
	cr_expect_eq(c.head, head);
	cr_expect_eq(c.out, 1);
	cr_expect_eq(c.in, 2);
	cr_expect_eq(c.out_bytes, 16);
	cr_expect_eq(c.in_bytes, 513);
	cr_expect_eq(c.iov[0].iov_base, mem_at(&mem, DATA, 16));
	cr_expect_eq(c.iov[2].iov_base, mem_at(&mem, DATA + 0x2000, 1));
	cr_expect_eq(q.s.inflight, 1);
	cr_expect_eq(virtq_pop(&q, &c), 0);
}

Test(virtq, takes_an_indirect_table_at_an_odd_address)
{
	const struct vseg seg[] = { { DATA, 16 }, { DATA + 0x2000, 1 } };

	vring_add_indirect(&v, TABLE + 3, seg, 1, 1);
	cr_assert_eq(virtq_pop(&q, &c), 1);
	cr_expect_eq(c.out_bytes, 16);
	cr_expect_eq(c.in_bytes, 1);
}

/* §2.7.5.3.2: "zero or more normal chained descriptors followed by a single
 * descriptor with INDIRECT" */
Test(virtq, takes_direct_descriptors_before_an_indirect_table)
{
	const struct ring_desc in_table = { DATA + 0x1000, 64, RING_DESC_WRITE,
					    0 };

	memcpy(mem_at(&mem, TABLE, 16), &in_table, 16);
	vring_desc(&v, 2, DATA, 16, RING_DESC_NEXT, 9);
	vring_desc(&v, 9, TABLE, 16, RING_DESC_INDIRECT, 0);
	vring_offer(&v, 2);
	cr_assert_eq(virtq_pop(&q, &c), 1, "%s", q.fault);
	cr_expect_eq(c.head, 2);
	cr_expect_eq(c.out_bytes, 16);
	cr_expect_eq(c.in_bytes, 64);
}

/* §2.7.5.3.2: the device MUST ignore WRITE on the descriptor of the table */
Test(virtq, ignores_write_on_the_descriptor_of_a_table)
{
	const struct vseg seg[] = { { DATA, 16 } };
	uint16_t head = vring_add_indirect(&v, TABLE, seg, 1, 0);

	v.desc[head].flags |= RING_DESC_WRITE;
	cr_assert_eq(virtq_pop(&q, &c), 1, "%s", q.fault);
	cr_expect_eq(c.out_bytes, 16);
}

/* Leniency: Linux makes tables longer than a small queue. */
Test(virtq, takes_a_table_longer_than_the_queue)
{
	struct vseg seg[VIRTQ_CHAIN_MAX];

	for (unsigned i = 0; i < VIRTQ_CHAIN_MAX; i++)
		seg[i] = (struct vseg){ DATA + 32 * i, 16 };
	vring_add_indirect(&v, TABLE, seg, 1, VIRTQ_CHAIN_MAX - 1);
	cr_assert_eq(virtq_pop(&q, &c), 1, "%s", q.fault);
	cr_expect_eq(c.out + c.in, VIRTQ_CHAIN_MAX);
}

Test(virtq, merges_neighbours_of_one_direction_only)
{
	const struct vseg seg[] = {
		{ DATA, 16 },	   { DATA + 16, 16 }, { DATA + 32, 16 },
		{ DATA + 48, 16 }, { DATA + 80, 16 },
	};

	vring_add(&v, seg, 2, 3);
	cr_assert_eq(virtq_pop(&q, &c), 1);
	cr_expect_eq(c.out, 1);
	cr_expect_eq(c.iov[0].iov_len, 32);
	cr_expect_eq(c.in, 2);
	cr_expect_eq(c.iov[1].iov_len, 32);
	cr_expect_eq(c.iov[2].iov_len, 16);
}

/* Leniency: a descriptor of length 0 says nothing, wherever it points. */
Test(virtq, skips_empty_descriptors)
{
	const struct vseg seg[] = { { -1ULL, 0 }, { DATA, 4 }, { LOW, 0 } };

	vring_add(&v, seg, 2, 1);
	cr_assert_eq(virtq_pop(&q, &c), 1, "%s", q.fault);
	cr_expect_eq(c.out, 1);
	cr_expect_eq(c.in, 0);
}

Test(virtq, takes_a_buffer_of_nothing)
{
	const struct vseg seg[] = { { DATA, 0 } };

	vring_add(&v, seg, 1, 0);
	cr_assert_eq(virtq_pop(&q, &c), 1);
	cr_expect_eq(c.out + c.in, 0);
}

/* ---- ranges at every edge ------------------------------------------------ */

Test(virtq, checks_buffers_at_every_edge_of_ram)
{
	static const struct {
		gpa_t addr;
		uint32_t len;
		bool fine;
	} rows[] = {
		{ 0, 1, 1 },
		{ 0, LOW, 1 },
		{ 0, LOW + 1, 0 },
		{ LOW - 1, 1, 1 },
		{ LOW - 1, 2, 0 },
		{ LOW, 1, 0 },
		{ MEM_HOLE_START, 1, 0 },
		{ MEM_HOLE_END - 1, 1, 0 },
		{ MEM_HOLE_END - 1, 2, 0 },
		{ MEM_HOLE_END, HIGH, 1 },
		{ MEM_HOLE_END, HIGH + 1, 0 },
		{ MEM_HOLE_END + HIGH - 1, 1, 1 },
		{ MEM_HOLE_END + HIGH, 1, 0 },
		{ 0, UINT32_MAX, 0 },
		{ MEM_HOLE_END, UINT32_MAX, 0 },
		{ -1ULL, 1, 0 },
		{ -1ULL, 2, 0 },
		{ -1ULL, UINT32_MAX, 0 },
		{ 1ULL << 63, 1, 0 },
		{ UINT64_MAX - UINT32_MAX, UINT32_MAX, 0 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned way = 0; way < 2; way++) {
			const struct vseg seg = { rows[i].addr, rows[i].len };

			start(16, false, true);
			/* the ring itself lies in low RAM: only addresses of
			 * buffers vary */
			if (way)
				vring_add_indirect(&v, TABLE, &seg, 0, 1);
			else
				vring_add(&v, &seg, 0, 1);
			cr_expect_eq(virtq_pop(&q, &c),
				     rows[i].fine ? 1 : -EPROTO,
				     "row %u way %u: %s", i, way, q.fault);
			if (rows[i].fine)
				cr_expect_eq(c.iov[0].iov_base,
					     mem_at(&mem, rows[i].addr, 1));
		}
	}
}

/* ---- chains that break the rules ----------------------------------------- */

struct hostile {
	const char *name;
	bool no_indirect;
	struct ring_desc ring[4];  /* 0 is the head */
	struct ring_desc table[4]; /* at TABLE */
};

#define N RING_DESC_NEXT
#define W RING_DESC_WRITE
#define I RING_DESC_INDIRECT

static const struct hostile hostiles[] = {
	{ .name = "points at itself", .ring = { { DATA, 8, N, 0 } } },
	{ .name = "loop of two",
	  .ring = { { DATA, 8, N, 1 }, { DATA, 8, N, 0 } } },
	{ .name = "loop that does not pass the head",
	  .ring = { { DATA, 8, N, 1 }, { DATA, 8, N, 2 }, { DATA, 8, N, 1 } } },
	{ .name = "loop of empty descriptors", .ring = { { DATA, 0, N, 0 } } },
	{ .name = "next just outside", .ring = { { DATA, 8, N, 16 } } },
	{ .name = "next far outside", .ring = { { DATA, 8, N, 65535 } } },
	{ .name = "readable behind writable",
	  .ring = { { DATA, 8, N | W, 1 }, { DATA, 8, 0, 0 } } },
	{ .name = "empty readable behind writable",
	  .ring = { { DATA, 8, N | W, 1 }, { DATA, 0, 0, 0 } } },
	{ .name = "indirect with next",
	  .ring = { { TABLE, 16, I | N, 1 }, { DATA, 8, 0, 0 } },
	  .table = { { DATA, 8, 0, 0 } } },
	{ .name = "indirect not negotiated",
	  .no_indirect = true,
	  .ring = { { TABLE, 16, I, 0 } },
	  .table = { { DATA, 8, 0, 0 } } },
	{ .name = "table inside a table",
	  .ring = { { TABLE, 16, I, 0 } },
	  .table = { { TABLE, 16, I, 0 } } },
	{ .name = "table of length 0", .ring = { { TABLE, 0, I, 0 } } },
	{ .name = "table of length 15", .ring = { { TABLE, 15, I, 0 } } },
	{ .name = "table of length 17", .ring = { { TABLE, 17, I, 0 } } },
	{ .name = "table beyond RAM", .ring = { { LOW - 16, 32, I, 0 } } },
	{ .name = "table in the hole", .ring = { { LOW, 16, I, 0 } } },
	{ .name = "table that wraps", .ring = { { -16ULL, 32, I, 0 } } },
	{ .name = "table longer than RAM",
	  .ring = { { TABLE, 0xfffffff0, I, 0 } } },
	{ .name = "next outside the table",
	  .ring = { { TABLE, 32, I, 0 } },
	  .table = { { DATA, 8, N, 2 } } },
	{ .name = "loop inside the table",
	  .ring = { { TABLE, 32, I, 0 } },
	  .table = { { DATA, 8, N, 1 }, { DATA, 8, N, 0 } } },
	{ .name = "readable behind writable inside the table",
	  .ring = { { TABLE, 32, I, 0 } },
	  .table = { { DATA, 8, N | W, 1 }, { DATA, 8, 0, 0 } } },
	{ .name = "writable before a table of readable",
	  .ring = { { DATA, 8, N | W, 1 }, { TABLE, 16, I, 0 } },
	  .table = { { DATA, 8, 0, 0 } } },
};

#undef N
#undef W
#undef I

Test(virtq, breaks_on_a_chain_that_breaks_the_rules)
{
	for (unsigned i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
		const struct hostile *h = &hostiles[i];

		start(16, false, !h->no_indirect);
		memcpy(v.desc, h->ring, sizeof(h->ring));
		memcpy(mem_at(&mem, TABLE, sizeof(h->table)), h->table,
		       sizeof(h->table));
		vring_offer(&v, 0);
		vring_offer(&v, 3); /* harmless, and never to be seen */
		cr_expect_eq(virtq_pop(&q, &c), -EPROTO, "%s", h->name);
		cr_expect(q.s.broken, "%s", h->name);
		cr_expect_not_null(q.fault, "%s", h->name);
		cr_expect_eq(q.s.inflight, 0, "%s", h->name);
		cr_expect_eq(virtq_pop(&q, &c), 0, "%s", h->name);
		cr_expect_not(virtq_notify_on(&q), "%s", h->name);
	}
}

Test(virtq, breaks_on_a_chain_longer_than_any)
{
	struct vseg seg[VIRTQ_CHAIN_MAX + 1];

	for (unsigned i = 0; i <= VIRTQ_CHAIN_MAX; i++)
		seg[i] = (struct vseg){ DATA + 32 * i, 16 };
	vring_add_indirect(&v, TABLE, seg, 1, VIRTQ_CHAIN_MAX);
	cr_expect_eq(virtq_pop(&q, &c), -EPROTO);
}

Test(virtq, breaks_on_more_than_4_gib_in_a_chain)
{
	/* made of one and the same 1 MiB */
	struct vseg seg[2] = { { 0, LOW }, { 0, LOW } };
	struct mem big = mem;

	/* 5 x 1 MiB is far from 4 GiB, so claim that RAM is larger; nobody
	 * touches it */
	big.region[0].len = 0xc0000000;
	q.mem = &big;
	seg[0].len = 0xc0000000;
	seg[1].len = 0x40000000;
	vring_add(&v, seg, 1, 1);
	cr_expect_eq(virtq_pop(&q, &c), 1, "exactly 4 GiB is allowed");
	seg[1].len = 0x40000001;
	vring_add(&v, seg, 1, 1);
	cr_expect_eq(virtq_pop(&q, &c), -EPROTO);
}

Test(virtq, breaks_on_a_head_outside_the_table)
{
	vring_offer(&v, 16);
	cr_expect_eq(virtq_pop(&q, &c), -EPROTO);
	start(16, false, false);
	vring_offer(&v, 65535);
	cr_expect_eq(virtq_pop(&q, &c), -EPROTO);
}

Test(virtq, breaks_when_the_available_index_jumps)
{
	static const struct {
		uint16_t idx;
		int pops;
	} rows[] = { { 0, 0 },
		     { 16, 1 },
		     { 17, -EPROTO },
		     { 0x8000, -EPROTO },
		     { 65535, -EPROTO } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(16, false, false);
		vring_desc(&v, 0, DATA, 8, 0, 0);
		v.avail->idx = rows[i].idx;
		cr_expect_eq(virtq_pop(&q, &c), rows[i].pops, "idx %u",
			     rows[i].idx);
	}
}

Test(virtq, breaks_when_more_is_offered_than_there_are_descriptors)
{
	vring_desc(&v, 0, DATA, 8, 0, 0);
	for (unsigned i = 0; i < 16; i++)
		vring_offer(&v, 0);
	for (unsigned i = 0; i < 16; i++)
		cr_expect_eq(virtq_pop(&q, &c), 1);
	vring_offer(&v, 0);
	cr_expect_eq(virtq_pop(&q, &c), -EPROTO);
}

/* ---- used ring, interrupts, doorbells ------------------------------------ */

Test(virtq, shows_what_was_pushed_only_when_published)
{
	const struct vseg seg = { DATA, 8 };
	struct ring_used_elem e;

	vring_add(&v, &seg, 0, 1);
	vring_add(&v, &seg, 0, 1);
	virtq_pop(&q, &c);
	virtq_pop(&q, &c);
	virtq_push(&q, 1, 8);
	virtq_push(&q, 0, 3);
	cr_expect_not(vring_take(&v, &e));
	cr_expect(virtq_publish(&q));
	cr_assert(vring_take(&v, &e));
	cr_expect_eq(e.id, 1);
	cr_expect_eq(e.len, 8);
	cr_assert(vring_take(&v, &e));
	cr_expect_eq(e.id, 0);
	cr_expect_eq(e.len, 3);
	cr_expect_not(virtq_publish(&q), "nothing new");
}

Test(virtq, goes_round_for_ever)
{
	const struct vseg seg = { DATA, 8 };
	struct ring_used_elem e;

	start(2, true, false);
	for (unsigned i = 0; i < 200000; i++) {
		uint16_t head = vring_add(&v, &seg, 0, 1);

		v.avail->ring[2] = (uint16_t)i; /* used_event */
		cr_assert_eq(virtq_pop(&q, &c), 1, "turn %u", i);
		virtq_push(&q, c.head, i);
		cr_assert(virtq_publish(&q), "turn %u", i);
		cr_assert(vring_take(&v, &e));
		cr_assert_eq(e.id, head);
		cr_assert_eq(e.len, i);
	}
}

Test(virtq, asks_for_interrupts_as_the_driver_wants)
{
	static const struct {
		bool event_idx;
		uint16_t flags, event, pushes;
		bool wanted;
	} rows[] = {
		{ 0, 0, 0, 1, 1 },
		{ 0, RING_AVAIL_NO_INTERRUPT, 0, 1, 0 },
		{ 0, 0xfffe, 0, 1, 1 }, /* only bit 0 means anything */
		{ 1, 0, 0, 1, 1 },
		{ 1, 0, 1, 1, 0 },
		{ 1, 0, 1, 2, 1 },
		{ 1, 0, 1, 3, 1 },
		{ 1, 0, 2, 2, 0 },
		{ 1, 0, 65535, 3, 0 },			 /* passed long ago */
		{ 1, RING_AVAIL_NO_INTERRUPT, 0, 1, 1 }, /* flag is ignored */
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vseg seg = { DATA, 8 };

		start(16, rows[i].event_idx, false);
		v.avail->flags = rows[i].flags;
		v.avail->ring[16] = rows[i].event;
		for (unsigned n = 0; n < rows[i].pushes; n++) {
			vring_add(&v, &seg, 0, 1);
			virtq_pop(&q, &c);
			virtq_push(&q, c.head, 0);
		}
		cr_expect_eq(virtq_publish(&q), rows[i].wanted, "row %u", i);
	}
}

Test(virtq, asks_for_doorbells_with_flags)
{
	const struct vseg seg = { DATA, 8 };

	virtq_notify_off(&q);
	cr_expect_eq(v.used->flags, RING_USED_NO_NOTIFY);
	cr_expect_not(virtq_notify_on(&q));
	cr_expect_eq(v.used->flags, 0);
	vring_add(&v, &seg, 0, 1);
	cr_expect(virtq_notify_on(&q), "one came whose bell may not ring");
}

Test(virtq, asks_for_doorbells_with_avail_event)
{
	const struct vseg seg = { DATA, 8 };
	const uint16_t *avail_event;

	start(16, true, false);
	avail_event = (const uint16_t *)&v.used->ring[16];
	for (unsigned i = 0; i < 3; i++) {
		vring_add(&v, &seg, 0, 1);
		virtq_pop(&q, &c);
	}
	virtq_notify_off(&q);
	cr_expect_eq(v.used->flags, 0, "flags stay 0 with EVENT_IDX");
	cr_expect_not(virtq_notify_on(&q));
	cr_expect_eq(*avail_event, 3);
	vring_add(&v, &seg, 0, 1);
	cr_expect(virtq_notify_on(&q));
}

Test(virtq, touches_nothing_after_the_stop)
{
	const struct vseg seg = { DATA, 8 };
	uint8_t before[4096];

	vring_add(&v, &seg, 0, 1);
	vring_add(&v, &seg, 0, 1);
	virtq_pop(&q, &c);
	virtq_stop(&q);
	memcpy(before, v.desc, sizeof(before));
	cr_expect_eq(virtq_pop(&q, &c), 0);
	virtq_push(&q, 0, 8);
	cr_expect_eq(q.s.inflight, 0);
	cr_expect_not(virtq_publish(&q));
	virtq_notify_off(&q);
	cr_expect_not(virtq_notify_on(&q));
	cr_expect_eq(memcmp(before, v.desc, sizeof(before)), 0);
}

/* ---- copying ------------------------------------------------------------- */

Test(virtq, copies_across_ranges)
{
	char a[4] = "abc", b[3] = "de", out[8] = "";
	const struct iovec iov[] = { { a, 3 }, { b, 0 }, { b, 2 } };

	cr_expect_eq(virtq_copy_from(iov, 3, 0, out, 8), 5);
	cr_expect_str_eq(out, "abcde");
	memset(out, 0, sizeof(out));
	cr_expect_eq(virtq_copy_from(iov, 3, 2, out, 2), 2);
	cr_expect_str_eq(out, "cd");
	cr_expect_eq(virtq_copy_from(iov, 3, 5, out, 2), 0);
	cr_expect_eq(virtq_copy_from(iov, 3, 99, out, 2), 0);
	cr_expect_eq(virtq_copy_to(iov, 3, 1, "XYZ", 3), 3);
	cr_expect_str_eq(a, "aXY");
	cr_expect_str_eq(b, "Ze");
	cr_expect_eq(virtq_copy_to(iov, 3, 4, "!!", 2), 1);
	cr_expect_str_eq(b, "Z!");
}

Test(virtq, slices_of_ranges_skip_what_is_empty_and_end_with_them)
{
	char a[4], b[4], end[4];
	struct iovec iov[4] = { { a, 2 }, { b, 0 }, { b, 3 }, { end, 1 } };
	struct iovec ret[4];

	cr_expect_eq(virtq_slice(iov, 4, 0, 6, ret), 3);
	cr_expect(ret[0].iov_base == a && ret[0].iov_len == 2);
	cr_expect(ret[1].iov_base == b && ret[1].iov_len == 3);
	cr_expect(ret[2].iov_base == end && ret[2].iov_len == 1);
	cr_expect_eq(virtq_slice(iov, 4, 1, 3, ret), 2);
	cr_expect(ret[0].iov_base == a + 1 && ret[0].iov_len == 1);
	cr_expect(ret[1].iov_base == b && ret[1].iov_len == 2);
	cr_expect_eq(virtq_slice(iov, 4, 2, 3, ret), 1, "no empty range");
	cr_expect(ret[0].iov_base == b && ret[0].iov_len == 3);
	cr_expect_eq(virtq_slice(iov, 4, 4, 9, ret), 2, "up to the end");
	cr_expect(ret[0].iov_base == b + 2 && ret[0].iov_len == 1);
	cr_expect(ret[1].iov_base == end && ret[1].iov_len == 1);
	cr_expect_eq(virtq_slice(iov, 4, 6, 1, ret), 0);
	cr_expect_eq(virtq_slice(iov, 4, 99, 1, ret), 0);
	cr_expect_eq(virtq_slice(iov, 4, 3, 0, ret), 0);
}

Test(virtq, skips_what_is_empty_and_ends_with_the_ranges)
{
	char a[4], b[4];
	struct iovec ranges[3], *iov;
	static const struct {
		size_t len;
		unsigned left;
	} row[] = {
		{ 0, 3 }, { 1, 3 }, { 2, 1 }, { 4, 1 }, { 5, 0 }, { 9, 0 }
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		size_t bytes = 0;
		unsigned n;

		ranges[0] = (struct iovec){ a, 2 };
		ranges[1] = (struct iovec){ b, 0 };
		ranges[2] = (struct iovec){ b, 3 };
		iov = ranges;
		n = virtq_skip(&iov, 3, row[i].len);
		cr_expect_eq(n, row[i].left, "%zu bytes", row[i].len);
		cr_expect_eq(iov, ranges + 3 - n);
		for (unsigned k = 0; k < n; k++)
			bytes += iov[k].iov_len;
		cr_expect_eq(bytes, row[i].len < 5 ? 5 - row[i].len : 0);
		if (n)
			cr_expect_eq(iov->iov_base,
				     n == 3 ? a + row[i].len
					    : b + row[i].len - 2);
	}
}
