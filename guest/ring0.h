/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls into the ring-0 stub, for the kit's own files and for drivers.
 *
 * Each costs an exception and an IRETQ: 15 us where ring 0 is emulated, well
 * below one on hardware. A driver that needs something else writes a routine
 * of its own in the manner of stub.S and calls it with RING0().
 */
#ifndef MOTE_GUEST_RING0_H
#define MOTE_GUEST_RING0_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct kit_boot - what start.S found out, right above the stack
 * @cmdline: the command line, or NULL
 * @info: struct boot_params or hvm_start_info
 * @tsc: when the program was entered
 */
struct kit_boot {
	const char *cmdline;
	const void *info;
	uint64_t tsc;
};
_Static_assert(sizeof(struct kit_boot) <= 64, "kit.ld keeps 64 bytes");

extern const struct kit_boot kit_boot;

/* The routines of stub.S; data only to C. */
extern const char r0_outsb[], r0_out8[], r0_in8[], r0_rdmsr[], r0_wrmsr[];
extern const char r0_cpuid[], r0_poke[], r0_flush[], r0_idle[], r0_exit[];

/*
 * How to call: the routine's address in r10, arguments where it wants them.
 * (The call pushes below rsp: there is no red zone in the kit.)
 */
#define RING0_ROUTINE(name)                                                    \
	register const char *routine_ __asm__("r10") = (name)
#define RING0_CALL	    "call kit_ring0"
#define RING0_ROUTINE_INPUT "r"(routine_)

/** ring0_outsb() - @len bytes of @buf to @port, one by one */
static inline void ring0_outsb(uint16_t port, const void *buf, size_t len)
{
	RING0_ROUTINE(r0_outsb);

	__asm__ volatile(RING0_CALL
			 : "+S"(buf), "+c"(len)
			 : "d"(port), RING0_ROUTINE_INPUT
			 : "memory", "cc");
}

static inline void ring0_out8(uint16_t port, uint8_t value)
{
	RING0_ROUTINE(r0_out8);

	__asm__ volatile(RING0_CALL
			 :
			 : "a"(value), "d"(port), RING0_ROUTINE_INPUT
			 : "memory", "cc");
}

static inline uint8_t ring0_in8(uint16_t port)
{
	RING0_ROUTINE(r0_in8);
	uint8_t value;

	__asm__ volatile(RING0_CALL
			 : "=a"(value)
			 : "d"(port), RING0_ROUTINE_INPUT
			 : "memory", "cc");
	return value;
}

static inline uint64_t ring0_rdmsr(uint32_t msr)
{
	RING0_ROUTINE(r0_rdmsr);
	uint32_t low, high;

	__asm__ volatile(RING0_CALL
			 : "=a"(low), "=d"(high)
			 : "c"(msr), RING0_ROUTINE_INPUT
			 : "memory", "cc");
	return (uint64_t)high << 32 | low;
}

static inline void ring0_wrmsr(uint32_t msr, uint64_t value)
{
	RING0_ROUTINE(r0_wrmsr);

	__asm__ volatile(RING0_CALL
			 :
			 : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)),
			   "c"(msr), RING0_ROUTINE_INPUT
			 : "memory", "cc");
}

/** struct cpuid - a leaf, as the monitor (not the host's CPU) tells it */
struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid ring0_cpuid(uint32_t leaf)
{
	RING0_ROUTINE(r0_cpuid);
	struct cpuid r;

	__asm__ volatile(RING0_CALL
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(0), RING0_ROUTINE_INPUT
			 : "memory", "cc");
	return r;
}

/** ring0_poke() - write where ring 3 may not: page tables, below 2 MiB */
static inline void ring0_poke(uintptr_t addr, uint64_t value)
{
	RING0_ROUTINE(r0_poke);

	__asm__ volatile(RING0_CALL
			 :
			 : "a"(value), "D"(addr), RING0_ROUTINE_INPUT
			 : "memory", "cc");
}

/** ring0_flush() - after a page table entry was changed (not: was added) */
static inline void ring0_flush(void)
{
	RING0_ROUTINE(r0_flush);

	__asm__ volatile(RING0_CALL
			 :
			 : RING0_ROUTINE_INPUT
			 : "rax", "memory", "cc");
}

/** ring0_idle() - sleep with interrupts on until one has been taken */
static inline void ring0_idle(void)
{
	RING0_ROUTINE(r0_idle);

	__asm__ volatile(RING0_CALL : : RING0_ROUTINE_INPUT : "memory", "cc");
}

static inline _Noreturn void ring0_exit(uint16_t port, uint8_t status)
{
	RING0_ROUTINE(r0_exit);

	__asm__ volatile(RING0_CALL
			 :
			 : "a"(status), "d"(port), RING0_ROUTINE_INPUT
			 : "memory", "cc");
	__builtin_unreachable();
}

#endif
