// SPDX-License-Identifier: Apache-2.0
/* Prints config and boot_entry; decides nothing. */
#include "monitor/dry_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bootproto/boot.h"
#include "bootproto/layout.h"
#include "monitor/config.h"
#include "monitor/mem.h"
#include "monitor/out.h"
#include "seccomp/lock.h"
#include "seccomp/parts.h"
#include "seccomp/uring.h"

static const char kind_names[][20] = {
	[BOOT_BZIMAGE] = "Linux bzImage",
	[BOOT_VMLINUX] = "Linux vmlinux",
	[BOOT_ELF64] = "ELF64",
};

/* "memory  0xSTART-0xEND  what", END included; nothing for an empty range */
static void range(struct out *out, const char *subject, uint64_t start,
		  uint64_t end, const char *what)
{
	if (end > start)
		out_printf(out, "%-10s 0x%09" PRIx64 "-0x%09" PRIx64 "  %s\n",
			   subject, start, end - 1, what);
}

/* A line with a string of the user's, however long. */
static void fact(struct out *out, const char *subject, const char *text)
{
	out_printf(out, "%-10s ", subject);
	out_name(out, text);
	out_text(out, "\n");
}

static void print_machine(struct out *out, const struct config *config,
			  const struct mem *mem)
{
	uint64_t kib = mem_size(mem) >> 10;

	fact(out, "machine", config->name ? config->name : config->image);
	out_printf(out, "cpus       %u\n", config->cpus);
	if (kib % 1024)
		out_printf(out, "memory     %" PRIu64 " KiB\n", kib);
	else
		out_printf(out, "memory     %" PRIu64 " MiB\n", kib >> 10);
	for (unsigned i = 0; i < mem->regions; i++)
		range(out, "memory", mem->region[i].gpa,
		      mem->region[i].gpa + mem->region[i].len, "RAM");
	range(out, "memory", LAYOUT_IOAPIC, LAYOUT_IOAPIC + 0x1000, "IOAPIC");
	range(out, "memory", LAYOUT_LAPIC, LAYOUT_LAPIC + 0x1000, "local APIC");
	out_printf(out, "irqchip    %s\n",
		   config->irqchip == IRQCHIP_KERNEL
			   ? "kernel: local APIC, IOAPIC, 8259 and PIT"
			   : "split: local APIC in the kernel, IOAPIC in mote");
}

static void print_loaded(struct out *out, const struct config *config,
			 const struct boot_entry *entry)
{
	bool acpi = entry->announce == BOOT_ANNOUNCE_ACPI;

	out_printf(out, "announce   %s\n",
		   acpi ? "acpi: tables at 0xe0000"
			: "cmdline: virtio_mmio words, MP table at 0x9fc00");
	_Static_assert(LAYOUT_ACPI == 0xe0000 && LAYOUT_MPTABLE == 0x9fc00,
		       "the text above says where they are");
	fact(out, "image", config->image);
	fact(out, "kind", kind_names[entry->kind]);
	range(out, "image", entry->image_start, entry->image_end, "loaded");
	if (config->initrd) {
		fact(out, "initrd", config->initrd);
		range(out, "initrd", entry->initrd_start,
		      entry->initrd_start + entry->initrd_len, "loaded");
	}
	out_printf(out,
		   "entry      rip 0x%" PRIx64 " rsp 0x%" PRIx64
		   " rsi 0x%" PRIx64 "\n",
		   entry->rip, entry->rsp, entry->rsi);
}

/* The line as the guest will read it; the NUL is looked for in RAM only. */
static void print_cmdline(struct out *out, const struct boot_entry *entry,
			  const struct mem *mem)
{
	const char *text = mem_at(mem, entry->cmdline, LAYOUT_CMDLINE_MAX);

	out_printf(out, "cmdline    ");
	if (text)
		out_clean(out, text, strnlen(text, LAYOUT_CMDLINE_MAX));
	out_text(out, "\n");
}

static void print_console(struct out *out, const struct config *config)
{
	out_printf(out, "console    serial port at 0x%x, interrupt %d: ",
		   LAYOUT_PORT_SERIAL, LAYOUT_GSI_SERIAL);
	switch (config->console) {
	case CONSOLE_STDIO:
		out_printf(out, "standard input and output\n");
		break;
	case CONSOLE_FILE:
		out_text(out, "into ");
		out_name(out, config->console_path);
		out_text(out, "\n");
		break;
	case CONSOLE_NONE:
		out_printf(out, "leads nowhere\n");
		break;
	}
}

static void print_disk(struct out *out, const struct config_disk *disk,
		       unsigned window)
{
	out_printf(out, "disk       0x%09x interrupt %u: ",
		   LAYOUT_VIRTIO + window * LAYOUT_VIRTIO_STRIDE,
		   layout_virtio_gsi(window));
	if (disk->path)
		out_name(out, disk->path);
	else
		out_printf(out, "descriptor %d", disk->fd);
	out_printf(out, "%s%s%s%s", disk->read_only ? ", read-only" : "",
		   disk->direct ? ", direct" : "",
		   disk->unsafe_cache ? ", flushes ignored" : "",
		   disk->id ? ", id " : "");
	out_name(out, disk->id ? disk->id : "");
	out_text(out, "\n");
}

static void print_net(struct out *out, const struct config_net *net,
		      unsigned window)
{
	static const uint8_t none[6];
	const uint8_t *m = net->mac;

	out_printf(out, "net        0x%09x interrupt %u: ",
		   LAYOUT_VIRTIO + window * LAYOUT_VIRTIO_STRIDE,
		   layout_virtio_gsi(window));
	if (net->tap) {
		out_text(out, "TAP ");
		out_name(out, net->tap);
	} else if (net->fd >= 0) {
		out_printf(out, "descriptor %d", net->fd);
	} else if (*net->passt) {
		out_text(out, "passt at ");
		out_name(out, net->passt);
	} else {
		out_text(out, "a passt of its own");
	}
	if (memcmp(m, none, sizeof(none)) != 0)
		out_printf(out, ", mac %02x:%02x:%02x:%02x:%02x:%02x", m[0],
			   m[1], m[2], m[3], m[4], m[5]);
	if (net->mtu)
		out_printf(out, ", mtu %u", net->mtu);
	out_text(out, "\n");
}

static void print_vsock(struct out *out, const struct config_vsock *vsock,
			unsigned window)
{
	out_printf(out, "vsock      0x%09x interrupt %u: cid %u at ",
		   LAYOUT_VIRTIO + window * LAYOUT_VIRTIO_STRIDE,
		   layout_virtio_gsi(window), vsock->cid);
	out_name(out, vsock->path);
	out_text(out, "\n");
}

static void print_ring(struct out *out, const struct parts *parts)
{
	out_text(out, "lock       ring:");
	for (const struct uring_row *row = uring_rows; *row->name; row++)
		if (!row->with || row->with & parts->sets)
			out_printf(out, " %s", row->name);
	out_printf(out, ", %s files\n",
		   parts->registered ? "only registered" : "all");
}

/* docs/lock.md says with which arguments, and why. */
static void print_lock(struct out *out, const struct config *config,
		       const struct parts *parts)
{
	const char *lacking;

	fact(out, "lock", parts->kills ? "kill" : "NOT LOCKED: log");
	out_printf(out, "lock       vCPU threads: %s\n",
		   lock_calls(LOCK_VCPU, parts->sets));
	out_printf(out, "lock       I/O thread: %s\n",
		   lock_calls(LOCK_IO, parts->sets));
	print_ring(out, parts);
	out_printf(out, "lock       Landlock ABI %d, MSR filter %s\n",
		   parts->landlock, parts->msr_filter ? "on" : "missing");
	if (config->jail)
		fact(out, "jail", config->jail);
	if (config->uid || config->gid)
		out_printf(out, "user       %u, group %u\n", config->uid,
			   config->gid);
	for (unsigned i = 0; (lacking = parts_lacking(parts, i)); i++)
		fact(out, "lacking", lacking);
}

int dry_run_print(int fd, const struct config *config,
		  const struct boot_entry *entry, const struct mem *mem,
		  const struct parts *parts)
{
	struct out out = OUT_INIT(fd);

	print_machine(&out, config, mem);
	print_loaded(&out, config, entry);
	print_cmdline(&out, entry, mem);
	print_console(&out, config);
	for (unsigned i = 0; i < config->disks; i++)
		print_disk(&out, &config->disk[i], i);
	for (unsigned i = 0; i < config->nets; i++)
		print_net(&out, &config->net[i], config->disks + i);
	if (config->vsock.path)
		print_vsock(&out, &config->vsock, config->disks + config->nets);
	if (config->timeout_ns)
		out_printf(&out, "timeout    %" PRIu64 ".%09" PRIu64 " s\n",
			   config->timeout_ns / 1000000000,
			   config->timeout_ns % 1000000000);
	print_lock(&out, config, parts);
	return out_flush(&out);
}
