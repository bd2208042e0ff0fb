/* SPDX-License-Identifier: Apache-2.0 */
/* Intel MultiProcessor table for --announce cmdline. */
#ifndef MOTE_BOOTPROTO_MPTABLE_H
#define MOTE_BOOTPROTO_MPTABLE_H

#include "bootproto/boot.h"

/**
 * mptable_write() - write floating pointer and table at LAYOUT_MPTABLE
 * @req: cpus (1..32) and kernel_irqchip are used
 * @mem: RAM below 1 MiB must exist
 */
void mptable_write(const struct boot_request *req, const struct mem *mem);

#endif
