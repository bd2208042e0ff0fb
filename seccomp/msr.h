/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which model-specific registers a guest may touch. Any other gives it #GP,
 * whatever the host's KVM would do (kvm.ignore_msrs=1, for one, would let it
 * pass), so what KVM learns to emulate later does not reach old guests.
 *
 * x2APIC registers (0x800..0x8ff) cannot be filtered and are the LAPIC's.
 */
#ifndef MOTE_SECCOMP_MSR_H
#define MOTE_SECCOMP_MSR_H

#include <stdint.h>

/**
 * struct msr_row - registers first..last
 * @why: who uses them
 *
 * Words are for docs/lock.md: what prints it is compiled with LOCK_WORDS, and
 * the monitor, which would only carry 4 KB about, without.
 */
struct msr_row {
	uint32_t first, last;
#ifdef LOCK_WORDS
	const char *name, *why;
#endif
};

#ifdef LOCK_WORDS
#define MSR(...)                                                               \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#else
#define MSR(first_, last_, ...)                                                \
	{                                                                      \
		first_, last_                                                  \
	}
#endif

/* In ascending order; ends with a row of zeroes. */
extern const struct msr_row msr_rows[];

/**
 * msr_restrict() - let the VM's guests have the registers in msr_rows
 * Waits for a grace period of SRCU: some 100 us, but 4 to 20 ms while another
 * one is under way or has just ended, as behind a change of the memory slots.
 * Return: 0, or negative errno where KVM has no filter (Linux < 5.10).
 */
int msr_restrict(int vm_fd);

#endif
