/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a file or block device. */
#ifndef MOTE_DEVICES_DISK_PROBE_H
#define MOTE_DEVICES_DISK_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct disk_probe - sizes in bytes; struct disk says what each one means
 */
struct disk_probe {
	uint64_t bytes;
	uint32_t logical, physical;
	uint32_t mem_align, offset_align;
	uint32_t discard_align;
	bool in_memory; /* a tmpfs: fdatasync() there does nothing */
	bool read_only; /* a device, though it was opened for writing */
};

/**
 * disk_probe() - measure @fd
 * @direct: it is open with O_DIRECT
 * Return: 0; -ENOTBLK if it is neither a regular file nor a block device;
 * -EOPNOTSUPP if O_DIRECT does not work there; other negative errno.
 */
int disk_probe(struct disk_probe *p, int fd, bool direct);

#endif
