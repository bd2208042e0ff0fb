/* SPDX-License-Identifier: Apache-2.0 */
/* Linux bzImages, entered at their 64-bit entry point. */
#ifndef MOTE_BOOTPROTO_BZIMAGE_H
#define MOTE_BOOTPROTO_BZIMAGE_H

#include <stdbool.h>

#include "bootproto/kernel.h"

/** bzimage_probe() - does the image carry a setup header's magic? */
bool bzimage_probe(const struct kernel_head *head);

/**
 * bzimage_load() - check the setup header and load the protected-mode part
 * To pref_address, with init_size bytes kept free from there on: x86-64 Linux
 * moves itself up to that address when it is put lower.
 * Return: 0; negative errno with @e filled, guest memory then undefined.
 */
int bzimage_load(const struct image *image, const struct kernel_head *head,
		 const struct mem *mem, struct kernel *ret_kernel,
		 struct err *e);

#endif
