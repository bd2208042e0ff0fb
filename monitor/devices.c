// SPDX-License-Identifier: Apache-2.0
/* Which devices there are, and what they share. */
#include "monitor/devices.h"

#include <errno.h>
#include <unistd.h>

#include "devices/platform.h"
#include "monitor/bus.h"
#include "monitor/console.h"
#include "monitor/err.h"
#include "monitor/vm.h"

/* ---- virtio: one row a kind, in the order of their windows --------------- */

static unsigned count_disks(const struct config *cfg)
{
	return cfg->disks;
}

static void *open_disk(struct devices *d, const struct devices_host *host,
		       unsigned i, struct err *e)
{
	int ret = virtio_blk_open(&d->disk[i], &host->cfg->disk[i], host->loop,
				  e);

	return ret ? NULL : &d->disk[i];
}

static unsigned count_nets(const struct config *cfg)
{
	return cfg->nets;
}

static void *open_net(struct devices *d, const struct devices_host *host,
		      unsigned i, struct err *e)
{
	int ret;

	d->net[i].dry_run = host->cfg->dry_run;
	ret = virtio_net_open(&d->net[i], &host->cfg->net[i], host->loop, e);
	return ret ? NULL : &d->net[i];
}

static unsigned count_vsocks(const struct config *cfg)
{
	return cfg->vsock.path != NULL;
}

static void *open_vsock(struct devices *d, const struct devices_host *host,
			unsigned i, struct err *e)
{
	int ret =
		virtio_vsock_open(&d->vsock, &host->cfg->vsock, host->loop, e);

	(void)i;
	if (!ret && host->cfg->dry_run) /* nobody shall find it */
		unlinkat(d->vsock.dir_fd, d->vsock.name, 0);
	return ret ? NULL : &d->vsock;
}

/*
 * count: how many the configuration asks for
 * open: make the i-th ready, files open; NULL with the error filled
 */
static const struct kind {
	const struct virtio_ops *ops;
	unsigned (*count)(const struct config *cfg);
	void *(*open)(struct devices *d, const struct devices_host *host,
		      unsigned i, struct err *e);
} kinds[] = {
	{ &virtio_blk_ops, count_disks, open_disk },
	{ &virtio_net_ops, count_nets, open_net },
	{ &virtio_vsock_ops, count_vsocks, open_vsock },
};

static int open_window(struct devices *d, const struct devices_host *host,
		       const struct virtio_ops *ops, void *dev, struct err *e)
{
	unsigned i = d->windows;
	uint64_t base = LAYOUT_VIRTIO + i * LAYOUT_VIRTIO_STRIDE;
	int ret;

	if (i == LAYOUT_VIRTIO_MAX)
		return err_set(e, -EINVAL,
			       "more than %d virtio devices do not fit",
			       LAYOUT_VIRTIO_MAX);
	ret = virtio_mmio_init(&d->window[i], &d->view[i], ops, dev, host->mem,
			       host->loop,
			       vm_irq_line(host->vm, layout_virtio_gsi(i)));
	if (!ret)
		ret = bus_add(host->mmio, base, VIRTIO_MMIO_WINDOW,
			      &virtio_mmio_bus_ops, &d->window[i]);
	d->window[i].bell = (struct virtio_mmio_bell){ .add = vm_bell,
						       .vm = host->vm,
						       .base = base };
	if (ret)
		return err_set(e, ret, "no room for another virtio device");
	d->windows++;
	return 0;
}

static int open_kind(struct devices *d, const struct devices_host *host,
		     const struct kind *kind, struct err *e)
{
	for (unsigned i = 0; i < kind->count(host->cfg); i++) {
		void *dev = kind->open(d, host, i, e);
		int ret;

		if (!dev)
			return e->code;
		ret = open_window(d, host, kind->ops, dev, e);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what no VM can do without ------------------------------------------- */

static int open_platform(struct devices *d, const struct devices_host *host,
			 struct err *e)
{
	bool split = host->cfg->irqchip == IRQCHIP_SPLIT;
	int ret;

	serial_init(&d->serial, vm_irq_line(host->vm, LAYOUT_GSI_SERIAL));
	ret = bus_add(host->pio, LAYOUT_PORT_SERIAL, 8, &serial_bus_ops,
		      &d->serial);
	if (!ret)
		ret = platform_add_ports(host->pio, !split);
	if (!ret && split)
		ret = bus_add(host->mmio, LAYOUT_IOAPIC, 0x1000,
			      &ioapic_bus_ops, &host->vm->ioapic);
	return ret ? err_set(e, ret, "devices overlap on a bus") : 0;
}

int devices_open(struct devices *d, const struct devices_host *host,
		 struct err *e)
{
	int ret = console_open(host->cfg, host->loop, &d->serial.port, e);

	if (!ret)
		ret = open_platform(d, host, e);
	for (size_t k = 0; !ret && k < sizeof(kinds) / sizeof(kinds[0]); k++)
		ret = open_kind(d, host, &kinds[k], e);
	return ret;
}

bool devices_unnoticed(const struct devices *d)
{
	for (unsigned i = 0; i < d->windows; i++)
		if (atomic_load(&d->window[i].stats.starts))
			return false;
	return d->windows;
}
