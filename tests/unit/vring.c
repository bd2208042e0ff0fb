// SPDX-License-Identifier: Apache-2.0
/* The driver's side of virtio, for tests. */
#include "tests/unit/vring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/fake_loop.h"

#define PAGE 4096U

static uint8_t *guarded(uint64_t len)
{
	uint8_t *p = mmap(NULL, len + 2 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + PAGE, len, PROT_READ | PROT_WRITE))
		abort();
	return p + PAGE;
}

void guest_ram(struct mem *mem, uint64_t low, uint64_t high)
{
	*mem = (struct mem){ .regions = 1 };
	mem->region[0] = (struct mem_region){ 0, low, guarded(low) };
	if (high) {
		mem->region[1] = (struct mem_region){ MEM_HOLE_END, high,
						      guarded(high) };
		mem->regions = 2;
	}
}

void guest_ram_free(struct mem *mem)
{
	for (unsigned i = 0; i < mem->regions; i++)
		munmap(mem->region[i].host - PAGE,
		       mem->region[i].len + 2 * PAGE);
	mem->regions = 0;
}

void vring_init(struct vring *v, struct mem *mem, gpa_t base, uint16_t size)
{
	gpa_t avail = base + RING_DESC_BYTES(size);
	gpa_t used =
		(avail + RING_AVAIL_BYTES(size) + RING_EVENT_BYTES + 3) & ~3ULL;

	*v = (struct vring){
		.mem = mem,
		.at = { base, avail, used, size },
	};
	v->desc = mem_at(mem, base, RING_DESC_BYTES(size));
	v->avail = mem_at(mem, avail, RING_AVAIL_BYTES(size));
	v->used = mem_at(mem, used, RING_USED_BYTES(size));
	memset(mem_at(mem, base,
		      used + RING_USED_BYTES(size) + RING_EVENT_BYTES - base),
	       0, used + RING_USED_BYTES(size) + RING_EVENT_BYTES - base);
}

void vring_desc(struct vring *v, uint16_t i, gpa_t addr, uint32_t len,
		uint16_t flags, uint16_t next)
{
	v->desc[i] = (struct ring_desc){ addr, len, flags, next };
}

void vring_offer(struct vring *v, uint16_t head)
{
	v->avail->ring[v->avail_idx & (v->at.size - 1)] = head;
	ring_store_release(&v->avail->idx, ++v->avail_idx);
}

uint16_t vring_add(struct vring *v, const struct vseg *seg, unsigned out,
		   unsigned in)
{
	uint16_t mask = (uint16_t)(v->at.size - 1);
	uint16_t head = v->next & mask;

	for (unsigned i = 0; i < out + in; i++) {
		uint16_t at = v->next++ & mask;

		vring_desc(v, at, seg[i].addr, seg[i].len,
			   (uint16_t)((i < out ? 0 : RING_DESC_WRITE) |
				      (i + 1 < out + in ? RING_DESC_NEXT : 0)),
			   v->next & mask);
	}
	vring_offer(v, head);
	return head;
}

uint16_t vring_add_indirect(struct vring *v, gpa_t table,
			    const struct vseg *seg, unsigned out, unsigned in)
{
	uint32_t bytes = (uint32_t)((out + in) * sizeof(struct ring_desc));
	uint16_t head = v->next++ & (v->at.size - 1);
	uint8_t *p = mem_at(v->mem, table, bytes);

	for (unsigned i = 0; i < out + in; i++) {
		struct ring_desc d = {
			seg[i].addr, seg[i].len,
			(uint16_t)((i < out ? 0 : RING_DESC_WRITE) |
				   (i + 1 < out + in ? RING_DESC_NEXT : 0)),
			(uint16_t)(i + 1)
		};

		memcpy(p + i * sizeof(d), &d, sizeof(d));
	}
	vring_desc(v, head, table, bytes, RING_DESC_INDIRECT, 0);
	vring_offer(v, head);
	return head;
}

bool vring_take(struct vring *v, struct ring_used_elem *ret)
{
	if (ring_load_acquire(&v->used->idx) == v->seen)
		return false;
	*ret = v->used->ring[v->seen++ & (v->at.size - 1)];
	return true;
}

/* ---- a driver ------------------------------------------------------------ */

static void line(void *chip, unsigned gsi, bool asserted)
{
	struct vdrv *d = chip;

	(void)gsi;
	d->level = asserted;
	if (asserted)
		d->raised++;
	else
		d->lowered++;
}

void vdrv_init(struct vdrv *d, const struct virtio_ops *ops, void *dev)
{
	struct mem mem;

	guest_ram(&mem, VDRV_RAM, 0);
	vdrv_attach(d, ops, dev, &mem);
}

void vdrv_attach(struct vdrv *d, const struct virtio_ops *ops, void *dev,
		 const struct mem *mem)
{
	struct mem ram = *mem;

	memset(d, 0, sizeof(*d));
	d->mem = ram;
	if (virtio_mmio_init(&d->t, &d->view, ops, dev, &d->mem, loop_get(),
			     (struct irq_line){ line, d, 5 }))
		abort();
}

void vdrv_deinit(struct vdrv *d)
{
	guest_ram_free(&d->mem);
}

uint64_t vdrv_read(struct vdrv *d, uint64_t off, unsigned size)
{
	struct bus bus = { 0 };

	bus_add(&bus, 0, VIRTIO_MMIO_WINDOW, &virtio_mmio_bus_ops, &d->t);
	return bus_read(&bus, off, size);
}

void vdrv_write(struct vdrv *d, uint64_t off, unsigned size, uint64_t val)
{
	struct bus bus = { 0 };

	bus_add(&bus, 0, VIRTIO_MMIO_WINDOW, &virtio_mmio_bus_ops, &d->t);
	bus_write(&bus, off, size, val);
}

uint32_t vdrv_get(struct vdrv *d, uint64_t off)
{
	return (uint32_t)vdrv_read(d, off, 4);
}

void vdrv_set(struct vdrv *d, uint64_t off, uint32_t val)
{
	vdrv_write(d, off, 4, val);
}

void vdrv_negotiate(struct vdrv *d, uint64_t features)
{
	vdrv_set(d, MMIO_STATUS, 0);
	vdrv_set(d, MMIO_STATUS, VIRTIO_ACKNOWLEDGE);
	vdrv_set(d, MMIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (unsigned i = 0; i < 2; i++) {
		vdrv_set(d, MMIO_DRIVER_FEATURES_SEL, i);
		vdrv_set(d, MMIO_DRIVER_FEATURES,
			 (uint32_t)(features >> (32 * i)));
	}
	vdrv_set(d, MMIO_STATUS,
		 VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
}

void vdrv_queue(struct vdrv *d, unsigned i, uint16_t size)
{
	struct vring *v = &d->ring[i];

	vring_init(v, &d->mem, VDRV_RINGS * (i + 1), size);
	vdrv_set(d, MMIO_QUEUE_SEL, i);
	vdrv_set(d, MMIO_QUEUE_NUM, size);
	vdrv_set(d, MMIO_QUEUE_DESC_LOW, (uint32_t)v->at.desc);
	vdrv_set(d, MMIO_QUEUE_DESC_HIGH, (uint32_t)(v->at.desc >> 32));
	vdrv_set(d, MMIO_QUEUE_DRIVER_LOW, (uint32_t)v->at.avail);
	vdrv_set(d, MMIO_QUEUE_DRIVER_HIGH, (uint32_t)(v->at.avail >> 32));
	vdrv_set(d, MMIO_QUEUE_DEVICE_LOW, (uint32_t)v->at.used);
	vdrv_set(d, MMIO_QUEUE_DEVICE_HIGH, (uint32_t)(v->at.used >> 32));
	vdrv_set(d, MMIO_QUEUE_READY, 1);
}

void vdrv_start(struct vdrv *d, uint64_t features, uint16_t size)
{
	vdrv_negotiate(d, features);
	for (unsigned i = 0; i < d->t.ops->queues; i++)
		vdrv_queue(d, i, size);
	vdrv_set(d, MMIO_STATUS,
		 VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |
			 VIRTIO_DRIVER_OK);
	fake_loop_run();
}

void vdrv_kick(struct vdrv *d, unsigned i)
{
	vdrv_set(d, MMIO_QUEUE_NOTIFY, i);
}

uint8_t *vdrv_at(struct vdrv *d, gpa_t gpa, uint64_t len)
{
	uint8_t *p = mem_at(&d->mem, gpa, len);

	if (!p)
		abort();
	return p;
}
