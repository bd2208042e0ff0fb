/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport (virtio 1.2 §4.2), modern registers only.
 *
 * What can be read is kept in a page of its own, struct virtio_mmio_view, laid
 * out as the window is. KVM maps it into the guest, read-only, so that reading
 * a register is no exit: an interrupt handler's look at InterruptStatus costs
 * nothing. Writes come here (but for the doorbell of a queue that has become an
 * ioeventfd, struct virtio_mmio_bell), and leave the page as it has to read
 * then.
 *
 * Threads. Registers belong to the vCPU threads, several at once: a spinlock
 * that nobody holds across a system call guards them; doorbells and the
 * interrupt status are atomics and take no lock. The data path belongs to the
 * I/O thread (while it sleeps, for a moment, to a vCPU thread that borrows the
 * loop: monitor/turn.h). The two meet in @phase: DRIVER_OK copies the queue
 * registers into virtio_port and sets ON; from then on registers are only a
 * view, and nothing written to them reaches the data path. Writing status 0
 * sets RESET and *waits*: the I/O thread lets the device finish what is in
 * flight, clears everything and sets OFF. The wait is there because virtio-mmio
 * drivers (Linux's for one) free their buffers right after the write, without
 * reading the status back: only a write that returns late keeps the promise
 * that nothing touches guest memory after the reset. A device that was not
 * activated is reset on the spot.
 *
 * Lenient on purpose, each because a driver in the field needs it:
 *  - FEATURES_OK without VERSION_1 is accepted (OSv never acknowledges it, yet
 *    uses the modern layout);
 *  - feature bits that were not offered are masked, not refused (Unikraft's
 *    net acknowledges GUEST_ANNOUNCE always);
 *  - reads of any size and alignment are answered, at any time (OSv reads
 *    configuration space byte by byte, Unikraft before FEATURES_OK); beyond
 *    its end it reads 0;
 *  - QueueNum starts out as QueueNumMax, for drivers that take the maximum
 *    without writing it back;
 *  - queues are looked at once after DRIVER_OK, so buffers made available
 *    before it are not forgotten.
 * Strict: control registers take aligned 32-bit writes only. Status bits are
 * only ever added, in their order. After DRIVER_OK a queue's registers are
 * read-only, but for 0 in the QueueReady of one that is in use, as drivers of
 * the Rust crate virtio-drivers write it when they are dropped, and wait until
 * it reads back: it stops all queues, as a reset does, and leaves Status. Only
 * a reset makes them usable again (RING_RESET is not offered).
 */
#ifndef MOTE_DEVICES_VIRTIO_MMIO_H
#define MOTE_DEVICES_VIRTIO_MMIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio.h"
#include "monitor/bus.h"
#include "monitor/irq.h"
#include "monitor/loop.h"
#include "monitor/mem.h"
#include "monitor/spin.h"

struct vm;

/* Who owns the queues, and what is asked of the I/O thread. */
enum virtio_mmio_phase {
	VIRTIO_MMIO_OFF,   /* vCPU threads */
	VIRTIO_MMIO_ON,	   /* I/O thread */
	VIRTIO_MMIO_RESET, /* I/O thread, which ends it with OFF */
};

/**
 * struct virtio_mmio_view - the window as it reads
 * @reg: registers by offset / 4; those that cannot be read are 0
 * @config: configuration space, and zeroes
 *
 * The guest cannot write it, so some of it is the truth: Status,
 * InterruptStatus and ConfigGeneration (any thread). The rest is written under
 * the transport's lock.
 */
struct virtio_mmio_view {
	_Atomic uint32_t reg[MMIO_CONFIG / 4];
	_Atomic uint8_t config[VIRTIO_MMIO_WINDOW - MMIO_CONFIG];
} __attribute__((aligned(4096)));
_Static_assert(sizeof(struct virtio_mmio_view) == VIRTIO_MMIO_WINDOW,
	       "fills the window");

/**
 * struct virtio_mmio_regs - what the driver wrote; a view once it is ON
 * Plain data: carried across a snapshot as it is.
 */
struct virtio_mmio_regs {
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	struct {
		struct virtq_layout at;
		bool ready;
	} queue[VIRTIO_QUEUES_MAX];
};

/**
 * struct virtio_mmio_stats - counted for promotion, and for advice
 * @kicks: doorbells that came as exits, by queue (any vCPU thread)
 * @starts: times a driver set DRIVER_OK (any vCPU thread)
 */
struct virtio_mmio_stats {
	_Atomic uint32_t kicks[VIRTIO_QUEUES_MAX];
	_Atomic uint32_t starts;
};

/**
 * struct virtio_mmio_bell - a way to doorbells that are no exits
 * @add: have @eventfd written when the guest writes @value at @gpa, or NULL
 * @vm: for it
 * @base: the window
 */
struct virtio_mmio_bell {
	int (*add)(const struct vm *vm, uint64_t gpa, uint32_t value,
		   int eventfd);
	const struct vm *vm;
	uint64_t base;
};

/**
 * struct virtio_mmio - one window
 *
 * Zeroed static storage, then virtio_mmio_init().
 */
struct virtio_mmio {
	/* constant after virtio_mmio_init() */
	const struct virtio_ops *ops;
	void *dev;
	const struct mem *mem;
	struct loop *loop;
	struct irq_line irq;
	uint64_t offered;
	struct virtio_mmio_view *view;
	struct loop_source source;
	struct virtio_mmio_bell
		bell; /* set behind virtio_mmio_init(), or not */

	/* vCPU threads, under lock */
	struct spin lock;
	struct virtio_mmio_regs regs;
	bool halting; /* the RESET under way leaves Status as it is */

	/* any thread */
	_Atomic uint32_t phase;	 /* enum virtio_mmio_phase */
	_Atomic uint32_t kicked; /* bit n: queue n's doorbell rang */
	struct virtio_mmio_stats stats;

	/* I/O thread (the holder of lock while OFF) */
	struct virtio_port port;
	bool active;	 /* between activate() and the end of the reset */
	uint32_t belled; /* bit n: queue n has a bell; never taken back */
	struct {
		uint32_t kicks;
		uint64_t since;
	} rate[VIRTIO_QUEUES_MAX];
};

/**
 * virtio_mmio_init() - put a device behind a window
 * @view: zeroed, to be mapped read-only where the window is
 * @ops, @dev, @mem, @loop: borrowed for good
 * Main thread, stage "open". bus_add() with virtio_mmio_bus_ops,
 * VIRTIO_MMIO_WINDOW bytes, is the caller's.
 * Return: 0, or -ENOSPC when the loop has no place for another source.
 */
int virtio_mmio_init(struct virtio_mmio *t, struct virtio_mmio_view *view,
		     const struct virtio_ops *ops, void *dev,
		     const struct mem *mem, struct loop *loop,
		     struct irq_line irq);

extern const struct bus_ops virtio_mmio_bus_ops;

#endif
