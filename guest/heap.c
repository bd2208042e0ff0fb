// SPDX-License-Identifier: Apache-2.0
/*
 * The heap: all RAM behind the image, handed out from the bottom.
 *
 * Blocks come in sizes a quarter of a power of two apart; a freed block waits
 * in its size's list. No searching, no joining, 16 bytes in front of each
 * block. Pages are touched when they are first used, and mapped, beyond the
 * first GiB, a GiB at a time.
 */
#include "guest/kit.h"

#define GIB	    (1ULL << 30)
#define PAGE	    4096
#define ALIGN	    16
#define LIMIT	    (1ULL << 40) /* bytes; no allocation is larger */
#define CLASSES	    (4 * 40)
#define REGIONS_MAX 16

struct block {
	uint64_t class;
	struct block *next; /* while free */
};
_Static_assert(sizeof(struct block) == ALIGN, "keeps blocks aligned");

/* [next, end) is free; what lies below @mapped can be touched. */
struct region {
	uint64_t next, end, mapped;
};

extern const char kit_image_end[];

static struct region region[REGIONS_MAX];
static unsigned regions;
static struct block *freed[CLASSES];

static void add_region(uint64_t start, uint64_t end)
{
	uint64_t mapped = start > GIB ? start : GIB;

	if (start < end && regions < REGIONS_MAX)
		region[regions++] = (struct region){ start, end, mapped };
}

/* What is RAM, and neither image nor initrd. */
static void find_regions(void)
{
	struct ram_range ram, initrd = ram_initrd();
	uint64_t initrd_end = initrd.start + initrd.len;
	uint64_t image_end = (uintptr_t)kit_image_end;
	unsigned at = 0;

	while (ram_next(&at, &ram)) {
		uint64_t start = ram.start, end = ram.start + ram.len;

		if (start < image_end)
			start = image_end;
		if (initrd.len && initrd.start < end && initrd_end > start) {
			add_region(start, initrd.start & ~(PAGE - 1ULL));
			start = (initrd_end + PAGE - 1) & ~(PAGE - 1ULL);
		}
		add_region(start, end);
	}
	if (!regions)
		kit_panic("no RAM behind the image");
}

/* Whole GiBs, as far as there is RAM: cheap, as map.c says. */
static bool map_up_to(struct region *r, uint64_t end)
{
	uint64_t to = (end + GIB - 1) & ~(GIB - 1);

	if (end <= r->mapped)
		return true;
	if (to > r->end)
		to = r->end;
	if (map_range(r->mapped, to - r->mapped, PTE_WRITE | PTE_NX) < 0)
		return false;
	r->mapped = to;
	return true;
}

static void *take(uint64_t bytes, uint64_t align)
{
	if (!regions)
		find_regions();
	for (unsigned i = 0; i < regions; i++) {
		struct region *r = &region[i];
		uint64_t start = (r->next + align - 1) & ~(align - 1);

		if (start > r->end || r->end - start < bytes)
			continue;
		if (!map_up_to(r, start + bytes))
			continue;
		r->next = start + bytes;
		return (void *)start;
	}
	return NULL;
}

/*
 * Four sizes in each power of two: 16 32 48 64, 80 96 112 128, 160 192 ...
 * @size: 1 to LIMIT
 */
static unsigned class_of(uint64_t size)
{
	unsigned shift;

	if (size <= 64)
		return (unsigned)(size - 1) / ALIGN;
	shift = 63 - (unsigned)__builtin_clzll(size - 1);
	return (shift - 5) * 4 +
	       (unsigned)((size - 1 - (1ULL << shift)) >> (shift - 2));
}

static uint64_t class_size(uint64_t class)
{
	uint64_t shift = class / 4 + 5;

	if (class < 4)
		return (class + 1) * ALIGN;
	return (1ULL << shift) + (class % 4 + 1) * (1ULL << (shift - 2));
}

void *malloc(size_t size)
{
	unsigned class;
	struct block *b;

	if (size > LIMIT)
		return NULL;
	class = class_of(size ? size : 1);
	b = freed[class];
	if (b) {
		freed[class] = b->next;
		return b + 1;
	}
	b = take(sizeof(*b) + class_size(class), ALIGN);
	if (!b)
		return NULL;
	b->class = class;
	return b + 1;
}

void free(void *ptr)
{
	struct block *b = ptr;

	if (!b)
		return;
	b--;
	if (b->class >= CLASSES)
		kit_panic("free(%p): not a block of the heap", ptr);
	b->next = freed[b->class];
	freed[b->class] = b;
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *ptr;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	ptr = malloc(bytes);
	if (ptr)
		memset(ptr, 0, bytes);
	return ptr;
}

void *realloc(void *ptr, size_t size)
{
	uint64_t old;
	void *moved;

	if (!ptr)
		return malloc(size);
	old = class_size(((struct block *)ptr)[-1].class);
	if (size <= old)
		return ptr;
	moved = malloc(size);
	if (moved) {
		memcpy(moved, ptr, old);
		free(ptr);
	}
	return moved;
}

void *heap_buffers(size_t pages)
{
	return pages > LIMIT / PAGE ? NULL : take(pages * PAGE, PAGE);
}

void *heap_pages(size_t pages)
{
	void *ptr = heap_buffers(pages);

	if (ptr)
		memset(ptr, 0, pages * PAGE);
	return ptr;
}
