// SPDX-License-Identifier: Apache-2.0
/* Writes page tables of exactly the first GiB, in 2 MiB pages. */
#include "bootproto/paging.h"

#include "bootproto/layout.h"

/* SDM 3A 4.5 */
#define PTE_PRESENT  0x01ULL
#define PTE_WRITE    0x02ULL
#define PTE_ACCESSED 0x20ULL
#define PTE_DIRTY    0x40ULL
#define PTE_LARGE    0x80ULL
/*
 * Accessed and dirty are set beforehand, so that no page walk has to write
 * them back: a hypervisor with shadow page tables takes a fault for each.
 */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define PTE_PAGE  (PTE_TABLE | PTE_DIRTY | PTE_LARGE)

#define LARGE_PAGE	 0x200000ULL
#define PAGE_TABLE_BYTES 0x1000

_Static_assert(LAYOUT_IDENTITY_END == 512 * LARGE_PAGE, "one page directory");

void paging_write(const struct mem *mem)
{
	uint64_t *pml4 = mem_at(mem, LAYOUT_PML4, PAGE_TABLE_BYTES);
	uint64_t *pdpt = mem_at(mem, LAYOUT_PDPT, PAGE_TABLE_BYTES);
	uint64_t *pd = mem_at(mem, LAYOUT_PD, PAGE_TABLE_BYTES);

	pml4[0] = LAYOUT_PDPT | PTE_TABLE;
	pdpt[0] = LAYOUT_PD | PTE_TABLE;
	for (unsigned i = 0; i < 512; i++)
		pd[i] = i * LARGE_PAGE | PTE_PAGE;
}
