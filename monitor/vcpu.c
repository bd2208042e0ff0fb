// SPDX-License-Identifier: Apache-2.0
/* vCPU set-up, and dispatch of what KVM_RUN returns with. */
#include "monitor/vcpu.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "bootproto/boot.h"
#include "bootproto/layout.h"
#include "monitor/bus.h"
#include "monitor/cpuid.h"
#include "monitor/crash.h"
#include "monitor/err.h"
#include "monitor/kvm_ioctl.h"
#include "monitor/log.h"
#include "monitor/stop.h"
#include "monitor/timing.h"
#include "monitor/vm.h"

/* SDM 3A 2.5, SDM 4 2.2: what long mode with paging consists of. */
#define CR0_PE		0x1ULL
#define CR0_ET		0x10ULL
#define CR0_PG		0x80000000ULL
#define CR4_PAE		0x20ULL
#define EFER_LME	0x100ULL
#define EFER_LMA	0x400ULL
#define RFLAGS_RESERVED 0x2ULL
#define APIC_ENABLED	0x800ULL
#define APIC_BSP	0x100ULL

int vcpu_open(struct vcpu *v, struct vm *vm, unsigned id, const struct bus *pio,
	      const struct bus *mmio, struct err *e)
{
	v->vm = vm;
	v->id = id;
	v->pio = pio;
	v->mmio = mmio;
	v->run_size = vm->run_size;
	v->fd = kvm_ioctl_val(vm->vm_fd, KVM_CREATE_VCPU, id);
	if (v->fd < 0)
		return err_set(e, -errno, "KVM creates no vCPU %u", id);
	v->run = TIMED(TIMING_MAP_RUN,
		       mmap(NULL, v->run_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, v->fd, 0));
	if (v->run == MAP_FAILED)
		return err_set(e, -errno, "cannot map vCPU %u's run area", id);
	return 0;
}

uint32_t vcpu_tsc_khz(const struct vcpu *v)
{
	/* The VM's is the same and quicker to get (Linux 5.18). */
	int khz = kvm_ioctl_val(v->vm->vm_fd, KVM_GET_TSC_KHZ, 0);

	if (khz < 0)
		khz = kvm_ioctl_val(v->fd, KVM_GET_TSC_KHZ, 0);
	return khz > 0 ? (uint32_t)khz : 0;
}

static struct kvm_segment segment(const struct boot_segment *s)
{
	return (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.type = s->type,
		.present = 1,
		.dpl = 0,
		.db = s->db,
		.s = s->s,
		.l = s->l,
		.g = s->g,
	};
}

/*
 * The first KVM_RUN takes registers from its run area (Linux 4.17), which
 * spares three calls that load and unload the vCPU. What is not the boot
 * contract's is as after reset.
 */
static void set_registers(const struct vcpu *v, const struct boot_entry *entry)
{
	const struct kvm_segment data = segment(&boot_data);
	struct kvm_sync_regs *s = &v->run->s.regs;

	s->sregs = (struct kvm_sregs){
		.cs = segment(&boot_code64),
		.ds = data,
		.es = data,
		.fs = data,
		.gs = data,
		.ss = data,
		.tr = segment(&boot_tss),
		.ldt = { .limit = 0xffff, .type = 2, .present = 1 },
		.gdt = { .base = LAYOUT_GDT, .limit = BOOT_GDT_LIMIT },
		.cr3 = LAYOUT_PML4,
		.cr4 = CR4_PAE,
		.cr0 = CR0_PE | CR0_ET | CR0_PG,
		.efer = EFER_LME | EFER_LMA,
		.apic_base = LAYOUT_LAPIC | APIC_ENABLED | APIC_BSP,
	};
	s->regs = (struct kvm_regs){
		.rip = entry->rip,
		.rsp = entry->rsp,
		.rsi = entry->rsi,
		.rflags = RFLAGS_RESERVED,
	};
	v->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS | KVM_SYNC_X86_REGS;
}

/*
 * What firmware would have left in MSRs, where KVM starts otherwise and Linux
 * minds. All of it is for speed: a KVM that takes them not is no error.
 */
static void set_msrs(const struct vcpu *v)
{
	static const struct kvm_msr_entry entries[] = {
		/* MTRRs on, everything write-back: with MTRRs off, as at
		 * reset, Linux does without its PAT */
		{ .index = 0x2ff, .data = 0x806 },
		/* MISC_ENABLE: fast strings, without which Linux on Intel
		 * drops ERMS and REP_GOOD; no BTS, no PEBS (as at reset) */
		{ .index = 0x1a0, .data = 0x1801 },
	};
	enum { N = sizeof(entries) / sizeof(entries[0]) };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[N];
	} msrs = { .head.nmsrs = N };

	memcpy(msrs.entry, entries, sizeof(entries));
	if (kvm_ioctl(v->fd, KVM_SET_MSRS, &msrs) != N)
		log_debug("vcpu", "KVM takes not all MSRs of ours");
}

int vcpu_setup(const struct vcpu *v, struct cpuid *cpuid,
	       const struct boot_entry *entry, struct err *e)
{
	cpuid_set_vcpu(cpuid, v->id);
	if (kvm_ioctl(v->fd, KVM_SET_CPUID2, &cpuid->head) < 0)
		return err_set(e, -errno, "KVM takes not our CPUID table");
	set_msrs(v);
	if (!v->id)
		set_registers(v, entry);
	return 0;
}

static uint64_t load(const uint8_t *p, unsigned size)
{
	uint64_t val = 0;

	memcpy(&val, p, size);
	return val;
}

static void handle_io(const struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			bus_write(v->pio, run->io.port, size, load(data, size));
		} else {
			uint64_t val = bus_read(v->pio, run->io.port, size);

			memcpy(data, &val, size);
		}
	}
}

static void handle_mmio(const struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint64_t val;

	if (run->mmio.is_write) {
		bus_write(v->mmio, run->mmio.phys_addr, run->mmio.len,
			  load(run->mmio.data, run->mmio.len));
		return;
	}
	val = bus_read(v->mmio, run->mmio.phys_addr, run->mmio.len);
	memcpy(run->mmio.data, &val, run->mmio.len);
}

static void handle_system_event(const struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
	case KVM_SYSTEM_EVENT_RESET:
		stop_now(0);
		break;
	default:
		crash_report(v, "system event", 0);
		break;
	}
}

static void handle_exit(const struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(v);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(v);
		break;
	case KVM_EXIT_IOAPIC_EOI:
		ioapic_eoi(&v->vm->ioapic, v->run->eoi.vector);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(v);
		break;
	case KVM_EXIT_SHUTDOWN:
		crash_report(v, "triple fault", 0);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		crash_report(v, "the CPU refused the guest's state", 0);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crash_report(v, "KVM internal error", 0);
		break;
	default:
		crash_report(v, "unknown exit", 0);
		break;
	}
}

void vcpu_run(struct vcpu *v)
{
	while (stop_status() < 0) {
		if (kvm_ioctl_val(v->fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			crash_report(v, "KVM_RUN failed", errno);
			return;
		}
		handle_exit(v);
	}
}
