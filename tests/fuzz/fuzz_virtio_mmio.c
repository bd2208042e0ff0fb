// SPDX-License-Identifier: Apache-2.0
/*
 * The transport under a guest that reads and writes registers as it likes,
 * with a device behind it that keeps some heads and returns others.
 */
#include "tests/fuzz/script.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/vring.h"

#define QUEUES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct virtio_port *port;
	bool active, keep;
	struct {
		uint8_t queue;
		uint16_t head;
	} kept[QUEUES * 64];
	unsigned keeps;
} dev;
static struct vdrv d;

static uint64_t dev_features(const void *unused)
{
	(void)unused;
	return 0xff;
}

static void dev_config_get(const void *unused, uint64_t features, void *config)
{
	(void)unused;
	(void)features;
	memset(config, 0x5a, 24);
}

static void dev_config_set(void *unused, uint64_t features, unsigned off,
			   unsigned size, uint32_t val)
{
	(void)unused;
	(void)features;
	(void)val;
	FUZZ_CHECK(off < 24 && size <= 24 - off);
}

static void dev_activate(void *unused, struct virtio_port *port)
{
	(void)unused;
	FUZZ_CHECK(!dev.active && !dev.keeps);
	dev.port = port;
	dev.active = true;
}

static void dev_kick(void *unused, unsigned queue)
{
	static struct virtq_chain c;

	(void)unused;
	FUZZ_CHECK(dev.active && queue < QUEUES);
	while (virtio_pop(dev.port, queue, &c)) {
		if (dev.keep) {
			dev.kept[dev.keeps].queue = (uint8_t)queue;
			dev.kept[dev.keeps++].head = c.head;
		} else {
			virtio_complete(dev.port, queue, c.head, 1);
		}
	}
	virtq_notify_on(&dev.port->vq[queue]);
}

static void dev_reset(void *unused)
{
	(void)unused;
	FUZZ_CHECK(dev.active);
	dev.active = false;
}

static const struct virtio_ops dev_ops = {
	.name = "fuzz",
	.device_id = 42,
	.queues = QUEUES,
	.queue_max = 64,
	.config_len = 24,
	.features = dev_features,
	.config_get = dev_config_get,
	.config_set = dev_config_set,
	.activate = dev_activate,
	.kick = dev_kick,
	.reset = dev_reset,
};

static void let_go(unsigned n)
{
	while (n-- && dev.keeps) {
		dev.keeps--;
		virtio_complete(dev.port, dev.kept[dev.keeps].queue,
				dev.kept[dev.keeps].head, 0);
	}
}

static void let_go_while_waiting(void)
{
	let_go(3);
}

static void check(void)
{
	uint32_t status = vdrv_get(&d, MMIO_STATUS);

	FUZZ_CHECK(d.level == (vdrv_get(&d, MMIO_INTERRUPT_STATUS) != 0));
	FUZZ_CHECK(!(status & VIRTIO_DRIVER_OK) ||
		   (status & VIRTIO_FEATURES_OK));
	if (!status) {
		FUZZ_CHECK(!dev.active && !dev.keeps);
		for (unsigned i = 0; i < QUEUES; i++)
			FUZZ_CHECK(!d.t.port.vq[i].s.live);
	}
}

static void write_register(struct script *s)
{
	uint16_t off = script_u8(s) * 4U;
	uint8_t how = script_u8(s);
	uint32_t val = how & 0x10 ? script_u32(s) : script_u16(s);
	unsigned size = how & 0xc ? 4 : 1U << (how & 3);

	vdrv_write(&d, off + (how >> 6 & 1), size, val);
	if (off == MMIO_STATUS && size == 4 && !(how & 0x40) && !val)
		FUZZ_CHECK(!vdrv_get(&d, MMIO_STATUS));
}

static void act(struct script *s)
{
	uint8_t op = script_u8(s);

	switch (op % 12) {
	case 0:
		vdrv_read(&d, script_u16(s) & 0xfff, 1U << (op >> 4 & 3));
		break;
	case 1:
		fake_loop_run();
		break;
	case 2:
		let_go(op >> 4);
		break;
	case 3:
		dev.keep = op & 0x10;
		break;
	case 4:
		vdrv_negotiate(&d, script_u64(s));
		break;
	case 5:
		vdrv_queue(&d, op >> 4 & 3, (uint16_t)(1U << (op >> 6)));
		break;
	case 6:
		vdrv_set(&d, MMIO_STATUS, 15);
		break;
	case 7:
		vdrv_kick(&d, op >> 4 & 3);
		break;
	case 8: {
		struct vring *v = &d.ring[op >> 4 & 1];
		struct vseg seg = { script_gpa(s, VDRV_RAM), script_u16(s) };

		if (v->desc)
			vring_add(v, &seg, op >> 6 & 1, !(op >> 6 & 1));
		break;
	}
	case 9: {
		uint16_t at = script_u16(s);

		script_bytes(s, vdrv_at(&d, VDRV_RINGS + at, 256), op >> 4);
		break;
	}
	default:
		write_register(s);
		break;
	}
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };
	struct mem mem = d.mem;

	fake_loop_on(0);
	memset(&dev, 0, sizeof(dev));
	fake.on_nap = let_go_while_waiting;
	if (!mem.regions) {
		vdrv_init(&d, &dev_ops, &dev);
	} else {
		/* keep the mapping: making one anew is slow */
		vdrv_attach(&d, &dev_ops, &dev, &mem);
		memset(vdrv_at(&d, 0, 0x50000), 0, 0x50000);
	}
	while (script_more(&s))
		act(&s);
	return 0;
}
