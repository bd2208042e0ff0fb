/* SPDX-License-Identifier: Apache-2.0 */
/* Images that were made to be entered in another way than mote's. */
#ifndef MOTE_BOOTPROTO_OTHER_ENTRY_H
#define MOTE_BOOTPROTO_OTHER_ENTRY_H

#include "monitor/mem.h"

/**
 * other_entry() - does a loaded image name an entry for 32-bit mode?
 * @start, @end: where it lies
 * A guess, for advice: nanos and OSv have such an entry beside their 64-bit
 * one. Looks at guest memory only, which the guest may have changed.
 * Return: what the protocol is called, or NULL.
 */
const char *other_entry(const struct mem *mem, gpa_t start, gpa_t end);

#endif
