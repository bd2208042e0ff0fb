// SPDX-License-Identifier: Apache-2.0
/* The status machine, interrupts, and the hand-over between the threads. */
#include "devices/virtio_mmio.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "devices/virtio_mmio_parts.h"
#include "monitor/container_of.h"
#include "monitor/log.h"
#include "monitor/stop.h"

#define DRIVER_STATUS                                                          \
	(VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK |             \
	 VIRTIO_DRIVER_OK)

static struct virtio_mmio *of_port(struct virtio_port *port)
{
	return container_of(port, struct virtio_mmio, port);
}

static struct virtio_mmio *of_source(struct loop_source *source)
{
	return container_of(source, struct virtio_mmio, source);
}

/* ---- interrupts: any thread ---------------------------------------------- */

/*
 * Bring the line in step with the status. Two threads may be here at once;
 * whoever moves the line last looks at the status after it, so the line ends
 * as the status says.
 */
static void update_line(struct virtio_mmio *t)
{
	const _Atomic uint32_t *isr = virtio_mmio_reg(t, MMIO_INTERRUPT_STATUS);
	bool asserted;

	do {
		asserted = atomic_load(isr) != 0;
		if (asserted)
			irq_raise(&t->irq);
		else
			irq_lower(&t->irq);
	} while (asserted != (atomic_load(isr) != 0));
}

static void interrupt(struct virtio_mmio *t, uint32_t reasons)
{
	atomic_fetch_or(virtio_mmio_reg(t, MMIO_INTERRUPT_STATUS), reasons);
	update_line(t);
}

/* A driver that reads while we write sees one generation or the other change
 * under its reading. (Who reads between the two sees a change of one byte.) */
static bool show_new_config(struct virtio_mmio *t)
{
	_Atomic uint32_t *generation =
		virtio_mmio_reg(t, MMIO_CONFIG_GENERATION);
	bool changed;

	spin_lock(&t->lock);
	atomic_fetch_add(generation, 1);
	changed = virtio_mmio_show_config_locked(t);
	atomic_fetch_add(generation, 1);
	spin_unlock(&t->lock);
	return changed;
}

/* ---- I/O thread ---------------------------------------------------------- */

static void port_interrupt(struct virtio_port *port, uint32_t reasons)
{
	if (reasons & VIRTIO_INTERRUPT_CONFIG)
		show_new_config(of_port(port));
	interrupt(of_port(port), reasons);
}

static void port_need_reset(struct virtio_port *port)
{
	struct virtio_mmio *t = of_port(port);

	atomic_fetch_or(virtio_mmio_reg(t, MMIO_STATUS), VIRTIO_NEEDS_RESET);
	interrupt(t, VIRTIO_INTERRUPT_CONFIG);
}

static void port_again(struct virtio_port *port, unsigned queue)
{
	struct virtio_mmio *t = of_port(port);

	atomic_fetch_or(&t->kicked, 1U << queue);
	loop_ring(t->loop, &t->source);
}

/*
 * Everything as after power-on, but for Status and the selected queue if the
 * driver has only stopped the queues. The caller holds the lock and the queues.
 */
static void clear_locked(struct virtio_mmio *t)
{
	uint32_t queue_sel = t->halting ? t->regs.queue_sel : 0;

	t->regs = (struct virtio_mmio_regs){ .queue_sel = queue_sel };
	if (t->ops->negotiated)
		t->ops->negotiated(t->dev, 0);
	for (unsigned i = 0; i < t->ops->queues; i++)
		t->regs.queue[i].at.size = t->ops->queue_max;
	memset(t->port.vq, 0, sizeof(t->port.vq));
	t->port.resetting = false;
	t->port.pushed = 0;
	t->port.quiet = 0;
	t->port.features = 0;
	t->port.exits = false;
	atomic_store(&t->port.on_vcpu, false);
	atomic_store(&t->kicked, 0);
	atomic_store(virtio_mmio_reg(t, MMIO_INTERRUPT_STATUS), 0);
	virtio_mmio_show_locked(t);
	if (!t->halting)
		atomic_store(virtio_mmio_reg(t, MMIO_STATUS), 0);
	t->halting = false;
	virtio_mmio_show_config_locked(t);
}

/* Nothing is in flight: answer the reset. */
static void finish_reset(struct virtio_mmio *t)
{
	spin_lock(&t->lock);
	clear_locked(t);
	t->active = false;
	atomic_store(&t->phase, VIRTIO_MMIO_OFF);
	spin_unlock(&t->lock);
	update_line(t);
}

static void port_idle(struct virtio_port *port)
{
	finish_reset(of_port(port));
}

static void begin_reset(struct virtio_mmio *t)
{
	if (!t->active) {
		finish_reset(t);
		return;
	}
	if (t->port.resetting)
		return;
	t->port.resetting = true;
	for (unsigned i = 0; i < t->ops->queues; i++)
		virtq_stop(&t->port.vq[i]);
	t->ops->reset(t->dev);
	/* If heads are in flight, the last to come back ends it: port_idle. */
	loop_defer(t->loop, &t->port.flush);
}

static void activate(struct virtio_mmio *t)
{
	t->active = true;
	t->ops->activate(t->dev, &t->port);
	/* What has changed before there was a port; the driver may have looked
	 * in the meantime. */
	if (show_new_config(t))
		interrupt(t, VIRTIO_INTERRUPT_CONFIG);
	for (unsigned i = 0; i < t->ops->queues; i++)
		if (t->port.vq[i].s.live)
			atomic_fetch_or(&t->kicked, 1U << i);
}

/*
 * A doorbell that comes as an exit is dear, one that KVM turns into a write to
 * the eventfd is not (software KVM: 26 us of a vCPU, 2.5; nested lane: 52 us
 * for a 4 KiB read, 50), but the first of those makes the end of the VM 13 to
 * 19 ms slower. So a queue gets its bell when its exits have cost as much: 512
 * at a rate at which that matters.
 */
#define BELL_KICKS 512
#define BELL_TICKS (1ULL << 30) /* of the TSC: half a second at most */

static void want_bell(struct virtio_mmio *t, unsigned queue)
{
	uint32_t kicks = atomic_load_explicit(&t->stats.kicks[queue],
					      memory_order_relaxed);
	uint64_t now;

	if (kicks - t->rate[queue].kicks < BELL_KICKS)
		return;
	now = __builtin_ia32_rdtsc();
	if (now - t->rate[queue].since < BELL_TICKS &&
	    !t->bell.add(t->bell.vm, t->bell.base + MMIO_QUEUE_NOTIFY, queue,
			 loop_wake_fd(t->loop))) {
		t->belled |= 1U << queue;
		loop_ring_on_wake(t->loop, &t->source);
	}
	t->rate[queue].kicks = kicks;
	t->rate[queue].since = now;
}

static void kick_rung(struct virtio_mmio *t)
{
	uint32_t kicked = atomic_exchange(&t->kicked, 0);

	for (unsigned i = 0; i < t->ops->queues; i++) {
		/* All bells have one sound: was it this one? */
		if (!(kicked & 1U << i) &&
		    !(t->belled & 1U << i && virtq_has(&t->port.vq[i])))
			continue;
		t->ops->kick(t->dev, i);
		if (t->bell.add && !t->port.exits && !(t->belled & 1U << i))
			want_bell(t, i);
	}
}

static void answer_ring(struct loop_source *source)
{
	struct virtio_mmio *t = of_source(source);
	uint32_t phase = atomic_load(&t->phase);

	if (phase == VIRTIO_MMIO_ON && !t->active)
		activate(t);
	/* Also before a reset: a guest that powers off has the last word. */
	if (t->active && !t->port.resetting)
		kick_rung(t);
	if (phase == VIRTIO_MMIO_RESET)
		begin_reset(t);
}

/* ---- vCPU threads: status ------------------------------------------------ */

static void accept_features_locked(struct virtio_mmio *t)
{
	/* Bits that were not offered are masked: see the header. */
	t->regs.driver_features &= t->offered;
	if (t->ops->negotiated)
		t->ops->negotiated(t->dev, t->regs.driver_features);
}

/* Copy the registers into the data path. Return: why not, or NULL. */
static const char *start_locked(struct virtio_mmio *t)
{
	uint64_t f = t->regs.driver_features;

	t->port.features = f;
	for (unsigned i = 0; i < t->ops->queues; i++) {
		struct virtq *q = &t->port.vq[i];

		if (t->regs.queue[i].ready &&
		    virtq_start(q, t->mem, &t->regs.queue[i].at,
				f & VIRTIO_EVENT_IDX, f & VIRTIO_INDIRECT_DESC))
			return q->fault;
	}
	atomic_store(&t->kicked, 0);
	return NULL;
}

/*
 * Add the bits of @value in their order, each one only on top of the one
 * before. Return: why DRIVER_OK cannot be had, or NULL.
 */
static const char *advance_locked(struct virtio_mmio *t, uint32_t value)
{
	static const uint32_t order[] = { VIRTIO_ACKNOWLEDGE, VIRTIO_DRIVER,
					  VIRTIO_FEATURES_OK,
					  VIRTIO_DRIVER_OK };
	const char *why = NULL;
	_Atomic uint32_t *reg = virtio_mmio_reg(t, MMIO_STATUS);
	uint32_t status = atomic_load(reg), had = status;

	status |= value & VIRTIO_FAILED;
	for (unsigned i = 0; i < 4; i++) {
		if (had & order[i])
			continue;
		if (!(value & order[i]) || (status & VIRTIO_FAILED))
			break;
		status |= order[i];
		if (order[i] == VIRTIO_FEATURES_OK)
			accept_features_locked(t);
		if (order[i] == VIRTIO_DRIVER_OK)
			why = start_locked(t);
	}
	if (why)
		status |= VIRTIO_NEEDS_RESET;
	atomic_fetch_or(reg, status);
	if (status & ~had & VIRTIO_FEATURES_OK)
		virtio_mmio_show_config_locked(t);
	if ((status & ~had & VIRTIO_DRIVER_OK) && !why) {
		atomic_store(&t->phase, VIRTIO_MMIO_ON);
		atomic_fetch_add_explicit(&t->stats.starts, 1,
					  memory_order_relaxed);
	}
	return why;
}

/*
 * Wait until the I/O thread has ended the reset. Sleeping in steps needs no
 * wake-up call from it; with nothing slow in flight one step is enough. When
 * the run is being stopped, the guest will not go on to see the difference.
 */
static void await_reset(struct virtio_mmio *t)
{
	struct timespec nap = { 0, 20000 };

	while (atomic_load(&t->phase) == VIRTIO_MMIO_RESET &&
	       stop_status() < 0) {
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < 1000000)
			nap.tv_nsec *= 2;
	}
}

static void write_reset(struct virtio_mmio *t)
{
	bool off;

	spin_lock(&t->lock);
	off = atomic_load(&t->phase) == VIRTIO_MMIO_OFF;
	t->halting = false;
	if (off)
		clear_locked(t);
	else
		atomic_store(&t->phase, VIRTIO_MMIO_RESET);
	spin_unlock(&t->lock);
	if (off) {
		update_line(t);
		return;
	}
	loop_ring(t->loop, &t->source);
	await_reset(t);
}

bool virtio_mmio_halt(struct virtio_mmio *t)
{
	uint32_t queue;
	bool live;

	spin_lock(&t->lock);
	queue = t->regs.queue_sel;
	live = atomic_load(&t->phase) == VIRTIO_MMIO_ON &&
	       queue < t->ops->queues && t->regs.queue[queue].ready;
	if (live) {
		t->halting = true;
		atomic_store(&t->phase, VIRTIO_MMIO_RESET);
	}
	spin_unlock(&t->lock);
	if (live) {
		loop_ring(t->loop, &t->source);
		await_reset(t);
	}
	return live;
}

void virtio_mmio_set_status(struct virtio_mmio *t, uint32_t value)
{
	const char *why = NULL;
	uint32_t before, phase;

	if (!value) {
		write_reset(t);
		return;
	}
	spin_lock(&t->lock);
	before = atomic_load(&t->phase);
	if (before == VIRTIO_MMIO_OFF)
		why = advance_locked(t,
				     value & (DRIVER_STATUS | VIRTIO_FAILED));
	else if (before == VIRTIO_MMIO_ON)
		atomic_fetch_or(virtio_mmio_reg(t, MMIO_STATUS),
				value & VIRTIO_FAILED);
	phase = atomic_load(&t->phase);
	spin_unlock(&t->lock);
	if (phase != before)
		loop_ring(t->loop, &t->source);
	if (!why)
		return;
	log_guest(LOG_WARN, t->ops->name,
		  "the guest's driver set up a queue that cannot work: %s",
		  why);
	interrupt(t, VIRTIO_INTERRUPT_CONFIG);
}

/* ---- vCPU threads: doorbell and acknowledgement ------------------------- */

/* Answer on this thread, if the I/O thread sleeps. Return: whether it did. */
static bool answer_here(struct virtio_mmio *t, uint32_t queue)
{
	if (!atomic_load(&t->port.on_vcpu) || !loop_borrow(t->loop))
		return false;
	/* A reset may have been asked for since; it then waits for us. */
	if (atomic_load(&t->phase) == VIRTIO_MMIO_ON && t->active)
		t->ops->kick(t->dev, queue);
	loop_give_back(t->loop);
	return true;
}

void virtio_mmio_notify(struct virtio_mmio *t, uint32_t queue)
{
	uint32_t bit = 1U << (queue & 31);

	if (queue >= t->ops->queues || atomic_load(&t->phase) != VIRTIO_MMIO_ON)
		return;
	atomic_fetch_add_explicit(&t->stats.kicks[queue], 1,
				  memory_order_relaxed);
	if (answer_here(t, queue))
		return;
	/* If the bit is set, whoever set it rings, and the I/O thread has not
	 * looked at the queue since. */
	if (!(atomic_fetch_or(&t->kicked, bit) & bit))
		loop_ring(t->loop, &t->source);
}

void virtio_mmio_ack(struct virtio_mmio *t, uint32_t reasons)
{
	/* While reasons are left the line stays as it is: raising it anew
	 * would be one more edge, to no end if a driver never acknowledges
	 * them. */
	if (!(atomic_fetch_and(virtio_mmio_reg(t, MMIO_INTERRUPT_STATUS),
			       ~reasons) &
	      ~reasons))
		update_line(t);
}

/* ---- main thread --------------------------------------------------------- */

int virtio_mmio_init(struct virtio_mmio *t, struct virtio_mmio_view *view,
		     const struct virtio_ops *ops, void *dev,
		     const struct mem *mem, struct loop *loop,
		     struct irq_line irq)
{
	t->view = view;
	t->ops = ops;
	t->dev = dev;
	t->mem = mem;
	t->loop = loop;
	t->irq = irq;
	t->offered = ops->features(dev) | VIRTIO_RESERVED_FEATURES;
	t->source.ring = answer_ring;
	virtio_port_init(&t->port, ops->name, loop);
	t->port.interrupt = port_interrupt;
	t->port.need_reset = port_need_reset;
	t->port.idle = port_idle;
	t->port.again = port_again;
	virtio_mmio_show_constants(t);
	clear_locked(t);
	return loop_add_source(loop, &t->source);
}
