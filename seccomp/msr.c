// SPDX-License-Identifier: Apache-2.0
/* The table of MSRs, and its translation into KVM's bitmaps. */
#include "seccomp/msr.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>

#include "monitor/kvm_ioctl.h"

/* Numbers and names: SDM 4 chapter 2, AMD APM 2 appendix A, Linux
 * Documentation/virt/kvm/x86/msr.rst. */
const struct msr_row msr_rows[] = {
	MSR(0x10, 0x10, "TSC", "time"),
	MSR(0x11, 0x12, "KVM_WALL/SYSTEM_TIME",
	    "kvm-clock, by its old numbers"),
	MSR(0x17, 0x17, "PLATFORM_ID", "read beside the microcode's revision"),
	MSR(0x1b, 0x1b, "APIC_BASE", "xAPIC or x2APIC"),
	MSR(0x3a, 0x3b, "FEATURE_CONTROL, TSC_ADJUST", "read by Linux"),
	MSR(0x48, 0x49, "SPEC_CTRL, PRED_CMD", "guest's own mitigations"),
	MSR(0x79, 0x79, "UCODE_WRITE", "ignored by KVM"),
	MSR(0x8b, 0x8b, "UCODE_REV", "read before mitigations are chosen"),
	MSR(0xce, 0xce, "PLATFORM_INFO", "TSC frequency, CPUID faulting"),
	MSR(0xe1, 0xe1, "UMWAIT_CONTROL", "where CPUID has WAITPKG"),
	MSR(0xfe, 0xfe, "MTRRcap", "memory types"),
	MSR(0x10a, 0x10b, "ARCH_CAPABILITIES..", "guest's own mitigations"),
	MSR(0x122, 0x123, "TSX_CTRL, MCU_OPT_CTRL", "guest's own mitigations"),
	MSR(0x140, 0x140, "MISC_FEATURES_ENABLES", "CPUID faulting"),
	MSR(0x174, 0x176, "SYSENTER_*", "32-bit system calls"),
	MSR(0x179, 0x17b, "MCG_*", "machine checks: none ever comes"),
	MSR(0x1a0, 0x1a0, "MISC_ENABLE", "fast strings, read at boot"),
	MSR(0x1c4, 0x1c5, "XFD, XFD_ERR", "extended FPU state"),
	MSR(0x1d9, 0x1d9, "DEBUGCTL", "single step by branch"),
	MSR(0x1fc, 0x1fc, "POWER_CTL", "read by Linux"),
	MSR(0x200, 0x20f, "MTRRphys*", "memory types"),
	MSR(0x250, 0x250, "MTRRfix64K", "memory types"),
	MSR(0x258, 0x259, "MTRRfix16K*", "memory types"),
	MSR(0x268, 0x26f, "MTRRfix4K*", "memory types"),
	MSR(0x277, 0x277, "PAT", "memory types"),
	MSR(0x2ff, 0x2ff, "MTRRdefType", "memory types"),
	MSR(0x400, 0x47f, "MCi_*", "machine checks: none ever comes"),
	MSR(0x6e0, 0x6e0, "TSC_DEADLINE", "the timer"),
	MSR(0xda0, 0xda0, "XSS", "extended FPU state"),
	MSR(0x4b564d00, 0x4b564d08, "KVM_*",
	    "kvm-clock, async page faults, "
	    "steal time, PV EOI"),
	MSR(0xc0000080, 0xc0000084, "EFER, STAR..SFMASK", "long mode, syscall"),
	MSR(0xc0000100, 0xc0000103, "FS/GS bases, TSC_AUX", "threads, CPU ids"),
	MSR(0xc0010010, 0xc0010010, "SYSCFG", "read by Linux on AMD"),
	MSR(0xc0010015, 0xc0010015, "HWCR", "read by Linux on AMD"),
	MSR(0xc001001f, 0xc001001f, "NB_CFG", "read by Linux on AMD"),
	MSR(0xc0010055, 0xc0010055, "INT_PENDING", "C1E, read by Linux on AMD"),
	MSR(0xc0010058, 0xc0010058, "MMIO_CONF_BASE", "read by Linux on AMD"),
	MSR(0xc0010114, 0xc0010114, "VM_CR", "says that SVM is off"),
	MSR(0xc001011f, 0xc001011f, "VIRT_SPEC_CTRL",
	    "guest's own mitigations"),
	MSR(0xc0010140, 0xc0010141, "OSVW", "errata, read by Linux on AMD"),
	MSR(0xc0011020, 0xc0011020, "LS_CFG", "guest's own mitigations"),
	MSR(0xc0011022, 0xc0011022, "DC_CFG", "read by Linux on AMD"),
	MSR(0xc0011029, 0xc001102a, "DE_CFG, BU_CFG2", "LFENCE serializes"),
	{ 0 },
};

/* Rows that lie this close together share a bitmap. */
#define WINDOW_MSRS 1152U
#define WINDOWS	    KVM_MSR_FILTER_MAX_RANGES

struct bitmaps {
	uint64_t word[WINDOWS][WINDOW_MSRS / 64];
};

/* Add @row to the last of @n windows, or to a new one. */
static unsigned add(struct kvm_msr_filter *filter, struct bitmaps *maps,
		    unsigned n, const struct msr_row *row)
{
	struct kvm_msr_filter_range *r = &filter->ranges[n ? n - 1 : 0];

	if (!n || row->last - r->base >= WINDOW_MSRS) {
		r = &filter->ranges[n];
		r->flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
		r->base = row->first;
		r->bitmap = (uint8_t *)maps->word[n++];
	}
	for (uint32_t msr = row->first; msr <= row->last; msr++) {
		uint32_t bit = msr - r->base;

		maps->word[n - 1][bit / 64] |= 1ULL << bit % 64;
	}
	r->nmsrs = row->last - r->base + 1;
	return n;
}

int msr_restrict(int vm_fd)
{
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
	};
	struct bitmaps maps = { 0 };
	unsigned n = 0;

	for (const struct msr_row *row = msr_rows; row->last; row++)
		n = add(&filter, &maps, n, row);
	return kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter) ? -errno : 0;
}
