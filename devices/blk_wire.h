/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-blk as it stands on the wire (virtio 1.2 §5.2). */
#ifndef MOTE_DEVICES_BLK_WIRE_H
#define MOTE_DEVICES_BLK_WIRE_H

#include <stdint.h>

/* Feature bits, §5.2.3 */
#define BLK_F_SEG_MAX	   (1ULL << 2)
#define BLK_F_RO	   (1ULL << 5)
#define BLK_F_BLK_SIZE	   (1ULL << 6)
#define BLK_F_FLUSH	   (1ULL << 9)
#define BLK_F_TOPOLOGY	   (1ULL << 10)
#define BLK_F_CONFIG_WCE   (1ULL << 11)
#define BLK_F_DISCARD	   (1ULL << 13)
#define BLK_F_WRITE_ZEROES (1ULL << 14)

/* Request types and answers, §5.2.6 */
enum blk_type {
	BLK_T_IN = 0,
	BLK_T_OUT = 1,
	BLK_T_FLUSH = 4,
	BLK_T_GET_ID = 8,
	BLK_T_DISCARD = 11,
	BLK_T_WRITE_ZEROES = 13,
};
enum blk_status { BLK_S_OK, BLK_S_IOERR, BLK_S_UNSUPP };

#define BLK_SECTOR   512U
#define BLK_ID_BYTES 20

/* What every request starts with; data and one status byte follow. */
struct blk_header {
	uint32_t type; /* enum blk_type */
	uint32_t reserved;
	uint64_t sector;
};
_Static_assert(sizeof(struct blk_header) == 16, "virtio 1.2 §5.2.6");

/* The data of DISCARD and WRITE_ZEROES is an array of these. */
struct blk_range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t flags;
};
#define BLK_RANGE_UNMAP 1U
_Static_assert(sizeof(struct blk_range) == 16, "virtio 1.2 §5.2.6");

/* §5.2.4, up to write_zeroes_may_unmap */
struct blk_config {
	uint64_t capacity; /* sectors */
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size; /* bytes */
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_size; /* logical blocks */
	uint32_t opt_io_size;
	uint8_t writeback;
	uint8_t unused0;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
	uint32_t max_write_zeroes_sectors;
	uint32_t max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap;
	uint8_t unused1[3];
} __attribute__((packed));
_Static_assert(sizeof(struct blk_config) == 60, "virtio 1.2 §5.2.4");

#endif
