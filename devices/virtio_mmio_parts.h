/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the virtio-mmio transport need of each other. */
#ifndef MOTE_DEVICES_VIRTIO_MMIO_PARTS_H
#define MOTE_DEVICES_VIRTIO_MMIO_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio_mmio.h"

/* A register as it reads. */
static inline _Atomic uint32_t *virtio_mmio_reg(struct virtio_mmio *t,
						enum virtio_mmio_reg reg)
{
	return &t->view->reg[reg / 4];
}

/*
 * What virtio_mmio_regs.c asks of virtio_mmio.c; vCPU threads, without the
 * lock. set_status() may sleep: see virtio_mmio.h. So may halt(), which stops
 * all queues if the selected one is in use, and returns whether it was.
 */
bool virtio_mmio_halt(struct virtio_mmio *t);
void virtio_mmio_set_status(struct virtio_mmio *t, uint32_t value);
void virtio_mmio_notify(struct virtio_mmio *t, uint32_t queue);
void virtio_mmio_ack(struct virtio_mmio *t, uint32_t reasons);

/*
 * And the other way round: bring the view in step, with what never changes,
 * with selectors and queues, with configuration space. Under the lock.
 */
void virtio_mmio_show_constants(struct virtio_mmio *t);
void virtio_mmio_show_locked(struct virtio_mmio *t);
bool virtio_mmio_show_config_locked(struct virtio_mmio *t);

#endif
