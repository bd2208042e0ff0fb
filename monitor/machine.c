// SPDX-License-Identifier: Apache-2.0
/*
 * Puts the machine together, stage by stage; stage 2 is in machine_drop.c, the
 * I/O thread in machine_io.c.
 *
 * Threads: the main thread opens, drops and loads, and then becomes vCPU 0.
 * The I/O thread is started as soon as the privileges are dropped, because
 * what it does first (asking KVM for the CPUID table) takes as long as
 * creating the VM: even before the first filter, which the main thread installs
 * for both. Then it locks itself and serves the event loop, and it ends the
 * process. Each vCPU locks itself; the guest runs when all are locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/affinity.h"
#include "monitor/console.h"
#include "monitor/dry_run.h"
#include "monitor/ending.h"
#include "monitor/err.h"
#include "monitor/machine_parts.h"
#include "monitor/outputs.h"
#include "monitor/stop.h"
#include "monitor/thread.h"

struct machine *machine_get(void)
{
	static struct machine the_machine;

	return &the_machine;
}

/* ---- stage 1: open ------------------------------------------------------- */

static int open_image(struct image *image, const char *what, const char *path,
		      struct err *e)
{
	struct stat st;

	image->what = what;
	image->name = path;
	/* not to wait for a FIFO's writer: it is refused below */
	image->fd = TIMED(TIMING_OPEN_IMAGE,
			  open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	if (image->fd < 0)
		return err_open(e, -errno, what, path);
	if (fstat(image->fd, &st) < 0)
		return err_set(e, -errno, "%s %.120s", what, path);
	if (!S_ISREG(st.st_mode))
		return err_image(e, "%s %.120s is not a regular file", what,
				 path);
	if (!st.st_size)
		return err_image(e, "%s %.120s is empty", what, path);
	image->size = (uint64_t)st.st_size;
	return 0;
}

static int open_images(struct machine *m, struct err *e)
{
	int ret = open_image(&m->kernel, "image", m->cfg->image, e);

	if (ret || !m->cfg->initrd)
		return ret;
	return open_image(&m->initrd, "initrd", m->cfg->initrd, e);
}

/* The guest is about to run. */
static void go(struct loop_source *source)
{
	(void)source;
	console_start();
	ending_start();
}

/* First of all: whatever fails is told and printed. */
static int check_outputs(const struct config *cfg, struct err *e)
{
	int ret = outputs_check(cfg, e);
	/* also who is to be told of that */
	struct err *also = ret ? NULL : e;
	int status = outputs_check_status(cfg, also);

	if (!status && cfg->status_fd >= 0)
		status = ending_set_status_fd(cfg->status_fd, also);
	return ret ? ret : status;
}

/* Descriptors that options name; the others are not for us. */
static int close_inherited(const struct config *cfg, struct err *e)
{
	int keep[CONFIG_DISKS_MAX + CONFIG_NETS_MAX + 1];
	unsigned n = 0;

	keep[n++] = cfg->status_fd;
	for (unsigned i = 0; i < cfg->disks; i++)
		keep[n++] = cfg->disk[i].fd;
	for (unsigned i = 0; i < cfg->nets; i++)
		keep[n++] = cfg->net[i].fd;
	return TIMED(TIMING_CLOSE, drop_inherited(keep, n, e));
}

/* --timing: text on stderr, JSON there or into a file. */
static int open_timing(struct machine *m, struct err *e)
{
	const char *path = m->cfg->timing_path;
	int fd = STDERR_FILENO;

	m->timing_fd = -1;
	if (path) {
		fd = TIMED(TIMING_OPEN_OUT, outputs_open("--timing=json:", path,
							 m->cfg->dry_run, e));
		if (fd < 0)
			return fd;
		m->timing_fd = fd;
	}
	timing_set_out(fd);
	return 0;
}

static int empty_outputs(const struct machine *m, struct err *e)
{
	const struct output out[] = {
		{ m->timing_fd, "--timing", false },
		{ console_file(), "--console", false },
		{ m->cfg->status_fd, "--status-fd", true },
	};
	int in[2 + CONFIG_DISKS_MAX] = { m->kernel.fd,
					 m->cfg->initrd ? m->initrd.fd : -1 };
	unsigned ins = 2;

	for (unsigned i = 0; i < m->cfg->disks; i++)
		in[ins++] = m->devices.disk[i].disk.fd;
	return outputs_empty(out, 3, in, ins, m->cfg->dry_run, e);
}

int machine_open(struct machine *m, const struct config *cfg, struct err *e)
{
	const struct devices_host host = { cfg,	   loop_get(), &m->mem,
					   &m->vm, &m->pio,    &m->mmio };
	int ret;

	m->cfg = cfg;
	m->loop = loop_get();
	m->vm.irqchip = cfg->irqchip;
	m->go.ring = go;
	stop_init(m->loop);
	loop_add_source(m->loop, &m->go);
	ret = check_outputs(cfg, e);
	if (!ret)
		ret = close_inherited(cfg, e);
	if (!ret)
		ret = open_timing(m, e);
	if (!ret && cfg->numa_node != CONFIG_ANY_NODE)
		ret = affinity_bind_memory(cfg->numa_node, e);
	if (!ret)
		ret = open_images(m, e);
	if (!ret)
		ret = vm_open_kvm(&m->vm, e);
	if (!ret)
		ret = ending_open(cfg, m->loop, e);
	if (!ret)
		ret = devices_open(&m->devices, &host, e);
	if (!ret)
		ret = empty_outputs(m, e);
	return ret;
}

/* ---- stage 3: load ------------------------------------------------------- */

static int init_memory(struct machine *m, struct err *e)
{
	int ret = mem_init(&m->mem, m->cfg->memory_bytes, m->cfg->pages, e);

	m->mem.share = m->cfg->share_image;
	if (!ret && m->cfg->ksm)
		ret = mem_merge(&m->mem, e);
	if (!ret && m->cfg->prefault)
		ret = mem_prefault(&m->mem, e);
	return ret;
}

/* Build the VM, both threads at work. */
static int build(struct machine *m, struct err *e)
{
	int ret;

	ret = affinity_set_vcpu(&m->cfg->affinity, 0, e);
	if (!ret)
		ret = init_memory(m, e);
	if (!ret)
		ret = vm_create(&m->vm, e);
	if (!ret)
		ret = vm_show(&m->vm, LAYOUT_VIRTIO, m->devices.view,
			      m->devices.windows * sizeof(m->devices.view[0]),
			      e);
	if (!ret)
		ret = vm_open(&m->vm, &m->mem, e);
	for (unsigned i = 0; !ret && i < m->cfg->cpus; i++)
		ret = vcpu_open(&m->vcpu[i], &m->vm, i, &m->pio, &m->mmio, e);
	if (ret)
		return ret; /* the I/O thread has nothing to add to that */
	/* Not before: the MSR filter waits for a grace period, and one that
	 * begins while the memory slots wait for theirs, or 25 us after, takes
	 * milliseconds, not 100 us. */
	m->lock.fd[LOCK_FD_VM] = m->vm.vm_fd;
	sem_post(&m->created);
	return 0;
}

static int load_images(struct machine *m, struct err *e)
{
	const struct boot_request req = {
		.kernel = &m->kernel,
		.initrd = m->cfg->initrd ? &m->initrd : NULL,
		.cmdline = m->cfg->cmdline,
		.args = m->cfg->args,
		.nargs = m->cfg->nargs,
		.cpus = m->cfg->cpus,
		.virtio_windows = m->devices.windows,
		.announce = m->cfg->announce,
		.kernel_irqchip = m->cfg->irqchip == IRQCHIP_KERNEL,
	};

	return boot_load(&req, &m->mem, &m->entry, e);
}

int machine_load(struct machine *m, struct err *e)
{
	uint32_t tsc_khz;
	int ret;

	timing_enter(TIMING_MAIN, TIMING_STAGE_LOAD);
	ret = build(m, e);
	if (!ret)
		ret = load_images(m, e);
	if (ret)
		return ret;
	machine_wait(&m->cpuid_ready, TIMING_WAIT_CPUID);
	tsc_khz = vcpu_tsc_khz(&m->vcpu[0]);
	timing_set_khz(tsc_khz);
	cpuid_restrict(&m->cpuid, m->cfg->cpus, tsc_khz);
	for (unsigned i = 0; !ret && i < m->cfg->cpus; i++)
		ret = vcpu_setup(&m->vcpu[i], &m->cpuid, &m->entry, e);
	return ret;
}

int machine_print(struct machine *m)
{
	struct parts parts;

	/* what the I/O thread finds out about the lock */
	while (sem_wait(&m->io_locking))
		;
	parts = machine_parts_in_force(m);
	return dry_run_print(STDOUT_FILENO, m->cfg, &m->entry, &m->mem, &parts);
}

/* ---- stage 4: lock and run ----------------------------------------------- */

static int lock_vcpu(const struct machine *m, const struct vcpu *v,
		     struct err *e)
{
	struct lock lock = m->lock;

	lock.fd[LOCK_FD_VCPU] = v->fd;
	return lock_thread(&lock, LOCK_VCPU, e);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = machine_get();
	struct err e;

	if (affinity_set_vcpu(&m->cfg->affinity, v->id, &e) ||
	    lock_vcpu(m, v, &e))
		machine_fail(&e);
	atomic_fetch_add(&m->locked, 1);
	vcpu_run(v);
	lock_end_thread();
}

/* All other threads are locked, or on the way. */
static void wait_for_locks(struct machine *m)
{
	uint64_t begin = timing_begin();

	while (sem_wait(&m->io_locking))
		;
	/* A locked thread cannot wake another: futex is forbidden to it. */
	while (atomic_load(&m->locked) < m->cfg->cpus)
		sched_yield();
	timing_end(TIMING_WAIT_LOCKS, begin);
}

int machine_run(struct machine *m, struct err *e)
{
	int ret = drop_ipc_lock(&m->drop, e);

	timing_enter(TIMING_MAIN, TIMING_STAGE_LOCK);
	/* Before the I/O thread sleeps for the first time: waking it takes
	 * longer than what it has to do. */
	loop_ring(m->loop, &m->go);
	for (unsigned i = 1; !ret && i < m->cfg->cpus; i++)
		ret = thread_start(vcpu_thread, &m->vcpu[i], e);
	if (ret)
		return ret;
	wait_for_locks(m);
	ret = drop_files(e);
	if (!ret)
		ret = lock_vcpu(m, &m->vcpu[0], e);
	if (ret)
		return ret;
	timing_enter(TIMING_MAIN, TIMING_STAGE_RUN);
	vcpu_run(&m->vcpu[0]);
	/* The I/O thread ends the process. */
	lock_end_thread();
}
