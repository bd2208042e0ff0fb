/* SPDX-License-Identifier: Apache-2.0 */
/* Tiny valid images and fake RAM, for the tests of bootproto/. */
#ifndef MOTE_TESTS_UNIT_BOOTFAKE_H
#define MOTE_TESTS_UNIT_BOOTFAKE_H

#include <elf.h>
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "bootproto/boot.h"
#include "bootproto/bootparams.h"
#include "bootproto/kernel.h"
#include "monitor/err.h"

#define FAKE_BODY 0x1000
#define FAKE_BASE 0x200000

/* One segment of FAKE_BODY bytes 0xc3 for 2 MiB, twice as much in memory. */
struct fake_elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[8];
	uint8_t body[FAKE_BODY];
};

static inline void fake_elf_init(struct fake_elf *f)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_ident[EI_CLASS] = ELFCLASS64;
	f->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	f->eh.e_ident[EI_VERSION] = EV_CURRENT;
	f->eh.e_type = ET_EXEC;
	f->eh.e_machine = EM_X86_64;
	f->eh.e_version = EV_CURRENT;
	f->eh.e_entry = FAKE_BASE + 0x10;
	f->eh.e_phoff = offsetof(struct fake_elf, ph);
	f->eh.e_ehsize = sizeof(f->eh);
	f->eh.e_phentsize = sizeof(f->ph[0]);
	f->eh.e_phnum = 1;
	f->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_offset = offsetof(struct fake_elf, body),
				 .p_vaddr = FAKE_BASE,
				 .p_paddr = FAKE_BASE,
				 .p_filesz = FAKE_BODY,
				 .p_memsz = 2 * FAKE_BODY };
	memset(f->body, 0xc3, sizeof(f->body));
}

/* One set-up sector, then FAKE_BODY bytes 0xc3; wants 64 KiB from 2 MiB. */
struct fake_bzimage {
	uint8_t boot_sector[SETUP_HEADER_OFFSET];
	struct setup_header hdr;
	uint8_t setup[0x400 - SETUP_HEADER_OFFSET -
		      sizeof(struct setup_header)];
	uint8_t body[FAKE_BODY];
} __attribute__((packed));

static inline void fake_bzimage_init(struct fake_bzimage *f)
{
	memset(f, 0, sizeof(*f));
	f->hdr.setup_sects = 1;
	f->hdr.syssize = FAKE_BODY / 16;
	f->hdr.boot_flag = SETUP_BOOT_FLAG;
	f->hdr.jump[0] = 0xeb;
	f->hdr.jump[1] = 0x6a;
	f->hdr.header = SETUP_MAGIC;
	f->hdr.version = 0x020f;
	f->hdr.loadflags = SETUP_LOADED_HIGH;
	f->hdr.initrd_addr_max = 0x7fffffff;
	f->hdr.kernel_alignment = 0x200000;
	f->hdr.relocatable_kernel = 1;
	f->hdr.xloadflags = SETUP_XLF_KERNEL_64;
	f->hdr.cmdline_size = 2047;
	f->hdr.pref_address = FAKE_BASE;
	f->hdr.init_size = 0x10000;
	memset(f->body, 0xc3, sizeof(f->body));
}

static inline struct image fake_image(const void *bytes, size_t size)
{
	return (struct image){ .what = "image",
			       .name = "fake",
			       .fd = -1,
			       .bytes = bytes,
			       .size = size };
}

static inline struct kernel_head fake_head(const struct image *image)
{
	struct kernel_head head = { .len = image->size < KERNEL_HEAD
						   ? image->size
						   : KERNEL_HEAD };

	memcpy(head.bytes, image->bytes, head.len);
	return head;
}

static inline void fake_mem(struct mem *mem, uint64_t size)
{
	cr_assert_eq(mem_init(mem, size, MEM_PAGES_HOST, NULL), 0);
}

/* The sentence must name @part, and the status must be @status. */
static inline void fake_expect(const struct err *e, int status,
			       const char *part)
{
	cr_assert_eq(e->status, status, "status %d: %s", e->status, e->msg);
	cr_assert_neq(strstr(e->msg, part), NULL, "no \"%s\" in \"%s\"", part,
		      e->msg);
}

#endif
