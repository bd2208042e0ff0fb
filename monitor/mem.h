/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory: the only place where a guest address becomes a pointer. */
#ifndef MOTE_MONITOR_MEM_H
#define MOTE_MONITOR_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A guest physical address. */
typedef uint64_t gpa_t;

/**
 * struct mem_region - one run of RAM
 * @gpa: guest physical address of its first byte
 * @len: bytes
 * @host: where it is mapped here, @len bytes
 */
struct mem_region {
	gpa_t gpa;
	uint64_t len;
	uint8_t *host;
};

/**
 * struct mem - the guest's RAM
 * @region: below the hole (from 0) and, when needed, above 4 GiB
 * @regions: 1 or 2
 * @share: files may be mapped into it, see mem_map_file()
 *
 * Written by mem_init() before any other thread looks at it, then constant;
 * the bytes in it belong to the guest and change under our hands.
 */
struct mem {
	struct mem_region region[2];
	unsigned regions;
	bool share;
};

/* RAM ends here at the latest and goes on at 4 GiB (bootproto/layout.h says
 * what lies between). */
#define MEM_HOLE_START 0xd0000000ULL
#define MEM_HOLE_END   0x100000000ULL

/* What guest RAM is made of. */
enum mem_pages {
	MEM_PAGES_HOST,	   /* as the host is set */
	MEM_PAGES_THP,	   /* transparent huge pages where the kernel has any */
	MEM_PAGES_HUGETLB, /* 2 MiB pages of the host's pool, all at once */
};

/**
 * mem_init() - map @size bytes of zeroed guest RAM
 * @size: a multiple of 4 KiB, of 2 MiB with MEM_PAGES_HUGETLB
 * Return: 0, or negative errno with @e filled.
 */
int mem_init(struct mem *mem, uint64_t size, enum mem_pages pages,
	     struct err *e);

/**
 * mem_map_file() - let @fd's pages be the guest's, copied when it writes
 * @off: in the file; @len bytes from there on lie at @gpa
 * Guests of one file then share what none of them has changed. The file must
 * not change while they run: a guest sees it, and shrinking kills.
 * Before the guest runs.
 * Return: how many bytes, from the front, are in place now; 0 unless
 * @mem->share, or if pages do not match.
 */
uint64_t mem_map_file(const struct mem *mem, gpa_t gpa, uint64_t len, int fd,
		      uint64_t off);

/** mem_prefault() - back all of it with pages now */
int mem_prefault(const struct mem *mem, struct err *e);

/** mem_merge() - let KSM share pages whose content is equal to others' */
int mem_merge(const struct mem *mem, struct err *e);

/** mem_deinit() - unmap; accepts a zeroed @mem */
void mem_deinit(struct mem *mem);

/** mem_size() - bytes of RAM in all */
uint64_t mem_size(const struct mem *mem);

/**
 * mem_at() - translate a guest range
 * Return: a pointer to @len bytes, or NULL if any of them lies outside RAM or
 * the range crosses from one region into the next. @len 0 is valid inside RAM.
 * The bytes are shared with a running guest: read each of them once.
 * Context: any thread, lock-free, does not block.
 */
void *mem_at(const struct mem *mem, gpa_t gpa, uint64_t len);

/**
 * mem_copy_in() - snapshot guest memory
 * Decide on @dst; never read the same guest bytes again for this request.
 * Context: any thread, lock-free, does not block.
 * Return: 0, or -EFAULT if any byte lies outside RAM (@dst then unchanged).
 */
int mem_copy_in(const struct mem *mem, void *dst, gpa_t gpa, size_t len);

/** mem_copy_out() - the other direction; same contract (guest unchanged) */
int mem_copy_out(const struct mem *mem, gpa_t gpa, const void *src, size_t len);

#endif
