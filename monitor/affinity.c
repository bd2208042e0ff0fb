// SPDX-License-Identifier: Apache-2.0
/* --cpu-affinity and --numa-node. */
#include "monitor/affinity.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/timing.h"

#define MPOL_BIND 2 /* linux/mempolicy.h; Linux numa_memory_policy.rst */

/* Digits at *@text, which is moved behind them. */
static int parse_cpu(const char **text, unsigned *ret)
{
	const char *s = *text;
	unsigned n = 0;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (unsigned)(*s - '0');
		if (n >= AFFINITY_CPUS)
			return -ERANGE;
	}
	*text = s;
	*ret = n;
	return 0;
}

/* "A" or "A-B" */
static int parse_range(const char **text, unsigned *first, unsigned *last)
{
	int ret = parse_cpu(text, first);

	if (ret)
		return ret;
	*last = *first;
	if (**text == '-') {
		++*text;
		ret = parse_cpu(text, last);
	}
	return !ret && *last < *first ? -EINVAL : ret;
}

int affinity_parse(const char *text, struct affinity *ret)
{
	struct affinity a = { .vcpus = 0 };
	bool io = false, shared = true;

	for (;;) {
		unsigned first, last;
		int r = parse_range(&text, &first, &last);

		if (r)
			return r;
		for (; first <= last; first++) {
			if (io || shared)
				a.io[first / 64] |= 1ULL << first % 64;
			if (io)
				continue;
			if (a.vcpus == AFFINITY_VCPUS_MAX)
				return -ERANGE;
			a.vcpu[a.vcpus++] = (uint16_t)first;
		}
		if (!*text)
			break;
		if (*text == '/' && !io) {
			io = true;
			shared = false;
			memset(a.io, 0, sizeof(a.io));
		} else if (*text != ',') {
			return -EINVAL;
		}
		text++;
	}
	*ret = a;
	return 0;
}

static int set(const uint64_t *mask)
{
	long ret = TIMED(TIMING_AFFINITY,
			 syscall(SYS_sched_setaffinity, 0,
				 (size_t)(AFFINITY_CPUS / 8), mask));

	return ret < 0 ? -errno : 0;
}

int affinity_set_vcpu(const struct affinity *affinity, unsigned id,
		      struct err *e)
{
	uint64_t mask[AFFINITY_CPUS / 64] = { 0 };
	unsigned cpu;

	if (!affinity->vcpus)
		return 0;
	cpu = affinity->vcpu[id % affinity->vcpus];
	mask[cpu / 64] = 1ULL << cpu % 64;
	if (set(mask))
		return err_set(e, -EINVAL,
			       "--cpu-affinity: vCPU %u cannot run on CPU %u: "
			       "it is offline or not for us (see `nproc`)",
			       id, cpu);
	return 0;
}

int affinity_set_io(const struct affinity *affinity, struct err *e)
{
	if (affinity->vcpus && set(affinity->io))
		return err_set(e, -EINVAL,
			       "--cpu-affinity: none of the I/O thread's CPUs "
			       "is online and for us (see `nproc`)");
	return 0;
}

int affinity_bind_memory(unsigned node, struct err *e)
{
	uint64_t mask[AFFINITY_NODES / 64 + 1] = { 0 };

	mask[node / 64] = 1ULL << node % 64;
	/* the kernel looks at one bit less than it is told */
	if (TIMED(TIMING_NUMA, syscall(SYS_set_mempolicy, MPOL_BIND, mask,
				       (unsigned long)AFFINITY_NODES + 1)))
		return err_set(e, -errno,
			       "--numa-node %u: no such node with memory for "
			       "us; /sys/devices/system/node lists them",
			       node);
	return 0;
}
