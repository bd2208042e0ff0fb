/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's devices: which there are, and where they sit. */
#ifndef MOTE_MONITOR_DEVICES_H
#define MOTE_MONITOR_DEVICES_H

#include <stdbool.h>

#include "bootproto/layout.h"
#include "devices/serial.h"
#include "devices/virtio_blk.h"
#include "devices/virtio_mmio.h"
#include "devices/virtio_net.h"
#include "devices/virtio_vsock.h"
#include "monitor/config.h"

struct bus;
struct err;
struct loop;
struct mem;
struct vm;

/**
 * struct devices - every device a machine can have
 * @window: virtio-mmio windows, the first @windows of them in use
 * @view: what they read, for KVM to map into the guest
 *
 * Static storage: what the configuration does not ask for is never touched.
 */
struct devices {
	struct serial serial;
	unsigned windows;
	struct virtio_mmio window[LAYOUT_VIRTIO_MAX];
	struct virtio_mmio_view view[LAYOUT_VIRTIO_MAX];
	struct virtio_blk disk[CONFIG_DISKS_MAX];
	struct virtio_net net[CONFIG_NETS_MAX];
	struct virtio_vsock vsock;
};

/**
 * struct devices_host - what devices are plugged into; all borrowed
 * @mem, @vm: need not be ready before the guest runs
 */
struct devices_host {
	const struct config *cfg;
	struct loop *loop;
	const struct mem *mem;
	struct vm *vm;
	struct bus *pio, *mmio;
};

/**
 * devices_open() - open what the configuration asks for, put it on the buses
 * @d: zeroed
 * Stage "open".
 * Return: 0, or negative errno with @e filled.
 */
int devices_open(struct devices *d, const struct devices_host *host,
		 struct err *e);

/** devices_unnoticed() - there are some, and no driver ever started one */
bool devices_unnoticed(const struct devices *d);

#endif
