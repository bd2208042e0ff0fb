/* SPDX-License-Identifier: Apache-2.0 */
/* How devices and CPUs are announced to the guest; never both ways. */
#ifndef MOTE_BOOTPROTO_ANNOUNCE_H
#define MOTE_BOOTPROTO_ANNOUNCE_H

enum boot_announce {
	BOOT_ANNOUNCE_AUTO, /* ACPI for Linux without acpi=off */
	BOOT_ANNOUNCE_ACPI,
	BOOT_ANNOUNCE_CMDLINE,
};

#endif
