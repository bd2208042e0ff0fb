/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of ACPI and MP tables. */
#ifndef MOTE_BOOTPROTO_CHECKSUM_H
#define MOTE_BOOTPROTO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/** checksum8() - the byte that makes the sum of all bytes 0 modulo 256 */
static inline uint8_t checksum8(const void *table, size_t len)
{
	const uint8_t *p = table;
	unsigned sum = 0;

	while (len--)
		sum += *p++;
	return (uint8_t)-sum;
}

#endif
