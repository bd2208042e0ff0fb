/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a seccomp filter in user space, as the kernel would. */
#ifndef MOTE_TESTS_UNIT_BPF_H
#define MOTE_TESTS_UNIT_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

/**
 * bpf_run() - the filter's verdict on a call
 * @ret_steps: how many instructions it took; may be NULL
 * Fails the test for an instruction that a seccomp filter cannot have, a jump
 * out of the program and a load outside @data.
 * Return: SECCOMP_RET_...
 */
uint32_t bpf_run(const struct sock_filter *prog, unsigned len,
		 const struct seccomp_data *data, unsigned *ret_steps);

#endif
