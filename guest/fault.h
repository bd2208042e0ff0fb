/* SPDX-License-Identifier: Apache-2.0 */
/* How the stub hands a fault to ring 3. */
#ifndef MOTE_GUEST_FAULT_H
#define MOTE_GUEST_FAULT_H

#include <stdint.h>

/** struct fault_frame - what stub.S and the CPU pushed, SDM 3A 6.14.2 */
struct fault_frame {
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/**
 * kit_fault() - report and end; entered from stub.S in ring 3
 * @f: on the ring-0 stack, readable
 * @cr2: the address, when it was a page fault
 */
_Noreturn void kit_fault(const struct fault_frame *f, uint64_t cr2);

#endif
