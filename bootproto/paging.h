/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables and GDT as the first vCPU finds them. */
#ifndef MOTE_BOOTPROTO_PAGING_H
#define MOTE_BOOTPROTO_PAGING_H

#include "monitor/mem.h"

/** paging_write() - identity-map the first GiB; RAM below 1 MiB must exist */
void paging_write(const struct mem *mem);

/** segments_write() - write the GDT that holds boot_code64, _data and _tss */
void segments_write(const struct mem *mem);

#endif
