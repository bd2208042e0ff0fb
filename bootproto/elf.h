/* SPDX-License-Identifier: Apache-2.0 */
/* ELF64 images: Linux's vmlinux and unikernels. */
#ifndef MOTE_BOOTPROTO_ELF_H
#define MOTE_BOOTPROTO_ELF_H

#include <stdbool.h>

#include "bootproto/kernel.h"

#define ELF_PHDRS_MAX 32

/** elf_probe() - does the image start like an ELF file of any class? */
bool elf_probe(const struct kernel_head *head);

/**
 * elf_load() - check an ELF64 image and copy its segments to guest memory
 *
 * Segments go to p_paddr; p_vaddr only matters for an e_entry that no segment
 * holds physically. A segment may lie anywhere in RAM where nothing of the
 * machine's own lies (BOOT.md, memory map); segments must not overlap. Memory
 * behind p_filesz is not written: guest RAM is zero before entry.
 *
 * Return: 0; negative errno with @e filled, guest memory then undefined.
 */
int elf_load(const struct image *image, const struct kernel_head *head,
	     const struct mem *mem, struct kernel *ret_kernel, struct err *e);

#endif
