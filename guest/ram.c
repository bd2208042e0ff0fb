// SPDX-License-Identifier: Apache-2.0
/* What RAM there is: boot_params' e820 table, or PVH's memory map. */
#include "guest/kit.h"
#include "guest/ring0.h"

#define PVH_MAGIC 0x336ec578
#define TYPE_RAM  1

/* Linux boot.rst, "The zero page" */
#define E820_MAX 128
struct boot_params {
	uint8_t before[0xc0];
	uint32_t ext_ramdisk_image, ext_ramdisk_size;
	uint8_t between[0x1e8 - 0xc8];
	uint8_t e820_entries;
	uint8_t header[0x218 - 0x1e9];
	uint32_t ramdisk_image, ramdisk_size;
	uint8_t rest[0x2d0 - 0x220];
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) e820[E820_MAX];
};
_Static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "e820");
_Static_assert(offsetof(struct boot_params, ramdisk_image) == 0x218, "initrd");
_Static_assert(offsetof(struct boot_params, e820) == 0x2d0, "e820 table");

/* Xen's public/arch-x86/hvm/start_info.h */
struct pvh_module {
	uint64_t paddr, size, cmdline_paddr, reserved;
};
struct pvh_memory {
	uint64_t addr, size;
	uint32_t type, reserved;
};
struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};

static const struct pvh_info *pvh(void)
{
	const struct pvh_info *info = kit_boot.info;

	return info->magic == PVH_MAGIC ? info : NULL;
}

static bool next_pvh(const struct pvh_info *info, unsigned *at,
		     struct ram_range *ret_range)
{
	const struct pvh_memory *map = (const void *)info->memmap_paddr;

	if (info->version < 1)
		return false;
	while (*at < info->memmap_entries) {
		const struct pvh_memory *m = &map[(*at)++];

		if (m->type == TYPE_RAM) {
			*ret_range = (struct ram_range){ m->addr, m->size };
			return true;
		}
	}
	return false;
}

static bool next_e820(const struct boot_params *params, unsigned *at,
		      struct ram_range *ret_range)
{
	while (*at < params->e820_entries && *at < E820_MAX) {
		unsigned i = (*at)++;

		if (params->e820[i].type == TYPE_RAM) {
			*ret_range = (struct ram_range){ params->e820[i].addr,
							 params->e820[i].size };
			return true;
		}
	}
	return false;
}

bool ram_next(unsigned *at, struct ram_range *ret_range)
{
	const struct pvh_info *info = pvh();

	return info ? next_pvh(info, at, ret_range)
		    : next_e820(kit_boot.info, at, ret_range);
}

struct ram_range ram_initrd(void)
{
	const struct boot_params *params = kit_boot.info;
	const struct pvh_info *info = pvh();

	if (!info)
		return (struct ram_range){
			(uint64_t)params->ext_ramdisk_image << 32 |
				params->ramdisk_image,
			(uint64_t)params->ext_ramdisk_size << 32 |
				params->ramdisk_size,
		};
	if (info->nr_modules) {
		const struct pvh_module *m = (const void *)info->modlist_paddr;

		return (struct ram_range){ m->paddr, m->size };
	}
	return (struct ram_range){ 0, 0 };
}
