/* SPDX-License-Identifier: Apache-2.0 */
/* What `mote check` finds out about the host, as one plain struct. */
#ifndef MOTE_MONITOR_CHECK_PROBE_H
#define MOTE_MONITOR_CHECK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct check_cap - one KVM capability (KVM api.rst, KVM_CHECK_EXTENSION)
 * @number: KVM_CAP_...
 * @required: mote does not run without it
 * @why: what mote does with it, or what is missing without it
 */
struct check_cap {
	char name[20];
	uint16_t number;
	bool required;
	char why[58];
};

/* Ends with a row without a name; at most 32 rows. */
extern const struct check_cap check_caps[];

#define CHECK_GROUP_MAX 33

/**
 * struct check_host - the host as this process sees it
 *
 * An int that says "error" is 0 when the thing works and the negative errno
 * of the attempt otherwise. A sysctl is -1 where the kernel does not have it.
 */
struct check_host {
	bool root; /* effective user id 0 */

	/* /proc/cpuinfo; virtual: this host is itself a virtual machine */
	bool vmx, svm, virtual;

	/* /sys: drivers loaded or built in; the device as the kernel has it */
	bool kvm_intel, kvm_amd, kvm_pvm, kvm_registered;

	/* /dev/kvm; mode and group are unknown (0, "") where it is missing */
	int device; /* error */
	unsigned device_mode;
	unsigned device_gid;
	char device_group[CHECK_GROUP_MAX];
	bool kvm_group; /* /etc/group has a group "kvm" */

	/* only where device is 0 */
	int api;
	int create_vm; /* error */
	uint32_t caps; /* bit by row of check_caps */
	unsigned vcpus_max;

	int io_uring;	       /* error; restrictions included */
	bool io_uring_bound;   /* can be bound to registered files */
	bool io_uring_sockets; /* makes sockets */
	int io_uring_disabled; /* sysctl kernel.io_uring_disabled */
	int landlock;	       /* ABI version, or negative errno */
	int seccomp;	       /* error */
	int userns;	       /* error */
	int userns_clone;      /* sysctl kernel.unprivileged_userns_clone */
	int userns_apparmor; /* kernel.apparmor_restrict_unprivileged_userns */
	int tun;	     /* error */
	uint64_t memlock_bytes; /* soft limit; UINT64_MAX: none */
	uint64_t memory_bytes, available_bytes;
};

/**
 * check_probe() - look at this host
 * Opens devices, makes and drops a VM and a ring, forks once. Changes nothing.
 * Context: main thread of a process that has no other.
 */
void check_probe(struct check_host *ret);

/* The parts that read text, for tests; all take a NUL-terminated file. */

/** check_probe_cpuinfo() - sets vmx, svm, virtual from the first CPU's flags */
void check_probe_cpuinfo(const char *text, struct check_host *host);

/**
 * check_probe_group() - name of group @gid in /etc/group's @text
 * @ret: the name, cut to fit; empty if there is none
 */
void check_probe_group(const char *text, unsigned gid,
		       char ret[CHECK_GROUP_MAX]);

/** check_probe_has_group() - is there a group called @name? */
bool check_probe_has_group(const char *text, const char *name);

/** check_probe_meminfo() - sets memory_bytes, available_bytes */
void check_probe_meminfo(const char *text, struct check_host *host);

#endif
