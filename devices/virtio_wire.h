/* SPDX-License-Identifier: Apache-2.0 */
/* virtio and virtio-mmio as they stand on the wire (virtio 1.2): numbers only,
 * for the monitor and for the kit's drivers. */
#ifndef MOTE_DEVICES_VIRTIO_WIRE_H
#define MOTE_DEVICES_VIRTIO_WIRE_H

/* Device ids, virtio 1.2 §5 */
enum virtio_id { VIRTIO_NET = 1, VIRTIO_BLK = 2, VIRTIO_VSOCK = 19 };

/* Device status, §2.1 */
enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 64,
	VIRTIO_FAILED = 128,
};

/* Reserved feature bits that we offer, §6 */
#define VIRTIO_INDIRECT_DESC (1ULL << 28)
#define VIRTIO_EVENT_IDX     (1ULL << 29)
#define VIRTIO_VERSION_1     (1ULL << 32)
#define VIRTIO_RESERVED_FEATURES                                               \
	(VIRTIO_INDIRECT_DESC | VIRTIO_EVENT_IDX | VIRTIO_VERSION_1)

/* Interrupt reasons, §4.2.2 InterruptStatus */
#define VIRTIO_INTERRUPT_USED	1U
#define VIRTIO_INTERRUPT_CONFIG 2U

/* Register offsets, §4.2.2; names as in the specification */
enum virtio_mmio_reg {
	MMIO_MAGIC_VALUE = 0x000,
	MMIO_VERSION = 0x004,
	MMIO_DEVICE_ID = 0x008,
	MMIO_VENDOR_ID = 0x00c,
	MMIO_DEVICE_FEATURES = 0x010,
	MMIO_DEVICE_FEATURES_SEL = 0x014,
	MMIO_DRIVER_FEATURES = 0x020,
	MMIO_DRIVER_FEATURES_SEL = 0x024,
	MMIO_QUEUE_SEL = 0x030,
	MMIO_QUEUE_NUM_MAX = 0x034,
	MMIO_QUEUE_NUM = 0x038,
	MMIO_QUEUE_READY = 0x044,
	MMIO_QUEUE_NOTIFY = 0x050,
	MMIO_INTERRUPT_STATUS = 0x060,
	MMIO_INTERRUPT_ACK = 0x064,
	MMIO_STATUS = 0x070,
	MMIO_QUEUE_DESC_LOW = 0x080,
	MMIO_QUEUE_DESC_HIGH = 0x084,
	MMIO_QUEUE_DRIVER_LOW = 0x090,
	MMIO_QUEUE_DRIVER_HIGH = 0x094,
	MMIO_QUEUE_DEVICE_LOW = 0x0a0,
	MMIO_QUEUE_DEVICE_HIGH = 0x0a4,
	MMIO_SHM_SEL = 0x0ac,
	MMIO_SHM_LEN_LOW = 0x0b0,
	MMIO_SHM_LEN_HIGH = 0x0b4,
	MMIO_SHM_BASE_LOW = 0x0b8,
	MMIO_SHM_BASE_HIGH = 0x0bc,
	MMIO_CONFIG_GENERATION = 0x0fc,
	MMIO_CONFIG = 0x100,
};

#define VIRTIO_MMIO_MAGIC  0x74726976 /* "virt" */
#define VIRTIO_MMIO_VENDOR 0x65746f6d /* "mote" */
#define VIRTIO_MMIO_WINDOW 0x1000     /* bytes on the bus */

#endif
