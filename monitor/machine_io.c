// SPDX-License-Identifier: Apache-2.0
/*
 * The I/O thread: helps to build the VM, locks itself, serves the event loop,
 * and ends the process.
 */
#include <errno.h>

#include "bootproto/other_entry.h"
#include "monitor/affinity.h"
#include "monitor/console.h"
#include "monitor/ending.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/machine_parts.h"
#include "monitor/stop.h"
#include "seccomp/msr.h"

void machine_fail(const struct err *e)
{
	log_err("", "%s", e->msg);
	ending_exit(e->status);
}

void machine_wait(sem_t *sem, enum timing_what what)
{
	uint64_t begin = timing_begin();

	while (sem_wait(sem))
		;
	timing_end(what, begin);
}

static int require_lock(const struct machine *m, struct err *e)
{
	const struct parts parts = machine_parts_in_force(m);
	const char *lacking = parts_lacking(&parts, 0);

	return lacking ? err_set(e, -EINVAL, "--require-lock: lacking here: %s",
				 lacking)
		       : 0;
}

static int lock_io(struct machine *m, struct err *e)
{
	int ret;

	timing_enter(TIMING_IO, TIMING_STAGE_LOCK);
	ret = loop_start(m->loop, e);
	machine_wait(&m->created, TIMING_WAIT_CREATED);
	if (ret)
		return ret;
	/* Some 100 us, while the main thread loads the images. */
	m->vm.msr_filter = msr_restrict(m->vm.vm_fd) == 0;
	if (m->cfg->require_lock) {
		ret = require_lock(m, e);
		if (ret)
			return ret;
	}
	sem_post(&m->io_locking);
	ret = lock_thread(&m->lock, LOCK_IO, e);
	if (!ret)
		atomic_fetch_add(&m->locked, 1);
	return ret;
}

/* Code for 32-bit mode that is entered in 64-bit mode crashes or hangs, and in
 * either case says nothing. */
static void report_entry(const struct machine *m)
{
	const char *name;

	if (m->entry.kind != BOOT_ELF64 || !console_silent() ||
	    (stop_status() < EXIT_SIGNAL_BASE &&
	     stop_status() != EXIT_TIMED_OUT))
		return;
	name = other_entry(&m->mem, m->entry.image_start, m->entry.image_end);
	if (name)
		log_warn("boot",
			 "the guest said nothing; its image has an entry for "
			 "32-bit mode (%s), but mote enters it at its ELF "
			 "entry in 64-bit mode",
			 name);
}

/* At the end. Linux says nothing when it cannot read what announces its
 * devices. */
static void report(const struct machine *m)
{
	report_entry(m);
	if (m->entry.kind != BOOT_ELF64 && devices_unnoticed(&m->devices))
		log_warn("announce",
			 "no driver took a device; Linux needs its module "
			 "virtio_mmio, and %s",
			 m->entry.announce == BOOT_ANNOUNCE_ACPI
				 ? "without ACPI --announce cmdline"
				 : "CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES without "
				   "--announce acpi");
	for (unsigned i = 0; i < m->cfg->nets; i++)
		virtio_net_report(&m->devices.net[i], i);
}

/*
 * From the lock on the I/O thread only serves. It ends the process: _exit() in
 * one thread ends all, whatever the vCPUs are doing.
 */
void *machine_io_thread(void *arg)
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
		machine_wait(&m->ring_bound, TIMING_WAIT_RING);
	if (!ret)
		ret = drop_ipc_lock(&m->drop, &e);
	if (!ret)
		ret = lock_io(m, &e);
	timing_enter(TIMING_IO, TIMING_STAGE_RUN);
	if (!ret)
		ret = loop_run(m->loop, &e);
	if (ret)
		machine_fail(&e);
	report(m);
	ending_exit(stop_status());
}
