// SPDX-License-Identifier: Apache-2.0
/* Looks at the host by trying what mote will do; judges nothing. */
#define _GNU_SOURCE 1
#include "monitor/check_probe.h"
#include "monitor/value.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/loop.h"
#include "seccomp/lock.h"
#include "seccomp/uring.h"

const struct check_cap check_caps[] = {
	{ "USER_MEMORY", KVM_CAP_USER_MEMORY, true, "guest RAM" },
	{ "EXT_CPUID", KVM_CAP_EXT_CPUID, true, "the guest's CPUID" },
	{ "IRQCHIP", KVM_CAP_IRQCHIP, true, "the local APIC in the kernel" },
	{ "SPLIT_IRQCHIP", KVM_CAP_SPLIT_IRQCHIP, true,
	  "the local APIC in the kernel without a PIC" },
	{ "SIGNAL_MSI", KVM_CAP_SIGNAL_MSI, true, "interrupts of devices" },
	{ "IRQ_ROUTING", KVM_CAP_IRQ_ROUTING, true,
	  "level-triggered interrupts" },
	{ "SYNC_REGS", KVM_CAP_SYNC_REGS, true, "where the guest starts" },
	{ "CLOCKSOURCE", KVM_CAP_CLOCKSOURCE, false,
	  "without it, guests have no kvm-clock" },
	{ "GET_TSC_KHZ", KVM_CAP_GET_TSC_KHZ, false,
	  "without it, guests must measure the TSC" },
	{ "TSC_DEADLINE_TIMER", KVM_CAP_TSC_DEADLINE_TIMER, false,
	  "without it, guests use a slower timer" },
	{ "PIT2", KVM_CAP_PIT2, false,
	  "without it, no --irqchip kernel: some guests need a PIT" },
	{ "IOEVENTFD", KVM_CAP_IOEVENTFD, false,
	  "without it, busy devices cost more" },
	{ "READONLY_MEM", KVM_CAP_READONLY_MEM, false,
	  "without it, guests need an exit to see who interrupts" },
	{ "X86_MSR_FILTER", KVM_CAP_X86_MSR_FILTER, false,
	  "without it, guests reach every MSR that KVM has" },
	{ .name = "" },
};

/* ---- text ---------------------------------------------------------- */

/* The rest of the line behind @key at the beginning of a line, or NULL. */
static const char *find_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len))
			return text + len;
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return NULL;
}

/* Is @word one of the blank-separated words of @line? */
static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);

	while (*line && *line != '\n') {
		size_t n = strcspn(line, " \t\n");

		if (n == len && !memcmp(line, word, n))
			return true;
		line += n;
		line += strspn(line, " \t");
	}
	return false;
}

void check_probe_cpuinfo(const char *text, struct check_host *host)
{
	const char *flags = find_line(text, "flags");

	if (!flags)
		return;
	host->vmx = has_word(flags, "vmx");
	host->svm = has_word(flags, "svm");
	host->virtual = has_word(flags, "hypervisor");
}

/* group(5): name:password:gid:members */
void check_probe_group(const char *text, unsigned gid,
		       char ret[CHECK_GROUP_MAX])
{
	*ret = '\0';
	for (; text; text += text != NULL) {
		size_t name = strcspn(text, ":\n"), password;
		const char *number, *end;

		if (text[name] == ':') {
			password = strcspn(text + name + 1, ":\n");
			number = text + name + 1 + password;
			if (*number == ':' &&
			    value_leading(number + 1, &end) == gid &&
			    end > number + 1 && *end == ':') {
				if (name >= CHECK_GROUP_MAX)
					name = CHECK_GROUP_MAX - 1;
				memcpy(ret, text, name);
				ret[name] = '\0';
				return;
			}
		}
		text = strchr(text, '\n');
	}
}

bool check_probe_has_group(const char *text, const char *name)
{
	const char *rest;

	for (; (rest = find_line(text, name));
	     text = rest + strcspn(rest, "\n"))
		if (*rest == ':')
			return true;
	return false;
}

static uint64_t kib_line(const char *text, const char *key)
{
	const char *number = find_line(text, key);

	return number ? value_leading(number, &number) << 10 : 0;
}

void check_probe_meminfo(const char *text, struct check_host *host)
{
	host->memory_bytes = kib_line(text, "MemTotal:");
	host->available_bytes = kib_line(text, "MemAvailable:");
}

/* ---- files --------------------------------------------------------- */

/* The beginning of a file, NUL-terminated; empty if it cannot be read. */
static const char *read_text(const char *path)
{
	static char text[32768];
	size_t len = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && n > 0 && len < sizeof(text) - 1) {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	return text;
}

static int read_sysctl(const char *path)
{
	const char *text = read_text(path);

	return *text ? (int)value_leading(text, &text) : -1;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* 0 if it can be opened for reading and writing, negative errno otherwise. */
static int try_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* ---- KVM ----------------------------------------------------------- */

static void probe_node(struct check_host *host)
{
	const char *groups;
	struct stat st;

	groups = read_text("/etc/group");
	host->kvm_group = check_probe_has_group(groups, "kvm");
	if (stat("/dev/kvm", &st))
		return;
	host->device_mode = st.st_mode & 07777;
	host->device_gid = st.st_gid;
	check_probe_group(groups, st.st_gid, host->device_group);
}

static void probe_kvm(struct check_host *host)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	if (kvm < 0) {
		host->device = -errno;
		return;
	}
	host->api = ioctl(kvm, KVM_GET_API_VERSION, 0);
	for (unsigned i = 0; *check_caps[i].name; i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, check_caps[i].number) > 0)
			host->caps |= 1U << i;
	vm = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	host->vcpus_max = vm > 0 ? (unsigned)vm : 0;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	host->create_vm = vm < 0 ? -errno : 0;
	if (vm >= 0)
		close(vm);
	close(kvm);
}

/* ---- the kernel's other parts -------------------------------------- */

static int probe_io_uring(bool *ret_bound, bool *ret_sockets)
{
	/* as the event loop does */
	struct io_uring_params p = { .flags = IORING_SETUP_R_DISABLED };
	long fd = syscall(SYS_io_uring_setup, 2, &p);
	struct err e;
	int ret;

	if (fd < 0)
		return -errno;
	*ret_bound = loop_can_bind(p.features);
	ret = uring_restrict((int)fd, LOCK_CONNECT, *ret_bound, &e);
	*ret_sockets = !ret;
	if (ret)
		ret = uring_restrict((int)fd, 0, *ret_bound, &e);
	close((int)fd);
	return ret;
}

/* Landlock ABI version, or negative errno (Linux landlock.rst) */
static int probe_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	return abi < 0 ? -errno : (int)abi;
}

static int probe_seccomp(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return -errno;
	return 0;
}

/* Can a child have a user namespace, and rights in it? */
static int probe_userns(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		if (unshare(CLONE_NEWUSER))
			_exit(errno);
		/* AppArmor may give the namespace, but no rights in it */
		_exit(unshare(CLONE_NEWNS) ? EPERM : 0);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

static uint64_t probe_memlock(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

void check_probe(struct check_host *ret)
{
	struct check_host host = { .root = !geteuid() };

	check_probe_cpuinfo(read_text("/proc/cpuinfo"), &host);
	host.kvm_intel = exists("/sys/module/kvm_intel");
	host.kvm_amd = exists("/sys/module/kvm_amd");
	host.kvm_pvm = exists("/sys/module/kvm_pvm");
	host.kvm_registered = exists("/sys/class/misc/kvm");
	probe_node(&host);
	probe_kvm(&host);
	host.io_uring =
		probe_io_uring(&host.io_uring_bound, &host.io_uring_sockets);
	host.io_uring_disabled =
		read_sysctl("/proc/sys/kernel/io_uring_disabled");
	host.landlock = probe_landlock();
	host.seccomp = probe_seccomp();
	host.userns = probe_userns();
	host.userns_clone =
		read_sysctl("/proc/sys/kernel/unprivileged_userns_clone");
	host.userns_apparmor = read_sysctl(
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
	host.tun = try_open("/dev/net/tun");
	host.memlock_bytes = probe_memlock();
	check_probe_meminfo(read_text("/proc/meminfo"), &host);
	*ret = host;
}
