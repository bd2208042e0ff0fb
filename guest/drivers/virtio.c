// SPDX-License-Identifier: Apache-2.0
/* virtio-mmio and split rings, from the driver's side. */
#include "guest/drivers/virtio.h"

#include "guest/kit.h"
#include "guest/ring0.h"

#define WORD "virtio_mmio.device="

/* ---- discovery ----------------------------------------------------------- */

/* SIZE@BASE:GSI[:ID], as Linux defines it. */
static bool parse(const char *s, uint64_t *ret_base, unsigned *ret_gsi)
{
	strtou64(s, &s);
	while (*s && *s != '@' && *s != ' ')
		s++; /* K, M */
	if (*s != '@')
		return false;
	*ret_base = strtou64(s + 1, &s);
	if (*s != ':')
		return false;
	*ret_gsi = (unsigned)strtou64(s + 1, &s);
	return true;
}

/* The next device word at or behind *@at, which then stands behind it. */
static bool next_word(const char **at, uint64_t *ret_base, unsigned *ret_gsi)
{
	const char *s = *at;

	for (; *s; s++) {
		bool starts = s == kit_boot.cmdline || s[-1] == ' ';

		if (starts && !strncmp(s, "-- ", 3))
			break;
		if (!starts || strncmp(s, WORD, sizeof(WORD) - 1))
			continue;
		*at = s + sizeof(WORD) - 1;
		if (parse(*at, ret_base, ret_gsi))
			return true;
	}
	return false;
}

bool virtio_find(struct virtio_device *d, uint32_t id, unsigned nth)
{
	const char *at = kit_boot.cmdline;
	uint64_t base;

	if (!at)
		return false;
	while (next_word(&at, &base, &d->gsi)) {
		d->base = map_device(base, 0x200);
		if (virtio_get(d, MMIO_MAGIC_VALUE) == VIRTIO_MMIO_MAGIC &&
		    virtio_get(d, MMIO_VERSION) == 2 &&
		    virtio_get(d, MMIO_DEVICE_ID) == id && !nth--)
			return true;
	}
	return false;
}

/* ---- registers ----------------------------------------------------------- */

uint32_t virtio_get(const struct virtio_device *d, unsigned reg)
{
	volatile void *p = d->base + reg;

	return *(volatile uint32_t *)p;
}

void virtio_set(const struct virtio_device *d, unsigned reg, uint32_t value)
{
	volatile void *p = d->base + reg;

	*(volatile uint32_t *)p = value;
}

/* By accesses of the field's own width, of four bytes at most (§4.2.2.2). */
static void read_field(const struct virtio_device *d, unsigned off, void *dst,
		       unsigned len)
{
	volatile void *from = d->base + MMIO_CONFIG + off;
	uint8_t *to = dst;
	uint32_t half[2];
	uint16_t word;

	switch (len) {
	case 2:
		word = *(volatile uint16_t *)from;
		memcpy(dst, &word, sizeof(word));
		break;
	case 4:
	case 8:
		for (unsigned i = 0; i < len / 4; i++)
			half[i] = ((volatile uint32_t *)from)[i];
		memcpy(dst, half, len);
		break;
	default:
		for (unsigned i = 0; i < len; i++)
			to[i] = ((volatile uint8_t *)from)[i];
	}
}

void virtio_config(const struct virtio_device *d,
		   const struct virtio_field *field, unsigned n, void *config)
{
	uint32_t generation;

	do {
		generation = virtio_get(d, MMIO_CONFIG_GENERATION);
		for (unsigned i = 0; i < n; i++)
			if ((d->features & field[i].needs) == field[i].needs)
				read_field(d, field[i].off,
					   (uint8_t *)config + field[i].off,
					   field[i].len);
	} while (virtio_get(d, MMIO_CONFIG_GENERATION) != generation);
}

void virtio_reset(struct virtio_device *d)
{
	virtio_set(d, MMIO_STATUS, 0);
	while (virtio_get(d, MMIO_STATUS))
		;
}

static void add_status(const struct virtio_device *d, uint32_t bit)
{
	virtio_set(d, MMIO_STATUS, virtio_get(d, MMIO_STATUS) | bit);
}

uint64_t virtio_negotiate(struct virtio_device *d, uint64_t wanted)
{
	virtio_reset(d);
	add_status(d, VIRTIO_ACKNOWLEDGE);
	add_status(d, VIRTIO_DRIVER);
	d->features = 0;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t offered;

		virtio_set(d, MMIO_DEVICE_FEATURES_SEL, i);
		offered = virtio_get(d, MMIO_DEVICE_FEATURES);
		d->features |= offered << (32 * i) & wanted;
	}
	for (unsigned i = 0; i < 2; i++) {
		virtio_set(d, MMIO_DRIVER_FEATURES_SEL, i);
		virtio_set(d, MMIO_DRIVER_FEATURES,
			   (uint32_t)(d->features >> (32 * i)));
	}
	add_status(d, VIRTIO_FEATURES_OK);
	if (!(virtio_get(d, MMIO_STATUS) & VIRTIO_FEATURES_OK)) {
		add_status(d, VIRTIO_FAILED);
		kit_panic("virtio: features 0x%lx were refused", d->features);
	}
	return d->features;
}

void virtio_start(struct virtio_device *d)
{
	irq_enable(d->gsi);
	add_status(d, VIRTIO_DRIVER_OK);
}

/* ---- rings --------------------------------------------------------------- */

static bool event_idx(const struct virtio_queue *q)
{
	return q->dev->features & VIRTIO_EVENT_IDX;
}

/* The event words behind the rings (§2.7.7, §2.7.10). */
static uint16_t *used_event(const struct virtio_queue *q)
{
	return &q->avail->ring[q->size];
}

static const uint16_t *avail_event(const struct virtio_queue *q)
{
	return (const uint16_t *)&q->used->ring[q->size];
}

static void set_address(const struct virtio_device *d, unsigned reg,
			const void *p)
{
	virtio_set(d, reg, (uint32_t)(uintptr_t)p);
	virtio_set(d, reg + 4, (uint32_t)((uintptr_t)p >> 32));
}

/* Three pages hold a ring of VIRTIO_SIZE_MAX: table, then both rings. */
static void lay_out(struct virtio_queue *q)
{
	uint8_t *p = (uint8_t *)q->desc;

	if (!p) {
		p = heap_pages(3);
		if (!p)
			kit_panic("virtio: no memory for a ring");
	}
	memset(p, 0, 3 * 4096);
	q->desc = (void *)p;
	q->avail = (void *)(p + 4096);
	q->used = (void *)(p + 2 * 4096);
	if (!q->tables && q->dev->features & VIRTIO_INDIRECT_DESC)
		q->tables = heap_pages(VIRTIO_SIZE_MAX * sizeof(q->tables[0]) /
				       4096);
}

static void no_interrupts(struct virtio_queue *q)
{
	if (event_idx(q)) /* the entry that is longest to come */
		ring_store(used_event(q), (uint16_t)(q->next_used + 0x8000));
	else
		ring_store(&q->avail->flags, RING_AVAIL_NO_INTERRUPT);
}

void virtio_queue_open(struct virtio_queue *q, struct virtio_device *d,
		       unsigned index, unsigned size)
{
	uint32_t max;

	virtio_set(d, MMIO_QUEUE_SEL, index);
	max = virtio_get(d, MMIO_QUEUE_NUM_MAX);
	if (!max || virtio_get(d, MMIO_QUEUE_READY))
		kit_panic("virtio: queue %u is not to be had", index);
	if (size > max)
		size = max;
	if (size > VIRTIO_SIZE_MAX)
		size = VIRTIO_SIZE_MAX;
	q->dev = d;
	q->index = index;
	q->size = (uint16_t)size;
	lay_out(q);
	for (uint16_t i = 0; i < size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	q->free = 0;
	q->unused = q->size;
	q->next_avail = q->told = q->next_used = 0;
	/* What was in flight before a reset is nobody's. */
	memset(q->used_parts, 0, sizeof(q->used_parts));
	no_interrupts(q);
	virtio_set(d, MMIO_QUEUE_NUM, size);
	set_address(d, MMIO_QUEUE_DESC_LOW, q->desc);
	set_address(d, MMIO_QUEUE_DRIVER_LOW, q->avail);
	set_address(d, MMIO_QUEUE_DEVICE_LOW, q->used);
	virtio_set(d, MMIO_QUEUE_READY, 1);
}

static uint16_t flags_of(unsigned i, unsigned out, unsigned n)
{
	return (uint16_t)((i < out ? 0 : RING_DESC_WRITE) |
			  (i + 1 < n ? RING_DESC_NEXT : 0));
}

static void fill_table(struct virtio_queue *q, uint16_t head,
		       const struct virtio_part *part, unsigned out, unsigned n)
{
	struct ring_desc *t = q->tables[head];

	for (unsigned i = 0; i < n; i++)
		t[i] = (struct ring_desc){ (uintptr_t)part[i].addr, part[i].len,
					   flags_of(i, out, n),
					   (uint16_t)(i + 1) };
	q->desc[head].addr = (uintptr_t)t;
	q->desc[head].len = (uint32_t)(n * sizeof(*t));
	q->desc[head].flags = RING_DESC_INDIRECT;
}

static void fill_chain(struct virtio_queue *q, uint16_t head,
		       const struct virtio_part *part, unsigned out, unsigned n)
{
	struct ring_desc *d = &q->desc[head];

	for (unsigned i = 0; i < n; i++) {
		d->addr = (uintptr_t)part[i].addr;
		d->len = part[i].len;
		d->flags = flags_of(i, out, n);
		d = &q->desc[d->next];
	}
}

bool virtio_add(struct virtio_queue *q, const struct virtio_part *part,
		unsigned out, unsigned in, void *token)
{
	unsigned n = out + in;
	bool table = q->tables && n > 1 && n <= VIRTIO_INDIRECT_MAX &&
		     n <= q->size && q->dev->features & VIRTIO_INDIRECT_DESC;
	uint16_t head = q->free, takes = (uint16_t)(table ? 1 : n);

	if (!n || takes > q->unused)
		return false;
	if (table)
		fill_table(q, head, part, out, n);
	else
		fill_chain(q, head, part, out, n);
	for (unsigned i = 0; i < takes; i++)
		q->free = q->desc[q->free].next;
	q->unused -= takes;
	q->used_parts[head] = takes;
	q->token[head] = token;
	q->avail->ring[q->next_avail & (q->size - 1)] = head;
	ring_store_release(&q->avail->idx, ++q->next_avail);
	return true;
}

void virtio_kick(struct virtio_queue *q)
{
	uint16_t from = q->told, to = q->next_avail;
	bool wanted;

	if (from == to)
		return;
	q->told = to;
	ring_fence();
	if (event_idx(q))
		wanted = (uint16_t)(to - ring_load(avail_event(q)) - 1) <
			 (uint16_t)(to - from);
	else
		wanted = !(ring_load(&q->used->flags) & RING_USED_NO_NOTIFY);
	if (!wanted)
		return;
	q->doorbells++;
	virtio_set(q->dev, MMIO_QUEUE_NOTIFY, q->index);
}

static void put_back(struct virtio_queue *q, uint16_t head)
{
	uint16_t last = head, n = q->used_parts[head];

	while (--n)
		last = q->desc[last].next;
	q->desc[last].next = q->free;
	q->free = head;
	q->unused += q->used_parts[head];
}

void *virtio_take(struct virtio_queue *q, uint32_t *ret_len)
{
	const struct ring_used_elem *e;
	uint32_t head;

	if (ring_load_acquire(&q->used->idx) == q->next_used)
		return NULL;
	e = &q->used->ring[q->next_used & (q->size - 1)];
	head = e->id;
	*ret_len = e->len;
	if (head >= q->size || !q->used_parts[head])
		kit_panic("virtio: the device used buffer %u twice, or never "
			  "had it",
			  head);
	q->next_used++;
	/* Now and then will do: the device reads that line, too. */
	if (event_idx(q) && q->next_used % 0x2000 == 0)
		no_interrupts(q);
	put_back(q, (uint16_t)head);
	q->used_parts[head] = 0;
	return q->token[head];
}

bool virtio_arm(struct virtio_queue *q)
{
	if (event_idx(q))
		ring_store(used_event(q), q->next_used);
	else
		ring_store(&q->avail->flags, 0);
	ring_fence();
	return ring_load_acquire(&q->used->idx) == q->next_used;
}

void virtio_disarm(struct virtio_queue *q)
{
	no_interrupts(q);
}

/* Return: true if all are armed and there is nothing to take. */
static bool arm_all(struct virtio_queue *const *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!virtio_arm(q[i]))
			return false;
	return true;
}

void virtio_check(const struct virtio_device *d)
{
	if (virtio_get(d, MMIO_STATUS) & VIRTIO_NEEDS_RESET)
		kit_panic("virtio: the device at %p needs a reset",
			  (const void *)(uintptr_t)d->base);
}

bool virtio_wait_any(struct virtio_queue *const *q, unsigned n,
		     uint64_t deadline_ns)
{
	const struct virtio_device *d = q[0]->dev;
	bool in_time = true, woken = false, nothing;

	while ((nothing = arm_all(q, n)) && in_time) {
		/* An interrupt for nothing. (To ask each time would be an
		 * exit more for each.) */
		if (woken)
			virtio_check(d);
		q[0]->sleeps++;
		in_time = irq_wait(1ULL << d->gsi, deadline_ns);
		woken = in_time;
		if (in_time)
			virtio_set(d, MMIO_INTERRUPT_ACK,
				   VIRTIO_INTERRUPT_USED |
					   VIRTIO_INTERRUPT_CONFIG);
	}
	for (unsigned i = 0; i < n; i++)
		no_interrupts(q[i]);
	return !nothing;
}

bool virtio_wait(struct virtio_queue *q, uint64_t deadline_ns)
{
	return virtio_wait_any(&q, 1, deadline_ns);
}
