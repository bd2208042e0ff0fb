// SPDX-License-Identifier: Apache-2.0
/* Loads ELF64 images by physical address and tells Linux from the others. */
#include "bootproto/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "bootproto/acpi.h"
#include "bootproto/layout.h"
#include "monitor/err.h"

/* Where x86-64 Linux links its text: p_vaddr - p_paddr of such segments. */
#define LINUX_TEXT_MAP	  0xffffffff80000000ULL
#define LINUX_CMDLINE_MAX 2047 /* COMMAND_LINE_SIZE of x86, less the NUL */
#define LINUX_INITRD_END  0x80000000ULL

#define NOTES_MAX	  2048 /* bytes of a PT_NOTE that are looked at */
#define NOTE_XEN_GUEST_OS 6

/* Below 1 MiB the machine's own structures and the image share RAM. */
static const struct taken {
	gpa_t start, end;
	const char *what;
} taken[] = {
	{ 0, 0x1000, "the GDT" },
	{ LAYOUT_BOOT_PARAMS, LAYOUT_PD + 0x1000,
	  "boot_params, stack and page tables" },
	{ LAYOUT_CMDLINE, LAYOUT_CMDLINE + LAYOUT_CMDLINE_MAX,
	  "the command line" },
	{ LAYOUT_MPTABLE, LAYOUT_MPTABLE + LAYOUT_MPTABLE_MAX, "the MP table" },
	{ LAYOUT_ACPI, LAYOUT_ACPI + ACPI_MAX, "the ACPI tables" },
};

/**
 * struct elf - the headers, copied once
 * @load: PT_LOAD with a size, in file order
 * @note: the first PT_NOTE; p_filesz 0 without one
 * @interp: it names a dynamic linker
 */
struct elf {
	const struct image *image;
	Elf64_Ehdr eh;
	Elf64_Phdr load[ELF_PHDRS_MAX];
	unsigned loads;
	Elf64_Phdr note;
	bool interp;
};

bool elf_probe(const struct kernel_head *head)
{
	return head->len >= SELFMAG && !memcmp(head->bytes, ELFMAG, SELFMAG);
}

static int check_header(struct elf *elf, const struct kernel_head *head,
			struct err *e)
{
	const struct image *image = elf->image;
	const Elf64_Ehdr *eh = &elf->eh;

	if (head->len < sizeof(*eh))
		return image_err(image, e, "truncated: no whole ELF header");
	memcpy(&elf->eh, head->bytes, sizeof(elf->eh));
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
		return image_err(image, e,
				 "not an x86-64 ELF64 file (class %u, "
				 "machine %u); mote enters guests in 64-bit "
				 "mode only",
				 eh->e_ident[EI_CLASS], eh->e_machine);
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return image_err(image, e,
				 "ELF type %u is not an executable: link it "
				 "first",
				 eh->e_type);
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return image_err(image, e,
				 "ELF program headers of %u bytes, not %zu",
				 eh->e_phentsize, sizeof(Elf64_Phdr));
	if (!eh->e_phnum || eh->e_phnum > ELF_PHDRS_MAX)
		return image_err(image, e,
				 "%u ELF program headers; mote takes 1 to %u",
				 eh->e_phnum, ELF_PHDRS_MAX);
	return 0;
}

/* Where the segment would lie, if its numbers make sense by themselves. */
static int check_segment(const struct elf *elf, const Elf64_Phdr *ph,
			 struct err *e)
{
	uint64_t end;

	if (ph->p_filesz > ph->p_memsz)
		return image_err(elf->image, e,
				 "ELF segment at 0x%llx has more bytes in "
				 "the file than in memory",
				 (unsigned long long)ph->p_paddr);
	if (ph->p_offset > elf->image->size ||
	    ph->p_filesz > elf->image->size - ph->p_offset)
		return image_err(elf->image, e,
				 "truncated: the ELF segment at 0x%llx ends "
				 "behind the end of the file",
				 (unsigned long long)ph->p_paddr);
	if (__builtin_add_overflow(ph->p_paddr, ph->p_memsz, &end))
		return image_err(elf->image, e,
				 "the ELF segment at 0x%llx wraps around the "
				 "end of the address space",
				 (unsigned long long)ph->p_paddr);
	return 0;
}

static int read_phdrs(struct elf *elf, const struct kernel_head *head,
		      struct err *e)
{
	Elf64_Phdr *ph = elf->load; /* kept ones move to the front */
	const uint64_t off = elf->eh.e_phoff;
	const size_t len = elf->eh.e_phnum * sizeof(*ph);
	int r;

	if (off <= head->len && len <= head->len - off)
		memcpy(ph, head->bytes + off, len);
	else if ((r = image_read(elf->image, off, ph, len, e)) < 0)
		return r;
	for (unsigned i = 0; i < elf->eh.e_phnum; i++) {
		if (ph[i].p_type == PT_NOTE && !elf->note.p_filesz)
			elf->note = ph[i];
		elf->interp |= ph[i].p_type == PT_INTERP;
		if (ph[i].p_type != PT_LOAD)
			continue;
		/* where no bytes are, the offset means nothing */
		if (!ph[i].p_filesz)
			ph[i].p_offset = 0;
		r = check_segment(elf, &ph[i], e);
		if (r < 0)
			return r;
		/* linker scripts leave empty segments behind */
		if (ph[i].p_memsz)
			elf->load[elf->loads++] = ph[i];
	}
	if (!elf->loads)
		return image_err(elf->image, e, "no ELF segment to load");
	return 0;
}

static bool overlap(gpa_t a, gpa_t a_end, gpa_t b, gpa_t b_end)
{
	return a < b_end && b < a_end;
}

/* Says how much memory would do, unless no amount would. */
static int err_no_room(const struct elf *elf, const Elf64_Phdr *ph,
		       const struct mem *mem, struct err *e)
{
	const gpa_t end = ph->p_paddr + ph->p_memsz;
	gpa_t top = 0;

	for (unsigned i = 0; i < elf->loads; i++) {
		const Elf64_Phdr *p = &elf->load[i];

		if (p->p_paddr + p->p_memsz > top)
			top = p->p_paddr + p->p_memsz;
	}
	if (top <= MEM_HOLE_START && end > mem->region[0].len)
		return image_err(elf->image, e,
				 "the ELF segment at 0x%llx-0x%llx lies "
				 "outside the guest's memory; the image needs "
				 "--memory %lluM or more",
				 (unsigned long long)ph->p_paddr,
				 (unsigned long long)end,
				 (unsigned long long)((top + 0xfffff) >> 20));
	return image_err(elf->image, e,
			 "the ELF segment at 0x%llx-0x%llx lies where the "
			 "guest has no memory",
			 (unsigned long long)ph->p_paddr,
			 (unsigned long long)end);
}

static int err_taken(const struct elf *elf, const Elf64_Phdr *ph,
		     const struct taken *t, struct err *e)
{
	return image_err(elf->image, e,
			 "the ELF segment at 0x%llx-0x%llx lies on %s at "
			 "0x%llx; %s",
			 (unsigned long long)ph->p_paddr,
			 (unsigned long long)(ph->p_paddr + ph->p_memsz),
			 t->what, (unsigned long long)t->start,
			 elf->interp ? "it is a program for Linux, not a "
				       "kernel"
				     : "link it to 1 MiB or above");
}

/* Is there RAM for segment @i that nobody else claims? */
static int check_place(const struct elf *elf, unsigned i, const struct mem *mem,
		       struct err *e)
{
	const Elf64_Phdr *ph = &elf->load[i];
	const gpa_t start = ph->p_paddr, end = start + ph->p_memsz;

	if (!mem_at(mem, start, ph->p_memsz))
		return err_no_room(elf, ph, mem, e);
	for (size_t t = 0; t < sizeof(taken) / sizeof(taken[0]); t++)
		if (overlap(start, end, taken[t].start, taken[t].end))
			return err_taken(elf, ph, &taken[t], e);
	for (unsigned j = 0; j < i; j++) {
		const Elf64_Phdr *other = &elf->load[j];

		if (overlap(start, end, other->p_paddr,
			    other->p_paddr + other->p_memsz))
			return image_err(elf->image, e,
					 "the ELF segments at 0x%llx and "
					 "0x%llx overlap in memory",
					 (unsigned long long)other->p_paddr,
					 (unsigned long long)start);
	}
	return 0;
}

/*
 * The entry is a physical address, as vmlinux, OSv and everything linked 1:1
 * have it. Only when no segment holds it as such it is taken for a virtual
 * one. Code in the zeroed tail of a segment cannot be, so p_filesz counts.
 */
static int find_entry(const struct elf *elf, gpa_t *ret_entry, struct err *e)
{
	const uint64_t want = elf->eh.e_entry;
	const Elf64_Phdr *end = elf->load + elf->loads;
	gpa_t entry = 0;
	bool found = false;

	for (const Elf64_Phdr *ph = elf->load; !found && ph < end; ph++) {
		found = want - ph->p_paddr < ph->p_filesz;
		entry = want;
	}
	for (const Elf64_Phdr *ph = elf->load; !found && ph < end; ph++) {
		found = want - ph->p_vaddr < ph->p_filesz;
		entry = want - ph->p_vaddr + ph->p_paddr;
	}
	if (!found)
		return image_err(elf->image, e,
				 "the entry point 0x%llx lies in no ELF "
				 "segment's file bytes",
				 (unsigned long long)want);
	if (entry >= LAYOUT_IDENTITY_END)
		return image_err(elf->image, e,
				 "the entry point 0x%llx lies above the first "
				 "GiB, which is all that is mapped at entry",
				 (unsigned long long)entry);
	*ret_entry = entry;
	return 0;
}

/* Walks notes as far as they are well-formed; @buf is 4-byte aligned. */
static bool notes_say_linux(const uint8_t *buf, uint64_t len)
{
	Elf64_Nhdr n;

	for (uint64_t off = 0; len - off >= sizeof(n);) {
		const uint8_t *name = buf + off + sizeof(n);
		uint64_t name_room, desc_room;

		memcpy(&n, buf + off, sizeof(n));
		name_room = ((uint64_t)n.n_namesz + 3) & ~3ULL;
		desc_room = ((uint64_t)n.n_descsz + 3) & ~3ULL;
		if (name_room + desc_room > len - off - sizeof(n))
			return false;
		if (n.n_namesz == 6 && !memcmp(name, "Linux", 6))
			return true;
		if (n.n_namesz == 4 && !memcmp(name, "Xen", 4) &&
		    n.n_type == NOTE_XEN_GUEST_OS && n.n_descsz >= 5 &&
		    !memcmp(name + name_room, "linux", 5))
			return true;
		off += sizeof(n) + name_room + desc_room;
	}
	return false;
}

/*
 * A vmlinux is linked at LINUX_TEXT_MAP, and either its notes say so (its own
 * since 4.20, Xen's where PVH or Xen is built in) or, in the kernels before,
 * it has a per-CPU segment linked to 0. A wrong guess costs defaults only,
 * which --announce and --cmdline override.
 */
static bool is_linux(const struct elf *elf)
{
	uint8_t notes[NOTES_MAX];
	uint64_t len = elf->note.p_filesz;
	bool text_map = false, percpu = false;

	for (unsigned i = 0; i < elf->loads; i++) {
		const Elf64_Phdr *ph = &elf->load[i];

		text_map |= ph->p_vaddr - ph->p_paddr == LINUX_TEXT_MAP;
		percpu |= !ph->p_vaddr && ph->p_paddr;
	}
	if (!text_map)
		return false;
	if (len > sizeof(notes))
		len = sizeof(notes);
	if (len &&
	    !image_read(elf->image, elf->note.p_offset, notes, len, NULL) &&
	    notes_say_linux(notes, len))
		return true;
	return percpu;
}

static int load_segments(const struct elf *elf, const struct mem *mem,
			 struct kernel *kernel, struct err *e)
{
	kernel->start = UINT64_MAX;
	kernel->end = 0;
	for (unsigned i = 0; i < elf->loads; i++) {
		const Elf64_Phdr *ph = &elf->load[i];
		const gpa_t end = ph->p_paddr + ph->p_memsz;
		int r;

		r = image_load(elf->image, ph->p_offset, mem, ph->p_paddr,
			       ph->p_filesz, e);
		if (r < 0)
			return r;
		if (ph->p_paddr < kernel->start)
			kernel->start = ph->p_paddr;
		if (end > kernel->end)
			kernel->end = end;
	}
	return 0;
}

int elf_load(const struct image *image, const struct kernel_head *head,
	     const struct mem *mem, struct kernel *ret_kernel, struct err *e)
{
	struct elf elf = { .image = image };
	struct kernel kernel = {
		/* what a boot loader would find in front of a bzImage */
		.hdr = { .boot_flag = SETUP_BOOT_FLAG,
			 .header = SETUP_MAGIC,
			 .version = 0x020f,
			 .loadflags = SETUP_LOADED_HIGH,
			 .initrd_addr_max = LINUX_INITRD_END - 1,
			 .kernel_alignment = 0x200000,
			 .xloadflags = SETUP_XLF_KERNEL_64 },
	};
	int r;

	if ((r = check_header(&elf, head, e)) < 0 ||
	    (r = read_phdrs(&elf, head, e)) < 0)
		return r;
	for (unsigned i = 0; i < elf.loads; i++)
		if ((r = check_place(&elf, i, mem, e)) < 0)
			return r;
	if ((r = find_entry(&elf, &kernel.entry, e)) < 0)
		return r;
	if (is_linux(&elf)) {
		kernel.kind = BOOT_VMLINUX;
		kernel.cmdline_max = LINUX_CMDLINE_MAX;
		kernel.initrd_end = LINUX_INITRD_END;
	} else {
		kernel.kind = BOOT_ELF64;
		kernel.cmdline_max = LAYOUT_CMDLINE_MAX - 1;
		/* a unikernel finds it mapped when it starts */
		kernel.initrd_end = LAYOUT_IDENTITY_END;
	}
	if ((r = load_segments(&elf, mem, &kernel, e)) < 0)
		return r;
	*ret_kernel = kernel;
	return 0;
}
