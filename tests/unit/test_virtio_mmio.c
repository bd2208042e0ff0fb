// SPDX-License-Identifier: Apache-2.0
/* The transport: every register in every state, the status machine, resets. */
#include "devices/virtio_mmio.h"

#include <criterion/criterion.h>
#include <string.h>

#include "monitor/stop.h"
#include "tests/unit/fake_loop.h"
#include "tests/unit/vring.h"

/* ---- a device that does nothing but remember ------------------------------
 */

#define TOY_QUEUES   2
#define TOY_FEATURES (1ULL << 3 | 1ULL << 35)
#define TOY_CONFIG   12

struct toy {
	struct virtio_port *port;
	uint64_t negotiated;
	unsigned activations, resets, kicks[TOY_QUEUES];
	uint8_t config[TOY_CONFIG];
	bool keep; /* heads stay in flight until the test says */
	uint16_t kept[64];
	unsigned keeps;
};

static uint64_t toy_features(const void *dev)
{
	(void)dev;
	return TOY_FEATURES;
}

static void toy_negotiated(void *dev, uint64_t features)
{
	((struct toy *)dev)->negotiated = features;
}

static void toy_config_get(const void *dev, uint64_t features, void *config)
{
	(void)features;
	memcpy(config, ((const struct toy *)dev)->config, TOY_CONFIG);
}

static void toy_config_set(void *dev, uint64_t features, unsigned off,
			   unsigned size, uint32_t val)
{
	struct toy *toy = dev;

	(void)features;
	cr_assert_leq(off + size, TOY_CONFIG);
	memcpy(toy->config + off, &val, size);
}

static void toy_activate(void *dev, struct virtio_port *port)
{
	struct toy *toy = dev;

	toy->port = port;
	toy->activations++;
}

static void toy_kick(void *dev, unsigned queue)
{
	static struct virtq_chain c;
	struct toy *toy = dev;

	toy->kicks[queue]++;
	while (virtio_pop(toy->port, queue, &c)) {
		if (toy->keep)
			toy->kept[toy->keeps++] = c.head;
		else
			virtio_complete(toy->port, queue, c.head, 1);
	}
	virtq_notify_on(&toy->port->vq[queue]);
}

static void toy_reset(void *dev)
{
	((struct toy *)dev)->resets++;
}

static const struct virtio_ops toy_ops = {
	.name = "toy",
	.device_id = 42,
	.queues = TOY_QUEUES,
	.queue_max = 64,
	.config_len = TOY_CONFIG,
	.features = toy_features,
	.negotiated = toy_negotiated,
	.config_get = toy_config_get,
	.config_set = toy_config_set,
	.activate = toy_activate,
	.kick = toy_kick,
	.reset = toy_reset,
};

static struct toy toy;
static struct vdrv d;

#define OFFERED (TOY_FEATURES | VIRTIO_RESERVED_FEATURES)

static void set_up(void)
{
	fake_loop_on(0);
	toy = (struct toy){ .config = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					12 } };
	vdrv_init(&d, &toy_ops, &toy);
}

static void tear_down(void)
{
	vdrv_deinit(&d);
	fake_loop_off();
}

TestSuite(virtio_mmio, .init = set_up, .fini = tear_down);

/* ---- states ---------------------------------------------------------------
 */

#define ST_FEATURES (VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK)
#define ST_LIVE	    (ST_FEATURES | VIRTIO_DRIVER_OK)

enum state {
	FRESH,
	ACKNOWLEDGED,
	DRIVER,
	FEATURES,
	LIVE,
	BROKEN,
	FAILED,
	AFTER_RESET,
	STATES
};

static const uint32_t status_of[STATES] = {
	[FRESH] = 0,
	[ACKNOWLEDGED] = VIRTIO_ACKNOWLEDGE,
	[DRIVER] = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER,
	[FEATURES] = ST_FEATURES,
	[LIVE] = ST_LIVE,
	[BROKEN] = ST_LIVE | VIRTIO_NEEDS_RESET,
	[FAILED] = ST_FEATURES | VIRTIO_FAILED,
	[AFTER_RESET] = 0,
};

static void go_to(enum state s)
{
	vdrv_set(&d, MMIO_STATUS, 0);
	toy.keep = false;
	switch (s) {
	case FRESH:
		break;
	case ACKNOWLEDGED:
	case DRIVER:
		vdrv_set(&d, MMIO_STATUS, status_of[s]);
		break;
	case FEATURES:
		vdrv_negotiate(&d, OFFERED);
		break;
	case LIVE:
	case AFTER_RESET:
		vdrv_start(&d, OFFERED, 16);
		if (s == AFTER_RESET)
			vdrv_set(&d, MMIO_STATUS, 0);
		break;
	case BROKEN:
		vdrv_start(&d, OFFERED, 16);
		vring_offer(&d.ring[0], 9999);
		vdrv_kick(&d, 0);
		fake_loop_run();
		vdrv_set(&d, MMIO_INTERRUPT_ACK, ~0U);
		break;
	case FAILED:
		vdrv_negotiate(&d, OFFERED);
		vdrv_set(&d, MMIO_STATUS, VIRTIO_FAILED | ST_FEATURES);
		break;
	case STATES:
		break;
	}
	vdrv_set(&d, MMIO_QUEUE_SEL, 0);
	vdrv_set(&d, MMIO_DEVICE_FEATURES_SEL, 0);
	vdrv_set(&d, MMIO_DRIVER_FEATURES_SEL, 0);
	cr_assert_eq(vdrv_get(&d, MMIO_STATUS), status_of[s], "state %d", s);
}

/* ---- every register, read -------------------------------------------------
 */

#define ANY UINT32_MAX

/* How a register reads, by state; those that are not named read 0. Smaller
 * and misaligned reads get the bytes. */
static uint32_t expected(uint64_t off, enum state s)
{
	bool ready = s == LIVE || s == BROKEN;

	switch (off) {
	case MMIO_MAGIC_VALUE:
		return 0x74726976;
	case MMIO_VERSION:
		return 2;
	case MMIO_DEVICE_ID:
		return 42;
	case MMIO_VENDOR_ID:
		return VIRTIO_MMIO_VENDOR;
	case MMIO_DEVICE_FEATURES:
		return (uint32_t)OFFERED;
	case MMIO_QUEUE_NUM_MAX:
		return 64;
	case MMIO_QUEUE_READY:
		return ready;
	case MMIO_STATUS:
		return status_of[s];
	case MMIO_SHM_LEN_LOW:
	case MMIO_SHM_LEN_HIGH:
	case MMIO_SHM_BASE_LOW:
	case MMIO_SHM_BASE_HIGH:
		return ~0U;
	default:
		return 0;
	}
}

Test(virtio_mmio, reads_every_register_in_every_state_at_every_size)
{
	for (enum state s = FRESH; s < STATES; s++) {
		uint8_t bytes[MMIO_CONFIG + 8];
		uint32_t generation;

		go_to(s);
		memcpy(bytes + MMIO_CONFIG, toy.config, 8);
		generation = vdrv_get(&d, MMIO_CONFIG_GENERATION);
		for (uint64_t off = 0; off < MMIO_CONFIG; off += 4) {
			uint32_t want = expected(off, s);

			if (off == MMIO_CONFIG_GENERATION)
				want = generation;
			memcpy(bytes + off, &want, 4);
		}
		for (unsigned off = 0; off < MMIO_CONFIG; off++) {
			for (unsigned size = 1; size <= 8; size *= 2) {
				uint64_t want = 0;

				memcpy(&want, bytes + off, size);
				cr_expect_eq(vdrv_read(&d, off, size), want,
					     "state %d offset 0x%x size %u", s,
					     off, size);
			}
		}
		cr_expect_eq(vdrv_get(&d, MMIO_STATUS), status_of[s]);
	}
}

/* Leniency: OSv reads byte by byte, Unikraft before FEATURES_OK. */
Test(virtio_mmio, reads_config_at_any_offset_size_and_state)
{
	static const uint8_t shown[TOY_CONFIG + 8] = { 1, 2, 3, 4,  5,	6,
						       7, 8, 9, 10, 11, 12 };

	for (enum state s = FRESH; s < STATES; s++) {
		go_to(s);
		for (uint64_t off = 0; off < TOY_CONFIG + 4; off++) {
			for (unsigned size = 1; size <= 4; size *= 2) {
				uint32_t want = 0;

				memcpy(&want, shown + off, size);
				cr_expect_eq(
					vdrv_read(&d, MMIO_CONFIG + off, size),
					want, "state %d off %d size %u", s,
					(int)off, size);
			}
		}
		cr_expect_eq(vdrv_read(&d, MMIO_CONFIG + 0x800, 4), 0);
		cr_expect_eq(vdrv_read(&d, VIRTIO_MMIO_WINDOW - 1, 1), 0);
		cr_expect_eq(vdrv_read(&d, VIRTIO_MMIO_WINDOW - 1, 2), 0xffff,
			     "over the edge: the bus answers");
	}
}

/* ---- every register, written -----------------------------------------------
 */

/* All of the device's state that a write could reach. */
struct snapshot {
	struct virtio_mmio_regs regs;
	struct virtq vq[VIRTIO_QUEUES_MAX];
	uint64_t features;
	uint32_t phase;
	struct virtio_mmio_view view;
	struct toy toy;
};

static void take_snapshot(struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(&s->regs, &d.t.regs, sizeof(s->regs));
	memcpy(s->vq, d.t.port.vq, sizeof(s->vq));
	s->features = d.t.port.features;
	s->phase = d.t.phase;
	memcpy(&s->view, &d.view, sizeof(s->view));
	memcpy(&s->toy, &toy, sizeof(toy));
}

static bool same(const struct snapshot *a, const struct snapshot *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* May an aligned 32-bit write of all ones change anything at all here? */
static bool may_change(uint64_t off, enum state s)
{
	switch (off) {
	case MMIO_DEVICE_FEATURES_SEL:
	case MMIO_DRIVER_FEATURES_SEL:
	case MMIO_QUEUE_SEL:
		return true;
	case MMIO_STATUS:
		return s != FAILED; /* FAILED is added elsewhere */
	case MMIO_DRIVER_FEATURES:
		return s == FRESH || s == ACKNOWLEDGED || s == DRIVER ||
		       s == AFTER_RESET;
	case MMIO_QUEUE_NUM:
	case MMIO_QUEUE_READY:
	case MMIO_QUEUE_DESC_LOW:
	case MMIO_QUEUE_DESC_HIGH:
	case MMIO_QUEUE_DRIVER_LOW:
	case MMIO_QUEUE_DRIVER_HIGH:
	case MMIO_QUEUE_DEVICE_LOW:
	case MMIO_QUEUE_DEVICE_HIGH:
		return s != LIVE && s != BROKEN;
	default:
		return false;
	}
}

Test(virtio_mmio, writes_every_register_in_every_state_at_every_size)
{
	for (enum state s = FRESH; s < STATES; s++) {
		for (uint64_t off = 0; off < MMIO_CONFIG; off++) {
			for (unsigned size = 1; size <= 8; size *= 2) {
				bool may = size == 4 && off % 4 == 0 &&
					   may_change(off, s);
				struct snapshot before, after;

				go_to(s);
				take_snapshot(&before);
				vdrv_write(&d, off, size, UINT64_MAX);
				take_snapshot(&after);
				cr_expect_eq(same(&before, &after), !may,
					     "state %d offset 0x%llx size %u",
					     s, (unsigned long long)off, size);
			}
		}
	}
}

/* CVE-2026-5747's class: registers written after DRIVER_OK. */
Test(virtio_mmio, keeps_the_data_path_as_it_was_at_driver_ok)
{
	static const uint32_t evil[] = { 0, 1, 2, 16, 64, 0xfffffff0, ~0U };
	const struct vseg seg = { VDRV_DATA, 8 };
	struct ring_used_elem e;

	go_to(LIVE);
	for (uint64_t off = 0; off < MMIO_CONFIG; off += 4) {
		if (off == MMIO_STATUS || off == MMIO_QUEUE_NOTIFY)
			continue;
		for (unsigned i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
			if (off == MMIO_QUEUE_READY && !evil[i])
				continue; /* stops the queues */
			for (unsigned sel = 0; sel < 4; sel++) {
				vdrv_set(&d, MMIO_QUEUE_SEL, sel);
				vdrv_set(&d, off, evil[i]);
			}
			vring_add(&d.ring[1], &seg, 0, 1);
			vdrv_kick(&d, 1);
			fake_loop_run();
			cr_assert(vring_take(&d.ring[1], &e),
				  "offset 0x%llx value 0x%x",
				  (unsigned long long)off, evil[i]);
		}
	}
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), ST_LIVE);
}

/* ---- features -------------------------------------------------------------
 */

Test(virtio_mmio, offers_features_by_words)
{
	vdrv_set(&d, MMIO_DEVICE_FEATURES_SEL, 0);
	cr_expect_eq(vdrv_get(&d, MMIO_DEVICE_FEATURES), (uint32_t)OFFERED);
	vdrv_set(&d, MMIO_DEVICE_FEATURES_SEL, 1);
	cr_expect_eq(vdrv_get(&d, MMIO_DEVICE_FEATURES),
		     (uint32_t)(OFFERED >> 32));
	for (unsigned sel = 2; sel; sel <<= 1) {
		vdrv_set(&d, MMIO_DEVICE_FEATURES_SEL, sel);
		cr_expect_eq(vdrv_get(&d, MMIO_DEVICE_FEATURES), 0, "%u", sel);
	}
}

static const struct {
	const char *what;
	uint64_t driver, negotiated;
} feature_rows[] = {
	{ "all", OFFERED, OFFERED },
	{ "none", 0, 0 },
	{ "only VERSION_1", VIRTIO_VERSION_1, VIRTIO_VERSION_1 },
	/* Leniency: OSv's blk and net never acknowledge VERSION_1. */
	{ "OSv: no VERSION_1", VIRTIO_EVENT_IDX | 1ULL << 3,
	  VIRTIO_EVENT_IDX | 1ULL << 3 },
	/* Leniency: Unikraft's net acknowledges GUEST_ANNOUNCE (21) always. */
	{ "Unikraft: not offered", VIRTIO_VERSION_1 | 1ULL << 21,
	  VIRTIO_VERSION_1 },
	{ "everything", UINT64_MAX, OFFERED },
};

Test(virtio_mmio, accepts_features_leniently)
{
	for (unsigned i = 0; i < sizeof(feature_rows) / sizeof(feature_rows[0]);
	     i++) {
		vdrv_negotiate(&d, feature_rows[i].driver);
		cr_expect_eq(vdrv_get(&d, MMIO_STATUS), ST_FEATURES, "%s",
			     feature_rows[i].what);
		cr_expect_eq(toy.negotiated, feature_rows[i].negotiated, "%s",
			     feature_rows[i].what);
		vdrv_start(&d, feature_rows[i].driver, 16);
		cr_expect_eq(toy.port->features, feature_rows[i].negotiated);
		cr_expect_eq(toy.port->vq[0].s.event_idx,
			     !!(feature_rows[i].negotiated & VIRTIO_EVENT_IDX));
		cr_expect_eq(
			toy.port->vq[0].s.indirect,
			!!(feature_rows[i].negotiated & VIRTIO_INDIRECT_DESC));
	}
}

Test(virtio_mmio, ignores_feature_words_beyond_64_bits)
{
	vdrv_set(&d, MMIO_STATUS, 0);
	for (unsigned sel = 2; sel; sel <<= 1) {
		vdrv_set(&d, MMIO_DRIVER_FEATURES_SEL, sel);
		vdrv_set(&d, MMIO_DRIVER_FEATURES, ~0U);
	}
	cr_expect_eq(d.t.regs.driver_features, 0);
}

/* ---- status ---------------------------------------------------------------
 */

Test(virtio_mmio, adds_status_bits_in_order_only)
{
	static const struct {
		uint32_t from, write, then;
	} rows[] = {
		{ 0, 1, 1 },
		{ 0, 2, 0 }, /* DRIVER needs ACKNOWLEDGE */
		{ 0, 3, 3 },
		{ 0, 8, 0 },
		{ 0, 4, 0 },
		{ 0, 11, 11 }, /* all at once */
		{ 0, 15, 15 },
		{ 1, 2, 3 }, /* bits are never cleared */
		{ 3, 4, 3 }, /* DRIVER_OK needs FEATURES_OK */
		{ 3, 12, 15 },
		{ 3, 8, 11 },
		{ 11, 1, 11 },
		{ 0, 64, 0 }, /* NEEDS_RESET is the device's */
		{ 0, 128, 128 },
		{ 128, 11, 128 }, /* given up: nothing but a reset */
		{ 3, 128 | 11, 128 | 3 },
		{ 0, 16, 0 },
		{ 0, 32, 0 },
		{ 0, 0xffffff00, 0 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vdrv_set(&d, MMIO_STATUS, 0);
		if (rows[i].from)
			vdrv_set(&d, MMIO_STATUS, rows[i].from);
		vdrv_set(&d, MMIO_STATUS, rows[i].write);
		fake_loop_run();
		cr_expect_eq(vdrv_get(&d, MMIO_STATUS), rows[i].then,
			     "row %u: %u", i, vdrv_get(&d, MMIO_STATUS));
	}
}

Test(virtio_mmio, needs_a_reset_when_a_queue_cannot_work)
{
	static const struct {
		uint64_t reg;
		uint32_t value;
	} rows[] = {
		{ MMIO_QUEUE_DESC_LOW, 1 },
		{ MMIO_QUEUE_DESC_HIGH, 1 },
		{ MMIO_QUEUE_DRIVER_LOW, 1 },
		{ MMIO_QUEUE_DRIVER_HIGH, ~0U },
		{ MMIO_QUEUE_DEVICE_LOW, VDRV_RAM - 4 },
		{ MMIO_QUEUE_DEVICE_HIGH, 1U << 31 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vdrv_negotiate(&d, OFFERED);
		vdrv_queue(&d, 0, 16);
		vdrv_set(&d, MMIO_QUEUE_READY, 0);
		vdrv_set(&d, rows[i].reg, rows[i].value);
		vdrv_set(&d, MMIO_QUEUE_READY, 1);
		d.raised = 0;
		vdrv_set(&d, MMIO_STATUS, ST_LIVE);
		fake_loop_run();
		cr_expect_eq(vdrv_get(&d, MMIO_STATUS),
			     ST_LIVE | VIRTIO_NEEDS_RESET, "row %u", i);
		cr_expect_eq(vdrv_get(&d, MMIO_INTERRUPT_STATUS),
			     VIRTIO_INTERRUPT_CONFIG);
		cr_expect_eq(d.raised, 1);
		cr_expect_eq(toy.activations, 0);
		vdrv_kick(&d, 0);
		fake_loop_run();
		cr_expect_eq(toy.kicks[0], 0);
		vdrv_set(&d, MMIO_STATUS, 0);
		cr_expect_eq(vdrv_get(&d, MMIO_STATUS), 0);
		cr_expect_not(d.level);
	}
	vdrv_start(&d, OFFERED, 16);
	cr_expect_eq(toy.activations, 1, "and works after it");
}

/* ---- queues ---------------------------------------------------------------
 */

Test(virtio_mmio, refuses_queue_ready_for_a_size_that_cannot_be)
{
	static const struct {
		uint32_t size;
		bool ready;
	} rows[] = { { 0, 0 },	 { 1, 1 },	 { 2, 1 },     { 3, 0 },
		     { 64, 1 },	 { 128, 0 },	 { 65536, 0 }, { 65540, 0 },
		     { ~0U, 0 }, { 1U << 31, 0 } };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vdrv_negotiate(&d, OFFERED);
		vdrv_set(&d, MMIO_QUEUE_SEL, 0);
		vdrv_set(&d, MMIO_QUEUE_NUM, rows[i].size);
		vdrv_set(&d, MMIO_QUEUE_READY, 1);
		cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), rows[i].ready,
			     "size %u", rows[i].size);
	}
}

/* Leniency: nanos and OSv take QUEUE_NUM_MAX as it is. */
Test(virtio_mmio, has_the_largest_queue_unless_told_otherwise)
{
	vdrv_negotiate(&d, OFFERED);
	vdrv_set(&d, MMIO_QUEUE_SEL, 1);
	vdrv_set(&d, MMIO_QUEUE_DESC_LOW, 0x1000);
	vdrv_set(&d, MMIO_QUEUE_DRIVER_LOW, 0x2000);
	vdrv_set(&d, MMIO_QUEUE_DEVICE_LOW, 0x3000);
	vdrv_set(&d, MMIO_QUEUE_READY, 1);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	fake_loop_run();
	cr_expect_eq(toy.port->vq[1].s.at.size, 64);
	cr_expect_not(toy.port->vq[0].s.live, "was left out");
}

Test(virtio_mmio, has_no_queue_beyond_its_queues)
{
	static const uint32_t sels[] = { TOY_QUEUES, VIRTIO_QUEUES_MAX, 31, 32,
					 65535,	     1U << 31,		~0U };

	vdrv_negotiate(&d, OFFERED);
	for (unsigned i = 0; i < sizeof(sels) / sizeof(sels[0]); i++) {
		vdrv_set(&d, MMIO_QUEUE_SEL, sels[i]);
		cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_NUM_MAX), 0);
		vdrv_set(&d, MMIO_QUEUE_NUM, 16);
		vdrv_set(&d, MMIO_QUEUE_READY, 1);
		cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), 0);
	}
	vdrv_start(&d, OFFERED, 16);
	memset(toy.kicks, 0, sizeof(toy.kicks));
	for (unsigned i = 0; i < sizeof(sels) / sizeof(sels[0]); i++)
		vdrv_kick(&d, sels[i]);
	fake_loop_run();
	cr_expect_eq(toy.kicks[0] + toy.kicks[1], 0);
}

Test(virtio_mmio, locks_a_queues_registers_while_it_is_ready)
{
	vdrv_negotiate(&d, OFFERED);
	vdrv_queue(&d, 0, 16);
	vdrv_set(&d, MMIO_QUEUE_NUM, 32);
	vdrv_set(&d, MMIO_QUEUE_DESC_LOW, 0x8000);
	cr_expect_eq(d.t.regs.queue[0].at.size, 16);
	cr_expect_eq(d.t.regs.queue[0].at.desc, d.ring[0].at.desc);
	vdrv_set(&d, MMIO_QUEUE_READY, 0);
	vdrv_set(&d, MMIO_QUEUE_NUM, 32);
	cr_expect_eq(d.t.regs.queue[0].at.size, 32);
}

/* ---- doorbells and interrupts ----------------------------------------------
 */

Test(virtio_mmio, activates_only_on_the_io_thread_and_looks_at_each_queue)
{
	vdrv_negotiate(&d, OFFERED);
	vdrv_queue(&d, 0, 16);
	vdrv_queue(&d, 1, 16);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	cr_expect_eq(toy.activations, 0);
	fake_loop_run();
	cr_expect_eq(toy.activations, 1);
	cr_expect_eq(toy.kicks[0], 1);
	cr_expect_eq(toy.kicks[1], 1);
}

Test(virtio_mmio, remembers_over_resets_that_a_driver_started_it)
{
	go_to(FEATURES);
	cr_expect_eq(d.t.stats.starts, 0);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	cr_expect_eq(d.t.stats.starts, 1);
	go_to(AFTER_RESET);
	cr_expect_eq(d.t.stats.starts, 2);
}

/* Leniency: what was made available before DRIVER_OK is not forgotten. */
Test(virtio_mmio, sees_buffers_from_before_driver_ok)
{
	const struct vseg seg = { VDRV_DATA, 8 };
	struct ring_used_elem e;

	vdrv_negotiate(&d, OFFERED);
	vdrv_queue(&d, 0, 16);
	vring_add(&d.ring[0], &seg, 0, 1);
	vdrv_kick(&d, 0);
	fake_loop_run();
	cr_expect_not(vring_take(&d.ring[0], &e), "not before DRIVER_OK");
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	fake_loop_run();
	cr_expect(vring_take(&d.ring[0], &e));
}

Test(virtio_mmio, gathers_doorbells_until_the_io_thread_looks)
{
	go_to(LIVE);
	memset(toy.kicks, 0, sizeof(toy.kicks));
	fake.rings = 0;
	for (unsigned i = 0; i < 100; i++)
		vdrv_kick(&d, 1);
	cr_expect_eq(fake.rings, 1);
	fake_loop_run();
	cr_expect_eq(toy.kicks[1], 1);
	cr_expect_eq(toy.kicks[0], 0);
	vdrv_kick(&d, 1);
	fake_loop_run();
	cr_expect_eq(toy.kicks[1], 2);
}

/* What the transport asked to have rung by KVM. */
static struct {
	unsigned asked;
	uint64_t gpa;
	uint32_t value;
	int answer;
} bell;

static int add_bell(const struct vm *vm, uint64_t gpa, uint32_t value,
		    int eventfd)
{
	(void)vm;
	(void)eventfd;
	bell.asked++;
	bell.gpa = gpa;
	bell.value = value;
	return bell.answer;
}

/* Doorbells until a bell is asked for. Return: how many, at most @most. */
static unsigned ring_until_asked(unsigned most)
{
	unsigned before = bell.asked, n = 0;

	while (n < most && bell.asked == before) {
		vdrv_kick(&d, 1);
		fake_loop_run();
		n++;
	}
	return n;
}

Test(virtio_mmio, asks_for_a_bell_for_a_queue_that_is_busy)
{
	const struct vseg seg = { VDRV_DATA, 8 };

	d.t.bell = (struct virtio_mmio_bell){ .add = add_bell,
					      .base = 0xd0003000 };
	go_to(LIVE);
	bell.answer = -ENOSPC;
	cr_expect_geq(ring_until_asked(1000000), 512, "not at once");
	cr_expect_eq(bell.asked, 1);
	cr_expect_eq(bell.gpa, 0xd0003050);
	cr_expect_eq(bell.value, 1);
	/* refused: exits go on, and it asks again, but not at once */
	bell.answer = 0;
	cr_expect_geq(ring_until_asked(1000000), 512);
	cr_expect_eq(bell.asked, 2);
	cr_expect_eq(ring_until_asked(10000), 10000, "never again");
	/* whoever rings, the queue is looked at from now on, over a reset */
	go_to(LIVE);
	memset(toy.kicks, 0, sizeof(toy.kicks));
	d.t.source.ring(&d.t.source);
	cr_expect_eq(toy.kicks[1], 0, "it was another bell");
	vring_add(&d.ring[0], &seg, 0, 1);
	vring_add(&d.ring[1], &seg, 0, 1);
	d.t.source.ring(&d.t.source);
	cr_expect_eq(toy.kicks[1], 1);
	cr_expect_eq(toy.kicks[0], 0, "has none");
	vdrv_set(&d, MMIO_STATUS, 0);
	d.t.source.ring(&d.t.source);
	cr_expect_eq(toy.kicks[1], 1, "not without a driver");
}

Test(virtio_mmio, raises_one_interrupt_for_a_batch)
{
	const struct vseg seg = { VDRV_DATA, 8 };

	vdrv_start(&d, VIRTIO_VERSION_1, 16);
	d.raised = 0;
	for (unsigned i = 0; i < 10; i++) {
		vring_add(&d.ring[0], &seg, 0, 1);
		vring_add(&d.ring[1], &seg, 0, 1);
	}
	vdrv_kick(&d, 0);
	vdrv_kick(&d, 1);
	fake_loop_run();
	cr_expect_eq(d.ring[0].used->idx, 10);
	cr_expect_eq(d.ring[1].used->idx, 10);
	cr_expect_eq(d.raised, 1);
	cr_expect_eq(vdrv_get(&d, MMIO_INTERRUPT_STATUS),
		     VIRTIO_INTERRUPT_USED);
	cr_expect(d.level);
	vdrv_set(&d, MMIO_INTERRUPT_ACK, VIRTIO_INTERRUPT_USED);
	cr_expect_eq(vdrv_get(&d, MMIO_INTERRUPT_STATUS), 0);
	cr_expect_not(d.level);
}

Test(virtio_mmio, keeps_silent_when_the_driver_asks)
{
	const struct vseg seg = { VDRV_DATA, 8 };

	vdrv_start(&d, VIRTIO_VERSION_1, 16);
	d.raised = 0;
	d.ring[0].avail->flags = RING_AVAIL_NO_INTERRUPT;
	vring_add(&d.ring[0], &seg, 0, 1);
	vdrv_kick(&d, 0);
	fake_loop_run();
	cr_expect_eq(d.ring[0].used->idx, 1);
	cr_expect_eq(d.raised, 0);
	cr_expect_eq(vdrv_get(&d, MMIO_INTERRUPT_STATUS), 0);
}

Test(virtio_mmio, acknowledges_only_what_is_named)
{
	go_to(LIVE);
	virtio_config_changed(toy.port);
	cr_expect(d.level);
	d.raised = 0;
	vdrv_set(&d, MMIO_INTERRUPT_ACK, VIRTIO_INTERRUPT_USED);
	cr_expect_eq(vdrv_get(&d, MMIO_INTERRUPT_STATUS),
		     VIRTIO_INTERRUPT_CONFIG);
	cr_expect(d.level, "a reason is left");
	cr_expect_eq(d.raised, 0, "but that is no new event");
	vdrv_set(&d, MMIO_INTERRUPT_ACK, ~0U);
	cr_expect_not(d.level);
}

Test(virtio_mmio, changes_the_generation_with_the_config)
{
	uint32_t before;

	go_to(LIVE);
	before = vdrv_get(&d, MMIO_CONFIG_GENERATION);
	virtio_config_changed(toy.port);
	cr_expect_neq(vdrv_get(&d, MMIO_CONFIG_GENERATION), before);
}

Test(virtio_mmio, tells_the_driver_that_it_broke_the_queue)
{
	const struct vseg seg = { VDRV_DATA, 8 };
	struct ring_used_elem e;

	go_to(LIVE);
	d.raised = 0;
	vring_add(&d.ring[1], &seg, 0, 1);
	vring_offer(&d.ring[0], 9999);
	vdrv_kick(&d, 0);
	vdrv_kick(&d, 1);
	fake_loop_run();
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), ST_LIVE | VIRTIO_NEEDS_RESET);
	cr_expect(vdrv_get(&d, MMIO_INTERRUPT_STATUS) &
		  VIRTIO_INTERRUPT_CONFIG);
	cr_expect_geq(d.raised, 1);
	cr_expect(vring_take(&d.ring[1], &e), "the other queue goes on");
	go_to(LIVE);
	vring_add(&d.ring[0], &seg, 0, 1);
	vdrv_kick(&d, 0);
	fake_loop_run();
	cr_expect(vring_take(&d.ring[0], &e), "a reset mends it");
}

/* ---- config writes ----------------------------------------------------------
 */

Test(virtio_mmio, hands_config_writes_to_the_device_inside_its_space_only)
{
	go_to(LIVE);
	vdrv_write(&d, MMIO_CONFIG + 0, 1, 0xaa);
	vdrv_write(&d, MMIO_CONFIG + 2, 2, 0xbbcc);
	vdrv_write(&d, MMIO_CONFIG + 8, 4, 0x11223344);
	cr_expect_eq(toy.config[0], 0xaa);
	cr_expect_eq(toy.config[2], 0xcc);
	cr_expect_eq(toy.config[3], 0xbb);
	cr_expect_eq(toy.config[11], 0x11);
	vdrv_write(&d, MMIO_CONFIG + 9, 4, 0); /* overruns */
	vdrv_write(&d, MMIO_CONFIG + 11, 2, 0);
	vdrv_write(&d, MMIO_CONFIG + 12, 1, 0);
	vdrv_write(&d, MMIO_CONFIG + 8, 8, 0);
	vdrv_write(&d, VIRTIO_MMIO_WINDOW - 4, 4, 0);
	cr_expect_eq(toy.config[8], 0x44);
	cr_expect_eq(toy.config[11], 0x11);
}

/* ---- resets
 * ------------------------------------------------------------------ */

static void forget_everything_written(void)
{
	for (uint64_t off = 0; off < MMIO_CONFIG; off += 4)
		if (off != MMIO_STATUS)
			vdrv_set(&d, off, 0x55555555);
}

Test(virtio_mmio, resets_completely_from_every_state)
{
	struct snapshot fresh, after;

	vdrv_set(&d, MMIO_STATUS, 0);
	take_snapshot(&fresh);
	for (enum state s = FRESH; s < STATES; s++) {
		go_to(s);
		forget_everything_written();
		for (unsigned twice = 0; twice < 2; twice++) {
			vdrv_set(&d, MMIO_STATUS, 0);
			take_snapshot(&after);
			after.toy = fresh.toy;
			after.view.reg[MMIO_CONFIG_GENERATION / 4] =
				fresh.view.reg[MMIO_CONFIG_GENERATION / 4];
			cr_expect(same(&fresh, &after), "state %d", s);
			cr_expect_not(d.level);
			for (unsigned q = 0; q < TOY_QUEUES; q++) {
				vdrv_set(&d, MMIO_QUEUE_SEL, q);
				cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), 0);
			}
			vdrv_set(&d, MMIO_QUEUE_SEL, 0);
		}
	}
}

Test(virtio_mmio, resets_a_device_the_io_thread_has_not_seen_yet)
{
	vdrv_negotiate(&d, OFFERED);
	vdrv_queue(&d, 0, 16);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	vdrv_set(&d, MMIO_STATUS, 0); /* the loop has not run in between */
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), 0);
	fake_loop_run();
	cr_expect_eq(toy.activations, 0);
	cr_expect_eq(toy.resets, 0);
	go_to(LIVE);
	cr_expect_eq(toy.activations, 1);
}

/* Have @n heads of queue 0 in flight, in a live device. */
static void hold_heads(unsigned n)
{
	const struct vseg seg = { VDRV_DATA, 8 };

	go_to(LIVE);
	toy.keep = true;
	toy.keeps = 0;
	for (unsigned i = 0; i < n; i++)
		vring_add(&d.ring[0], &seg, 0, 1);
	vdrv_kick(&d, 0);
	fake_loop_run();
	cr_assert_eq(toy.keeps, n);
}

Test(virtio_mmio, answers_a_reset_only_when_nothing_is_in_flight)
{
	uint8_t before[4096];

	hold_heads(16);
	memcpy(before, d.ring[0].desc, sizeof(before));
	/* begin: what write_reset() does before it waits */
	atomic_store(&d.t.phase, VIRTIO_MMIO_RESET);
	loop_ring(loop_get(), &d.t.source);
	fake_loop_run();
	cr_expect_eq(toy.resets, 1);
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_RESET);
	cr_expect_neq(vdrv_get(&d, MMIO_STATUS), 0, "not answered yet");
	/* nothing the driver does in the meantime counts */
	vdrv_set(&d, MMIO_STATUS, VIRTIO_ACKNOWLEDGE);
	vdrv_set(&d, MMIO_QUEUE_SEL, 1);
	vdrv_write(&d, MMIO_CONFIG, 1, 0xee);
	vdrv_kick(&d, 0);
	fake_loop_run();
	cr_expect_neq(toy.config[0], 0xee);
	for (unsigned i = 0; i < 15; i++)
		virtio_complete(toy.port, 0, toy.kept[i], 77);
	fake_loop_run();
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_RESET);
	virtio_complete(toy.port, 0, toy.kept[15], 77);
	fake_loop_run();
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_OFF);
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), 0);
	cr_expect_eq(memcmp(before, d.ring[0].desc, sizeof(before)), 0,
		     "the rings were not touched");
	cr_expect_eq(toy.resets, 1);
}

/* A vCPU's sleep in the write, as the I/O thread sees it. */
static unsigned naps;

static void let_go_at_the_third_nap(void)
{
	naps++;
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_RESET, "nap %u", naps);
	cr_expect_neq(vdrv_get(&d, MMIO_STATUS), 0, "nap %u", naps);
	for (unsigned i = 0; naps == 3 && i < toy.keeps; i++)
		virtio_complete(toy.port, 0, toy.kept[i], 77);
}

Test(virtio_mmio, returns_from_the_write_only_when_nothing_is_in_flight)
{
	uint8_t before[4096];

	hold_heads(4);
	memcpy(before, d.ring[0].desc, sizeof(before));
	fake.on_nap = let_go_at_the_third_nap;
	vdrv_set(&d, MMIO_STATUS, 0);
	cr_expect_eq(naps, 3);
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), 0);
	cr_expect_eq(memcmp(before, d.ring[0].desc, sizeof(before)), 0);
}

static void stop_at_the_third_nap(void)
{
	if (++naps == 3)
		stop_now(7);
}

Test(virtio_mmio, waits_no_longer_when_the_run_is_stopped)
{
	hold_heads(4);
	fake.on_nap = stop_at_the_third_nap;
	vdrv_set(&d, MMIO_STATUS, 0);
	cr_expect_eq(naps, 3);
	cr_expect_neq(vdrv_get(&d, MMIO_STATUS), 0);
}

/* ---- queues stopped by QueueReady ----------------------------------------
 */

/* virtio 1.2 4.2.2.2: the driver waits until 0 reads back. */
Test(virtio_mmio, stops_its_queues_when_queue_ready_is_cleared)
{
	uint8_t before[4096];

	hold_heads(4);
	memcpy(before, d.ring[0].desc, sizeof(before));
	fake.on_nap = let_go_at_the_third_nap;
	vdrv_set(&d, MMIO_QUEUE_SEL, 1);
	vdrv_set(&d, MMIO_QUEUE_READY, 0);
	cr_expect_eq(naps, 3, "not before all heads are back");
	cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), 0);
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), ST_LIVE);
	vdrv_set(&d, MMIO_QUEUE_SEL, 0);
	vdrv_set(&d, MMIO_QUEUE_READY, 0); /* the next one: no wait */
	cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), 0);
	vdrv_set(&d, MMIO_QUEUE_READY, 1);
	cr_expect_eq(vdrv_get(&d, MMIO_QUEUE_READY), 0, "a reset comes first");
	vdrv_kick(&d, 0);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	fake_loop_run();
	cr_expect_eq(memcmp(before, d.ring[0].desc, sizeof(before)), 0);
	cr_expect_eq(toy.resets, 1);
	go_to(LIVE);
	cr_expect_eq(toy.activations, 2);
}

/* Another vCPU resets the device while one waits for its queues. */
static void reset_at_the_third_nap(void)
{
	if (++naps != 3)
		return;
	fake.on_nap = NULL;
	for (unsigned i = 0; i < toy.keeps; i++)
		virtio_complete(toy.port, 0, toy.kept[i], 77);
	vdrv_set(&d, MMIO_STATUS, 0);
}

Test(virtio_mmio, resets_wholly_what_is_only_being_stopped)
{
	hold_heads(4);
	fake.on_nap = reset_at_the_third_nap;
	vdrv_set(&d, MMIO_QUEUE_READY, 0);
	cr_expect_eq(vdrv_get(&d, MMIO_STATUS), 0);
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_OFF);
}

Test(virtio_mmio, takes_no_queue_ready_of_a_queue_that_is_not)
{
	vdrv_negotiate(&d, OFFERED);
	vdrv_queue(&d, 0, 16);
	vdrv_set(&d, MMIO_STATUS, ST_LIVE);
	fake_loop_run();
	for (unsigned q = 1; q < 5; q++) {
		vdrv_set(&d, MMIO_QUEUE_SEL, q);
		vdrv_set(&d, MMIO_QUEUE_READY, 0);
	}
	cr_expect_eq(toy.resets, 0);
	cr_expect_eq(d.t.phase, VIRTIO_MMIO_ON);
}
