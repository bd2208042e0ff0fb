// SPDX-License-Identifier: Apache-2.0
/*
 * Creating a VM, in the order that costs least.
 *
 * Memory slots come first. Since Linux 6.18 a memory slot added behind an
 * in-kernel irqchip, a PIT or an ioeventfd waits for a grace period of 4 to
 * 11 ms. For the same reason no ioeventfd is registered before the guest runs:
 * vm_bell() does so later, for queues that are busy, when no slot follows.
 */
#include "monitor/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/kvm_ioctl.h"
#include "monitor/log.h"
#include "monitor/mem.h"
#include "monitor/timing.h"

/* Three pages for Intel CPUs that cannot run real mode natively (only APs
 * start there); below the BIOS area that no guest here has. */
#define TSS_ADDR 0xfffbd000UL

int vm_open_kvm(struct vm *vm, struct err *e)
{
	int version;

	vm->vm_fd = -1;
	vm->kvm_fd =
		TIMED(TIMING_OPEN_KVM, open("/dev/kvm", O_RDWR | O_CLOEXEC));
	if (vm->kvm_fd < 0)
		return err_set(e, -errno,
			       "cannot open /dev/kvm (`mote check` says what "
			       "to do)");
	version = kvm_ioctl_val(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return err_set(e, -EINVAL,
			       "/dev/kvm has API version %d, not %d: not a KVM "
			       "that mote knows",
			       version, KVM_API_VERSION);
	return 0;
}

/* Memory slots: RAM is 0 and maybe 1. */
#define SLOT_SHOWN 2

static int add_memory(const struct vm *vm, const struct mem *mem, struct err *e)
{
	for (unsigned i = 0; i < mem->regions; i++) {
		const struct mem_region *r = &mem->region[i];
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = r->gpa,
			.memory_size = r->len,
			.userspace_addr = (uintptr_t)r->host,
		};

		if (kvm_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return err_set(e, -errno,
				       "KVM does not take %llu MiB of guest "
				       "memory at 0x%llx",
				       (unsigned long long)(r->len >> 20),
				       (unsigned long long)r->gpa);
	}
	return 0;
}

int vm_show(const struct vm *vm, uint64_t gpa, const void *pages, size_t len,
	    struct err *e)
{
	struct kvm_userspace_memory_region slot = {
		.slot = SLOT_SHOWN,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = gpa,
		.memory_size = len,
		.userspace_addr = (uintptr_t)pages,
	};

	if (!len || !kvm_ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) ||
	    errno == EINVAL)
		return 0;
	return err_set(e, -errno, "KVM does not take the devices' registers");
}

/* ---- interrupt controller: ours, or the kernel's ------------------------- */

static void send_msi(void *cookie, uint32_t addr, uint32_t data)
{
	const struct vm *vm = cookie;
	struct kvm_msi msi = { .address_lo = addr, .data = data };

	if (kvm_ioctl(vm->vm_fd, KVM_SIGNAL_MSI, &msi) < 0)
		log_guest(LOG_WARN, "ioapic",
			  "KVM takes no message 0x%x to 0x%x: %s",
			  (unsigned)data, (unsigned)addr, strerror(errno));
}

/*
 * Tell KVM which vectors are level-triggered I/O APIC interrupts: it derives
 * from these routes for which EOIs a vCPU exits (KVM_EXIT_IOAPIC_EOI).
 * Messages themselves go through KVM_SIGNAL_MSI and need no route.
 */
static void route_level_pins(void *cookie, uint32_t level_pins)
{
	struct vm *vm = cookie;
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[LAYOUT_IOAPIC_PINS];
	} routes = { .head.nr = 0 };

	for (unsigned pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		struct kvm_irq_routing_entry *r = &routes.entry[routes.head.nr];
		uint32_t addr, data;

		if (!(level_pins >> pin & 1))
			continue;
		ioapic_message(&vm->ioapic, pin, &addr, &data);
		r->gsi = pin;
		r->type = KVM_IRQ_ROUTING_MSI;
		r->u.msi.address_lo = addr;
		r->u.msi.data = data;
		routes.head.nr++;
	}
	if (kvm_ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, &routes) < 0)
		log_guest(LOG_WARN, "ioapic",
			  "KVM takes no routes for level-triggered pins: %s",
			  strerror(errno));
}

static int open_split_irqchip(struct vm *vm, struct err *e)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = { LAYOUT_IOAPIC_PINS },
	};

	if (kvm_ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0)
		return err_set(e, -errno,
			       "KVM has no split irqchip (Linux 4.5); try "
			       "--irqchip kernel");
	vm->ioapic.send = send_msi;
	vm->ioapic.routes_changed = route_level_pins;
	vm->ioapic.cookie = vm;
	ioapic_init(&vm->ioapic);
	return 0;
}

static int open_kernel_irqchip(const struct vm *vm, struct err *e)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (kvm_ioctl_val(vm->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_set(e, -errno, "KVM creates no PIC and I/O APIC");
	if (kvm_ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return err_set(e, -errno, "KVM creates no PIT");
	return 0;
}

int vm_create(struct vm *vm, struct err *e)
{
	do
		vm->vm_fd = kvm_ioctl_val(vm->kvm_fd, KVM_CREATE_VM, 0);
	while (vm->vm_fd < 0 && errno == EINTR);
	if (vm->vm_fd < 0)
		return err_set(e, -errno,
			       "KVM creates no VM (`mote check` looks for the "
			       "cause)");
	return 0;
}

int vm_open(struct vm *vm, const struct mem *mem, struct err *e)
{
	int ret = kvm_ioctl_val(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (ret < 0)
		return err_set(e, -errno, "KVM_GET_VCPU_MMAP_SIZE");
	vm->run_size = (size_t)ret;
	ret = add_memory(vm, mem, e);
	if (ret)
		return ret;
	/* Refused by AMD's back end and by software ones, which need none. */
	kvm_ioctl_val(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR);
	/*
	 * The host's rate, as Linux knows it by now: KVM's default is the one
	 * of when it was loaded. Where these are more than 250 ppm apart and
	 * the CPU cannot scale, KVM forgets the guest's TSC offset, and timers
	 * are late by the host's uptime. Refused before Linux 5.18.
	 */
	kvm_ioctl_val(vm->vm_fd, KVM_SET_TSC_KHZ, 0);
	return vm->irqchip == IRQCHIP_SPLIT ? open_split_irqchip(vm, e)
					    : open_kernel_irqchip(vm, e);
}

int vm_bell(const struct vm *vm, uint64_t gpa, uint32_t value, int eventfd)
{
	struct kvm_ioeventfd bell = {
		.datamatch = value,
		.addr = gpa,
		.len = sizeof(value),
		.fd = eventfd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return kvm_ioctl(vm->vm_fd, KVM_IOEVENTFD, &bell) < 0 ? -errno : 0;
}

static void set_ioapic(void *chip, unsigned gsi, bool asserted)
{
	ioapic_set(chip, gsi, asserted);
}

/* An edge for every event, and a level that stays: down first, then up. */
static void set_kernel(void *chip, unsigned gsi, bool asserted)
{
	const struct vm *vm = chip;
	struct kvm_irq_level level = { .irq = gsi, .level = 0 };

	kvm_ioctl(vm->vm_fd, KVM_IRQ_LINE, &level);
	if (!asserted)
		return;
	level.level = 1;
	kvm_ioctl(vm->vm_fd, KVM_IRQ_LINE, &level);
}

struct irq_line vm_irq_line(struct vm *vm, unsigned gsi)
{
	if (vm->irqchip == IRQCHIP_SPLIT)
		return (struct irq_line){ set_ioapic, &vm->ioapic, gsi };
	return (struct irq_line){ set_kernel, vm, gsi };
}
