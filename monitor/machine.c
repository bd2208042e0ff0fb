// SPDX-License-Identifier: Apache-2.0
/*
 * Puts the machine together, stage by stage.
 *
 * Threads: the main thread opens, drops and loads, and then becomes vCPU 0.
 * The I/O thread is started as soon as the privileges are dropped, because
 * what it does first (asking KVM for the CPUID table) takes as long as
 * creating the VM: even before the first filter, which the main thread installs
 * for both. Then it locks itself and serves the event loop, and it ends the
 * process. Each vCPU locks itself; the guest runs when all are locked.
 */
#include "monitor/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootproto/boot.h"
#include "monitor/affinity.h"
#include "monitor/bus.h"
#include "monitor/config.h"
#include "monitor/console.h"
#include "monitor/cpuid.h"
#include "monitor/devices.h"
#include "monitor/dry_run.h"
#include "monitor/ending.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/loop.h"
#include "monitor/mem.h"
#include "monitor/outputs.h"
#include "monitor/stop.h"
#include "monitor/terminal.h"
#include "monitor/timing.h"
#include "monitor/vcpu.h"
#include "monitor/vm.h"
#include "seccomp/drop.h"
#include "seccomp/jail.h"
#include "seccomp/lock.h"
#include "seccomp/msr.h"
#include "seccomp/parts.h"

#define THREAD_STACK (64U * 1024)
#define PAGE	     4096U

struct machine {
	const struct config *cfg;
	struct loop *loop;
	int timing_fd; /* or -1: none but stderr */
	struct image kernel, initrd;
	struct mem mem;
	struct bus pio, mmio;
	struct vm vm;
	struct vcpu vcpu[CONFIG_CPUS_MAX];
	struct boot_entry entry;

	/* constant after machine_drop() but for descriptors made later */
	struct drop drop;
	struct lock lock;

	sem_t cpuid_ready;
	_Atomic bool ring_begun;
	sem_t ring_open;
	sem_t created;	  /* VM and vCPUs are: the I/O thread may lock itself */
	sem_t io_locking; /* and is about to */
	_Atomic unsigned locked; /* threads, but for the main thread */
	struct loop_source go;	 /* the main thread is locked too */

	/* made by the I/O thread, the main thread's after cpuid_ready */
	struct cpuid cpuid;

	struct devices devices; /* last: 80 MiB, of which little is touched */
};

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

/*
 * The stack, above a page that cannot be touched, is of our making: the C
 * library would unmap its own where there may be no more threads, and the lock
 * would kill it for that.
 */
static int make_stack(pthread_attr_t *attr)
{
	uint8_t *p = mmap(NULL, PAGE + THREAD_STACK, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED ||
	    mprotect(p + PAGE, THREAD_STACK, PROT_READ | PROT_WRITE))
		return errno;
	return pthread_attr_setstack(attr, p + PAGE, THREAD_STACK);
}

static int create_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = make_stack(&attr);
	return ret ? ret : pthread_create(&thread, &attr, run, arg);
}

static int start_thread(void *(*run)(void *), void *arg, struct err *e)
{
	int ret = -TIMED(TIMING_THREAD, create_thread(run, arg));

	return ret ? err_set(e, ret,
			     "cannot start a thread; a limit on processes "
			     "(`ulimit -u`, pids.max) forbids it")
		   : 0;
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

/* ---- stage 2: drop ------------------------------------------------------- */

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

/* Known for sure once the ring and the VM are there. */
static struct parts parts_in_force(const struct machine *m)
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

static int require_lock(const struct machine *m, struct err *e)
{
	const struct parts parts = parts_in_force(m);
	const char *lacking = parts_lacking(&parts, 0);

	return lacking ? err_set(e, -EINVAL, "--require-lock: lacking here: %s",
				 lacking)
		       : 0;
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

static void *io_thread(void *arg);

static int start_io(struct machine *m, struct err *e)
{
	sem_init(&m->cpuid_ready, 0, 0);
	sem_init(&m->ring_open, 0, 0);
	sem_init(&m->created, 0, 0);
	sem_init(&m->io_locking, 0, 0);
	return start_thread(io_thread, m, e);
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
	return ret ? ret : lock_thread(&m->lock, LOCK_START, e);
}

/* ---- the I/O thread ------------------------------------------------------ */

static void __attribute__((noreturn)) fail(const struct err *e)
{
	log_err("", "%s", e->msg);
	ending_exit(e->status);
}

static void wait_for(sem_t *sem, enum timing_what what)
{
	uint64_t begin = timing_begin();

	while (sem_wait(sem))
		;
	timing_end(what, begin);
}

/* The io_uring, by whichever thread has time for it first: where asking for
 * CPUID takes longer than building the VM, that is the main thread. */
static int open_ring(struct machine *m, struct err *e)
{
	int ret;

	if (atomic_exchange(&m->ring_begun, true))
		return 0;
	ret = loop_open(m->loop, e);
	if (!ret)
		sem_post(&m->ring_open);
	return ret;
}

static int lock_io(struct machine *m, struct err *e)
{
	struct lock lock;
	int ret;

	timing_enter(TIMING_IO, TIMING_STAGE_LOCK);
	ret = loop_start(m->loop, m->lock.sets, e);
	wait_for(&m->created, TIMING_WAIT_CREATED);
	if (ret)
		return ret;
	/* Some 100 us, while the main thread loads the images. */
	m->vm.msr_filter = msr_restrict(m->vm.vm_fd) == 0;
	if (m->cfg->require_lock) {
		ret = require_lock(m, e);
		if (ret)
			return ret;
	}
	lock = m->lock;
	lock.fd[LOCK_FD_RING] = loop_ring_fd(m->loop);
	sem_post(&m->io_locking);
	ret = lock_thread(&lock, LOCK_IO, e);
	if (!ret)
		atomic_fetch_add(&m->locked, 1);
	return ret;
}

/* Linux says nothing when it cannot read what announces its devices. */
static void advise(const struct machine *m)
{
	if (m->entry.announce == BOOT_ANNOUNCE_ACPI &&
	    devices_unnoticed(&m->devices))
		log_warn("announce",
			 "no driver took a device; a kernel without ACPI "
			 "needs --announce cmdline");
}

/*
 * From the lock on the I/O thread only serves. It ends the process: _exit() in
 * one thread ends all, whatever the vCPUs are doing.
 */
static void *io_thread(void *arg)
{
	struct machine *m = arg;
	struct err e = { 0 };
	int ret;

	timing_enter(TIMING_IO, TIMING_STAGE_LOAD);
	ret = affinity_set_io(&m->cfg->affinity, &e);
	if (!ret)
		ret = cpuid_get_supported(m->vm.kvm_fd, &m->cpuid, &e);
	sem_post(&m->cpuid_ready);
	if (!ret)
		ret = open_ring(m, &e);
	if (!ret)
		wait_for(&m->ring_open, TIMING_WAIT_RING);
	if (!ret)
		ret = drop_ipc_lock(&m->drop, &e);
	if (!ret)
		ret = lock_io(m, &e);
	timing_enter(TIMING_IO, TIMING_STAGE_RUN);
	if (!ret)
		ret = loop_run(m->loop, &e);
	if (ret)
		fail(&e);
	advise(m);
	ending_exit(stop_status());
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
	/* Not before: the MSR filter waits for a grace period, and one that
	 * begins while the memory slots wait for theirs, or 25 us after, takes
	 * milliseconds, not 100 us. */
	m->lock.fd[LOCK_FD_VM] = m->vm.vm_fd;
	sem_post(&m->created);
	return ret;
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
	if (sem_trywait(&m->cpuid_ready)) {
		ret = open_ring(m, e);
		if (ret)
			return ret;
		wait_for(&m->cpuid_ready, TIMING_WAIT_CPUID);
	}
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
	parts = parts_in_force(m);
	return dry_run_print(STDOUT_FILENO, m->cfg, &m->entry, &m->mem, &parts);
}

/* ---- stage 4: lock and run ----------------------------------------------- */

static int lock_vcpu(const struct machine *m, const struct vcpu *v,
		     struct err *e)
{
	struct lock lock = m->lock;

	lock.fd[LOCK_FD_VCPU] = v->fd;
	lock.fd[LOCK_FD_WAKE] = loop_wake_fd(m->loop);
	return lock_thread(&lock, LOCK_VCPU, e);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = machine_get();
	struct err e;

	if (affinity_set_vcpu(&m->cfg->affinity, v->id, &e) ||
	    lock_vcpu(m, v, &e))
		fail(&e);
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
		ret = start_thread(vcpu_thread, &m->vcpu[i], e);
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
