// SPDX-License-Identifier: Apache-2.0
/*
 * What is said about a fault.
 *
 * The stub leaves the frame on the ring-0 stack and comes back to ring 3, on
 * a stack of its own, so that formatting runs at full speed and a stack that
 * ran over can be reported.
 */
#include "guest/fault.h"

#include "guest/kit.h"

/* SDM 3A 6.3.1 */
static const char *const names[] = {
	[0] = "divide error",
	[1] = "debug",
	[2] = "NMI",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range",
	[6] = "invalid opcode",
	[7] = "device not available",
	[8] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection",
	[14] = "page fault",
	[16] = "x87 error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD error",
};

static const char *name_of(uint64_t vector)
{
	if (vector >= sizeof(names) / sizeof(names[0]) || !names[vector])
		return "exception";
	return names[vector];
}

_Noreturn void kit_fault(const struct fault_frame *f, uint64_t cr2)
{
	static bool reporting;

	if (reporting) /* a fault in here: say no more */
		exit(KIT_EXIT_FAULT);
	reporting = true;
	console_printf("fault: vector %lu (%s), error 0x%lx, address 0x%lx, "
		       "rip 0x%lx, rsp 0x%lx, ring %lu\n",
		       f->vector, name_of(f->vector), f->error, cr2, f->rip,
		       f->rsp, f->cs & 3);
	exit(KIT_EXIT_FAULT);
}
