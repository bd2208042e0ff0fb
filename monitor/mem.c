// SPDX-License-Identifier: Apache-2.0
/* Guest RAM is one private anonymous mapping, cut in two at the MMIO hole. */
#include "monitor/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "monitor/err.h"
#include "monitor/timing.h"

#define PAGE_MASK ((uint64_t)4095)
#define HUGE_PAGE ((uint64_t)2 << 20)

/* From the bottom: boot data, and where unikernels lie. Linux is above. */
#define SMALL_PAGES ((uint64_t)4 << 20)

/* The kernel's, which C libraries lack: linux/mman.h, Linux 5.14. */
#define MAP_HUGE_2MB_	     (21 << 26)
#define MADV_POPULATE_WRITE_ 23

/* NORESERVE: the guest's size is a bound, not a reservation. */
static void *map_small(uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* So that a guest's huge page can be one of ours: both begin at a multiple of
 * 2 MiB. What is mapped too much is only address space. */
static void *map_aligned(uint64_t size)
{
	uint8_t *host = map_small(size + HUGE_PAGE);

	if (host != MAP_FAILED)
		host += -(uintptr_t)host % HUGE_PAGE;
	return host;
}

/* Reserved: a fault that found the pool empty would be a SIGBUS. */
static void *map_pool(uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB_,
		    -1, 0);
}

static int err_pool(uint64_t size, int code, struct err *e)
{
	return err_set(e, code,
		       "--hugepages hugetlb: the host's pool has no %llu pages "
		       "of 2 MiB to spare; root can add to "
		       "/proc/sys/vm/nr_hugepages",
		       (unsigned long long)(size / HUGE_PAGE));
}

int mem_init(struct mem *mem, uint64_t size, enum mem_pages pages,
	     struct err *e)
{
	uint64_t low = size < MEM_HOLE_START ? size : MEM_HOLE_START;
	uint8_t *host;

	if (!size || size % 4096)
		return err_set(e, -EINVAL,
			       "guest memory must be a multiple of "
			       "4 KiB");
	if (pages == MEM_PAGES_HUGETLB && size % HUGE_PAGE)
		return err_set(e, -EINVAL,
			       "--hugepages hugetlb: guest memory must be a "
			       "multiple of 2 MiB");
	host = TIMED(TIMING_RAM, pages == MEM_PAGES_HUGETLB ? map_pool(size)
				 : pages == MEM_PAGES_THP   ? map_aligned(size)
							    : map_small(size));
	if (host == MAP_FAILED && pages == MEM_PAGES_HUGETLB)
		return err_pool(size, -errno, e);
	if (host == MAP_FAILED)
		return err_set(e, -errno,
			       "cannot map %llu MiB of guest memory; "
			       "try a smaller --memory",
			       (unsigned long long)(size >> 20));
	/* A guest's memory is its own: not for the host's core dumps. */
	TIMED(TIMING_RAM, madvise(host, size, MADV_DONTDUMP));
	/* A host set to huge pages clears and keeps 2 MiB for the first byte
	 * of each: a small guest's start takes twice the time, and a thousand
	 * idle ones 4 GiB. So small pages for what all guests touch. */
	if (pages == MEM_PAGES_HOST)
		TIMED(TIMING_RAM,
		      madvise(host, low < SMALL_PAGES ? low : SMALL_PAGES,
			      MADV_NOHUGEPAGE));
	if (pages == MEM_PAGES_THP &&
	    TIMED(TIMING_RAM, madvise(host, size, MADV_HUGEPAGE)))
		return err_set(e, -errno,
			       "--hugepages thp: the kernel has no transparent "
			       "huge pages; try hugetlb");
	*mem = (struct mem){ .regions = 1 };
	mem->region[0] = (struct mem_region){ 0, low, host };
	if (size > low) {
		mem->region[1] = (struct mem_region){ MEM_HOLE_END, size - low,
						      host + low };
		mem->regions = 2;
	}
	return 0;
}

uint64_t mem_map_file(const struct mem *mem, gpa_t gpa, uint64_t len, int fd,
		      uint64_t off)
{
	uint64_t whole = len & ~PAGE_MASK;
	void *host = mem_at(mem, gpa, len);

	if (!mem->share || !host || !whole || (gpa | off) & PAGE_MASK)
		return 0;
	host = TIMED(TIMING_SHARE, mmap(host, whole, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
					fd, (off_t)off));
	if (host == MAP_FAILED)
		return 0;
	madvise(host, whole, MADV_DONTDUMP);
	return whole;
}

int mem_prefault(const struct mem *mem, struct err *e)
{
	void *host = mem->region[0].host;

	if (TIMED(TIMING_PREFAULT,
		  madvise(host, mem_size(mem), MADV_POPULATE_WRITE_)))
		return err_set(e, -errno,
			       "--prefault: the kernel does not provide %llu "
			       "MiB at once (it takes Linux 5.14, and as much "
			       "free memory)",
			       (unsigned long long)(mem_size(mem) >> 20));
	return 0;
}

int mem_merge(const struct mem *mem, struct err *e)
{
	void *host = mem->region[0].host;

	if (TIMED(TIMING_MERGE, madvise(host, mem_size(mem), MADV_MERGEABLE)))
		return err_set(e, -errno, "--ksm: the kernel has no KSM");
	return 0;
}

void mem_deinit(struct mem *mem)
{
	if (mem->regions)
		munmap(mem->region[0].host, mem_size(mem));
	*mem = (struct mem){ 0 };
}

uint64_t mem_size(const struct mem *mem)
{
	return mem->region[0].len + mem->region[1].len;
}

void *mem_at(const struct mem *mem, gpa_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < mem->regions; i++) {
		const struct mem_region *r = &mem->region[i];
		uint64_t off = gpa - r->gpa;

		/* off wraps to something huge when gpa < r->gpa */
		if (off < r->len && len <= r->len - off)
			return r->host + off;
	}
	return NULL;
}

int mem_copy_in(const struct mem *mem, void *dst, gpa_t gpa, size_t len)
{
	const void *src = mem_at(mem, gpa, len);

	if (!src)
		return -EFAULT;
	memcpy(dst, src, len);
	return 0;
}

int mem_copy_out(const struct mem *mem, gpa_t gpa, const void *src, size_t len)
{
	void *dst = mem_at(mem, gpa, len);

	if (!dst)
		return -EFAULT;
	memcpy(dst, src, len);
	return 0;
}
