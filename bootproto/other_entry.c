// SPDX-License-Identifier: Apache-2.0
/* Looks for the PVH note and for multiboot headers. */
#include "bootproto/other_entry.h"

#include <stddef.h>
#include <stdint.h>

#define SEARCH_MAX (32U << 20)

#define MULTIBOOT1 0x1badb002U /* magic, flags, checksum */
#define MULTIBOOT2 0xe85250d6U /* magic, architecture, length, checksum */

/* An ELF note's head, with a name of 4 bytes and a description of 4 or 8. */
#define XEN	     0x006e6558U /* "Xen" */
#define PHYS32_ENTRY 18

static const char *named_by(const uint32_t w[4])
{
	if (w[0] == 4 && (w[1] == 4 || w[1] == 8) && w[2] == PHYS32_ENTRY &&
	    w[3] == XEN)
		return "PVH";
	if ((w[0] == MULTIBOOT1 && !(w[0] + w[1] + w[2])) ||
	    (w[0] == MULTIBOOT2 && !(w[0] + w[1] + w[2] + w[3])))
		return "multiboot";
	return NULL;
}

const char *other_entry(const struct mem *mem, gpa_t start, gpa_t end)
{
	const uint64_t len =
		end - start > SEARCH_MAX ? SEARCH_MAX : end - start;
	const uint32_t *w = mem_at(mem, start, len);
	const char *name = NULL;

	if (!w || start % sizeof(*w))
		return NULL;
	for (uint64_t i = 0; !name && i + 4 <= len / sizeof(*w); i++)
		name = named_by(w + i);
	return name;
}
