// SPDX-License-Identifier: Apache-2.0
/* Prints the initrd's length and CRC-32 (as zlib's), and keeps off it. */
#include "tests/guest/check.h"

static uint32_t crc32(const uint8_t *p, uint64_t len)
{
	uint32_t crc = UINT32_MAX;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

int main(void)
{
	struct ram_range initrd = ram_initrd();
	char *block = malloc(1 << 20);

	CHECK(initrd.len && block);
	CHECK(!map_range(initrd.start, initrd.len, PTE_NX));
	memset(block, 0x55, 1 << 20);
	console_printf("%lu bytes, crc32 %08x\n", initrd.len,
		       crc32((const uint8_t *)initrd.start, initrd.len));
	return check_done("initrd");
}
