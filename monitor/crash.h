/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a guest that cannot go on: one line, and details on request. */
#ifndef MOTE_MONITOR_CRASH_H
#define MOTE_MONITOR_CRASH_H

struct vcpu;

/**
 * crash_report() - say where and why, and stop with EXIT_CRASHED
 * @why: in words
 * @error: errno if KVM_RUN failed; 0 if it returned, then the exit reason is
 *	told
 * Context: the vCPU's thread, outside KVM_RUN.
 */
void crash_report(const struct vcpu *v, const char *why, int error);

#endif
