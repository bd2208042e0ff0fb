// SPDX-License-Identifier: Apache-2.0
/* The block device: requests of every type and malformation, on a file in
 * memory whose operations do as the test says. */
#include "devices/virtio_blk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/blkdrv.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LEN	 (BLKDRV_SECTORS * BLK_SECTOR)

TestSuite(virtio_blk, .init = blkdrv_init, .fini = blkdrv_deinit);

static void fill(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static uint8_t *buf(uint32_t off, uint32_t len)
{
	return vdrv_at(&blkdrv, BLKDRV_BUF + off, len);
}

static bool all(const uint8_t *p, uint8_t what, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != what)
			return false;
	return true;
}

/* ---- what it says of itself --------------------------------------------- */

static struct blk_config config(void)
{
	struct blk_config c;

	for (unsigned i = 0; i < sizeof(c); i++)
		((uint8_t *)&c)[i] =
			(uint8_t)vdrv_read(&blkdrv, MMIO_CONFIG + i, 1);
	return c;
}

Test(virtio_blk, tells_its_geometry)
{
	struct blk_config c;

	blkdrv_start(BLK_ALL);
	c = config();
	cr_expect_eq(vdrv_get(&blkdrv, MMIO_DEVICE_ID), 2);
	cr_expect_eq(c.capacity, BLKDRV_SECTORS);
	cr_expect_eq(c.seg_max, BLK_SEG_MAX);
	cr_expect_eq(c.blk_size, 512);
	cr_expect_eq(c.physical_block_exp, 3);
	cr_expect_eq(c.min_io_size, 8);
	cr_expect_eq(c.writeback, 1);
	cr_expect_eq(c.max_discard_seg, BLK_RANGES_MAX);
	cr_expect_eq(c.discard_sector_alignment, 8);
	cr_expect_eq(c.write_zeroes_may_unmap, 1);
	cr_expect_eq(c.unused0 | c.unused1[0] | c.unused1[1] | c.unused1[2], 0);
}

/* Unikraft reads blk_size as 64 bits, before it negotiates anything. */
Test(virtio_blk, says_nothing_behind_blk_size_before_topology_is_negotiated)
{
	const unsigned off =
		MMIO_CONFIG + (unsigned)offsetof(struct blk_config, blk_size);

	cr_expect_eq(vdrv_read(&blkdrv, off, 4), 512);
	cr_expect_eq(vdrv_read(&blkdrv, off + 4, 4), 0);
	blkdrv_start(BLK_ALL & ~BLK_F_TOPOLOGY);
	cr_expect_eq(vdrv_read(&blkdrv, off + 4, 4), 0);
	vdrv_set(&blkdrv, MMIO_STATUS, 0);
	blkdrv_start(BLK_ALL);
	cr_expect_neq(vdrv_read(&blkdrv, off + 4, 4), 0);
	vdrv_set(&blkdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_read(&blkdrv, off + 4, 4), 0);
}

Test(virtio_blk, forgets_a_driver_that_gave_up_before_it_began)
{
	const unsigned off =
		MMIO_CONFIG + (unsigned)offsetof(struct blk_config, blk_size);

	vdrv_negotiate(&blkdrv, BLK_ALL);
	cr_assert_neq(vdrv_read(&blkdrv, off + 4, 4), 0);
	vdrv_set(&blkdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_read(&blkdrv, off + 4, 4), 0);
}

Test(virtio_blk, offers_a_read_only_disk_nothing_that_writes)
{
	blkdrv_blk.disk.read_only = true;
	blkdrv_start(UINT64_MAX);
	cr_expect_eq(blkdrv_blk.port->features,
		     VIRTIO_RESERVED_FEATURES | BLK_F_SEG_MAX | BLK_F_RO |
			     BLK_F_BLK_SIZE | BLK_F_TOPOLOGY | BLK_F_FLUSH);
}

/* ---- reads and writes --------------------------------------------------- */

Test(virtio_blk, reads_and_writes)
{
	blkdrv_start(BLK_ALL);
	fill(buf(0, 4096), 4096, 1);
	cr_expect_eq(blkdrv_do(BLK_T_OUT, 8, BLKDRV_BUF, 4096), BLK_S_OK);
	cr_expect_eq(blkdrv_take(), 1);
	cr_expect_arr_eq(fake.file.bytes + 4096, buf(0, 4096), 4096);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 8, BLKDRV_BUF + 8192, 4096), BLK_S_OK);
	cr_expect_eq(blkdrv_take(), 4097);
	cr_expect_arr_eq(buf(8192, 4096), buf(0, 4096), 4096);
	cr_expect_eq(blkdrv_take(), -1);
}

/* §2.7.4: however the driver cuts it. */
Test(virtio_blk, does_not_care_how_a_request_is_cut)
{
	/* lengths of the parts of header (16), data (1024) and status (1) for
	 * a read; 0 ends a list */
	static const uint32_t cuts[][8] = {
		{ 16, 1024, 1 },       { 16, 1025 },	   { 1, 15, 1024, 1 },
		{ 8, 8, 512, 512, 1 }, { 16, 1, 1023, 1 }, { 16, 1023, 2 },
		{ 15, 1, 1024, 1 },    { 16, 511, 514 },
	};

	blkdrv_start(BLK_ALL);
	fill(fake.file.bytes, 4096, 3);
	for (unsigned i = 0; i < COUNT(cuts); i++) {
		struct vseg seg[8];
		unsigned n = 0, out = 0;
		gpa_t at = BLKDRV_BUF;
		uint32_t sum = 0;

		/* parts far apart, so that none are merged */
		memset(buf(0, 0x9000), 0, 0x9000);
		blkdrv_header(0, BLK_T_IN, 2);
		for (; n < 8 && cuts[i][n]; n++, at += 0x1000) {
			seg[n] = (struct vseg){ at, cuts[i][n] };
			if (sum < 16) {
				memcpy(vdrv_at(&blkdrv, at, cuts[i][n]),
				       vdrv_at(&blkdrv, BLKDRV_SLOT(0), 16) +
					       sum,
				       cuts[i][n]);
				out++;
			}
			sum += cuts[i][n];
		}
		vring_add(&blkdrv.ring[0], seg, out, n - out);
		blkdrv_go();
		cr_expect_eq(blkdrv_take(), 1025, "row %u", i);
		sum = 0;
		for (unsigned k = out; k < n; k++) {
			uint32_t len = seg[k].len - (k == n - 1);

			cr_expect_arr_eq(vdrv_at(&blkdrv, seg[k].addr, len),
					 fake.file.bytes + 1024 + sum, len,
					 "row %u part %u", i, k);
			sum += len;
		}
		cr_expect_eq(*vdrv_at(&blkdrv,
				      seg[n - 1].addr + seg[n - 1].len - 1, 1),
			     BLK_S_OK);
	}
}

Test(virtio_blk, writes_with_header_and_data_in_one_piece)
{
	struct vseg seg[2] = { { BLKDRV_BUF, 16 + 512 },
			       { BLKDRV_STATUS(0), 1 } };
	struct blk_header h = { BLK_T_OUT, 0, 3 };

	blkdrv_start(BLK_ALL);
	memcpy(buf(0, 16), &h, 16);
	fill(buf(16, 512), 512, 9);
	vring_add(&blkdrv.ring[0], seg, 1, 1);
	blkdrv_go();
	cr_expect_eq(blkdrv_status(0), BLK_S_OK);
	cr_expect_arr_eq(fake.file.bytes + 3 * 512, buf(16, 512), 512);
}

Test(virtio_blk, moves_many_ranges_in_one_operation)
{
	struct vseg seg[2 + BLK_SEG_MAX];

	blkdrv_start(BLK_ALL);
	fill(fake.file.bytes, LEN, 5);
	blkdrv_header(0, BLK_T_IN, 0);
	seg[0] = (struct vseg){ BLKDRV_SLOT(0), 16 };
	for (unsigned i = 0; i < BLK_SEG_MAX; i++)
		seg[1 + i] = (struct vseg){ BLKDRV_BUF + i * 1024, 512 };
	seg[1 + BLK_SEG_MAX] = (struct vseg){ BLKDRV_STATUS(0), 1 };
	vring_add(&blkdrv.ring[0], seg, 1, BLK_SEG_MAX + 1);
	blkdrv_go();
	cr_expect_eq(blkdrv_status(0), BLK_S_OK);
	cr_expect_eq(fake.file.reads, 1);
	for (unsigned i = 0; i < BLK_SEG_MAX; i++)
		cr_expect_arr_eq(buf(i * 1024, 512), fake.file.bytes + i * 512,
				 512);
}

/* ---- malformed requests ------------------------------------------------- */

#define IN  BLK_T_IN
#define OUT BLK_T_OUT
#define S   BLKDRV_SECTORS

static const struct {
	const char *what;
	uint32_t type;
	uint64_t sector;
	uint32_t out, in; /* bytes of readable and writable part */
	int status;	  /* -1: there is none */
	int64_t len;	  /* used length */
} shapes[] = {
	{ "plain read", IN, 0, 16, 513, 0, 513 },
	{ "plain write", OUT, 0, 528, 1, 0, 1 },
	{ "last sector", IN, S - 1, 16, 513, 0, 513 },
	{ "just behind", IN, S, 16, 513, 1, 0 },
	{ "over the end", IN, S - 1, 16, 1025, 1, 0 },
	{ "write just behind", OUT, S, 528, 1, 1, 1 },
	{ "write over the end", OUT, S - 1, 16 + 1024, 1, 1, 1 },
	{ "sector wraps in bytes", IN, 1ULL << 55, 16, 513, 1, 0 },
	{ "sector is the last there is", IN, UINT64_MAX, 16, 513, 1, 0 },
	{ "sector + length wraps", OUT, UINT64_MAX, 528, 1, 1, 1 },
	{ "read of nothing", IN, 0, 16, 1, 0, 1 },
	{ "write of nothing", OUT, 0, 16, 1, 0, 1 },
	{ "nothing at the end", IN, S, 16, 1, 0, 1 },
	{ "nothing beyond the end", IN, S + 1, 16, 1, 1, 1 },
	{ "read of 1", IN, 0, 16, 2, 1, 0 },
	{ "read of 511", IN, 0, 16, 512, 1, 0 },
	{ "read of 513", IN, 0, 16, 514, 1, 0 },
	{ "write of 1", OUT, 0, 17, 1, 1, 1 },
	{ "write of 511", OUT, 0, 16 + 511, 1, 1, 1 },
	{ "read whose data is readable", IN, 0, 528, 1, 1, 1 },
	{ "write whose data is writable", OUT, 0, 16, 513, 1, 0 },
	{ "no status", IN, 0, 16, 0, -1, 0 },
	{ "write without status", OUT, 0, 528, 0, -1, 0 },
	{ "flush without status", BLK_T_FLUSH, 0, 16, 0, -1, 0 },
	{ "no header", IN, 0, 0, 513, 1, 0 },
	{ "header of 15", OUT, 0, 15, 1, 1, 1 },
	{ "header of 1", BLK_T_FLUSH, 0, 1, 1, 1, 1 },
	{ "nothing at all", IN, 0, 0, 0, -1, 0 },
	{ "flush", BLK_T_FLUSH, 0, 16, 1, 0, 1 },
	{ "flush with a sector", BLK_T_FLUSH, 77, 16, 1, 0, 1 },
	{ "flush with data", BLK_T_FLUSH, 0, 528, 1, 0, 1 },
	{ "id", BLK_T_GET_ID, 0, 16, 21, 0, 21 },
	{ "id with more room", BLK_T_GET_ID, 0, 16, 31, 0, 20 },
	{ "id with less room", BLK_T_GET_ID, 0, 16, 20, 1, 0 },
	{ "id without room", BLK_T_GET_ID, 0, 16, 1, 1, 1 },
	{ "discard of nothing", BLK_T_DISCARD, 0, 16, 1, 1, 1 },
	{ "discard of half a range", BLK_T_DISCARD, 0, 24, 1, 1, 1 },
	{ "zeroes with data to read", BLK_T_WRITE_ZEROES, 0, 32, 2, 1, 0 },
	{ "too many ranges", BLK_T_DISCARD, 0, 16 + 65 * 16, 1, 1, 1 },
	{ "scsi command", 2, 0, 16, 1, 2, 1 },
	{ "type 3", 3, 0, 16, 1, 2, 1 },
	{ "lifetime", 10, 0, 16, 7, 2, 0 },
	{ "secure erase", 14, 0, 32, 1, 2, 1 },
	{ "zone append", 15, 0, 528, 9, 2, 0 },
	{ "type with the barrier bit", 1U << 31, 0, 16, 1, 2, 1 },
	{ "type ~0", UINT32_MAX, 0, 16, 1, 2, 1 },
};

#undef IN
#undef OUT
#undef S

static void put_shape(unsigned i)
{
	struct vseg seg[2];
	unsigned out = 0, in = 0;

	memset(buf(0, 0x2000), 0, 0x2000);
	memset(buf(0x2000, 0x2000), BLKDRV_PENDING, 0x2000);
	memcpy(buf(0, 16),
	       &(struct blk_header){ shapes[i].type, 0, shapes[i].sector }, 16);
	if (shapes[i].out)
		seg[out++] = (struct vseg){ BLKDRV_BUF, shapes[i].out };
	if (shapes[i].in)
		seg[out + in++] =
			(struct vseg){ BLKDRV_BUF + 0x2000, shapes[i].in };
	if (!out && !in)
		seg[out++] = (struct vseg){ BLKDRV_BUF, 0 };
	vring_add(&blkdrv.ring[0], seg, out, in);
}

Test(virtio_blk, answers_every_shape_as_specified)
{
	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < COUNT(shapes); i++) {
		unsigned at = shapes[i].in - 1;

		put_shape(i);
		blkdrv_go();
		cr_expect_eq(blkdrv_take(), shapes[i].len, "%s",
			     shapes[i].what);
		cr_expect_eq(blkdrv_take(), -1, "%s: once", shapes[i].what);
		if (shapes[i].status >= 0)
			cr_expect_eq(buf(0x2000, 0x2000)[at], shapes[i].status,
				     "%s: %u", shapes[i].what,
				     buf(0x2000, 0x2000)[at]);
		if (shapes[i].in)
			cr_expect(all(buf(0x2000 + shapes[i].in, 64),
				      BLKDRV_PENDING, 64),
				  "%s: past the end", shapes[i].what);
	}
	cr_expect_eq(vdrv_get(&blkdrv, MMIO_STATUS) & VIRTIO_NEEDS_RESET, 0);
	cr_expect_eq(fake.file.size, LEN);
}

Test(virtio_blk, answers_what_was_not_negotiated_with_unsupp)
{
	static const uint32_t types[] = { BLK_T_FLUSH, BLK_T_DISCARD,
					  BLK_T_WRITE_ZEROES };

	blkdrv_start(VIRTIO_VERSION_1);
	for (unsigned i = 0; i < COUNT(types); i++)
		cr_expect_eq(blkdrv_range(types[i], 0, 8, 0), BLK_S_UNSUPP);
}

Test(virtio_blk, writes_nothing_to_a_read_only_disk)
{
	blkdrv_blk.disk.read_only = true;
	blkdrv_start(BLK_ALL);
	memset(buf(0, 512), 1, 512);
	cr_expect_eq(blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512), BLK_S_IOERR);
	cr_expect_eq(blkdrv_range(BLK_T_DISCARD, 0, 8, 0), BLK_S_UNSUPP);
	cr_expect_eq(blkdrv_range(BLK_T_WRITE_ZEROES, 0, 8, 0), BLK_S_UNSUPP);
	cr_expect_eq(blkdrv_do(BLK_T_FLUSH, 0, BLKDRV_BUF, 0), BLK_S_OK);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 512), BLK_S_OK);
	cr_expect_eq(fake.file.writes + fake.file.syncs + fake.file.punches +
			     fake.file.zeroings,
		     0);
	cr_expect(all(fake.file.bytes, 0, LEN));
}

Test(virtio_blk, tells_its_id)
{
	blkdrv_start(BLK_ALL);
	memset(buf(0, 32), 0xff, 32);
	cr_expect_eq(blkdrv_do(BLK_T_GET_ID, 0, BLKDRV_BUF, 20), BLK_S_OK);
	cr_expect_eq(memcmp(buf(0, 20), "serial-0\0\0\0\0\0\0\0\0\0\0\0", 20),
		     0);
	cr_expect_eq(*buf(20, 1), 0xff);
}

/* ---- short transfers, a file that shrinks, host errors ------------------ */

Test(virtio_blk, continues_short_transfers)
{
	static const uint32_t shorts[] = { 1000, 512, 511, 100, 4096, 8191 };

	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < COUNT(shorts); i++) {
		fake.file.short_bytes = shorts[i];
		fill(buf(0, 8192), 8192, i);
		cr_expect_eq(blkdrv_do(BLK_T_OUT, i, BLKDRV_BUF, 8192),
			     BLK_S_OK);
		cr_expect_arr_eq(fake.file.bytes + i * 512, buf(0, 8192), 8192);
		cr_expect_eq(blkdrv_take(), 1);
		memset(buf(0x4000, 8192), 0, 8192);
		cr_expect_eq(blkdrv_do(BLK_T_IN, i, BLKDRV_BUF + 0x4000, 8192),
			     BLK_S_OK);
		cr_expect_arr_eq(buf(0x4000, 8192), buf(0, 8192), 8192);
		cr_expect_eq(blkdrv_take(), 8193);
	}
}

Test(virtio_blk, continues_short_transfers_across_ranges)
{
	struct vseg seg[5] = { { BLKDRV_SLOT(0), 16 },
			       { BLKDRV_BUF, 512 },
			       { BLKDRV_BUF + 0x1000, 1024 },
			       { BLKDRV_BUF + 0x2000, 512 },
			       { BLKDRV_STATUS(0), 1 } };

	blkdrv_start(BLK_ALL);
	fill(fake.file.bytes, 2048, 0);
	for (uint32_t n = 1; n < 2048; n += 97) {
		fake.file.short_bytes = n;
		memset(buf(0, 0x3000), 0, 0x3000);
		blkdrv_header(0, BLK_T_IN, 0);
		vring_add(&blkdrv.ring[0], seg, 1, 4);
		blkdrv_go();
		cr_expect_eq(blkdrv_status(0), BLK_S_OK);
		cr_expect_eq(blkdrv_take(), 2049);
		cr_expect_arr_eq(buf(0, 512), fake.file.bytes, 512);
		cr_expect_arr_eq(buf(0x1000, 1024), fake.file.bytes + 512,
				 1024);
		cr_expect_arr_eq(buf(0x2000, 512), fake.file.bytes + 1536, 512);
	}
}

Test(virtio_blk, reports_a_file_that_has_shrunk)
{
	blkdrv_start(BLK_ALL);
	fill(fake.file.bytes, LEN, 0);
	fake.file.size = 1000;
	cr_expect_eq(blkdrv_do(BLK_T_IN, 4, BLKDRV_BUF, 512), BLK_S_IOERR);
	cr_expect_eq(blkdrv_take(), 0);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 2048), BLK_S_IOERR);
	cr_expect_eq(blkdrv_take(), 1000, "what was read before the end");
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 512), BLK_S_OK);
	cr_expect_eq(blkdrv_do(BLK_T_OUT, 8, BLKDRV_BUF, 512), BLK_S_OK,
		     "a write makes it grow again");
}

/* Each kind of request, with each of its operations failing in turn. */
static const struct {
	const char *what;
	uint32_t type;
	uint32_t len; /* or sectors of a range */
	uint32_t flags;
	unsigned ops; /* operations it takes when nothing fails */
	uint32_t shorts;
	bool writethrough, no_punch, no_zero_range;
} works[] = {
	{ .what = "read", .type = BLK_T_IN, .len = 2048, .ops = 1 },
	{ .what = "read in four",
	  .type = BLK_T_IN,
	  .len = 2048,
	  .ops = 4,
	  .shorts = 512 },
	{ .what = "write", .type = BLK_T_OUT, .len = 2048, .ops = 1 },
	{ .what = "write in four",
	  .type = BLK_T_OUT,
	  .len = 2048,
	  .ops = 4,
	  .shorts = 512 },
	{ .what = "flush", .type = BLK_T_FLUSH, .ops = 1 },
	{ .what = "discard", .type = BLK_T_DISCARD, .len = 8, .ops = 1 },
	{ .what = "zeroes", .type = BLK_T_WRITE_ZEROES, .len = 8, .ops = 1 },
	{ .what = "zeroes, unmap",
	  .type = BLK_T_WRITE_ZEROES,
	  .len = 8,
	  .flags = BLK_RANGE_UNMAP,
	  .ops = 1 },
	{ .what = "zeroes by hand",
	  .type = BLK_T_WRITE_ZEROES,
	  .len = 200,
	  .ops = 3,
	  .no_zero_range = true },
	{ .what = "zeroes, unmap, by hand",
	  .type = BLK_T_WRITE_ZEROES,
	  .len = 200,
	  .flags = BLK_RANGE_UNMAP,
	  .ops = 4,
	  .no_punch = true,
	  .no_zero_range = true },
	{ .what = "zeroes, writethrough",
	  .type = BLK_T_WRITE_ZEROES,
	  .len = 8,
	  .ops = 2,
	  .writethrough = true },
};

static int run_work(unsigned i)
{
	blkdrv_blk.no_punch = false;
	blkdrv_blk.no_zero_range = false;
	fake.file.short_bytes = works[i].shorts;
	fake.file.no_punch = works[i].no_punch;
	fake.file.no_zero_range = works[i].no_zero_range;
	vdrv_write(&blkdrv,
		   MMIO_CONFIG + offsetof(struct blk_config, writeback), 1,
		   !works[i].writethrough);
	if (works[i].type == BLK_T_IN || works[i].type == BLK_T_OUT)
		return blkdrv_do(works[i].type, 0, BLKDRV_BUF, works[i].len);
	return blkdrv_range(works[i].type, 0, works[i].len, works[i].flags);
}

Test(virtio_blk, survives_each_operation_failing_in_turn)
{
	static const struct {
		int res;
		int retried; /* 1: and then works; 2: not so a flush */
	} errors[] = {
		{ -EIO, 0 },	{ -ENOSPC, 0 },	   { -EINTR, 1 },
		{ -EAGAIN, 2 }, { -EPERM, 0 },	   { -EFBIG, 0 },
		{ -ENOMEM, 2 }, { -ECANCELED, 1 },
	};

	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < COUNT(works); i++) {
		unsigned before = fake.submitted;

		cr_expect_eq(run_work(i), BLK_S_OK, "%s", works[i].what);
		blkdrv_take();
		cr_expect_eq(fake.submitted - before, works[i].ops, "%s: %u",
			     works[i].what, fake.submitted - before);
		for (unsigned n = 1; n <= works[i].ops; n++) {
			for (unsigned k = 0; k < COUNT(errors); k++) {
				bool flush = works[i].type == BLK_T_FLUSH ||
					     (works[i].writethrough && n == 2);
				bool again = errors[k].retried == 1 ||
					     (errors[k].retried && !flush);
				int status;

				fake.file.fail_nth = n;
				fake.file.fail_res = errors[k].res;
				status = run_work(i);
				cr_expect_eq(status,
					     again ? BLK_S_OK : BLK_S_IOERR,
					     "%s op %u: %s", works[i].what, n,
					     strerror(-errors[k].res));
				cr_expect_geq(blkdrv_take(), 0);
				cr_expect_eq(blkdrv_take(), -1, "once");
			}
		}
	}
	cr_expect_eq(blkdrv_blk.port->vq[0].s.inflight, 0);
	cr_expect_eq(blkdrv_blk.writing, 0);
}

Test(virtio_blk, gives_up_on_an_operation_that_is_interrupted_for_ever)
{
	blkdrv_start(BLK_ALL);
	blkdrv_put(0, BLK_T_IN, 0, BLKDRV_BUF, 512);
	fake.hold = true;
	blkdrv_go();
	for (unsigned i = 0; i < 10000 && fake.ops; i++)
		fake_complete(0, -EAGAIN);
	fake_loop_run();
	cr_expect_eq(fake.ops, 0);
	cr_expect_eq(blkdrv_status(0), BLK_S_IOERR);
}

/* ---- durability --------------------------------------------------------- */

Test(virtio_blk, flushes_what_was_completed_before)
{
	blkdrv_start(BLK_ALL);
	memset(buf(0, 512), 1, 512);
	blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
	cr_expect(all(fake.file.stable, 0, 512), "volatile so far");
	blkdrv_do(BLK_T_FLUSH, 0, BLKDRV_BUF, 0);
	cr_expect(all(fake.file.stable, 1, 512));
	cr_expect_eq(fake.file.syncs, 1);
	cr_expect_eq(fake.file.dsyncs, 0);
}

Test(virtio_blk, does_not_sync_with_an_unsafe_cache)
{
	blkdrv_blk.disk.unsafe_cache = true;
	blkdrv_start(VIRTIO_VERSION_1 | BLK_F_FLUSH);
	blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
	cr_expect_eq(blkdrv_do(BLK_T_FLUSH, 0, BLKDRV_BUF, 0), BLK_S_OK);
	cr_expect_eq(fake.file.syncs, 0);
	blkdrv_start(VIRTIO_VERSION_1);
	blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
	cr_expect_eq(fake.file.dsyncs, 0);
}

/* §5.2.6.2, case 1: no FLUSH and no CONFIG_WCE. */
Test(virtio_blk, writes_through_for_a_driver_that_cannot_flush)
{
	blkdrv_start(VIRTIO_VERSION_1 | BLK_F_WRITE_ZEROES);
	memset(buf(0, 512), 1, 512);
	blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
	cr_expect(all(fake.file.stable, 1, 512));
	cr_expect_eq(blkdrv_range(BLK_T_WRITE_ZEROES, 0, 1, 0), BLK_S_OK);
	cr_expect(all(fake.file.stable, 0, 512));
}

/* §5.2.6.2, case 2, and the initial values of §5.2.5.2. */
Test(virtio_blk, obeys_the_writeback_switch)
{
	const uint64_t at =
		MMIO_CONFIG + offsetof(struct blk_config, writeback);
	static const struct {
		uint64_t features;
		uint8_t reads;
		bool dsync;
		bool switches;
	} rows[] = {
		{ BLK_F_FLUSH | BLK_F_CONFIG_WCE, 1, 0, 1 },
		{ BLK_F_FLUSH, 0, 0, 0 }, /* the field is not there */
		{ BLK_F_CONFIG_WCE, 0, 1, 1 },
		{ 0, 0, 1, 0 },
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		unsigned n;

		blkdrv_start(VIRTIO_VERSION_1 | rows[i].features);
		cr_expect_eq(vdrv_read(&blkdrv, at, 1), rows[i].reads, "%u", i);
		n = fake.file.dsyncs;
		blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
		cr_expect_eq(fake.file.dsyncs - n, rows[i].dsync, "row %u", i);
		vdrv_write(&blkdrv, at, 1, rows[i].dsync);
		n = fake.file.dsyncs;
		blkdrv_do(BLK_T_OUT, 0, BLKDRV_BUF, 512);
		cr_expect_eq(fake.file.dsyncs - n,
			     rows[i].switches ? !rows[i].dsync : rows[i].dsync,
			     "row %u, switched", i);
		vdrv_write(&blkdrv, at - 1, 2, 0xffff);
		vdrv_write(&blkdrv, at, 4, 0xffff);
	}
}

/* ---- DISCARD and WRITE_ZEROES ------------------------------------------- */

static const struct {
	const char *what;
	uint32_t type;
	uint64_t sector;
	uint32_t sectors, flags;
	int status;
} ranges[] = {
	{ "discard", BLK_T_DISCARD, 0, 8, 0, 0 },
	{ "discard all", BLK_T_DISCARD, 0, BLKDRV_SECTORS, 0, 0 },
	{ "discard none", BLK_T_DISCARD, 0, 0, 0, 0 },
	{ "discard none at the end", BLK_T_DISCARD, BLKDRV_SECTORS, 0, 0, 0 },
	{ "discard behind", BLK_T_DISCARD, BLKDRV_SECTORS, 1, 0, 1 },
	{ "discard over the end", BLK_T_DISCARD, 8, BLKDRV_SECTORS, 0, 1 },
	{ "discard wraps", BLK_T_DISCARD, UINT64_MAX, 2, 0, 1 },
	{ "discard far", BLK_T_DISCARD, 1ULL << 55, 1, 0, 1 },
	{ "discard too much", BLK_T_DISCARD, 0, UINT32_MAX, 0, 1 },
	{ "discard with unmap", BLK_T_DISCARD, 0, 8, 1, 2 },
	{ "discard with flags", BLK_T_DISCARD, 0, 8, 0x80000000, 2 },
	{ "zeroes", BLK_T_WRITE_ZEROES, 1, 8, 0, 0 },
	{ "zeroes with unmap", BLK_T_WRITE_ZEROES, 1, 8, 1, 0 },
	{ "zeroes with flags", BLK_T_WRITE_ZEROES, 0, 8, 2, 2 },
	{ "zeroes with all flags", BLK_T_WRITE_ZEROES, 0, 8, ~0U, 2 },
	{ "zeroes behind", BLK_T_WRITE_ZEROES, BLKDRV_SECTORS, 1, 0, 1 },
	{ "zeroes wrap", BLK_T_WRITE_ZEROES, UINT64_MAX - 1, 4, 0, 1 },
};

Test(virtio_blk, checks_every_range)
{
	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < COUNT(ranges); i++)
		cr_expect_eq(blkdrv_range(ranges[i].type, ranges[i].sector,
					  ranges[i].sectors, ranges[i].flags),
			     ranges[i].status, "%s", ranges[i].what);
	cr_expect_eq(fake.file.size, LEN);
}

Test(virtio_blk, zeroes_exactly_what_it_is_told_however_the_host_can)
{
	static const struct {
		uint32_t flags;
		bool no_punch, no_zero_range;
		unsigned punches, zeroings, writes;
	} rows[] = {
		{ 0, 0, 0, 0, 1, 0 },
		{ 0, 0, 1, 0, 0, 2 },
		{ BLK_RANGE_UNMAP, 0, 0, 1, 0, 0 },
		{ BLK_RANGE_UNMAP, 1, 0, 0, 1, 0 },
		{ BLK_RANGE_UNMAP, 1, 1, 0, 0, 2 },
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		blkdrv_deinit();
		blkdrv_init();
		blkdrv_start(BLK_ALL);
		memset(fake.file.bytes, 0xaa, LEN);
		fake.file.no_punch = rows[i].no_punch;
		fake.file.no_zero_range = rows[i].no_zero_range;
		cr_expect_eq(
			blkdrv_range(BLK_T_WRITE_ZEROES, 3, 200, rows[i].flags),
			BLK_S_OK);
		cr_expect(all(fake.file.bytes, 0xaa, 3 * 512), "row %u", i);
		cr_expect(all(fake.file.bytes + 3 * 512, 0, 200 * 512));
		cr_expect(all(fake.file.bytes + 203 * 512, 0xaa, 53 * 512));
		cr_expect_eq(fake.file.punches, rows[i].punches, "row %u", i);
		cr_expect_eq(fake.file.zeroings, rows[i].zeroings, "row %u", i);
		cr_expect_eq(fake.file.writes, rows[i].writes, "row %u", i);
	}
}

Test(virtio_blk, remembers_what_the_file_system_cannot_do)
{
	unsigned before;

	blkdrv_start(BLK_ALL);
	fake.file.no_punch = true;
	cr_expect_eq(blkdrv_range(BLK_T_DISCARD, 0, 8, 0), BLK_S_OK,
		     "nothing may be assumed of it, so nothing is lost");
	before = fake.submitted;
	cr_expect_eq(blkdrv_range(BLK_T_DISCARD, 0, 8, 0), BLK_S_OK);
	cr_expect_eq(fake.submitted, before);
}

Test(virtio_blk, works_through_a_list_of_ranges)
{
	struct blk_range list[BLK_RANGES_MAX];

	blkdrv_start(BLK_ALL);
	memset(fake.file.bytes, 0xaa, LEN);
	for (unsigned i = 0; i < BLK_RANGES_MAX; i++)
		list[i] = (struct blk_range){ i * 4, i % 3, 0 };
	memcpy(buf(0, sizeof(list)), list, sizeof(list));
	cr_expect_eq(blkdrv_do(BLK_T_WRITE_ZEROES, 0, BLKDRV_BUF, sizeof(list)),
		     BLK_S_OK);
	for (unsigned i = 0; i < BLK_RANGES_MAX; i++) {
		cr_expect(all(fake.file.bytes + i * 2048, 0, i % 3 * 512));
		cr_expect_eq(fake.file.bytes[i * 2048 + i % 3 * 512], 0xaa);
	}
	list[63].flags = 4; /* one bad range spoils all, before any is done */
	memset(fake.file.bytes, 0xaa, LEN);
	memcpy(buf(0, sizeof(list)), list, sizeof(list));
	cr_expect_eq(blkdrv_do(BLK_T_WRITE_ZEROES, 0, BLKDRV_BUF, sizeof(list)),
		     BLK_S_UNSUPP);
	cr_expect(all(fake.file.bytes, 0xaa, LEN));
}

/* ---- many at once ------------------------------------------------------- */

Test(virtio_blk, batches_submissions_and_interrupts)
{
	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < 32; i++)
		blkdrv_put(i, BLK_T_IN, i, BLKDRV_BUF + i * 512, 512);
	/* used_event 0: at the first, or any batch with it */
	blkdrv.raised = 0;
	fake.hold = true;
	vdrv_kick(&blkdrv, 0);
	fake_loop_round();
	cr_expect_eq(fake.ops, 32, "all that the kick brought, in one round");
	fake.hold = false;
	fake_loop_run();
	cr_expect_eq(blkdrv.raised, 1);
	for (unsigned i = 0; i < 32; i++)
		cr_expect_eq(blkdrv_take(), 513);
}

static uint16_t avail_event(void)
{
	return *(uint16_t *)&blkdrv.ring[0].used->ring[256];
}

/* While the loop has work, doorbells only cost: the queue is looked at
 * anyway. Before the loop sleeps they are needed. */
Test(virtio_blk, leaves_the_doorbell_off_while_it_is_busy)
{
	uint16_t before;

	blkdrv_start(BLK_ALL);
	before = avail_event();
	blkdrv_put(0, BLK_T_IN, 0, BLKDRV_BUF, 512);
	blkdrv_put(1, BLK_T_IN, 1, BLKDRV_BUF, 512);
	vdrv_kick(&blkdrv, 0);
	fake.hold = true;
	fake_loop_round();
	cr_expect_eq(fake.ops, 2);
	cr_expect_eq(avail_event(), before, "still off");
	/* a third comes without ringing, and is taken with a completion */
	blkdrv_put(2, BLK_T_IN, 2, BLKDRV_BUF, 512);
	fake_complete(0, fake_execute(&fake.op[0]));
	fake_loop_round();
	fake_loop_round();
	cr_expect_eq(fake.ops, 2);
	/* a fourth, while nothing completes: before the sleep at the latest */
	blkdrv_put(3, BLK_T_IN, 3, BLKDRV_BUF, 512);
	fake_loop_run();
	cr_expect_eq(fake.ops, 3);
	cr_expect_eq(avail_event(), 4, "and now it is armed");
}

Test(virtio_blk, arms_the_doorbell_at_once_behind_a_single_request)
{
	blkdrv_start(BLK_ALL);
	blkdrv_put(0, BLK_T_IN, 0, BLKDRV_BUF, 512);
	vdrv_kick(&blkdrv, 0);
	fake.hold = true;
	fake_loop_round();
	cr_expect_eq(avail_event(), 1);
}

Test(virtio_blk, completes_a_full_queue_in_any_order_each_once)
{
	struct ring_used_elem e;
	bool seen[256] = { 0 };

	blkdrv_start(BLK_ALL);
	fake.newest_first = true;
	for (unsigned i = 0; i < 256; i++) {
		/* one indirect descriptor each: all 256 are in flight */
		struct vseg seg[3] = { { BLKDRV_SLOT(i), 16 },
				       { BLKDRV_BUF + i * 512, 512 },
				       { BLKDRV_STATUS(i), 1 } };

		blkdrv_header(i, BLK_T_IN, i);
		fake.file.bytes[i * 512] = (uint8_t)i;
		vring_add_indirect(&blkdrv.ring[0],
				   BLKDRV_BUF + 0x40000 + i * 64, seg, 1, 2);
	}
	blkdrv_go();
	while (vring_take(&blkdrv.ring[0], &e)) {
		cr_assert_lt(e.id, 256);
		cr_expect_not(seen[e.id]);
		seen[e.id] = true;
	}
	for (unsigned i = 0; i < 256; i++) {
		cr_expect(seen[i]);
		cr_expect_eq(blkdrv_status(i), BLK_S_OK);
		cr_expect_eq(*buf(i * 512, 1), (uint8_t)i);
	}
	cr_expect_eq(blkdrv_blk.port->vq[0].s.inflight, 0);
}

/* A driver that never stops must not keep the I/O thread for itself. */
Test(virtio_blk, takes_a_share_and_comes_back)
{
	blkdrv_blk.disk.unsafe_cache = true;
	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < 256; i++) {
		struct vseg seg[2] = { { BLKDRV_SLOT(0), 16 },
				       { BLKDRV_STATUS(0), 1 } };

		vring_add_indirect(&blkdrv.ring[0],
				   BLKDRV_BUF + 0x40000 + i * 64, seg, 1, 1);
	}
	blkdrv_header(0, BLK_T_FLUSH, 0);
	vdrv_kick(&blkdrv, 0);
	fake_loop_round();
	cr_expect_neq(fake.rung, 0, "it asked to be called again");
	fake_loop_run();
	cr_expect_eq(blkdrv.ring[0].used->idx, 256);
	/* and the doorbell is armed again */
	cr_expect_eq(avail_event(), 256);
}

/* ---- resets ------------------------------------------------------------- */

Test(virtio_blk, touches_no_guest_memory_after_a_reset_with_the_queue_full)
{
	uint8_t *ram = blkdrv.mem.region[0].host;
	static uint8_t before[VDRV_RAM];

	for (unsigned round = 0; round < 3; round++) {
		blkdrv_start(BLK_ALL);
		fill(fake.file.bytes, LEN, round);
		fake.hold = true;
		for (unsigned i = 0; i < 85; i++)
			blkdrv_put(i, i % 3 == 0 ? BLK_T_OUT : BLK_T_IN, i,
				   BLKDRV_BUF + i * 512, 512);
		blkdrv_go();
		cr_expect_eq(fake.ops, 85);
		vdrv_set(&blkdrv, MMIO_STATUS, 0); /* lets go of them */
		cr_expect_eq(vdrv_get(&blkdrv, MMIO_STATUS), 0);
		cr_expect_eq(fake.ops, 0);
		memcpy(before, ram, VDRV_RAM);
		blkdrv.raised = 0;
		fake_loop_run();
		cr_expect_eq(memcmp(before, ram, VDRV_RAM), 0);
		cr_expect_eq(blkdrv.raised, 0);
		cr_expect_eq(blkdrv_blk.writing, 0);
	}
	blkdrv_start(BLK_ALL);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 512), BLK_S_OK);
}

/* Until the reset is answered the port is the I/O thread's, afterwards the
 * vCPUs': no task may be left that touches it. */
Test(virtio_blk, leaves_no_task_behind_a_reset)
{
	for (unsigned done = 0; done < 2; done++) {
		blkdrv_start(BLK_ALL);
		blkdrv_put(0, BLK_T_IN, 0, BLKDRV_BUF, 512);
		blkdrv_put(1, BLK_T_IN, 1, BLKDRV_BUF, 512);
		vdrv_kick(&blkdrv, 0);
		fake.hold = !done;
		fake_loop_round();
		cr_expect(blkdrv_blk.port->arm.queued);
		vdrv_set(&blkdrv, MMIO_STATUS, 0);
		cr_expect_not(blkdrv_blk.port->arm.queued);
		cr_expect_not(blkdrv_blk.port->flush.queued);
	}
}

/* ---- O_DIRECT ----------------------------------------------------------- */

static void make_direct(uint32_t mem_align, uint32_t offset_align)
{
	blkdrv_blk.disk.direct = true;
	blkdrv_blk.disk.mem_align = mem_align;
	blkdrv_blk.disk.offset_align = offset_align;
	fake.file.mem_align = mem_align;
	fake.file.offset_align = offset_align;
}

Test(virtio_blk, bounces_what_o_direct_cannot_take)
{
	static const uint32_t lens[] = { 512, 1024, 4096, 70000 / 512 * 512,
					 65536 };
	static const uint32_t at[] = { 0, 1, 7, 8, 15 };

	make_direct(512, 4096);
	blkdrv_start(BLK_ALL);
	for (unsigned i = 0; i < COUNT(lens); i++) {
		for (unsigned k = 0; k < COUNT(at); k++) {
			for (unsigned skew = 0; skew < 3; skew += 1) {
				gpa_t gpa = BLKDRV_BUF + skew * 256;
				static uint8_t want[LEN];

				fill(fake.file.bytes, LEN, i + k);
				memcpy(want, fake.file.bytes, LEN);
				fill(vdrv_at(&blkdrv, gpa, lens[i]), lens[i],
				     99);
				memcpy(want + at[k] * 512,
				       vdrv_at(&blkdrv, gpa, lens[i]), lens[i]);
				cr_expect_eq(blkdrv_do(BLK_T_OUT, at[k], gpa,
						       lens[i]),
					     BLK_S_OK);
				cr_expect_eq(memcmp(want, fake.file.bytes, LEN),
					     0, "%u at %u skew %u", lens[i],
					     at[k], skew);
				memset(vdrv_at(&blkdrv, gpa, lens[i]), 0,
				       lens[i]);
				cr_expect_eq(blkdrv_do(BLK_T_IN, at[k], gpa,
						       lens[i]),
					     BLK_S_OK);
				cr_expect_eq(
					memcmp(want + at[k] * 512,
					       vdrv_at(&blkdrv, gpa, lens[i]),
					       lens[i]),
					0);
			}
		}
	}
	cr_expect_eq(fake.file.size, LEN,
		     "a block more at the end is not "
		     "written");
	cr_expect_gt(blkdrv_blk.stats.bounced, 0);
}

Test(virtio_blk, does_not_bounce_what_is_aligned)
{
	make_direct(512, 4096);
	blkdrv_start(BLK_ALL);
	blkdrv_do(BLK_T_IN, 8, BLKDRV_BUF, 8192);
	blkdrv_do(BLK_T_OUT, 8, BLKDRV_BUF, 8192);
	cr_expect_eq(blkdrv_blk.stats.bounced, 0);
}

static void complete_in_some_order(unsigned seed)
{
	while (fake.ops) {
		unsigned i;

		seed = seed * 1103515245 + 12345;
		i = (seed >> 16) % fake.ops;
		fake_complete(i, fake_execute(&fake.op[i]));
		fake_loop_run();
	}
}

/* Eight writers of one sector each share each 4 KiB block; the operations
 * complete in any order. None of the writes may be lost. */
Test(virtio_blk, loses_no_write_that_shares_a_block_with_another)
{
	for (unsigned order = 0; order < 64; order++) {
		blkdrv_deinit();
		blkdrv_init();
		make_direct(512, 4096);
		blkdrv_start(BLK_ALL);
		fake.hold = true;
		for (unsigned i = 0; i < 64; i++) {
			/* every ninth is a whole block of its own */
			bool whole = i % 9 == 8;
			uint32_t len = whole ? 4096 : 512;

			memset(buf(i * 4096, len), (int)(i + 1), len);
			blkdrv_put(i, BLK_T_OUT, whole ? 64 + i / 9 * 8 : i,
				   BLKDRV_BUF + i * 4096, len);
		}
		blkdrv_go();
		complete_in_some_order(order * 2654435761U + 1);
		for (unsigned i = 0; i < 64; i++) {
			bool whole = i % 9 == 8;
			unsigned at = (whole ? 64 + i / 9 * 8 : i) * 512;

			cr_expect_eq(blkdrv_status(i), BLK_S_OK);
			cr_expect(all(fake.file.bytes + at, (uint8_t)(i + 1),
				      whole ? 4096 : 512),
				  "order %u request %u", order, i);
		}
		cr_expect_eq(blkdrv_blk.writing, 0);
	}
}

/* A whole block is written (or zeroed) while one sector of it is: the other
 * seven belong to the whole, whatever comes first. */
Test(virtio_blk, loses_no_whole_block_to_a_sector_inside_it)
{
	for (unsigned order = 0; order < 128; order++) {
		bool zero = order % 2;

		blkdrv_deinit();
		blkdrv_init();
		make_direct(512, 4096);
		blkdrv_start(BLK_ALL);
		memset(fake.file.bytes, 0xaa, LEN);
		fake.hold = true;
		memset(buf(0, 0x8000), 0xbb, 0x8000);
		memset(buf(0x8000, 512), 0xcc, 512);
		for (unsigned i = 0; i < 16; i += 2) {
			struct blk_range range = { i / 2 * 8, 8, 0 };
			gpa_t at = BLKDRV_SLOT(i) + 0x20;

			memcpy(vdrv_at(&blkdrv, at, 16), &range, 16);
			blkdrv_put(i + 1, BLK_T_OUT, i / 2 * 8 + 1,
				   BLKDRV_BUF + 0x8000, 512);
			if (zero)
				blkdrv_put(i, BLK_T_WRITE_ZEROES, 0, at, 16);
			else
				blkdrv_put(i, BLK_T_OUT, i / 2 * 8, BLKDRV_BUF,
					   4096);
		}
		blkdrv_go();
		complete_in_some_order(order * 2654435761U + 1);
		for (unsigned b = 0; b < 8; b++) {
			const uint8_t *at = fake.file.bytes + b * 4096;
			uint8_t whole = zero ? 0 : 0xbb;

			cr_expect(all(at, whole, 512), "order %u", order);
			cr_expect(all(at + 1024, whole, 3072),
				  "order %u block "
				  "%u",
				  order, b);
			cr_expect(all(at + 512, whole, 512) ||
				  all(at + 512, 0xcc, 512));
		}
	}
}

Test(virtio_blk, fails_a_bounced_request_whose_operation_fails)
{
	static const uint32_t types[] = { BLK_T_IN, BLK_T_OUT };

	make_direct(512, 4096);
	blkdrv_start(BLK_ALL);
	for (unsigned t = 0; t < 2; t++) {
		for (unsigned n = 1; n <= 2; n++) {
			fake.file.fail_nth = n;
			fake.file.fail_res = -EIO;
			/* bounced in two turns (read), or read and written */
			cr_expect_eq(blkdrv_do(types[t], 1, BLKDRV_BUF,
					       t ? 512 : 131072 - 4096),
				     BLK_S_IOERR, "type %u op %u", types[t], n);
			cr_expect_not(blkdrv_blk.bounce.busy);
			cr_expect_not(blkdrv_blk.bounce.rmw);
		}
	}
	fake.file.fail_nth = 0;
	fake.file.size = 2048; /* shrunk */
	cr_expect_eq(blkdrv_do(BLK_T_IN, 5, BLKDRV_BUF, 512), BLK_S_IOERR);
	cr_expect_eq(blkdrv_do(BLK_T_OUT, 5, BLKDRV_BUF, 512), BLK_S_IOERR);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 1024), BLK_S_OK);
}

Test(virtio_blk, zeroes_by_hand_with_o_direct)
{
	make_direct(512, 4096);
	fake.file.no_zero_range = true;
	blkdrv_start(BLK_ALL);
	memset(fake.file.bytes, 0xaa, LEN);
	cr_expect_eq(blkdrv_range(BLK_T_WRITE_ZEROES, 3, 200, 0), BLK_S_OK);
	cr_expect(all(fake.file.bytes, 0xaa, 3 * 512));
	cr_expect(all(fake.file.bytes + 3 * 512, 0, 200 * 512));
	cr_expect(all(fake.file.bytes + 203 * 512, 0xaa, 53 * 512));
}

Test(virtio_blk, resets_with_requests_waiting_for_the_bounce_buffer)
{
	make_direct(512, 4096);
	for (unsigned held = 0; held < 6; held++) {
		blkdrv_start(BLK_ALL);
		fake.hold = true;
		blkdrv_put(0, BLK_T_OUT, 16, BLKDRV_BUF, 4096); /* aligned */
		for (unsigned i = 1; i < 10; i++)
			blkdrv_put(i, i % 2 ? BLK_T_OUT : BLK_T_IN, i,
				   BLKDRV_BUF + i * 4096, 512);
		blkdrv_range(BLK_T_WRITE_ZEROES, 32, 8, 0);
		blkdrv_go();
		for (unsigned i = 0; i < held && fake.ops; i++)
			fake_complete(0, fake_execute(&fake.op[0]));
		vdrv_set(&blkdrv, MMIO_STATUS, 0);
		cr_expect_eq(vdrv_get(&blkdrv, MMIO_STATUS), 0);
		cr_expect_eq(fake.ops, 0);
		cr_expect_eq(blkdrv_blk.writing, 0);
		cr_expect_not(blkdrv_blk.bounce.busy);
		cr_expect_null(blkdrv_blk.bounce.waiting.first);
		cr_expect_null(blkdrv_blk.bounce.held.first);
	}
}
