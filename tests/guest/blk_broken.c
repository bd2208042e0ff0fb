// SPDX-License-Identifier: Apache-2.0
/* A buffer that is not there: the device gives up, and who waits for it is told
 * instead of sleeping for ever. */
#include "guest/drivers/blk.h"
#include "tests/guest/check.h"

int main(void)
{
	static struct blk_disk d;
	void *token;

	CHECK(blk_open(&d, 0, BLK_WANTED));
	CHECK(blk_submit(&d, BLK_T_IN, 0, (void *)0xd0000000, 512, NULL));
	blk_kick(&d);
	while (blk_take(&d, &token) < 0)
		blk_wait(&d, UINT64_MAX);
	CHECK_NOT_REACHED();
}
