/* SPDX-License-Identifier: Apache-2.0 */
/* A block driver for tests: requests in guest memory, answers checked. */
#ifndef MOTE_TESTS_BLKDRV_H
#define MOTE_TESTS_BLKDRV_H

#include "devices/virtio_blk.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/vring.h"

#define BLK_ALL                                                                \
	(VIRTIO_RESERVED_FEATURES | BLK_F_SEG_MAX | BLK_F_BLK_SIZE |           \
	 BLK_F_FLUSH | BLK_F_TOPOLOGY | BLK_F_CONFIG_WCE | BLK_F_DISCARD |     \
	 BLK_F_WRITE_ZEROES)

#define BLKDRV_SECTORS 256U /* 128 KiB */
#define BLKDRV_PENDING                                                         \
	0xee /* what a status byte holds until it is answered                  \
	      */

/* Guest memory of request slot n: header, status, ranges; then its data. */
#define BLKDRV_SLOT(n)	 (VDRV_DATA + 0x40U * (n))
#define BLKDRV_STATUS(n) (BLKDRV_SLOT(n) + 0x10)
#define BLKDRV_BUF	 (VDRV_DATA + 0x10000U)

extern struct virtio_blk blkdrv_blk;
extern struct vdrv blkdrv;

/** blkdrv_init() - a writable disk of BLKDRV_SECTORS on the fake file;
 *  change blkdrv_blk.disk before blkdrv_start() */
void blkdrv_init(void);
void blkdrv_deinit(void);
/** blkdrv_reinit() - the same in RAM that stays mapped, of which only the
 *  first @used bytes are cleared: for fuzzing */
void blkdrv_reinit(size_t used);
/** blkdrv_start() - bring it up, 256 entries */
void blkdrv_start(uint64_t features);

/** blkdrv_put() - offer a request in slot @n, without ringing
 *  @data, @len: one range of guest memory, direction by @type */
void blkdrv_put(unsigned n, uint32_t type, uint64_t sector, gpa_t data,
		uint32_t len);

/** blkdrv_do() - the same in slot 0, rung and run. Return: the status. */
int blkdrv_do(uint32_t type, uint64_t sector, gpa_t data, uint32_t len);

/** blkdrv_range() - one DISCARD or WRITE_ZEROES. Return: the status. */
int blkdrv_range(uint32_t type, uint64_t sector, uint32_t sectors,
		 uint32_t flags);

/** blkdrv_header() - write slot @n's header, mark its status as pending */
void blkdrv_header(unsigned n, uint32_t type, uint64_t sector);

/** blkdrv_status() - slot @n's status byte */
uint8_t blkdrv_status(unsigned n);

/** blkdrv_go() - ring, run the loop */
void blkdrv_go(void);

/** blkdrv_take() - the next used length, or -1 */
int64_t blkdrv_take(void);

#endif
