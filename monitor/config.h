/* SPDX-License-Identifier: Apache-2.0 */
/* A VM, fully described: what options produce and the machine is built from. */
#ifndef MOTE_MONITOR_CONFIG_H
#define MOTE_MONITOR_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bootproto/announce.h"
#include "monitor/affinity.h"
#include "monitor/log.h"
#include "monitor/mem.h"

#define CONFIG_CPUS_MAX	 32
#define CONFIG_ANY_NODE	 (~0U)
#define CONFIG_DISKS_MAX 12
#define CONFIG_NETS_MAX	 4

enum config_irqchip { IRQCHIP_SPLIT, IRQCHIP_KERNEL };
enum config_console { CONSOLE_STDIO, CONSOLE_FILE, CONSOLE_NONE };
enum config_timing {
	CONFIG_TIMING_OFF,
	CONFIG_TIMING_TEXT,
	CONFIG_TIMING_JSON
};
enum config_lock { CONFIG_LOCK_ON, CONFIG_LOCK_LOG };

/**
 * struct config_disk - one --disk
 * @path: or NULL when @fd is given
 * @fd: inherited descriptor, or -1
 * @id: GET_ID's answer, or NULL
 */
struct config_disk {
	const char *path;
	int fd;
	const char *id;
	bool read_only, direct, unsafe_cache;
};

/**
 * struct config_net - one --net: exactly one of @tap, @fd and @passt
 * @tap: name of an existing TAP interface, or NULL
 * @fd: inherited descriptor of a TAP or of a stream socket, or -1
 * @passt: path of its socket, empty to start one, or NULL
 * @mac: all zero for a random one
 * @mtu: bytes, to be told to the guest; 0 to tell it nothing
 */
struct config_net {
	const char *tap;
	int fd;
	const char *passt;
	uint8_t mac[6];
	unsigned mtu;
};

/**
 * struct config_vsock - the --vsock, if any
 * @path: of the socket to listen on, or NULL: no vsock
 * @cid: the guest's address
 */
struct config_vsock {
	const char *path;
	unsigned cid;
};

/**
 * struct config - one VM
 *
 * Strings are borrowed from argv. Plain data: no descriptors of ours, no
 * pointers into other objects. Constant once options_parse() has filled it.
 */
struct config {
	const char *image;
	const char *initrd;
	const char *cmdline;
	const char *name;
	const char *const *args; /* guest arguments behind "--" */
	unsigned nargs;
	uint64_t memory_bytes;
	unsigned cpus;
	enum mem_pages pages;
	bool prefault, ksm, share_image;
	unsigned numa_node; /* or CONFIG_ANY_NODE */
	struct affinity affinity;
	enum boot_announce announce;
	enum config_irqchip irqchip;
	enum config_console console;
	const char *console_path; /* CONSOLE_FILE only */
	uint64_t timeout_ns;	  /* 0: none */
	enum log_level log_level;
	int status_fd; /* or -1 */
	enum config_timing timing;
	const char *timing_path; /* or NULL: stderr */
	bool dry_run;
	enum config_lock lock;
	bool require_lock;
	const char *jail;  /* directory, or NULL */
	unsigned uid, gid; /* to become; 0: stay */
	struct config_disk disk[CONFIG_DISKS_MAX];
	unsigned disks;
	struct config_net net[CONFIG_NETS_MAX];
	unsigned nets;
	struct config_vsock vsock;
};

#endif
