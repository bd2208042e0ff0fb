// SPDX-License-Identifier: Apache-2.0
/* The virtio-mmio register file: what is written to it, how it then reads. */
#include "devices/virtio_mmio_parts.h"

/* ---- the view ------------------------------------------------------------ */

static uint64_t features(struct virtio_mmio *t)
{
	return atomic_load(virtio_mmio_reg(t, MMIO_STATUS)) & VIRTIO_FEATURES_OK
		       ? t->regs.driver_features
		       : t->offered;
}

static uint32_t word(uint64_t value, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(value >> (32 * select));
}

void virtio_mmio_show_constants(struct virtio_mmio *t)
{
	atomic_store(virtio_mmio_reg(t, MMIO_MAGIC_VALUE), VIRTIO_MMIO_MAGIC);
	atomic_store(virtio_mmio_reg(t, MMIO_VERSION), 2);
	atomic_store(virtio_mmio_reg(t, MMIO_DEVICE_ID), t->ops->device_id);
	atomic_store(virtio_mmio_reg(t, MMIO_VENDOR_ID), VIRTIO_MMIO_VENDOR);
	/* There is no shared memory region of any id. */
	atomic_store(virtio_mmio_reg(t, MMIO_SHM_LEN_LOW), UINT32_MAX);
	atomic_store(virtio_mmio_reg(t, MMIO_SHM_LEN_HIGH), UINT32_MAX);
	atomic_store(virtio_mmio_reg(t, MMIO_SHM_BASE_LOW), UINT32_MAX);
	atomic_store(virtio_mmio_reg(t, MMIO_SHM_BASE_HIGH), UINT32_MAX);
}

void virtio_mmio_show_locked(struct virtio_mmio *t)
{
	const struct virtio_mmio_regs *r = &t->regs;
	bool queue = r->queue_sel < t->ops->queues;

	atomic_store(virtio_mmio_reg(t, MMIO_DEVICE_FEATURES),
		     word(t->offered, r->device_features_sel));
	atomic_store(virtio_mmio_reg(t, MMIO_QUEUE_NUM_MAX),
		     queue ? t->ops->queue_max : 0);
	atomic_store(virtio_mmio_reg(t, MMIO_QUEUE_READY),
		     queue && r->queue[r->queue_sel].ready);
}

bool virtio_mmio_show_config_locked(struct virtio_mmio *t)
{
	bool changed = false;
	uint8_t config[VIRTIO_CONFIG_MAX] = { 0 };

	t->ops->config_get(t->dev, features(t), config);
	for (unsigned i = 0; i < t->ops->config_len; i++)
		changed |= atomic_exchange_explicit(
				   &t->view->config[i], config[i],
				   memory_order_relaxed) != config[i];
	return changed;
}

/* As a guest that has the view mapped reads it: in one piece if aligned. */
static uint64_t read_window(void *dev, uint64_t off, unsigned size)
{
	const struct virtio_mmio *t = dev;
	const uint8_t *p = (const uint8_t *)t->view + off;
	uint64_t value = 0;

	if (size == 4 && off % 4 == 0)
		return __atomic_load_n((const uint32_t *)(const void *)p,
				       __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)__atomic_load_n(p + i, __ATOMIC_RELAXED)
			 << (8 * i);
	return value;
}

/* ---- writes -------------------------------------------------------------- */

static void set_word(uint64_t *value, uint32_t select, uint32_t word_value)
{
	if (select > 1)
		return;
	*value &= ~(0xffffffffULL << (32 * select));
	*value |= (uint64_t)word_value << (32 * select);
}

/* QueueReady is refused when the size makes no sense, and reads back 0. */
static bool can_be_ready(const struct virtio_mmio *t,
			 const struct virtq_layout *at)
{
	return at->size && at->size <= t->ops->queue_max &&
	       !(at->size & (at->size - 1));
}

static void write_queue_locked(struct virtio_mmio *t, uint64_t off, uint32_t v)
{
	struct virtq_layout *at;
	bool *ready;

	if (t->regs.queue_sel >= t->ops->queues)
		return;
	at = &t->regs.queue[t->regs.queue_sel].at;
	ready = &t->regs.queue[t->regs.queue_sel].ready;
	if (off == MMIO_QUEUE_READY) {
		*ready = (v & 1) && can_be_ready(t, at);
		return;
	}
	if (*ready)
		return; /* §4.2.2.2: not while it is ready */
	switch (off) {
	case MMIO_QUEUE_NUM:
		at->size = v > UINT16_MAX ? 0 : (uint16_t)v;
		break;
	case MMIO_QUEUE_DESC_LOW:
	case MMIO_QUEUE_DESC_HIGH:
		set_word(&at->desc, off & 4 ? 1 : 0, v);
		break;
	case MMIO_QUEUE_DRIVER_LOW:
	case MMIO_QUEUE_DRIVER_HIGH:
		set_word(&at->avail, off & 4 ? 1 : 0, v);
		break;
	case MMIO_QUEUE_DEVICE_LOW:
	case MMIO_QUEUE_DEVICE_HIGH:
		set_word(&at->used, off & 4 ? 1 : 0, v);
		break;
	default:
		break;
	}
}

static void write_locked(struct virtio_mmio *t, uint64_t off, uint32_t v)
{
	struct virtio_mmio_regs *r = &t->regs;
	uint32_t status = atomic_load(virtio_mmio_reg(t, MMIO_STATUS));

	switch (off) {
	case MMIO_DEVICE_FEATURES_SEL:
		r->device_features_sel = v;
		break;
	case MMIO_DRIVER_FEATURES_SEL:
		r->driver_features_sel = v;
		break;
	case MMIO_DRIVER_FEATURES:
		if (!(status & VIRTIO_FEATURES_OK))
			set_word(&r->driver_features, r->driver_features_sel,
				 v);
		break;
	case MMIO_QUEUE_SEL:
		r->queue_sel = v;
		break;
	default:
		if (!(status & VIRTIO_DRIVER_OK))
			write_queue_locked(t, off, v);
		break;
	}
	virtio_mmio_show_locked(t);
}

static void write_register(struct virtio_mmio *t, uint64_t off, uint32_t v)
{
	if (off == MMIO_QUEUE_READY && !v && virtio_mmio_halt(t))
		return;
	switch (off) {
	case MMIO_QUEUE_NOTIFY:
		virtio_mmio_notify(t, v);
		return;
	case MMIO_INTERRUPT_ACK:
		virtio_mmio_ack(t, v);
		return;
	case MMIO_STATUS:
		virtio_mmio_set_status(t, v);
		return;
	default:
		spin_lock(&t->lock);
		if (atomic_load(&t->phase) != VIRTIO_MMIO_RESET)
			write_locked(t, off, v);
		spin_unlock(&t->lock);
		return;
	}
}

static void write_config(struct virtio_mmio *t, uint64_t off, unsigned size,
			 uint32_t value)
{
	if (!t->ops->config_set || off >= t->ops->config_len ||
	    size > t->ops->config_len - off)
		return;
	spin_lock(&t->lock);
	if (atomic_load(&t->phase) != VIRTIO_MMIO_RESET) {
		t->ops->config_set(t->dev, features(t), (unsigned)off, size,
				   value);
		virtio_mmio_show_config_locked(t);
	}
	spin_unlock(&t->lock);
}

static void write_window(void *dev, uint64_t off, unsigned size, uint64_t value)
{
	struct virtio_mmio *t = dev;

	if (off >= MMIO_CONFIG && size <= 4)
		write_config(t, off - MMIO_CONFIG, size, (uint32_t)value);
	else if (size == 4 && off % 4 == 0)
		write_register(t, off, (uint32_t)value);
}

const struct bus_ops virtio_mmio_bus_ops = {
	.name = "virtio-mmio",
	.min_size = 1,
	.max_size = 8,
	.read = read_window,
	.write = write_window,
};
