/* SPDX-License-Identifier: Apache-2.0 */
/* Where on the host a VM's threads run and its memory lies. */
#ifndef MOTE_MONITOR_AFFINITY_H
#define MOTE_MONITOR_AFFINITY_H

#include <stdint.h>

struct err;

#define AFFINITY_VCPUS_MAX 32
#define AFFINITY_CPUS	   1024
#define AFFINITY_NODES	   1024

/**
 * struct affinity - host CPUs, as --cpu-affinity gives them
 * @vcpu: vCPU n runs on vcpu[n % vcpus] and nowhere else
 * @vcpus: 0: nothing was asked for
 * @io: bit n: the I/O thread may run on CPU n
 */
struct affinity {
	uint16_t vcpu[AFFINITY_VCPUS_MAX];
	unsigned vcpus;
	uint64_t io[AFFINITY_CPUS / 64];
};

/**
 * affinity_parse() - "0-3,8" for the vCPUs; behind a '/' those of the I/O
 * thread, which otherwise shares the vCPUs'
 * Return: 0; -EINVAL when it is not of the form; -ERANGE when a CPU is above
 * 1023 or there are more than 32 for the vCPUs. @ret untouched then.
 */
int affinity_parse(const char *text, struct affinity *ret);

/** affinity_set_vcpu(), affinity_set_io() - the calling thread is vCPU @id, or
 *  the I/O thread */
int affinity_set_vcpu(const struct affinity *affinity, unsigned id,
		      struct err *e);
int affinity_set_io(const struct affinity *affinity, struct err *e);

/**
 * affinity_bind_memory() - what this thread and those it starts touch first
 * comes from @node alone: the guest's RAM, and what KVM keeps for it
 */
int affinity_bind_memory(unsigned node, struct err *e);

#endif
