// SPDX-License-Identifier: Apache-2.0
/*
 * What the disk says of itself, and what it answers to requests it must
 * refuse. Argument: ro, if it is a read-only disk. Prints its id.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

static struct blk_disk d;

static void check_writable(uint8_t *page)
{
	uint64_t end = d.config.capacity;

	CHECK(!(d.dev.features & BLK_F_RO));
	CHECK(d.config.writeback == 1);
	memset(page, 7, 4096);
	CHECK(blk_do(&d, BLK_T_OUT, end - 1, page, 512) == BLK_S_OK);
	CHECK(blk_do(&d, BLK_T_OUT, end, page, 512) == BLK_S_IOERR);
	CHECK(blk_do(&d, BLK_T_OUT, end - 1, page, 1024) == BLK_S_IOERR);
	CHECK(blk_do(&d, BLK_T_OUT, 0, page, 100) == BLK_S_IOERR);
	CHECK(blk_do(&d, BLK_T_WRITE_ZEROES, end - 1, NULL, 1) == BLK_S_OK);
	CHECK(blk_do(&d, BLK_T_WRITE_ZEROES, end, NULL, 1) == BLK_S_IOERR);
	CHECK(blk_do(&d, BLK_T_DISCARD, 0, page, 8) == BLK_S_UNSUPP);
	CHECK(blk_do(&d, BLK_T_IN, end - 1, page, 512) == BLK_S_OK);
	CHECK(page[0] == 0 && page[511] == 0 && page[512] == 7);
}

static void check_read_only(uint8_t *page)
{
	CHECK(d.dev.features & BLK_F_RO);
	CHECK(!(d.dev.features & (BLK_F_DISCARD | BLK_F_WRITE_ZEROES)));
	CHECK(blk_do(&d, BLK_T_OUT, 0, page, 512) == BLK_S_IOERR);
	CHECK(blk_do(&d, BLK_T_WRITE_ZEROES, 0, NULL, 1) == BLK_S_UNSUPP);
}

/* Every request on its own, durable when it is answered. */
static void check_writethrough(uint8_t *page)
{
	blk_reopen(&d, VIRTIO_VERSION_1);
	CHECK(blk_do(&d, BLK_T_OUT, 0, page, 512) == BLK_S_OK);
	CHECK(blk_do(&d, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_UNSUPP);
}

int main(int argc, char **argv)
{
	bool ro = argc > 1 && !strcmp(argv[1], "ro");
	uint8_t *page = heap_pages(2);
	char id[BLK_ID_BYTES + 1] = "";

	CHECK(page && blk_open(&d, 0, BLK_WANTED));
	d.waiting = true;
	CHECK(d.config.seg_max >= 1 && d.config.blk_size >= 512);
	CHECK(blk_do(&d, BLK_T_GET_ID, 0, id, BLK_ID_BYTES) == BLK_S_OK);
	console_printf("id=%s sectors=%lu\n", id, d.config.capacity);
	CHECK(blk_do(&d, BLK_T_FLUSH, 0, NULL, 0) == BLK_S_OK);
	CHECK(blk_do(&d, 2, 0, NULL, 0) == BLK_S_UNSUPP);
	CHECK(blk_do(&d, BLK_T_IN, d.config.capacity, page, 512) ==
	      BLK_S_IOERR);
	if (ro) {
		check_read_only(page);
	} else {
		check_writable(page);
		check_writethrough(page);
	}
	return check_done("blk_rules");
}
