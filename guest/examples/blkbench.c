// SPDX-License-Identifier: Apache-2.0
/*
 * Block requests as fast as they go: blkbench [read|write|seq|flush]
 * [poll|wait] [depth=N] [bytes=N] [seconds=N] [requests=N] [disk=N]
 *
 * `seq` reads one after the other, `flush` writes and flushes in turn, the
 * rest goes to random places. Prints one line of figures.
 */
#include "guest/drivers/blk.h"
#include "guest/kit.h"

#define SECOND 1000000000UL

struct job {
	const char *name;
	unsigned depth, bytes, disk;
	uint64_t seconds, requests; /* whichever comes first */
	bool wait;
};

static uint64_t state = 88172645463325252ULL;

static uint64_t random64(void)
{
	/* xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void parse(int argc, char **argv, struct job *j)
{
	uint64_t v;

	for (int i = 1; i < argc; i++) {
		if (argument_number(argv[i], "depth", &v))
			j->depth = (unsigned)v;
		else if (argument_number(argv[i], "bytes", &v))
			j->bytes = (unsigned)v;
		else if (argument_number(argv[i], "disk", &v))
			j->disk = (unsigned)v;
		else if (argument_number(argv[i], "seconds", &v))
			j->seconds = v;
		else if (argument_number(argv[i], "requests", &v))
			j->requests = v;
		else if (!strcmp(argv[i], "wait"))
			j->wait = true;
		else if (!strcmp(argv[i], "poll"))
			j->wait = false;
		else
			j->name = argv[i];
	}
	if (!j->depth || j->depth > BLK_DEPTH_MAX || !j->bytes ||
	    j->bytes % BLK_SECTOR || !j->seconds)
		kit_panic("depth, bytes and seconds make no sense");
}

/* What the next request is. */
struct next {
	uint32_t type;
	uint64_t sector;
};

static struct next choose(const struct job *j, const struct blk_disk *d,
			  uint64_t n)
{
	uint64_t step = j->bytes / BLK_SECTOR;
	uint64_t places = d->config.capacity / step;

	switch (j->name[0]) {
	case 'w':
		return (struct next){ BLK_T_OUT, random64() % places * step };
	case 's':
		return (struct next){ BLK_T_IN, n % places * step };
	case 'f':
		if (n % 2)
			return (struct next){ BLK_T_FLUSH, 0 };
		return (struct next){ BLK_T_OUT, random64() % places * step };
	default:
		return (struct next){ BLK_T_IN, random64() % places * step };
	}
}

static void submit(const struct job *j, struct blk_disk *d, uint64_t n,
		   void *buf)
{
	struct next next = choose(j, d, n);

	if (!blk_submit(d, next.type, next.sector, buf,
			next.type == BLK_T_FLUSH ? 0 : j->bytes, buf))
		kit_panic("submit failed");
}

/* Return: requests done. */
static uint64_t run(const struct job *j, struct blk_disk *d, uint8_t *bufs)
{
	uint64_t done = 0, sent = 0, end = time_ns() + j->seconds * SECOND;
	void *buf;
	int status;

	for (; sent < j->depth; sent++)
		submit(j, d, sent, bufs + sent * j->bytes);
	blk_kick(d);
	while (d->inflight) {
		bool more = sent < j->requests && time_ns() < end;

		while ((status = blk_take(d, &buf)) >= 0) {
			if (status)
				kit_panic("request failed: %d", status);
			done++;
			if (more)
				submit(j, d, sent++, buf);
		}
		blk_kick(d);
		if (j->wait && d->inflight)
			blk_wait(d, UINT64_MAX);
	}
	return done;
}

int main(int argc, char **argv)
{
	struct job j = { "read", 32, 4096, 0, 2, UINT64_MAX, false };
	static struct blk_disk d;
	uint64_t begin, ns, done;
	uint8_t *bufs;

	parse(argc, argv, &j);
	if (!blk_open(&d, j.disk, BLK_WANTED))
		kit_panic("no disk %u", j.disk);
	bufs = heap_pages((uint64_t)j.depth * j.bytes / 4096 + 1);
	if (!bufs || d.config.capacity < j.bytes / BLK_SECTOR)
		kit_panic("no memory, or a disk too small");
	begin = time_ns();
	done = run(&j, &d, bufs);
	ns = time_ns() - begin;
	console_printf("blkbench: %s depth=%u bytes=%u %s requests=%lu ns=%lu "
		       "iops=%lu doorbells=%lu sleeps=%lu\n",
		       j.name, j.depth, j.bytes, j.wait ? "wait" : "poll", done,
		       ns, done * SECOND / ns, d.queue.doorbells,
		       d.queue.sleeps);
	return 0;
}
