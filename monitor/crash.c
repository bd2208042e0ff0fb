// SPDX-License-Identifier: Apache-2.0
/* Reads the dead vCPU's registers and prints them. */
#include "monitor/crash.h"

#include "monitor/err.h"
#include "monitor/kvm_ioctl.h"
#include "monitor/log.h"
#include "monitor/stop.h"
#include "monitor/vcpu.h"

typedef unsigned long long ull;

static void print_general(const struct kvm_regs *r)
{
	log_debug("crash", "rax=0x%llx rbx=0x%llx rcx=0x%llx rdx=0x%llx",
		  (ull)r->rax, (ull)r->rbx, (ull)r->rcx, (ull)r->rdx);
	log_debug("crash", "rsi=0x%llx rdi=0x%llx rsp=0x%llx rbp=0x%llx",
		  (ull)r->rsi, (ull)r->rdi, (ull)r->rsp, (ull)r->rbp);
	log_debug("crash", "r8=0x%llx r9=0x%llx r10=0x%llx r11=0x%llx",
		  (ull)r->r8, (ull)r->r9, (ull)r->r10, (ull)r->r11);
	log_debug("crash", "r12=0x%llx r13=0x%llx r14=0x%llx r15=0x%llx",
		  (ull)r->r12, (ull)r->r13, (ull)r->r14, (ull)r->r15);
}

static void print_system(const struct kvm_sregs *s)
{
	log_debug("crash",
		  "cr0=0x%llx cr2=0x%llx cr3=0x%llx cr4=0x%llx "
		  "efer=0x%llx",
		  (ull)s->cr0, (ull)s->cr2, (ull)s->cr3, (ull)s->cr4,
		  (ull)s->efer);
	log_debug("crash", "cs=0x%x ss=0x%x gdt=0x%llx+0x%x idt=0x%llx+0x%x",
		  s->cs.selector, s->ss.selector, (ull)s->gdt.base,
		  s->gdt.limit, (ull)s->idt.base, s->idt.limit);
}

static void print_details(const struct vcpu *v, const struct kvm_regs *regs,
			  const struct kvm_sregs *sregs)
{
	const struct kvm_run *run = v->run;

	print_general(regs);
	print_system(sregs);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
		log_debug("crash", "suberror %u, %u data words",
			  run->internal.suberror, run->internal.ndata);
		for (unsigned i = 0; i < run->internal.ndata && i < 16; i++)
			log_debug("crash", "data[%u]=0x%llx", i,
				  (ull)run->internal.data[i]);
	}
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		log_debug("crash", "hardware reason 0x%llx",
			  (ull)run->fail_entry.hardware_entry_failure_reason);
}

void crash_report(const struct vcpu *v, const char *why, int error)
{
	struct kvm_regs regs = { 0 };
	struct kvm_sregs sregs = { 0 };

	/* Of several vCPUs that fall together, the first is the story. */
	if (stop_status() >= 0)
		return;
	kvm_ioctl(v->fd, KVM_GET_REGS, &regs);
	kvm_ioctl(v->fd, KVM_GET_SREGS, &sregs);
	if (error)
		log_err("guest crashed", "%s on vCPU %u, rip 0x%llx, error %d",
			why, v->id, (ull)regs.rip, error);
	else
		log_err("guest crashed",
			"%s on vCPU %u, rip 0x%llx, exit reason %u", why, v->id,
			(ull)regs.rip, v->run->exit_reason);
	if (log_enabled(LOG_DEBUG))
		print_details(v, &regs, &sregs);
	stop_now(EXIT_CRASHED);
}
