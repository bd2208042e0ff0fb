// SPDX-License-Identifier: Apache-2.0
/* The device's side of a split virtqueue: one bounded walk for each chain. */
#include "devices/virtq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bool in_ram(const struct mem *mem, gpa_t gpa, uint64_t len,
		   unsigned align, void **ret)
{
	if (gpa % align)
		return false;
	*ret = mem_at(mem, gpa, len);
	return *ret != NULL;
}

static const char *place(struct virtq *q)
{
	const struct virtq_layout *at = &q->s.at;
	uint64_t event = q->s.event_idx ? RING_EVENT_BYTES : 0;
	void *p = NULL;

	if (!at->size || at->size > VIRTQ_SIZE_MAX ||
	    (at->size & (at->size - 1)))
		return "queue size is no power of two, or too large";
	if (!in_ram(q->mem, at->desc, RING_DESC_BYTES(at->size), 16, &p))
		return "descriptor table is misaligned or outside RAM";
	q->desc = p;
	if (!in_ram(q->mem, at->avail, RING_AVAIL_BYTES(at->size) + event, 2,
		    &p))
		return "available ring is misaligned or outside RAM";
	q->avail = p;
	if (!in_ram(q->mem, at->used, RING_USED_BYTES(at->size) + event, 4, &p))
		return "used ring is misaligned or outside RAM";
	q->used = p;
	return NULL;
}

int virtq_start(struct virtq *q, const struct mem *mem,
		const struct virtq_layout *at, bool event_idx, bool indirect)
{
	*q = (struct virtq){
		.s = { .at = *at,
		       .event_idx = event_idx,
		       .indirect = indirect },
		.mem = mem,
	};
	q->fault = place(q);
	if (q->fault)
		return -EINVAL;
	q->s.live = true;
	return 0;
}

void virtq_stop(struct virtq *q)
{
	q->s.live = false;
	q->desc = NULL;
	q->avail = NULL;
	q->used = NULL;
}

static int breaks(struct virtq *q, const char *why)
{
	q->fault = why;
	q->s.broken = true;
	return -EPROTO;
}

/* Add one range, merged with its neighbour where both touch. */
static const char *add_range(const struct virtq *q, struct virtq_chain *c,
			     const struct ring_desc *d)
{
	bool write = d->flags & RING_DESC_WRITE;
	unsigned n = c->out + c->in;
	struct iovec *last = n ? &c->iov[n - 1] : NULL;
	uint8_t *host;

	if (c->in && !write)
		return "readable descriptor behind a writable one";
	if (!d->len)
		return NULL;
	host = mem_at(q->mem, d->addr, d->len);
	if (!host)
		return "buffer outside RAM";
	if (write)
		c->in_bytes += d->len;
	else
		c->out_bytes += d->len;
	if (c->out_bytes + c->in_bytes > 1ULL << 32)
		return "chain longer than 4 GiB";
	if (last && !!c->in == write &&
	    (uint8_t *)last->iov_base + last->iov_len == host) {
		last->iov_len += d->len;
		return NULL;
	}
	c->iov[n] = (struct iovec){ host, d->len };
	if (write)
		c->in++;
	else
		c->out++;
	return NULL;
}

/* The table an indirect descriptor speaks of, or why there is none. */
static const char *enter_table(const struct virtq *q, const struct ring_desc *d,
			       const uint8_t **ret_table, unsigned *ret_entries)
{
	const uint8_t *table;

	if (!q->s.indirect)
		return "indirect descriptor without INDIRECT_DESC";
	if (d->flags & RING_DESC_NEXT)
		return "indirect descriptor with a next one";
	if (!d->len || d->len % sizeof(struct ring_desc))
		return "indirect table of an odd length";
	table = mem_at(q->mem, d->addr, d->len);
	if (!table)
		return "indirect table outside RAM";
	*ret_table = table;
	*ret_entries = (unsigned)(d->len / sizeof(struct ring_desc));
	return NULL;
}

/*
 * Every turn looks at one descriptor, and there are at most VIRTQ_CHAIN_MAX
 * turns (and one for the indirect descriptor itself), so a loop ends there,
 * and @c->iov cannot overflow: no turn adds more than one range.
 */
static const char *walk(const struct virtq *q, uint16_t head,
			struct virtq_chain *c)
{
	const uint8_t *table = (const uint8_t *)q->desc;
	unsigned entries = q->s.at.size, left = VIRTQ_CHAIN_MAX;
	bool inside = false;
	uint16_t i = head;

	/*@ loop invariant c->out + c->in + left <= VIRTQ_CHAIN_MAX;
	    loop invariant \valid_read(table + (0 .. 16 * entries - 1));
	    loop assigns i, left, inside, table, entries, *c; */
	for (;;) {
		const char *why;
		struct ring_desc d;

		if (i >= entries)
			return "descriptor index outside its table";
		d = ring_copy_desc(table + i * sizeof(d));
		if (d.flags & RING_DESC_INDIRECT) {
			if (inside)
				return "indirect table inside another";
			why = enter_table(q, &d, &table, &entries);
			if (why)
				return why;
			inside = true;
			i = 0;
			continue;
		}
		if (!left--)
			return "chain loops, or is too long";
		why = add_range(q, c, &d);
		if (why)
			return why;
		if (!(d.flags & RING_DESC_NEXT))
			return NULL;
		i = d.next;
	}
}

/* Is there a buffer to take? Also notices an index that makes no sense. */
static int look(struct virtq *q)
{
	uint16_t ahead;

	if (q->seen_avail != q->s.next_avail)
		return 1;
	q->seen_avail = ring_load_acquire(&q->avail->idx);
	ahead = (uint16_t)(q->seen_avail - q->s.next_avail);
	if (ahead > q->s.at.size)
		return breaks(q, "available index jumped");
	return ahead != 0;
}

bool virtq_has(const struct virtq *q)
{
	return q->s.live && !q->s.broken &&
	       ring_load_acquire(&q->avail->idx) != q->s.next_avail;
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
	const char *why;
	uint16_t head;
	int r;

	if (!q->s.live || q->s.broken)
		return 0;
	r = look(q);
	if (r <= 0)
		return r;
	if (q->s.inflight >= q->s.at.size)
		return breaks(q, "more buffers available than descriptors");
	head = ring_load(&q->avail->ring[q->s.next_avail & (q->s.at.size - 1)]);
	if (head >= q->s.at.size)
		return breaks(q, "head outside the descriptor table");
	chain->head = head;
	chain->out = 0;
	chain->in = 0;
	chain->out_bytes = 0;
	chain->in_bytes = 0;
	why = walk(q, head, chain);
	if (why)
		return breaks(q, why);
	q->s.next_avail++;
	q->s.inflight++;
	return 1;
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
	struct ring_used_elem *e;

	assert(q->s.inflight);
	q->s.inflight--;
	if (!q->s.live)
		return;
	e = &q->used->ring[q->s.next_used++ & (q->s.at.size - 1)];
	__atomic_store_n(&e->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, len, __ATOMIC_RELAXED);
}

/* The event words behind the rings (§2.7.7, §2.7.10). */
static const uint16_t *used_event(const struct virtq *q)
{
	return &q->avail->ring[q->s.at.size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)&q->used->ring[q->s.at.size];
}

bool virtq_publish(struct virtq *q)
{
	uint16_t from = q->s.published, to = q->s.next_used;

	if (!q->s.live || from == to)
		return false;
	ring_store_release(&q->used->idx, to);
	q->s.published = to;
	ring_fence();
	if (!q->s.event_idx)
		return !(ring_load(&q->avail->flags) & RING_AVAIL_NO_INTERRUPT);
	/* Did idx pass the entry asked for, counting modulo 2^16? */
	return (uint16_t)(to - ring_load(used_event(q)) - 1) <
	       (uint16_t)(to - from);
}

void virtq_notify_off(struct virtq *q)
{
	/* With EVENT_IDX, leaving avail_event behind is what suppresses. */
	if (q->s.live && !q->s.event_idx)
		ring_store(&q->used->flags, RING_USED_NO_NOTIFY);
}

bool virtq_notify_on(struct virtq *q)
{
	if (!q->s.live || q->s.broken)
		return false;
	if (q->s.event_idx)
		ring_store(avail_event(q), q->s.next_avail);
	else
		ring_store(&q->used->flags, 0);
	ring_fence();
	return virtq_has(q);
}

/* Steps through ranges, from some byte on. */
struct cursor {
	const struct iovec *iov;
	unsigned n;
	size_t off;
};

/* The next run of at most @want bytes; NULL at the end. */
static uint8_t *next_run(struct cursor *at, size_t want, size_t *ret_len)
{
	uint8_t *run;

	while (at->n && at->off >= at->iov->iov_len) {
		at->off -= at->iov->iov_len;
		at->iov++;
		at->n--;
	}
	if (!at->n || !want)
		return NULL;
	run = (uint8_t *)at->iov->iov_base + at->off;
	*ret_len = at->iov->iov_len - at->off;
	if (*ret_len > want)
		*ret_len = want;
	at->off += *ret_len;
	return run;
}

size_t virtq_copy_from(const struct iovec *iov, unsigned n, size_t off,
		       void *dst, size_t len)
{
	struct cursor at = { iov, n, off };
	size_t done = 0, part;
	uint8_t *run;

	while ((run = next_run(&at, len - done, &part))) {
		memcpy((uint8_t *)dst + done, run, part);
		done += part;
	}
	return done;
}

size_t virtq_copy_to(const struct iovec *iov, unsigned n, size_t off,
		     const void *src, size_t len)
{
	struct cursor at = { iov, n, off };
	size_t done = 0, part;
	uint8_t *run;

	while ((run = next_run(&at, len - done, &part))) {
		memcpy(run, (const uint8_t *)src + done, part);
		done += part;
	}
	return done;
}

/* Each range of each request comes through here: no cursor. */
uint16_t virtq_slice(const struct iovec *iov, unsigned n, size_t off,
		     size_t len, struct iovec *ret)
{
	uint16_t out = 0;

	for (const struct iovec *end = iov + n; len && iov < end; iov++) {
		size_t part = iov->iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part -= off;
		if (part > len)
			part = len;
		ret[out++] =
			(struct iovec){ (uint8_t *)iov->iov_base + off, part };
		len -= part;
		off = 0;
	}
	return out;
}

unsigned virtq_skip(struct iovec **iov, unsigned n, size_t len)
{
	while (n && len >= (*iov)->iov_len) {
		len -= (*iov)->iov_len;
		(*iov)++;
		n--;
	}
	if (n) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + len;
		(*iov)->iov_len -= len;
	}
	return n;
}
