// SPDX-License-Identifier: Apache-2.0
/* The block device as its transport sees it, and the pool of requests. */
#include "devices/virtio_blk.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "devices/blk_parts.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/timing.h"

/* ---- configuration: under the transport's lock --------------------------- */

static uint64_t features(const void *dev)
{
	const struct virtio_blk *b = dev;
	uint64_t f =
		BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_TOPOLOGY | BLK_F_FLUSH;

	if (b->disk.read_only)
		return f | BLK_F_RO;
	return f | BLK_F_CONFIG_WCE | BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
}

/* §5.2.5.2, §5.2.6.2: a driver that cannot flush gets a writethrough cache. */
static void negotiated(void *dev, uint64_t f)
{
	struct virtio_blk *b = dev;

	atomic_store(&b->writeback, f & BLK_F_FLUSH ? 1 : 0);
	atomic_store(&b->topology, f & BLK_F_TOPOLOGY);
}

static void config_get(const void *dev, uint64_t f, void *config)
{
	const struct virtio_blk *b = dev;
	const struct disk *d = &b->disk;
	struct blk_config c = {
		.capacity = d->sectors,
		.seg_max = BLK_SEG_MAX,
		.blk_size = d->logical,
		.num_queues = 1,
	};

	/* Only for those who asked: Unikraft reads blk_size as 64 bits before
	 * it negotiates, and what follows it is the topology. */
	if (atomic_load(&b->topology)) {
		c.physical_block_exp =
			(uint8_t)__builtin_ctz(d->physical / d->logical);
		c.min_io_size = (uint16_t)(d->physical / d->logical);
	}
	if (f & BLK_F_CONFIG_WCE)
		c.writeback = atomic_load(&b->writeback);
	if (f & BLK_F_DISCARD) {
		c.max_discard_sectors = BLK_DISCARD_SECTORS_MAX;
		c.max_discard_seg = BLK_RANGES_MAX;
		c.discard_sector_alignment = d->discard_align / BLK_SECTOR;
	}
	if (f & BLK_F_WRITE_ZEROES) {
		c.max_write_zeroes_sectors = BLK_ZEROES_SECTORS_MAX;
		c.max_write_zeroes_seg = BLK_RANGES_MAX;
		c.write_zeroes_may_unmap = 1;
	}
	memcpy(config, &c, sizeof(c));
}

static void config_set(void *dev, uint64_t f, unsigned off, unsigned size,
		       uint32_t val)
{
	struct virtio_blk *b = dev;

	if (off == offsetof(struct blk_config, writeback) && size == 1 &&
	    (f & BLK_F_CONFIG_WCE))
		atomic_store(&b->writeback, val & 1);
}

/* ---- requests: I/O thread ------------------------------------------------ */

/* Never fails: virtq_pop() lets no more heads be in flight than the queue has
 * entries, and that is at most BLK_QUEUE_MAX. */
static struct blk_req *get_req(struct virtio_blk *b)
{
	struct blk_req *r = b->free;

	if (r) {
		b->free = r->next;
	} else {
		assert(b->taken < BLK_QUEUE_MAX);
		r = &b->req[b->taken++];
		r->blk = b;
	}
	return r;
}

static void give_back(struct blk_req *r, uint32_t len)
{
	struct virtio_blk *b = r->blk;

	r->next = b->free;
	b->free = r;
	virtio_complete(b->port, 0, r->head, len);
}

void blk_drop(struct blk_req *r)
{
	give_back(r, 0);
}

/*
 * The length that goes with the answer counts from the start of the writable
 * part (§2.7.8.2): the status byte, at its end, is in it only if everything
 * before it was written.
 */
static uint32_t written(const struct blk_req *r)
{
	uint64_t data = r->in_data ? r->done : 0;
	uint64_t len = data < r->in_data ? data : r->in_data + 1;

	return len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

void blk_finish(struct blk_req *r, enum blk_status status)
{
	if (!r->status) {
		log_guest(LOG_WARN, "virtio-blk",
			  "disk %s: the guest's request has no room for a "
			  "status byte",
			  r->blk->disk.name);
		give_back(r, 0);
		return;
	}
	__atomic_store_n(r->status, (uint8_t)status, __ATOMIC_RELAXED);
	give_back(r, written(r));
}

void blk_fail(struct blk_req *r, const char *what, int res)
{
	log_guest(LOG_WARN, "virtio-blk",
		  "disk %s: %s at byte %llu failed: %s; the guest is told",
		  r->blk->disk.name, what, (unsigned long long)r->off,
		  res ? strerror(-res) : "the file has become shorter");
	blk_finish(r, BLK_S_IOERR);
}

static void activate(void *dev, struct virtio_port *port)
{
	struct virtio_blk *b = dev;

	b->port = port;
	blk_pace_start(&b->pace, b->now, timing_now());
}

void blk_append(struct blk_list *list, struct blk_req *r)
{
	r->next = NULL;
	if (list->first)
		list->last->next = r;
	else
		list->first = r;
	list->last = r;
}

struct blk_req *blk_shift(struct blk_list *list)
{
	struct blk_req *r = list->first;

	if (r)
		list->first = r->next;
	return r;
}

bool blk_put_off(struct blk_req *r, void (*resume)(struct blk_req *r))
{
	struct virtio_blk *b = r->blk;

	if (!loop_is_borrowed(b->loop))
		return false;
	b->pace.put_off++;
	r->resume = resume;
	blk_append(&b->later, r);
	virtio_again(b->port, 0);
	return true;
}

/* Take up to @most requests. Return: how many it were. */
static unsigned take(struct virtio_blk *b, unsigned queue, unsigned most)
{
	static struct virtq_chain chain; /* big, and one thread at a time */
	unsigned taken = 0;

	while (taken < most && virtio_pop(b->port, queue, &chain)) {
		struct blk_req *r = get_req(b);

		taken++;
		blk_decode(r, &chain);
	}
	return taken;
}

/* How the driver is served from now on. */
static void set_pace(struct virtio_blk *b, unsigned requests, bool borrowed)
{
	enum blk_mode mode = blk_pace_took(&b->pace, requests, timing_now());

	atomic_store(&b->port->on_vcpu, mode == BLK_ON_VCPU);
	b->port->exits |= b->pace.best == BLK_ON_VCPU;
	if (!borrowed) /* only the I/O thread may */
		loop_set_bulk(b->loop, mode == BLK_BULK);
}

static void kick(void *dev, unsigned queue)
{
	struct virtio_blk *b = dev;
	bool borrowed = loop_is_borrowed(b->loop);
	unsigned most = borrowed ? BLK_NOW_REQUESTS : BLK_QUEUE_MAX, taken = 0;
	struct blk_req *r;

	while (!borrowed && (r = blk_shift(&b->later)))
		r->resume(r);
	/* Several at once make more to come likely; one on its own, not. */
	virtq_notify_off(&b->port->vq[queue]);
	do {
		taken += take(b, queue, most - taken);
		if (taken == most) {
			virtio_again(b->port, queue);
			break;
		}
	} while (virtio_listen(b->port, queue, taken > 1));
	set_pace(b, taken, borrowed);
}

/* What waits for us is let go of here; what the kernel has is dropped when it
 * comes back. */
static void reset(void *dev)
{
	struct virtio_blk *b = dev;
	struct blk_req *r;

	loop_set_bulk(b->loop, false);
	while ((r = blk_shift(&b->later)))
		blk_drop(r);
	blk_bounce_reset(b);
}

const struct virtio_ops virtio_blk_ops = {
	.name = "virtio-blk",
	.device_id = VIRTIO_BLK,
	.queues = 1,
	.queue_max = BLK_QUEUE_MAX,
	.config_len = sizeof(struct blk_config),
	.features = features,
	.negotiated = negotiated,
	.config_get = config_get,
	.config_set = config_set,
	.activate = activate,
	.kick = kick,
	.reset = reset,
};

int virtio_blk_open(struct virtio_blk *b, const struct config_disk *cfg,
		    struct loop *loop, struct err *e)
{
	int ret = disk_open(&b->disk, cfg, e);

	if (ret)
		return ret;
	b->loop = loop;
	loop_allow_bulk(loop);
	b->slot = loop_add_file(loop, b->disk.fd);
	if (b->slot < 0) {
		disk_close(&b->disk);
		return err_set(e, b->slot, "too many disks and devices");
	}
	return 0;
}

int virtio_blk_allow_now(struct virtio_blk *b)
{
	b->now = !b->disk.direct;
	return b->now ? b->disk.fd : -1;
}
