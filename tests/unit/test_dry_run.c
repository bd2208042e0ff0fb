// SPDX-License-Identifier: Apache-2.0
/* What --dry-run prints of a machine made by hand. */
#include "monitor/dry_run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bootproto/boot.h"
#include "bootproto/layout.h"
#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/mem.h"
#include "seccomp/lock.h"
#include "seccomp/parts.h"
#include "tests/unit/capture.h"

static struct config config = {
	.image = "hello",
	.memory_bytes = 64 << 20,
	.cpus = 2,
	.status_fd = -1,
};
static struct boot_entry entry = {
	.kind = BOOT_ELF64,
	.announce = BOOT_ANNOUNCE_CMDLINE,
	.rip = 0x200010,
	.rsp = LAYOUT_STACK_TOP,
	.rsi = LAYOUT_BOOT_PARAMS,
	.cmdline = LAYOUT_CMDLINE,
	.image_start = 0x200000,
	.image_end = 0x20f000,
};
static struct mem mem;
static struct parts parts = {
	.landlock = 7,
	.kills = true,
	.msr_filter = true,
	.registered = true,
};

static const char *print(void)
{
	int fd = capture_open();
	struct err e;

	cr_assert_eq(mem_init(&mem, config.memory_bytes, MEM_PAGES_HOST, &e),
		     0);
	cr_assert_eq(mem_copy_out(&mem, LAYOUT_CMDLINE, "hello -- a b", 13), 0);
	cr_assert_eq(dry_run_print(fd, &config, &entry, &mem, &parts), 0);
	return capture_close(fd);
}

static void has(const char *text, const char *line)
{
	cr_expect(strstr(text, line), "no \"%s\" in\n%s", line, text);
}

Test(dry_run, describes_a_unikernel)
{
	const char *text = print();

	has(text, "machine    hello\n");
	has(text, "cpus       2\n");
	has(text, "memory     64 MiB\n");
	has(text, "memory     0x000000000-0x003ffffff  RAM\n");
	has(text, "memory     0x0fec00000-0x0fec00fff  IOAPIC\n");
	has(text, "irqchip    split");
	has(text, "announce   cmdline");
	has(text, "kind       ELF64\n");
	has(text, "image      0x000200000-0x00020efff  loaded\n");
	has(text, "entry      rip 0x200010 rsp 0x8ff0 rsi 0x7000\n");
	has(text, "cmdline    hello -- a b\n");
	has(text, "console    serial port at 0x3f8, interrupt 4: standard");
	cr_expect(!strstr(text, "initrd"));
	cr_expect(!strstr(text, "disk"));
	cr_expect(!strstr(text, "timeout"));
	cr_expect(!strstr(text, "jail"));
	cr_expect(!strstr(text, "lacking"));
	has(text, "lock       kill\n");
	has(text, "lock       vCPU threads: ioctl ");
	has(text, "lock       I/O thread: io_uring_enter ");
	has(text,
	    "lock       ring: READ WRITE POLL_ADD TIMEOUT, only registered "
	    "files\n");
	has(text, "lock       Landlock ABI 7, MSR filter on\n");
}

Test(dry_run, says_what_the_lock_lacks)
{
	const char *text;

	parts = (struct parts){ .sets = LOCK_VIRTIO | LOCK_VSOCK |
					LOCK_CONNECT };
	text = print();
	has(text, "lock       NOT LOCKED: log\n");
	has(text, " SOCKET CONNECT ACCEPT SHUTDOWN ASYNC_CANCEL, all files\n");
	has(text, "lock       Landlock ABI 0, MSR filter missing\n");
	has(text, "lacking    Landlock with ABI 6 (Linux 6.12)\n");
	has(text, "lacking    death by");
	has(text, "lacking    KVM's MSR filter");
	has(text, "lacking    an io_uring that is bound");
	has(text, "lacking    a bound on the sockets");

	parts.jail = true;
	config.jail = "empty";
	config.uid = 1000;
	text = print();
	has(text, "jail       empty\n");
	has(text, "user       1000, group 0\n");
	cr_expect(!strstr(text, "a bound on the sockets"));
}

Test(dry_run, describes_linux_with_everything)
{
	const char *text;

	config.name = "box";
	config.initrd = "initrd.gz";
	config.memory_bytes = MEM_HOLE_START + (4 << 10);
	config.irqchip = IRQCHIP_KERNEL;
	config.console = CONSOLE_FILE;
	config.console_path = "out.log";
	config.timeout_ns = 1500000000;
	config.disks = 5;
	for (int i = 0; i < 5; i++)
		config.disk[i] = (struct config_disk){ .fd = 10 + i };
	config.disk[0] = (struct config_disk){ .path = "root.img",
					       .fd = -1,
					       .id = "root",
					       .read_only = true,
					       .direct = true,
					       .unsafe_cache = true };
	entry.kind = BOOT_BZIMAGE;
	entry.announce = BOOT_ANNOUNCE_ACPI;
	entry.initrd_start = 0x3000000;
	entry.initrd_len = 0x1234;
	text = print();
	has(text, "machine    box\n");
	has(text, "memory     3407876 KiB\n");
	has(text, "memory     0x000000000-0x0cfffffff  RAM\n");
	has(text, "memory     0x100000000-0x100000fff  RAM\n");
	has(text, "irqchip    kernel");
	has(text, "announce   acpi");
	has(text, "kind       Linux bzImage\n");
	has(text, "initrd     initrd.gz\n");
	has(text, "initrd     0x003000000-0x003001233  loaded\n");
	has(text, ": into out.log\n");
	has(text, "disk       0x0d0000000 interrupt 5: root.img, read-only, "
		  "direct, flushes ignored, id root\n");
	has(text, "disk       0x0d0001000 interrupt 6: descriptor 11\n");
	/* 8 is the RTC's */
	has(text, "disk       0x0d0003000 interrupt 9: descriptor 13\n");
	has(text, "timeout    1.500000000 s\n");
}

Test(dry_run, prints_any_length_and_stays_in_ram)
{
	static char path[5000];
	const char *text;

	memset(path, 'p', sizeof(path) - 1);
	config.image = path;
	config.console = CONSOLE_NONE;
	entry.cmdline = config.memory_bytes - 4; /* nowhere */
	text = print();
	cr_expect_eq(strcspn(strstr(text, "\nimage ") + 12, "\n"), 4999);
	has(text, "cmdline    \n");
	has(text, ": leads nowhere\n");
}

Test(dry_run, reports_a_full_disk)
{
	FILE *full = fopen("/dev/full", "w");
	struct err e;

	cr_assert(full);
	cr_assert_eq(mem_init(&mem, 4 << 20, MEM_PAGES_HOST, &e), 0);
	cr_expect_eq(dry_run_print(fileno(full), &config, &entry, &mem, &parts),
		     -ENOSPC);
	fclose(full);
}
