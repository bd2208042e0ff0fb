// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an ELF image. What loads must lie in memory as in the file. */
#include <elf.h>

#include "tests/fuzz/bootfuzz.h"

/* The loader accepted these headers; nothing of the machine's own, and no
 * other segment, may have been written over a segment. */
static void check_segments(const uint8_t *data)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	memcpy(&eh, data, sizeof(eh));
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || !ph.p_filesz)
			continue;
		REQUIRE(mem_at(&fuzz_mem, ph.p_paddr, ph.p_memsz));
		REQUIRE(!memcmp(mem_at(&fuzz_mem, ph.p_paddr, ph.p_filesz),
				data + ph.p_offset, ph.p_filesz));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image image = { "image", "fuzz/elf", -1, data, size };

	if (fuzz_boot(&image) && !memcmp(data, ELFMAG, SELFMAG))
		check_segments(data);
	return 0;
}
