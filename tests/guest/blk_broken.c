// SPDX-License-Identifier: Apache-2.0
/*
 * blk_broken wait|poll: a buffer that is not there: the device gives up, and
 * who waits for it is told instead of sleeping or turning for ever.
 */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

int main(int argc, char **argv)
{
	static struct blk_disk d;

	CHECK(argc == 2);
	CHECK(blk_open(&d, 0, BLK_WANTED));
	d.waiting = !strcmp(argv[1], "wait");
	blk_do(&d, BLK_T_IN, 0, (void *)0xd0000000, 512);
	CHECK_NOT_REACHED();
}
