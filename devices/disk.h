/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file or block device behind a disk: opened, locked and measured, all in
 * stage "open". Nothing of its content is read.
 */
#ifndef MOTE_DEVICES_DISK_H
#define MOTE_DEVICES_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "devices/blk_wire.h"

struct config_disk;
struct err;

/**
 * struct disk - constant once opened
 * @name: for messages, borrowed from the command line
 * @fd: owned, also when it was handed in with fd=N
 * @sectors: whole 512-byte sectors; a file's odd bytes at the end are not part
 *        of the disk (a warning says so)
 * @logical: block size to tell the guest, bytes; 512 unless O_DIRECT or a
 *        block device demands more
 * @physical: what is written at once without reading first, bytes
 * @mem_align, @offset_align: what O_DIRECT demands of buffers, and of offsets
 *        and lengths; 1 when @direct is not set
 * @discard_align: best granularity of a discard, bytes
 * @in_memory: the file is on a tmpfs
 * @unsafe_cache: there is no need to flush: so says the user, or the file is on
 *        a tmpfs, which has nothing to flush to
 * @id: NUL-padded, not terminated
 */
struct disk {
	const char *name;
	int fd;
	uint64_t sectors;
	uint32_t logical, physical;
	uint32_t mem_align, offset_align;
	uint32_t discard_align;
	bool read_only, direct, in_memory, unsafe_cache;
	char id[BLK_ID_BYTES];
};

/**
 * disk_open() - open, check, lock
 *
 * A disk that is written is locked (OFD lock on the whole file) against a
 * second writer; it takes no lock when `ro` is given, but warns when somebody
 * else is writing to it.
 *
 * Return: 0, or negative errno with @e filled: not found (EXIT_NO_IMAGE), no
 * permission, not a disk, held by another writer (-EBUSY, naming its pid if
 * /proc tells).
 */
int disk_open(struct disk *d, const struct config_disk *cfg, struct err *e);

/**
 * disk_read_now(), disk_write_now() - move what takes no waiting: to and from
 * the page cache. Any thread. Not for a disk that is @direct.
 * Return: bytes, maybe less than asked for; or negative: -EAGAIN, or
 * -EOPNOTSUPP of file systems that cannot tell (ext4, for writes).
 */
long disk_read_now(const struct disk *d, const struct iovec *iov, unsigned iovs,
		   uint64_t off);
long disk_write_now(const struct disk *d, const struct iovec *iov,
		    unsigned iovs, uint64_t off);

/** disk_close() - close and so unlock; accepts a disk that is not open */
void disk_close(struct disk *d);

/**
 * disk_writer() - who holds a write lock on the file behind @fd
 * Return: a pid (maybe our own), or 0 if /proc does not tell. Slow: for
 * messages only.
 */
int disk_writer(int fd);

#endif
