// SPDX-License-Identifier: Apache-2.0
/*
 * The block device under a guest that writes rings, headers and registers as
 * it likes, over a file whose operations complete in any order, short, or with
 * errors. The fake file aborts when an operation would touch memory that is
 * neither the guest's nor the bounce buffer.
 */
#include <errno.h>

#include "tests/fuzz/script.h"
#include "tests/unit/blkdrv.h"

#define SLOTS	 64
#define RAM_USED 0x200000U /* what is cleared between inputs */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void let_go_while_waiting(void)
{
	/* the loop completes one round more with each nap */
	FUZZ_CHECK(blkdrv.t.phase == VIRTIO_MMIO_RESET);
}

/* Sector numbers with a liking for the end of the disk. */
static uint64_t sector(struct script *s)
{
	uint8_t how = script_u8(s);

	switch (how & 3) {
	case 0:
		return BLKDRV_SECTORS - (how >> 2);
	case 1:
		return script_u64(s);
	default:
		return script_u16(s) % (BLKDRV_SECTORS + 4);
	}
}

static uint32_t type(struct script *s)
{
	static const uint8_t types[] = { BLK_T_IN,	BLK_T_OUT,
					 BLK_T_FLUSH,	BLK_T_GET_ID,
					 BLK_T_DISCARD, BLK_T_WRITE_ZEROES };
	uint8_t how = script_u8(s);

	return how < 0xf0 ? types[how % 6] : script_u32(s);
}

/* A request of some sense: good header, some data, status. */
static void request(struct script *s)
{
	uint8_t how = script_u8(s);
	unsigned n = how % SLOTS;
	uint32_t len = (how & 0x80 ? script_u16(s) : script_u8(s) % 40U) *
		       (how & 0x40 ? 1U : 512U);

	blkdrv_put(n, type(s), sector(s), BLKDRV_BUF + script_u8(s) * 256U,
		   len);
}

/* DISCARD or WRITE_ZEROES with up to four ranges. */
static void request_ranges(struct script *s)
{
	struct blk_range range[4];
	unsigned count = script_u8(s) % 5;
	gpa_t at = BLKDRV_BUF + script_u8(s) * 256U;

	for (unsigned i = 0; i < count; i++)
		range[i] = (struct blk_range){ sector(s), script_u8(s),
					       script_u8(s) % 4 };
	memcpy(vdrv_at(&blkdrv, at, sizeof(range)), range, sizeof(range));
	blkdrv_put(SLOTS, script_u8(s) % 2 ? BLK_T_DISCARD : BLK_T_WRITE_ZEROES,
		   0, at, count * 16);
}

/* Anything at all as a chain. */
static void request_odd(struct script *s)
{
	struct vseg seg[6];
	uint8_t how = script_u8(s);
	unsigned out = how & 3, in = how >> 2 & 3;

	blkdrv_header(how >> 4, type(s), sector(s));
	seg[0] = (struct vseg){ BLKDRV_SLOT(how >> 4), script_u8(s) };
	for (unsigned i = 1; i < out + in; i++)
		seg[i] =
			(struct vseg){ script_gpa(s, VDRV_RAM), script_u16(s) };
	if (!(out + in))
		return;
	if (script_u8(s) & 1)
		vring_add(&blkdrv.ring[0], seg, out, in);
	else
		vring_add_indirect(&blkdrv.ring[0],
				   BLKDRV_BUF + 0x10000 + script_u8(s), seg,
				   out, in);
}

static void check_op(const struct io_uring_sqe *sqe)
{
	if (sqe->opcode == IORING_OP_TIMEOUT) /* before it is tried again */
		return;

	bool change =
		sqe->opcode != IORING_OP_READ && sqe->opcode != IORING_OP_READV;

	FUZZ_CHECK(sqe->flags & IOSQE_FIXED_FILE);
	FUZZ_CHECK(!change || !blkdrv_blk.disk.read_only);
}

/* One operation ends, in one way or another. */
static void complete(struct script *s)
{
	static const int errors[] = { -EIO,    -EINTR,	-EAGAIN,    -ENOSPC,
				      -EINVAL, -ENOSYS, -ECANCELED, 0 };
	uint8_t how = script_u8(s);
	unsigned i;

	if (!fake.ops)
		return;
	i = script_u8(s) % fake.ops;
	check_op(&fake.op[i]);
	fake.file.short_bytes = how & 0x40 ? script_u16(s) : 0;
	if (how & 0x80)
		fake_complete(i, errors[how & 7]);
	else
		fake_complete(i, fake_execute(&fake.op[i]));
}

/* A doorbell that the vCPU may answer, the I/O thread being asleep: it is not
 * while something is at hand. */
static void ring_asleep(uint8_t how)
{
	fake.lends = !fake.rung && !fake.tasks;
	fake.file.cold = how & 0x10;
	fake.file.short_bytes = how & 0x20 ? 512 : 0;
	if (blkdrv_blk.port && !blkdrv_blk.disk.direct) {
		blkdrv_blk.pace.mode = BLK_ON_VCPU;
		atomic_store(&blkdrv.t.port.on_vcpu, true);
	}
	vdrv_kick(&blkdrv, 0);
	fake.lends = false;
	FUZZ_CHECK(!fake.borrowed);
}

static void act(struct script *s)
{
	uint8_t op = script_u8(s);

	switch (op % 16) {
	case 0:
		vdrv_write(&blkdrv, script_u8(s) * 4U, 4, script_u32(s));
		break;
	case 1:
		vdrv_read(&blkdrv, script_u16(s) & 0xfff, 1U << (op >> 6));
		break;
	case 2:
		fake.hold = op & 0x10;
		fake_loop_run();
		fake.hold = true;
		break;
	case 3:
		blkdrv_start(script_u64(s));
		fake.hold = true;
		break;
	case 4:
		fake.file.size =
			script_u32(s) % (BLKDRV_SECTORS * BLK_SECTOR + 1);
		break;
	case 5:
		script_bytes(s, vdrv_at(&blkdrv, script_u16(s) * 16U, 256),
			     op >> 4);
		break;
	case 6:
		vdrv_write(&blkdrv, MMIO_CONFIG + 32, 1, op >> 4);
		break;
	case 7:
		fake.file.no_punch = op & 0x10;
		fake.file.no_zero_range = op & 0x20;
		break;
	case 8:
		request_odd(s);
		break;
	case 9:
		request_ranges(s);
		break;
	case 10:
	case 11:
		complete(s);
		break;
	case 12:
		vdrv_kick(&blkdrv, 0);
		fake_loop_run();
		break;
	case 13:
		ring_asleep(op);
		break;
	default:
		request(s);
		break;
	}
	FUZZ_CHECK(fake.file.size <= BLKDRV_SECTORS * BLK_SECTOR);
}

static void set_disk(struct script *s)
{
	uint8_t how = script_u8(s);

	blkdrv_blk.disk.read_only = how & 1;
	blkdrv_blk.disk.unsafe_cache = how & 2;
	if (how & 4) {
		blkdrv_blk.disk.direct = true;
		blkdrv_blk.disk.mem_align = how & 8 ? 512 : 4;
		blkdrv_blk.disk.offset_align = how & 16 ? 4096 : 512;
		fake.file.mem_align = blkdrv_blk.disk.mem_align;
		fake.file.offset_align = blkdrv_blk.disk.offset_align;
	}
}

/* Everything comes to an end: what is in flight, then a reset. */
static void wind_up(void)
{
	fake.hold = false;
	fake.file.short_bytes = 0;
	fake_loop_run();
	vdrv_set(&blkdrv, MMIO_STATUS, 0);
	FUZZ_CHECK(!fake.ops && !blkdrv_blk.writing);
	FUZZ_CHECK(!blkdrv_blk.bounce.busy && !blkdrv_blk.bounce.rmw);
	FUZZ_CHECK(!blkdrv_blk.bounce.waiting.first &&
		   !blkdrv_blk.bounce.held.first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };

	blkdrv_reinit(RAM_USED);
	fake.on_nap = let_go_while_waiting;
	set_disk(&s);
	blkdrv_start(script_u8(&s) & 1 ? BLK_ALL : script_u64(&s));
	fake.hold = true;
	while (script_more(&s))
		act(&s);
	wind_up();
	return 0;
}
