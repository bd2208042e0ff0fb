/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory shared with a running guest: the split ring's layout, and the only
 * loads and stores that may touch it.
 *
 * What pairs with what (virtio 1.2 §2.7.13, §2.7.14; the driver's side in
 * brackets):
 *
 *   [store avail->ring[], descriptors; release avail->idx]
 *	-> ring_load_acquire(avail->idx); then entries and descriptors
 *   store used->ring[]; ring_store_release(used->idx)
 *	-> [acquire used->idx; then entries]
 *   ring_store_release(used->idx); ring_fence(); load used_event / flags
 *	-> [store used_event / flags; fence; load used->idx]
 *	One of the two sees the other: no interrupt is missed.
 *   store avail_event / flags; ring_fence(); load avail->idx
 *	-> [release avail->idx; fence; load avail_event / flags]
 *	One of the two sees the other: no doorbell is missed.
 *
 * Every load is a single access that the compiler can neither repeat nor
 * split: what was read is what is decided on.
 */
#ifndef MOTE_DEVICES_RING_H
#define MOTE_DEVICES_RING_H

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "ring fields are little-endian and used as they are");

/* virtio 1.2 §2.7.5 */
struct ring_desc {
	uint64_t addr; /* guest physical */
	uint32_t len;
	uint16_t flags; /* enum ring_desc_flags */
	uint16_t next;
};
_Static_assert(sizeof(struct ring_desc) == 16, "virtio 1.2 §2.7.5");

enum ring_desc_flags {
	RING_DESC_NEXT = 1,
	RING_DESC_WRITE = 2, /* the device writes it */
	RING_DESC_INDIRECT = 4,
};

/* virtio 1.2 §2.7.6; used_event follows ring[size] */
struct ring_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};
#define RING_AVAIL_NO_INTERRUPT 1

/* virtio 1.2 §2.7.8; avail_event follows ring[size] */
struct ring_used_elem {
	uint32_t id;
	uint32_t len;
};
struct ring_used {
	uint16_t flags;
	uint16_t idx;
	struct ring_used_elem ring[];
};
#define RING_USED_NO_NOTIFY 1
_Static_assert(sizeof(struct ring_used_elem) == 8, "virtio 1.2 §2.7.8");

/* Bytes of each part, without the event word that only EVENT_IDX adds. */
#define RING_DESC_BYTES(size) (sizeof(struct ring_desc) * (size))
#define RING_AVAIL_BYTES(size)                                                 \
	(sizeof(struct ring_avail) + sizeof(uint16_t) * (size))
#define RING_USED_BYTES(size)                                                  \
	(sizeof(struct ring_used) + sizeof(struct ring_used_elem) * (size))
#define RING_EVENT_BYTES sizeof(uint16_t)

static inline uint16_t ring_load(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint16_t ring_load_acquire(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ring_store(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void ring_store_release(uint16_t *p, uint16_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* Store before, load after, in this order for everybody. */
static inline void ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/**
 * ring_copy_desc() - snapshot one descriptor
 * @p: in guest memory; indirect tables may lie at any address, so it need not
 *     be aligned
 */
static inline struct ring_desc ring_copy_desc(const void *p)
{
	struct ring_desc d;

	__builtin_memcpy(&d, p, sizeof(d));
	/* From here on d is a value of its own: no second read of *p. */
	__asm__ volatile("" : "+m"(d));
	return d;
}

#endif
