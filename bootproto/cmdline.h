/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's command line: the user's words, device words, arguments. */
#ifndef MOTE_BOOTPROTO_CMDLINE_H
#define MOTE_BOOTPROTO_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootproto/boot.h"

struct err;

/** cmdline_refuses_acpi() - has @cmdline (or NULL) acpi=off before any "--"? */
bool cmdline_refuses_acpi(const char *cmdline);

/**
 * cmdline_build() - write the command line
 * @req: cmdline, args, virtio_windows and the image's name are used
 * @kind: chooses the words when the user gave none
 * @announce: device words are written for BOOT_ANNOUNCE_CMDLINE only
 * @buf: at least @max + 1 bytes; the result is NUL-terminated
 * @max: characters without the NUL
 *
 *   WORDS [virtio_mmio.device=4K@0xADDRESS:GSI]... [-- REST ARGS]
 *
 * A "--" of the user's is where device words go before and arguments behind.
 * Single spaces separate; an argument with white space in it is put into
 * double quotes, as Linux and Unikraft understand them.
 *
 * Return: characters written; negative errno with @e (EXIT_MISUSE) when it
 * does not fit or an argument cannot be quoted.
 */
int cmdline_build(const struct boot_request *req, enum boot_kind kind,
		  enum boot_announce announce, char *buf, uint64_t max,
		  struct err *e);

#endif
