// SPDX-License-Identifier: Apache-2.0
/*
 * The floor: what the kernel itself charges for one VM.
 *
 * The KVM calls no monitor can do without, in a static program with nothing
 * around them: no option is parsed, no file is loaded, no irqchip is made. Its
 * guest is embedded, enters in long mode as any other, writes one line to the
 * serial port and its status to the exit port. What mote takes beyond this is
 * what mote costs.
 *
 *   floor          run; stdout gets the guest's bytes one by one
 *   floor --time   also print what each step took, on stderr
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bootproto/layout.h"

#define RAM_BYTES  (128UL << 20)
#define GUEST_CODE 0x100000UL
#define CPUID_MAX  128

#define PTE_PRESENT 0x1
#define PTE_WRITE   0x2
#define PTE_LARGE   0x80

#define CR0_PE	 0x1UL
#define CR0_PG	 0x80000000UL
#define CR4_PAE	 0x20UL
#define EFER_LME 0x100UL
#define EFER_LMA 0x400UL

/* rep outsb of a line (the text of guest/examples/hello.c), then status 0. */
static const uint8_t guest_code[] = {
	0xbe, 0x1a, 0x00, 0x10, 0x00, /* mov $GUEST_CODE + 26, %esi */
	0xb9, 0x0d, 0x00, 0x00, 0x00, /* mov $13, %ecx */
	0x66, 0xba, 0xf8, 0x03,	      /* mov $LAYOUT_PORT_SERIAL, %dx */
	0xf3, 0x6e,		      /* rep outsb */
	0x66, 0xba, 0x01, 0x05,	      /* mov $LAYOUT_PORT_EXIT, %dx */
	0x31, 0xc0,		      /* xor %eax, %eax */
	0xee,			      /* out %al, %dx */
	0xf4,			      /* hlt */
	0xeb, 0xfd,		      /* jmp back to the hlt */
	'h',  'e',  'l',  'l',	'o',  ',', ' ', 'w', 'o', 'r', 'l', 'd', '\n',
};

static union {
	struct kvm_cpuid2 head;
	uint8_t room[sizeof(struct kvm_cpuid2) +
		     CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
} cpuid;

static struct {
	const char *step;
	struct timespec when;
} mark[16];
static unsigned marks;

static void die(const char *step)
{
	perror(step);
	_exit(125);
}

static void note(const char *step)
{
	mark[marks].step = step;
	clock_gettime(CLOCK_MONOTONIC, &mark[marks++].when);
}

static void print_times(void)
{
	for (unsigned i = 1; i < marks; i++) {
		struct timespec a = mark[i - 1].when, b = mark[i].when;
		long us = (b.tv_sec - a.tv_sec) * 1000000L +
			  (b.tv_nsec - a.tv_nsec) / 1000;

		fprintf(stderr, "%-20s %6ld us\n", mark[i].step, us);
	}
}

/* Forward @req and insist; the caller is told apart by @step. */
static int call(int fd, unsigned long req, void *arg, const char *step)
{
	int ret = ioctl(fd, (int)req, arg);

	if (ret < 0)
		die(step);
	note(step);
	return ret;
}

static uint8_t *load_guest(void)
{
	uint8_t *ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t pml4 = LAYOUT_PDPT | PTE_PRESENT | PTE_WRITE;
	uint64_t pdpt = LAYOUT_PD | PTE_PRESENT | PTE_WRITE;
	uint64_t pd = PTE_LARGE | PTE_PRESENT | PTE_WRITE;

	if (ram == MAP_FAILED)
		die("mmap");
	memcpy(ram + LAYOUT_PML4, &pml4, sizeof(pml4));
	memcpy(ram + LAYOUT_PDPT, &pdpt, sizeof(pdpt));
	memcpy(ram + LAYOUT_PD, &pd, sizeof(pd));
	memcpy(ram + GUEST_CODE, guest_code, sizeof(guest_code));
	return ram;
}

static void set_cpuid(int kvm, int vcpu)
{
	cpuid.head.nent = CPUID_MAX;
	call(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "GET_SUPPORTED_CPUID");
	call(vcpu, KVM_SET_CPUID2, &cpuid, "SET_CPUID2");
}

static void set_registers(int vcpu)
{
	struct kvm_regs regs = { .rip = GUEST_CODE, .rflags = 2 };
	struct kvm_segment data = { .selector = 0x18,
				    .limit = 0xffffffff,
				    .type = 3,
				    .present = 1,
				    .s = 1,
				    .db = 1,
				    .g = 1 };
	struct kvm_segment code = data;
	struct kvm_sregs sregs;

	code.selector = 0x10;
	code.type = 11;
	code.db = 0;
	code.l = 1;
	call(vcpu, KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_PE | CR0_PG;
	sregs.cr3 = LAYOUT_PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	call(vcpu, KVM_SET_SREGS, &sregs, "SET_SREGS");
	call(vcpu, KVM_SET_REGS, &regs, "SET_REGS");
}

/* Return: the status the guest wrote to the exit port. */
static int run(int vcpu, struct kvm_run *state)
{
	bool first = true;

	for (;;) {
		char *data;

		if (ioctl(vcpu, KVM_RUN, NULL) < 0)
			die("KVM_RUN");
		if (first)
			note("first RUN");
		first = false;
		data = (char *)state + state->io.data_offset;
		if (state->exit_reason != KVM_EXIT_IO)
			return 131;
		if (state->io.port == LAYOUT_PORT_EXIT)
			return *data;
		if (write(STDOUT_FILENO, data, state->io.count) < 0)
			die("stdout");
	}
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_BYTES };
	int kvm, vm, vcpu, status, size;
	struct kvm_run *state;

	note("start");
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		die("/dev/kvm");
	note("open");
	vm = call(kvm, KVM_CREATE_VM, NULL, "CREATE_VM");
	slot.userspace_addr = (uintptr_t)load_guest();
	note("load");
	call(vm, KVM_SET_USER_MEMORY_REGION, &slot, "SET_MEMORY_REGION");
	vcpu = call(vm, KVM_CREATE_VCPU, NULL, "CREATE_VCPU");
	size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_MMAP_SIZE");
	state = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     vcpu, 0);
	if (state == MAP_FAILED)
		die("mmap vcpu");
	set_cpuid(kvm, vcpu);
	set_registers(vcpu);
	status = run(vcpu, state);
	note("rest");
	if (argc > 1 && !strcmp(argv[1], "--time"))
		print_times();
	_exit(status);
}
