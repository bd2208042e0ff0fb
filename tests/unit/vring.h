/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side, for tests: guest RAM with guard pages, a split ring in
 * it, and a driver that brings a device up through its virtio-mmio window.
 */
#ifndef MOTE_TESTS_VRING_H
#define MOTE_TESTS_VRING_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/ring.h"
#include "devices/virtio_mmio.h"
#include "monitor/mem.h"

/**
 * guest_ram() - @low bytes from 0, @high bytes from 4 GiB (0: none)
 * Each run lies between guard pages, so that one byte too far is a fault.
 */
void guest_ram(struct mem *mem, uint64_t low, uint64_t high);
void guest_ram_free(struct mem *mem);

/**
 * struct vring - a split ring in guest memory, as a driver keeps it
 * @seen: used entries taken
 * @avail_idx: what was last stored in avail->idx
 * @next: descriptor that vring_add() uses next (they are never freed: it
 *        wraps, which is fine while chains are short-lived)
 */
struct vring {
	struct mem *mem;
	struct virtq_layout at;
	struct ring_desc *desc;
	struct ring_avail *avail;
	struct ring_used *used;
	uint16_t seen, avail_idx, next;
};

/** vring_init() - lay a zeroed ring of @size out from @base (page-aligned) */
void vring_init(struct vring *v, struct mem *mem, gpa_t base, uint16_t size);

/** vring_desc() - write one descriptor */
void vring_desc(struct vring *v, uint16_t i, gpa_t addr, uint32_t len,
		uint16_t flags, uint16_t next);

/** vring_offer() - put @head into the available ring and show it */
void vring_offer(struct vring *v, uint16_t head);

/* One part of a buffer. */
struct vseg {
	gpa_t addr;
	uint32_t len;
};

/** vring_add() - chain @out readable and @in writable parts, and offer them
 *  Return: the head. */
uint16_t vring_add(struct vring *v, const struct vseg *seg, unsigned out,
		   unsigned in);

/** vring_add_indirect() - the same by a table at @table */
uint16_t vring_add_indirect(struct vring *v, gpa_t table,
			    const struct vseg *seg, unsigned out, unsigned in);

/** vring_take() - the next used entry. Return: false if there is none. */
bool vring_take(struct vring *v, struct ring_used_elem *ret);

/**
 * struct vdrv - a driver and the device it drives
 * @raised, @lowered: calls of the interrupt line
 * @level: the line
 */
struct vdrv {
	struct virtio_mmio_view view;
	struct virtio_mmio t;
	struct mem mem;
	struct vring ring[VIRTIO_QUEUES_MAX];
	unsigned raised, lowered;
	bool level;
};

#define VDRV_RAM   (4U << 20)
#define VDRV_RINGS 0x10000U  /* ring n at VDRV_RINGS * (n + 1) */
#define VDRV_DATA  0x100000U /* free for data */

/** vdrv_init() - RAM and window; the fake loop must be on */
void vdrv_init(struct vdrv *d, const struct virtio_ops *ops, void *dev);
void vdrv_deinit(struct vdrv *d);

/** vdrv_attach() - as vdrv_init(), with RAM that is there already */
void vdrv_attach(struct vdrv *d, const struct virtio_ops *ops, void *dev,
		 const struct mem *mem);

/* Registers, by way of the bus's rules. */
uint64_t vdrv_read(struct vdrv *d, uint64_t off, unsigned size);
void vdrv_write(struct vdrv *d, uint64_t off, unsigned size, uint64_t val);
uint32_t vdrv_get(struct vdrv *d, uint64_t off);
void vdrv_set(struct vdrv *d, uint64_t off, uint32_t val);

/** vdrv_negotiate() - reset, then all up to FEATURES_OK with @features */
void vdrv_negotiate(struct vdrv *d, uint64_t features);

/** vdrv_queue() - set queue @i up with @size entries */
void vdrv_queue(struct vdrv *d, unsigned i, uint16_t size);

/** vdrv_start() - negotiate, set all queues up, DRIVER_OK, run the loop */
void vdrv_start(struct vdrv *d, uint64_t features, uint16_t size);

/** vdrv_kick() - ring queue @i's doorbell */
void vdrv_kick(struct vdrv *d, unsigned i);

/** vdrv_at() - guest memory, for looking and filling */
uint8_t *vdrv_at(struct vdrv *d, gpa_t gpa, uint64_t len);

#endif
