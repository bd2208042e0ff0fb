// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a bzImage. What loads must lie in memory as in the file. */
#include "tests/fuzz/bootfuzz.h"

static void check_kernel(const uint8_t *data, size_t size)
{
	const struct setup_header *hdr =
		(const void *)(data + SETUP_HEADER_OFFSET);
	const size_t offset =
		((hdr->setup_sects ? hdr->setup_sects : 4) + 1U) * 512U;

	REQUIRE(mem_at(&fuzz_mem, hdr->pref_address, hdr->init_size));
	REQUIRE(size > offset && size - offset <= hdr->init_size);
	REQUIRE(!memcmp(mem_at(&fuzz_mem, hdr->pref_address, size - offset),
			data + offset, size - offset));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image image = { "image", "fuzz/bzimage", -1, data, size };

	if (fuzz_boot(&image) && memcmp(data,
					"\x7f"
					"ELF",
					4))
		check_kernel(data, size);
	return 0;
}
