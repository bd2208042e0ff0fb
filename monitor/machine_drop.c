// SPDX-License-Identifier: Apache-2.0
/*
 * Stage 2: what the machine gives up, and what its lock has to know of it.
 */
#include <stddef.h>

#include "devices/virtio_blk.h"
#include "monitor/ending.h"
#include "monitor/log.h"
#include "monitor/machine_parts.h"
#include "monitor/terminal.h"
#include "monitor/thread.h"
#include "seccomp/jail.h"

static unsigned net_sets(const struct machine *m)
{
	unsigned sets = 0;

	for (unsigned i = 0; i < m->cfg->nets; i++)
		sets |= virtio_net_tap_fd(&m->devices.net[i]) >= 0
				? LOCK_TAP
				: LOCK_STREAM;
	return sets;
}

static unsigned sets_in_use(const struct machine *m)
{
	const struct config *cfg = m->cfg;

	return (cfg->irqchip == IRQCHIP_KERNEL ? LOCK_KERNEL_IRQCHIP : 0) |
	       (terminal_guard_fd() >= 0 ? LOCK_TERMINAL : 0) |
	       (cfg->disks || cfg->nets || cfg->vsock.path ? LOCK_VIRTIO : 0) |
	       (cfg->disks ? LOCK_DISK : 0) |
	       (cfg->vsock.path ? LOCK_VSOCK : 0) | net_sets(m);
}

/* The descriptors that rows name; -1: no call can name it. */
static void name_files(struct machine *m)
{
	for (unsigned i = 0; i < LOCK_FDS; i++)
		m->lock.fd[i] = -1;
	m->lock.fd[LOCK_FD_STATUS] = m->cfg->status_fd;
	m->lock.fd[LOCK_FD_GUARD] = terminal_guard_fd();
	m->lock.fd[LOCK_FD_TIMING] = m->timing_fd;
	for (unsigned i = 0; i < m->cfg->nets; i++)
		m->lock.fd[LOCK_FD_TAP0 + i] =
			virtio_net_tap_fd(&m->devices.net[i]);
	for (unsigned i = 0; i < m->cfg->disks && i < LOCK_DISKS; i++)
		m->lock.fd[LOCK_FD_DISK0 + i] =
			virtio_blk_allow_now(&m->devices.disk[i]);
}
_Static_assert(LOCK_TAPS >= CONFIG_NETS_MAX, "a descriptor for each");

struct parts machine_parts_in_force(const struct machine *m)
{
	return (struct parts){
		.sets = m->lock.sets,
		.landlock = m->drop.landlock,
		.kills = !m->lock.log_only,
		.msr_filter = m->vm.msr_filter,
		.registered = loop_registered_only(m->loop),
		.unix_only = loop_unix_only(m->loop),
		.jail = m->cfg->jail,
	};
}

/* Namespaces, root and user; and the only directory that is needed later. */
static int enter_jail(struct machine *m, struct err *e)
{
	const struct config *cfg = m->cfg;
	const struct jail jail = { cfg->jail, cfg->vsock.path, cfg->uid,
				   cfg->gid, ending_signals() };
	int ret = 0;

	if (jail.dir || jail.uid || jail.gid)
		ret = jail_enter(&jail, e);
	if (!ret && cfg->vsock.path)
		ret = virtio_vsock_enter(&m->devices.vsock, jail.dir, e);
	return ret;
}

/* Below which directories there are sockets to connect to again, or anew. */
static int drop_rest(struct machine *m, struct err *e)
{
	const char *dirs[1 + CONFIG_NETS_MAX + 1];
	char passt[CONFIG_NETS_MAX][NET_STREAM_PATH_MAX];
	unsigned n = 0;

	if (m->cfg->vsock.path)
		dirs[n++] = ".";
	for (unsigned i = 0; i < m->cfg->nets; i++)
		if (virtio_net_peer_dir(&m->devices.net[i], passt[i]))
			dirs[n++] = passt[i];
	dirs[n] = NULL;
	if (n)
		m->lock.sets |= LOCK_CONNECT;
	return drop_privileges(n ? dirs : NULL, &m->drop, e);
}

static int start_io(struct machine *m, struct err *e)
{
	sem_init(&m->cpuid_ready, 0, 0);
	sem_init(&m->ring_bound, 0, 0);
	sem_init(&m->created, 0, 0);
	sem_init(&m->io_locking, 0, 0);
	return thread_start(machine_io_thread, m, e);
}

/*
 * Before the first filter, which lets nobody make another: what parses images
 * has no use for a ring that can open files and make sockets. And before any
 * vCPU's filter names the eventfd. The I/O thread asks for CPUID meanwhile.
 */
static int open_ring(struct machine *m, struct err *e)
{
	int ret = loop_open(m->loop, e);

	if (!ret)
		ret = loop_bind(m->loop, m->lock.sets, e);
	if (ret)
		return ret;
	m->lock.fd[LOCK_FD_RING] = loop_ring_fd(m->loop);
	m->lock.fd[LOCK_FD_WAKE] = loop_wake_fd(m->loop);
	sem_post(&m->ring_bound);
	return 0;
}

int machine_drop(struct machine *m, struct err *e)
{
	int ret;

	timing_enter(TIMING_MAIN, TIMING_STAGE_DROP);
	name_files(m);
	m->lock.sets = sets_in_use(m);
	m->lock.log_only = m->cfg->lock == CONFIG_LOCK_LOG;
	if (m->lock.log_only)
		log_err("lock", "NOT LOCKED: --lock log lets forbidden system "
				"calls through");
	drop_keys();
	ret = enter_jail(m, e);
	if (!ret)
		ret = drop_rest(m, e);
	if (!ret)
		ret = start_io(m, e);
	if (!ret)
		ret = open_ring(m, e);
	return ret ? ret : lock_thread(&m->lock, LOCK_START, e);
}
