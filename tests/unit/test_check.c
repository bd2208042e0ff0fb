// SPDX-License-Identifier: Apache-2.0
/* Made-up hosts, and what `mote check` says of them. */
#include "monitor/check.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "monitor/check_probe.h"
#include "monitor/err.h"
#include "tests/unit/capture.h"

/* A host where all is well; each row below breaks one thing. */
static const struct check_host good = {
	.svm = true,
	.kvm_amd = true,
	.kvm_registered = true,
	.device_mode = 0660,
	.device_gid = 104,
	.device_group = "kvm",
	.kvm_group = true,
	.api = 12,
	.caps = UINT32_MAX,
	.vcpus_max = 1024,
	.io_uring_disabled = 0,
	.io_uring_bound = true,
	.io_uring_sockets = true,
	.landlock = 7,
	.userns_clone = 1,
	.userns_apparmor = -1,
	.memlock_bytes = 8 << 20,
	.memory_bytes = 16ULL << 30,
	.available_bytes = 8ULL << 30,
};

static const char *print(const struct check_host *host, bool porcelain,
			 int *ret_status)
{
	int fd = capture_open();

	*ret_status = check_print(fd, host, porcelain);
	return capture_close(fd);
}

Test(check, good_host_gets_only_fine)
{
	int status;
	const char *line = print(&good, false, &status);
	unsigned lines = 0;

	cr_expect_eq(status, 0);
	cr_expect(strstr(line, "mote can run here: unikernels and Linux"));
	for (; *line && *line != '\n'; line += strcspn(line, "\n") + 1) {
		cr_expect(!strncmp(line, "fine   ", 7), "%.60s", line);
		lines++;
	}
	cr_expect(lines >= 12, "%u", lines);
}

/* Makes one thing of a good host wrong. */
typedef void (*spoil)(struct check_host *host);

static void no_svm(struct check_host *h)
{
	*h = (struct check_host){ .device = -ENOENT, .memlock_bytes = 1 << 20 };
}

static void no_nesting(struct check_host *h)
{
	no_svm(h);
	h->virtual = true;
}

static void no_module(struct check_host *h)
{
	h->kvm_amd = h->kvm_registered = false;
	h->device = -ENOENT;
}

static void no_intel_module(struct check_host *h)
{
	no_module(h);
	h->svm = false;
	h->vmx = true;
}

static void no_node(struct check_host *h)
{
	h->device = -ENOENT;
}

static void not_in_group(struct check_host *h)
{
	h->device = -EACCES;
}

static void not_in_group_as_root(struct check_host *h)
{
	h->device = -EACCES;
	h->root = true;
}

static void owned_by_root(struct check_host *h)
{
	h->device = -EACCES;
	h->device_mode = 0600;
	h->device_gid = 0;
	strcpy(h->device_group, "root");
}

static void group_cannot_write(struct check_host *h)
{
	h->device = -EACCES;
	h->device_mode = 0640;
}

static void no_kvm_group(struct check_host *h)
{
	owned_by_root(h);
	h->kvm_group = false;
}

static void nameless_group(struct check_host *h)
{
	h->device = -EACCES;
	h->device_group[0] = '\0';
	h->kvm_group = false;
}

static void in_container(struct check_host *h)
{
	h->device = -EPERM;
}

static void odd_error(struct check_host *h)
{
	h->device = -ENXIO;
}

static void old_api(struct check_host *h)
{
	h->api = 10;
}

static void other_hypervisor(struct check_host *h)
{
	h->create_vm = -EBUSY;
}

static void no_vm(struct check_host *h)
{
	h->create_vm = -ENOMEM;
}

static void uring_sysctl(struct check_host *h)
{
	h->io_uring = -EPERM;
	h->io_uring_disabled = 2;
}

static void uring_profile(struct check_host *h)
{
	h->io_uring = -EPERM;
}

static void uring_memlock(struct check_host *h)
{
	h->io_uring = -ENOMEM;
}

static void no_uring(struct check_host *h)
{
	h->io_uring = -ENOSYS;
	h->io_uring_disabled = -1;
}

static void no_seccomp(struct check_host *h)
{
	h->seccomp = -ENOSYS;
}

static const struct {
	spoil spoil;
	const char *line;	  /* beginning of the line, up to the subject */
	const char *wrong, *mend; /* in order, behind it */
} wrong_rows[] = {
	{ no_svm, "WRONG  processor", "neither vmx nor svm", "firmware" },
	{ no_nesting, "WRONG  processor", "without nested virtualization",
	  "hypervisor around" },
	{ no_svm, "WRONG  KVM back end", "none", "nested lane" },
	{ no_module, "WRONG  KVM back end", "no module",
	  "sudo modprobe kvm_amd" },
	{ no_intel_module, "WRONG  KVM back end", "no module",
	  "sudo modprobe kvm_intel" },
	{ no_module, "WRONG  /dev/kvm", "is missing", "" },
	{ no_node, "WRONG  /dev/kvm", "is missing, though",
	  "sudo mknod -m 660 /dev/kvm c 10 232" },
	{ not_in_group, "WRONG  /dev/kvm", "denied: mode 0660, group kvm",
	  "sudo usermod -aG kvm $USER" },
	{ not_in_group_as_root, "WRONG  /dev/kvm", "denied",
	  ": usermod -aG kvm $USER" },
	{ owned_by_root, "WRONG  /dev/kvm", "mode 0600, group root",
	  "sudo chgrp kvm /dev/kvm" },
	{ group_cannot_write, "WRONG  /dev/kvm", "mode 0640",
	  "sudo chmod 660 /dev/kvm" },
	{ no_kvm_group, "WRONG  /dev/kvm", "group root",
	  "sudo chown $USER /dev/kvm" },
	{ nameless_group, "WRONG  /dev/kvm", "group unknown",
	  "sudo chown $USER /dev/kvm" },
	{ in_container, "WRONG  /dev/kvm", "container", "--device /dev/kvm" },
	{ odd_error, "WRONG  /dev/kvm", "does not open", "" },
	{ old_api, "WRONG  KVM version", "10; mote speaks 12", "2.6.22" },
	{ other_hypervisor, "WRONG  new VM", "another hypervisor",
	  "VirtualBox" },
	{ no_vm, "WRONG  new VM", "KVM_CREATE_VM", "" },
	{ uring_sysctl, "WRONG  io_uring", "io_uring_disabled is 2",
	  "sudo sysctl kernel.io_uring_disabled=0" },
	{ uring_profile, "WRONG  io_uring", "forbidden", "seccomp=unconfined" },
	{ uring_memlock, "WRONG  io_uring", "lock enough memory", "ulimit -l" },
	{ no_uring, "WRONG  io_uring", "not in this kernel",
	  "CONFIG_IO_URING" },
	{ no_seccomp, "WRONG  seccomp", "not in this kernel",
	  "CONFIG_SECCOMP_FILTER" },
};

/* The line that begins with @line and the one that may mend it. */
static const char *find_lines(const char *text, const char *line)
{
	static char found[600];
	const char *at = strstr(text, line);
	size_t len;

	if (!at)
		return NULL;
	len = strcspn(at, "\n") + 1;
	if (at[len] == ' ')
		len += strcspn(at + len, "\n");
	snprintf(found, sizeof(found), "%.*s", (int)len, at);
	return found;
}

Test(check, says_what_is_wrong_and_how_to_mend_it)
{
	for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]);
	     i++) {
		struct check_host host = good;
		const char *text, *lines, *wrong;
		int status;

		wrong_rows[i].spoil(&host);
		text = print(&host, false, &status);
		cr_expect_eq(status, EXIT_MISUSE, "row %zu", i);
		cr_expect(strstr(text, "mote cannot run here"), "row %zu", i);
		lines = find_lines(text, wrong_rows[i].line);
		cr_assert(lines, "row %zu: no \"%s\" in\n%s", i,
			  wrong_rows[i].line, text);
		wrong = strstr(lines, wrong_rows[i].wrong);
		cr_expect(wrong && strstr(wrong, wrong_rows[i].mend),
			  "row %zu:\n%s", i, lines);
		text = print(&host, true, &status);
		cr_expect_eq(status, EXIT_MISUSE, "row %zu", i);
		cr_expect(!strncmp(text, "usable=no\n", 10), "row %zu", i);
	}
}

static void software(struct check_host *h)
{
	h->svm = h->kvm_amd = false;
	h->kvm_pvm = h->virtual = true;
}

static void unknown_backend(struct check_host *h)
{
	h->svm = h->kvm_amd = false;
}

static void no_landlock(struct check_host *h)
{
	h->landlock = -ENOSYS;
}

static void landlock_off(struct check_host *h)
{
	h->landlock = -EOPNOTSUPP;
}

static void old_landlock(struct check_host *h)
{
	h->landlock = 5;
}

static void unbound_ring(struct check_host *h)
{
	h->io_uring_bound = false;
}

static void userns_debian(struct check_host *h)
{
	h->userns = -EPERM;
	h->userns_clone = 0;
}

static void no_sockets(struct check_host *h)
{
	h->io_uring_sockets = false;
}

static void userns_ubuntu(struct check_host *h)
{
	h->userns = -EPERM;
	h->userns_clone = -1;
	h->userns_apparmor = 1;
}

static void userns_limit(struct check_host *h)
{
	h->userns = -ENOSPC;
}

static void low_memlock(struct check_host *h)
{
	h->memlock_bytes = 32 << 10;
}

static void no_tun(struct check_host *h)
{
	h->tun = -ENOENT;
}

static void tun_denied(struct check_host *h)
{
	h->tun = -EACCES;
}

static void little_memory(struct check_host *h)
{
	h->available_bytes = 100 << 20;
}

static const struct {
	spoil spoil;
	const char *line, *wrong, *mend;
} note_rows[] = {
	{ software, "note   processor", "neither vmx nor svm", "without" },
	{ software, "note   KVM back end", "kvm_pvm", "Linux does not" },
	{ unknown_backend, "note   KVM back end", "does not know", "" },
	{ no_landlock, "note   Landlock", "not in this kernel", "" },
	{ landlock_off, "note   Landlock", "off at boot", "lsm=" },
	{ old_landlock, "note   lock", "lacks Landlock", "" },
	{ unbound_ring, "note   lock", "registered files (Linux 6.14)", "" },
	{ no_sockets, "note   io_uring", "--vsock", "Linux 5.19" },
	{ userns_debian, "note   user namespaces", "not for this user",
	  "sudo sysctl kernel.unprivileged_userns_clone=1" },
	{ userns_ubuntu, "note   user namespaces", "not for this user",
	  "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ userns_limit, "note   user namespaces", "not for this user",
	  "sudo sysctl user.max_user_namespaces=" },
	{ low_memlock, "note   memlock limit", "32 KiB", "ulimit -l" },
	{ no_tun, "note   /dev/net/tun", "No such file", "sudo modprobe tun" },
	{ tun_denied, "note   /dev/net/tun", "denied",
	  "sudo chmod 666 /dev/net/tun" },
	{ little_memory, "note   memory", "only 100 MiB", "--memory" },
};

Test(check, notes_what_mote_can_do_without)
{
	for (size_t i = 0; i < sizeof(note_rows) / sizeof(note_rows[0]); i++) {
		struct check_host host = good;
		const char *text, *lines, *wrong;
		int status;

		note_rows[i].spoil(&host);
		text = print(&host, false, &status);
		cr_expect_eq(status, 0, "row %zu:\n%s", i, text);
		cr_expect(!strstr(text, "WRONG"), "row %zu", i);
		lines = find_lines(text, note_rows[i].line);
		cr_assert(lines, "row %zu: no \"%s\" in\n%s", i,
			  note_rows[i].line, text);
		wrong = strstr(lines, note_rows[i].wrong);
		cr_expect(wrong && strstr(wrong, note_rows[i].mend),
			  "row %zu:\n%s", i, lines);
	}
}

Test(check, each_missing_capability_has_a_line)
{
	for (unsigned i = 0; *check_caps[i].name; i++) {
		struct check_host host = good;
		char line[80], key[80];
		const char *text;
		int status;

		host.caps &= ~(1U << i);
		text = print(&host, false, &status);
		snprintf(line, sizeof(line), "%s  KVM capability   %s is ",
			 check_caps[i].required ? "WRONG" : "note ",
			 check_caps[i].name);
		cr_expect(strstr(text, line), "no \"%s\" in\n%s", line, text);
		cr_expect(!strstr(text, "KVM capabilities"));
		cr_expect_eq(status, check_caps[i].required ? EXIT_MISUSE : 0,
			     "%s", check_caps[i].name);
		text = print(&host, true, &status);
		snprintf(key, sizeof(key), "\nmissing=%s\n",
			 check_caps[i].required ? check_caps[i].name : "");
		cr_expect(strstr(text, key), "%s", text);
		cr_assert(i < 31); /* bits of check_host.caps */
	}
}

Test(check, porcelain_tells_the_lanes_apart)
{
	static const struct {
		spoil spoil;
		const char *usable, *kvm, *backend, *device;
	} rows[] = {
		{ NULL, "yes", "hardware", "kvm_amd", "ok" },
		{ software, "yes", "software", "kvm_pvm", "ok" },
		{ unknown_backend, "yes", "software", "other", "ok" },
		{ no_svm, "no", "none", "none", "missing" },
		{ no_node, "no", "none", "kvm_amd", "missing" },
		{ not_in_group, "no", "none", "kvm_amd", "denied" },
		{ in_container, "no", "none", "kvm_amd", "denied" },
		{ odd_error, "no", "none", "kvm_amd", "broken" },
		{ other_hypervisor, "no", "none", "kvm_amd", "ok" },
		{ no_uring, "no", "hardware", "kvm_amd", "ok" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_host host = good;
		char want[160];
		const char *text;
		int status;

		if (rows[i].spoil)
			rows[i].spoil(&host);
		text = print(&host, true, &status);
		snprintf(want, sizeof(want),
			 "usable=%s\nkvm=%s\nbackend=%s\ndevice=%s\n",
			 rows[i].usable, rows[i].kvm, rows[i].backend,
			 rows[i].device);
		cr_expect(!strncmp(text, want, strlen(want)), "row %zu:\n%s", i,
			  text);
	}
}

Test(check, porcelain_is_key_and_value_only)
{
	static const char *const keys[] = {
		"usable",	 "kvm",	     "backend",	    "device",
		"nested",	 "api",	     "vcpus_max",   "missing",
		"io_uring",	 "landlock", "seccomp",	    "lock",
		"userns",	 "tun",	     "memlock_kib", "memory_mib",
		"available_mib",
	};
	int status;
	const char *line = print(&good, true, &status);
	unsigned at = 0;

	cr_expect(strstr(line, "\nmemlock_kib=8192\n"));
	cr_expect(strstr(line, "\navailable_mib=8192\n"));
	cr_expect(strstr(line, "\nlandlock=7\n"));
	for (; *line; line += strcspn(line, "\n") + 1, at++) {
		size_t len = strcspn(line, "=");

		cr_assert(at < sizeof(keys) / sizeof(keys[0]));
		cr_expect(len == strlen(keys[at]) &&
				  !memcmp(line, keys[at], len),
			  "%.40s is not %s", line, keys[at]);
	}
	cr_expect_eq(at, sizeof(keys) / sizeof(keys[0]));
}

Test(check, a_full_disk_is_not_a_good_host)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert(full);
	cr_expect_eq(check_print(fileno(full), &good, true), EXIT_MISUSE);
	fclose(full);
}

/* ---- reading the host ----------------------------------------------- */

Test(check, reads_cpu_flags_as_words)
{
	static const struct {
		const char *text;
		bool vmx, svm, virtual;
	} rows[] = {
		{ "processor\t: 0\nflags\t\t: fpu vmx sse\n", true, false,
		  false },
		{ "flags\t\t: fpu svm hypervisor\nflags\t\t: vmx\n", false,
		  true, true },
		{ "flags\t\t: svm_lock vmxon xhypervisor\n", false, false,
		  false },
		{ "vmx flags\t: vnmi\nflags\t: fpu\nbugs\t: svm\n", false,
		  false, false },
		{ "flags\t\t: fpu vmx", true, false, false },
		{ "flags", false, false, false },
		{ "", false, false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct check_host host = { .root = false };

		check_probe_cpuinfo(rows[i].text, &host);
		cr_expect_eq(host.vmx, rows[i].vmx, "row %zu", i);
		cr_expect_eq(host.svm, rows[i].svm, "row %zu", i);
		cr_expect_eq(host.virtual, rows[i].virtual, "row %zu", i);
	}
}

static const char groups[] =
	"root:x:0:\n"
	"daemon:x:1:a,b\n"
	"broken\n"
	":x:5:\n"
	"half:x\n"
	"letters:x:12a:\n"
	"none:x::\n"
	"qemukvm:x:103:\n"
	"kvm:x:104:alice,bob\n"
	"a-name-much-longer-than-any-group-name-may-be:x:7:";

Test(check, finds_group_names)
{
	static const struct {
		unsigned gid;
		const char *want;
	} rows[] = {
		{ 0, "root" },	{ 1, "daemon" },
		{ 104, "kvm" }, { 103, "qemukvm" },
		{ 5, "" },	{ 12, "" },
		{ 99, "" },	{ 7, "a-name-much-longer-than-any-grou" },
	};

	char name[CHECK_GROUP_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_probe_group(groups, rows[i].gid, name);
		cr_expect_str_eq(name, rows[i].want, "%u", rows[i].gid);
	}
	check_probe_group("none:x::\n", 0, name);
	cr_expect_str_eq(name, "");
	cr_expect(check_probe_has_group(groups, "kvm"));
	cr_expect(check_probe_has_group(groups, "qemukvm"));
	cr_expect(!check_probe_has_group(groups, "qemu"));
	cr_expect(!check_probe_has_group(groups, "vm"));
	cr_expect(!check_probe_has_group("", "kvm"));
	cr_expect(!check_probe_has_group("kvmkvm:x:9:\n", "kvm"));
	cr_expect(check_probe_has_group("kvmkvm:x:9:\nkvm:x:8:\n", "kvm"));
}

Test(check, reads_meminfo)
{
	struct check_host host = { .root = false };

	check_probe_meminfo("MemTotal:       16000 kB\nMemFree: 5 kB\n"
			    "MemAvailable:    8000 kB\n",
			    &host);
	cr_expect_eq(host.memory_bytes, 16000 << 10);
	cr_expect_eq(host.available_bytes, 8000 << 10);
	check_probe_meminfo("", &host);
	cr_expect_eq(host.memory_bytes, 0);
}

/* Whatever this host is: the probe ends, and the judgement is of one mind. */
Test(check, looks_at_this_host)
{
	struct check_host host;
	const char *text;
	int status, porcelain_status;
	bool usable;

	memset(&host, 0xff, sizeof(host));
	check_probe(&host);
	cr_expect(host.memory_bytes >= host.available_bytes);
	cr_expect(host.available_bytes > 0);
	cr_expect_eq(host.device == 0, !access("/dev/kvm", R_OK | W_OK));
	usable = strstr(print(&host, false, &status), "WRONG") == NULL;
	cr_expect_eq(usable, status == 0);
	text = print(&host, true, &porcelain_status);
	cr_expect_eq(status, porcelain_status);
	cr_expect(strstr(text, usable ? "usable=yes\n" : "usable=no\n"));
}
