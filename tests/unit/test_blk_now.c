// SPDX-License-Identifier: Apache-2.0
/* Disk requests answered by the vCPU that rang, while the I/O thread sleeps. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/blkdrv.h"

/* The I/O thread is asleep, and this is how the driver is served now. */
static void lend(void)
{
	fake.lends = true;
	blkdrv_blk.pace.mode = BLK_ON_VCPU;
	atomic_store(&blkdrv_blk.port->on_vcpu, true);
}

static void start(void)
{
	blkdrv_init();
	blkdrv_start(BLK_ALL);
	lend();
}

TestSuite(blk_now, .init = start, .fini = blkdrv_deinit);

/* One request, rung for on a vCPU. Return: the status once the doorbell has
 * returned, the I/O thread not having run. */
static uint8_t ring(uint32_t type, uint64_t sector, uint32_t len)
{
	lend();
	blkdrv_put(0, type, sector, BLKDRV_BUF, len);
	vdrv_kick(&blkdrv, 0);
	fake.lends = false;
	return blkdrv_status(0);
}

Test(blk_now, reads_and_writes_before_the_doorbell_returns)
{
	uint8_t *buf = vdrv_at(&blkdrv, BLKDRV_BUF, 2048);

	cr_expect_eq(vdrv_get(&blkdrv, MMIO_INTERRUPT_STATUS), 0);
	memset(buf, 0xa5, 2048);
	cr_expect_eq(ring(BLK_T_OUT, 3, 2048), BLK_S_OK);
	cr_expect_eq(blkdrv_take(), 1);
	memset(buf, 0, 2048);
	cr_expect_eq(ring(BLK_T_IN, 3, 2048), BLK_S_OK);
	cr_expect_eq(blkdrv_take(), 2049);
	cr_expect_eq(buf[0], 0xa5);
	cr_expect_eq(buf[2047], 0xa5);
	cr_expect_eq(fake.file.bytes[3 * 512], 0xa5);
	cr_expect_eq(fake.file.moves_now, 2);
	cr_expect_eq(fake.submitted, 0);
	cr_expect_eq(vdrv_get(&blkdrv, MMIO_INTERRUPT_STATUS), 1);
	cr_expect_eq(fake.rung, 0, "and leaves the I/O thread asleep");
}

/* The doorbell has to ring for the next one. */
Test(blk_now, arms_the_doorbell_again)
{
	for (unsigned i = 0; i < 600; i++) {
		cr_assert_eq(ring(BLK_T_IN, i % BLKDRV_SECTORS, 512), BLK_S_OK);
		cr_assert_eq(blkdrv_take(), 513);
	}
	cr_expect_eq(fake.submitted, 0);
}

/* What the fake's move of it, or the guest, makes impossible at once. */
static const struct {
	const char *what;
	uint32_t type, len;
	bool cold, part, writethrough;
} later[] = {
	{ .what = "what is not in the page cache",
	  .type = BLK_T_IN,
	  .len = 512,
	  .cold = true },
	{ .what = "a write that has to wait",
	  .type = BLK_T_OUT,
	  .len = 512,
	  .cold = true },
	{ .what = "a part", .type = BLK_T_IN, .len = 2048, .part = true },
	{ .what = "a part of a write",
	  .type = BLK_T_OUT,
	  .len = 2048,
	  .part = true },
	{ .what = "much", .type = BLK_T_IN, .len = BLK_NOW_BYTES + 512 },
	{ .what = "a write that is to be on the disk",
	  .type = BLK_T_OUT,
	  .len = 512,
	  .writethrough = true },
	{ .what = "a flush", .type = BLK_T_FLUSH },
};

Test(blk_now, leaves_the_rest_to_the_io_thread)
{
	for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		fake.file.cold = later[i].cold;
		fake.file.short_bytes = later[i].part ? 512 : 0;
		vdrv_write(&blkdrv,
			   MMIO_CONFIG + offsetof(struct blk_config, writeback),
			   1, !later[i].writethrough);
		cr_expect_eq(ring(later[i].type, 0, later[i].len),
			     BLKDRV_PENDING, "%s", later[i].what);
		cr_expect_eq(blkdrv_take(), -1, "%s", later[i].what);
		cr_expect_neq(fake.rung, 0, "%s", later[i].what);
		fake_loop_run();
		cr_expect_eq(blkdrv_status(0), BLK_S_OK, "%s", later[i].what);
		cr_expect_geq(blkdrv_take(), 1, "%s", later[i].what);
		cr_expect_eq(blkdrv_take(), -1, "%s: once", later[i].what);
	}
	cr_expect_eq(blkdrv_blk.writing, 0);
}

Test(blk_now, leaves_ranges_to_the_io_thread)
{
	struct blk_range range = { 8, 8, 0 };
	gpa_t at = BLKDRV_SLOT(0) + 0x20;

	for (unsigned i = 0; i < 2; i++) {
		memcpy(vdrv_at(&blkdrv, at, sizeof(range)), &range,
		       sizeof(range));
		blkdrv_put(0, i ? BLK_T_WRITE_ZEROES : BLK_T_DISCARD, 0, at,
			   sizeof(range));
		lend();
		vdrv_kick(&blkdrv, 0);
		cr_expect_eq(blkdrv_status(0), BLKDRV_PENDING);
		fake_loop_run();
		cr_expect_eq(blkdrv_status(0), BLK_S_OK);
	}
}

/* Each is short, and a tmpfs takes zeroes written only. */
Test(blk_now, leaves_a_list_of_zeroes_to_the_io_thread)
{
	struct blk_range range = { 0, 1, 0 };
	gpa_t at = BLKDRV_SLOT(0) + 0x20;

	blkdrv_blk.no_punch = blkdrv_blk.no_zero_range = true;
	for (unsigned i = 0; i < 4; i++, range.sector++)
		memcpy(vdrv_at(&blkdrv, at + i * sizeof(range), sizeof(range)),
		       &range, sizeof(range));
	blkdrv_put(0, BLK_T_WRITE_ZEROES, 0, at, 4 * sizeof(range));
	lend();
	vdrv_kick(&blkdrv, 0);
	cr_expect_eq(fake.file.moves_now, 0);
	cr_expect_eq(blkdrv_status(0), BLKDRV_PENDING);
	fake_loop_run();
	cr_expect_eq(blkdrv_status(0), BLK_S_OK);
}

Test(blk_now, has_nothing_to_flush_on_a_tmpfs)
{
	blkdrv_blk.disk.unsafe_cache = true;
	cr_expect_eq(ring(BLK_T_FLUSH, 0, 0), BLK_S_OK);
}

Test(blk_now, answers_malformed_requests_there_and_then)
{
	cr_expect_eq(ring(BLK_T_IN, BLKDRV_SECTORS, 512), BLK_S_IOERR);
	cr_expect_eq(ring(BLK_T_IN, 0, 511), BLK_S_IOERR);
	cr_expect_eq(ring(4711, 0, 512), BLK_S_UNSUPP);
}

Test(blk_now, reports_what_the_io_thread_finds)
{
	fake.file.size = 0; /* it was cut off */
	cr_expect_eq(ring(BLK_T_IN, 0, 512), BLKDRV_PENDING);
	fake_loop_run();
	cr_expect_eq(blkdrv_status(0), BLK_S_IOERR);
}

Test(blk_now, takes_a_few_and_leaves_many)
{
	for (unsigned i = 0; i < 32; i++)
		blkdrv_put(i, BLK_T_IN, i, BLKDRV_BUF + i * 512, 512);
	vdrv_kick(&blkdrv, 0);
	cr_expect_eq(fake.file.moves_now, BLK_NOW_REQUESTS);
	fake_loop_run();
	for (unsigned i = 0; i < 32; i++) {
		cr_expect_eq(blkdrv_status(i), BLK_S_OK);
		cr_expect_eq(blkdrv_take(), 513);
	}
	cr_expect_eq(blkdrv_take(), -1);
}

/* How they are served is judged by those, too, who come in just such numbers.
 */
Test(blk_now, counts_them_when_it_takes_all_it_may)
{
	uint64_t before = blkdrv_blk.pace.requests;

	for (unsigned round = 1; round < 10; round++) {
		lend();
		for (unsigned i = 0; i < BLK_NOW_REQUESTS; i++)
			blkdrv_put(i, BLK_T_IN, i, BLKDRV_BUF + i * 512, 512);
		vdrv_kick(&blkdrv, 0);
		fake_loop_run();
		for (unsigned i = 0; i < BLK_NOW_REQUESTS; i++)
			cr_expect_eq(blkdrv_take(), 513);
		cr_expect_eq(blkdrv_blk.pace.requests,
			     before + round * BLK_NOW_REQUESTS);
	}
}

Test(blk_now, does_nothing_while_the_io_thread_is_awake)
{
	blkdrv_put(0, BLK_T_IN, 0, BLKDRV_BUF, 512);
	fake.lends = false;
	vdrv_kick(&blkdrv, 0);
	cr_expect_eq(blkdrv_status(0), BLKDRV_PENDING);
	fake_loop_run();
	cr_expect_eq(blkdrv_status(0), BLK_S_OK);
	cr_expect_eq(fake.file.moves_now, 0);
}

/* It rang before the reset, and is over when that is answered. */
Test(blk_now, ends_what_was_put_off_before_a_reset)
{
	fake.file.cold = true;
	cr_expect_eq(ring(BLK_T_IN, 0, 512), BLKDRV_PENDING);
	vdrv_set(&blkdrv, MMIO_STATUS, 0);
	cr_expect_eq(vdrv_get(&blkdrv, MMIO_STATUS), 0);
	cr_expect_eq(fake.submitted, 1);
	cr_expect_eq(fake.ops, 0);
	cr_expect_eq(virtio_inflight(&blkdrv.t.port), 0);
	memset(vdrv_at(&blkdrv, BLKDRV_BUF, 512), 0x77, 512);
	fake_loop_run();
	cr_expect_eq(*vdrv_at(&blkdrv, BLKDRV_BUF, 1), 0x77);
	cr_expect(!atomic_load(&blkdrv.t.port.on_vcpu));
	blkdrv_start(BLK_ALL);
	cr_expect_eq(blkdrv_do(BLK_T_IN, 0, BLKDRV_BUF, 512), BLK_S_OK);
}

/* Its doorbells have to stay exits. */
Test(blk_now, wants_no_bell_once_that_was_best)
{
	cr_expect(!blkdrv_blk.port->exits);
	blkdrv_blk.pace.best = BLK_ON_VCPU;
	cr_expect_eq(ring(BLK_T_IN, 0, 512), BLK_S_OK);
	cr_expect(blkdrv_blk.port->exits);
}

Test(blk_now, is_not_for_o_direct)
{
	cr_expect_eq(virtio_blk_allow_now(&blkdrv_blk), blkdrv_blk.disk.fd);
	blkdrv_blk.disk.direct = true;
	cr_expect_eq(virtio_blk_allow_now(&blkdrv_blk), -1);
	cr_expect(!blkdrv_blk.now);
}
