// SPDX-License-Identifier: Apache-2.0
/* Judges a check_host: for each thing mote needs, a line and what mends it. */
#include "monitor/check.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>

#include "monitor/check_probe.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/log.h"
#include "monitor/out.h"
#include "seccomp/parts.h"

enum verdict { FINE, NOTE, WRONG };

static const char verdict_names[][6] = {
	[FINE] = "fine",
	[NOTE] = "note",
	[WRONG] = "WRONG",
};

/* out is NULL when only the judgement is wanted */
struct report {
	struct out *out;
	const struct check_host *host;
	bool usable;
};

__attribute__((format(printf, 4, 5))) static void say(struct report *r,
						      enum verdict verdict,
						      const char *subject,
						      const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (verdict == WRONG)
		r->usable = false;
	if (!r->out)
		return;
	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_printf(r->out, "%-5s  %-15s  %s\n", verdict_names[verdict], subject,
		   text);
}

/* The command that mends the line before; $ in front as in a manual. */
static void mend(struct report *r, const char *command)
{
	if (r->out)
		out_printf(r->out, "%24smend it with: %s\n", "", command);
}

/* The same for a command that only root may run. */
static void mend_root(struct report *r, const char *command)
{
	if (r->out)
		out_printf(r->out, "%24smend it with: %s%s\n", "",
			   r->host->root ? "" : "sudo ", command);
}

/* ---- KVM ------------------------------------------------------------ */

static const char *backend(const struct check_host *host)
{
	if (host->vmx && host->kvm_intel)
		return "kvm_intel";
	if (host->svm && host->kvm_amd)
		return "kvm_amd";
	if (host->kvm_pvm)
		return "kvm_pvm";
	return host->device ? "none" : "other";
}

/* Does the processor run guests itself? Only where device is 0. */
static bool is_hardware(const struct check_host *host)
{
	return (host->vmx || host->svm) &&
	       strcmp(backend(host), "kvm_pvm") != 0;
}

static bool kvm_works(const struct check_host *host)
{
	return !host->device && !host->create_vm;
}

static void check_processor(struct report *r)
{
	const struct check_host *h = r->host;

	if (h->vmx || h->svm) {
		say(r, FINE, "processor", "%s%s",
		    h->vmx ? "Intel VT-x (vmx)" : "AMD-V (svm)",
		    h->virtual ? ", in a virtual machine that passes it on"
			       : "");
		return;
	}
	if (kvm_works(h) || h->kvm_registered) {
		say(r, NOTE, "processor",
		    "neither vmx nor svm%s; KVM does without",
		    h->virtual ? " in this virtual machine" : "");
		return;
	}
	say(r, WRONG, "processor", "neither vmx nor svm%s",
	    h->virtual ? ": this is a virtual machine without nested "
			 "virtualization"
		       : ": the processor or its firmware lacks them");
	mend(r, h->virtual ? "nested virtualization, switched on in the "
			     "hypervisor around this machine"
			   : "VT-x or SVM, switched on in the firmware set-up");
}

static void check_module(struct report *r)
{
	const struct check_host *h = r->host;
	const char *name = backend(h);

	if (!strcmp(name, "kvm_pvm")) {
		say(r, NOTE, "KVM back end",
		    "kvm_pvm, a software KVM: the kit's unikernels run on it, "
		    "Linux does not");
	} else if (!strcmp(name, "other")) {
		say(r, NOTE, "KVM back end", "one that mote does not know");
	} else if (strcmp(name, "none") != 0) {
		say(r, FINE, "KVM back end", "%s", name);
	} else if (h->vmx || h->svm) {
		say(r, WRONG, "KVM back end", "no module is loaded");
		mend_root(r,
			  h->vmx ? "modprobe kvm_intel" : "modprobe kvm_amd");
	} else {
		say(r, WRONG, "KVM back end",
		    "none, and no hardware for one; `make run` goes through "
		    "the nested lane");
	}
}

/* The device is there, but not for this user. */
static void check_permission(struct report *r)
{
	const struct check_host *h = r->host;
	bool group_may = (h->device_mode & 0060) == 0060 && h->device_gid;
	const char *group = h->device_group;
	char command[160];

	say(r, WRONG, "/dev/kvm", "permission denied: mode %04o, group %s",
	    h->device_mode, *group ? group : "unknown");
	if (group_may && *group) {
		fmt_print(command, sizeof(command),
			  "usermod -aG %s $USER  # then log in again", group);
		mend_root(r, command);
	} else if (h->kvm_group) {
		mend_root(r, "chgrp kvm /dev/kvm; sudo chmod 660 /dev/kvm; "
			     "sudo usermod -aG kvm $USER  # then log in again");
	} else {
		mend_root(r, "chown $USER /dev/kvm  # until the next boot");
	}
}

static void check_device(struct report *r)
{
	const struct check_host *h = r->host;

	switch (h->device) {
	case 0:
		if (*h->device_group)
			say(r, FINE, "/dev/kvm", "opens; its group is %s",
			    h->device_group);
		else
			say(r, FINE, "/dev/kvm", "opens");
		break;
	case -EACCES:
		check_permission(r);
		break;
	case -EPERM:
		say(r, WRONG, "/dev/kvm",
		    "this container or control group may not use it");
		mend(r, "--device /dev/kvm, when the container is started");
		break;
	case -ENOENT:
		say(r, WRONG, "/dev/kvm", "is missing%s",
		    h->kvm_registered ? ", though the kernel has it" : "");
		if (h->kvm_registered)
			mend_root(r, "mknod -m 660 /dev/kvm c 10 232  # in a "
				     "container: start it with --device "
				     "/dev/kvm");
		break;
	default:
		say(r, WRONG, "/dev/kvm", "does not open: %s",
		    strerror(-h->device));
	}
}

static void check_api(struct report *r)
{
	const struct check_host *h = r->host;

	if (h->api == 12) {
		say(r, FINE, "KVM version", "12");
	} else {
		say(r, WRONG, "KVM version", "%d; mote speaks 12", h->api);
		mend(r, "a Linux kernel, 2.6.22 or later");
	}
	if (h->create_vm == -EBUSY || h->create_vm == -EIO) {
		say(r, WRONG, "new VM",
		    "another hypervisor holds the "
		    "processor");
		mend(r, "stopping it (VirtualBox or VMware, most often)");
	} else if (h->create_vm) {
		say(r, WRONG, "new VM", "KVM_CREATE_VM fails: %s",
		    strerror(-h->create_vm));
	} else {
		say(r, FINE, "new VM", "made and dropped; up to %u vCPUs",
		    h->vcpus_max);
	}
}

static void check_capabilities(struct report *r)
{
	unsigned missing = 0, i;

	for (i = 0; *check_caps[i].name; i++) {
		const struct check_cap *cap = &check_caps[i];

		if (r->host->caps & 1U << i)
			continue;
		missing++;
		say(r, cap->required ? WRONG : NOTE, "KVM capability",
		    "%s is missing: %s", cap->name, cap->why);
		if (cap->required)
			mend(r, "a newer kernel; Linux 5.10 has them all");
	}
	if (!missing)
		say(r, FINE, "KVM capabilities", "all %u that mote uses", i);
}

/* ---- the kernel's other parts --------------------------------------- */

static void check_io_uring(struct report *r)
{
	const struct check_host *h = r->host;

	if (!h->io_uring) {
		say(r, h->io_uring_sockets ? FINE : NOTE, "io_uring",
		    h->io_uring_sockets
			    ? "works"
			    : "no --vsock, --net passt= (Linux 5.19)");
	} else if (h->io_uring_disabled > 0) {
		say(r, WRONG, "io_uring", "kernel.io_uring_disabled is %d",
		    h->io_uring_disabled);
		mend_root(r, "sysctl kernel.io_uring_disabled=0");
	} else if (h->io_uring == -EPERM) {
		say(r, WRONG, "io_uring",
		    "forbidden, as many containers' "
		    "seccomp profiles do");
		mend(r, "a profile that allows io_uring, such as "
			"--security-opt seccomp=unconfined");
	} else if (h->io_uring == -ENOMEM) {
		say(r, WRONG, "io_uring", "may not lock enough memory");
		mend(r, "ulimit -l 8192");
	} else {
		say(r, WRONG, "io_uring", "not in this kernel: %s",
		    strerror(-h->io_uring));
		mend(r, "Linux 5.10 with CONFIG_IO_URING; in a container, "
			"another seccomp profile");
	}
}

static bool has_cap(const struct check_host *h, unsigned number)
{
	for (unsigned i = 0; *check_caps[i].name; i++)
		if (check_caps[i].number == number)
			return h->caps & 1U << i;
	return false;
}

/* What a VM with a disk, without sockets, would have of the lock. */
static struct parts parts_of(const struct check_host *h)
{
	return (struct parts){
		.landlock = h->landlock > 0 ? h->landlock : 0,
		.kills = !h->seccomp,
		.msr_filter = has_cap(h, KVM_CAP_X86_MSR_FILTER),
		.registered = h->io_uring_bound,
	};
}

static void check_whole(struct report *r)
{
	const struct parts parts = parts_of(r->host);
	const char *lacking = parts_lacking(&parts, 0);

	if (r->host->device || r->host->io_uring)
		return; /* mote does not run at all */
	if (!lacking)
		say(r, FINE, "lock", "all parts are there");
	for (unsigned i = 0; (lacking = parts_lacking(&parts, i)); i++)
		say(r, NOTE, "lock", "lacks %s", lacking);
}

static void check_lock(struct report *r)
{
	const struct check_host *h = r->host;

	if (h->landlock > 0) {
		say(r, FINE, "Landlock", "ABI %d", h->landlock);
	} else {
		say(r, NOTE, "Landlock", "%s; the lock goes without",
		    h->landlock == -EOPNOTSUPP ? "switched off at boot"
					       : "not in this kernel, or "
						 "forbidden");
		if (h->landlock == -EOPNOTSUPP)
			mend(r, "landlock in the kernel's lsm= boot option");
	}
	if (h->seccomp) {
		say(r, WRONG, "seccomp", "not in this kernel");
		mend(r, "Linux 4.14 with CONFIG_SECCOMP_FILTER");
	} else {
		say(r, FINE, "seccomp", "filters can kill");
	}
	check_whole(r);
}

static void check_userns(struct report *r)
{
	const struct check_host *h = r->host;

	if (!h->userns) {
		say(r, FINE, "user namespaces", "work");
		return;
	}
	say(r, NOTE, "user namespaces", "not for this user: %s",
	    strerror(-h->userns));
	if (!h->userns_clone)
		mend_root(r, "sysctl kernel.unprivileged_userns_clone=1");
	else if (h->userns_apparmor > 0)
		mend_root(r, "sysctl kernel.apparmor_restrict_unprivileged_"
			     "userns=0");
	else if (h->userns == -ENOSPC)
		mend_root(r, "sysctl user.max_user_namespaces=10000");
}

static void check_memlock(struct report *r)
{
	uint64_t limit = r->host->memlock_bytes;

	if (limit == UINT64_MAX) {
		say(r, FINE, "memlock limit", "none");
	} else if (limit >= 64 << 10) {
		say(r, FINE, "memlock limit", "%" PRIu64 " KiB", limit >> 10);
	} else {
		say(r, NOTE, "memlock limit",
		    "%" PRIu64 " KiB, which is little for io_uring before "
		    "Linux 5.12, and from 6.14",
		    limit >> 10);
		mend(r, "ulimit -l 8192, or memlock in "
			"/etc/security/limits.conf");
	}
}

static void check_tun(struct report *r)
{
	int error = r->host->tun;

	if (!error) {
		say(r, FINE, "/dev/net/tun", "opens");
		return;
	}
	say(r, NOTE, "/dev/net/tun",
	    "%s; networks through a TAP device do not work", strerror(-error));
	if (error == -ENOENT || error == -ENODEV)
		mend_root(r, "modprobe tun");
	else if (error == -EACCES)
		mend_root(r, "chmod 666 /dev/net/tun");
}

static void check_memory(struct report *r)
{
	const struct check_host *h = r->host;
	uint64_t mib = h->available_bytes >> 20;

	if (mib >= 160) {
		say(r, FINE, "memory",
		    "%" PRIu64 " of %" PRIu64 " MiB available", mib,
		    h->memory_bytes >> 20);
	} else {
		say(r, NOTE, "memory",
		    "only %" PRIu64 " MiB available; guests get 128 MiB "
		    "unless told otherwise",
		    mib);
		mend(r, "a smaller --memory");
	}
}

/* ---- all of it ------------------------------------------------------ */

static void judge(struct report *r)
{
	check_processor(r);
	check_module(r);
	check_device(r);
	if (!r->host->device) {
		check_api(r);
		check_capabilities(r);
	}
	check_io_uring(r);
	check_lock(r);
	check_userns(r);
	check_memlock(r);
	check_tun(r);
	check_memory(r);
}

static void print_summary(struct out *out, const struct report *r)
{
	if (!r->usable)
		out_text(out, "\nmote cannot run here until what is WRONG is "
			      "mended.\n");
	else if (is_hardware(r->host))
		out_text(out, "\nmote can run here: unikernels and Linux.\n");
	else
		out_text(out, "\nmote can run here: the kit's unikernels. "
			      "`make run-linux` takes the nested lane.\n");
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static const char *device_state(int device)
{
	switch (device) {
	case 0:
		return "ok";
	case -ENOENT:
		return "missing";
	case -EACCES:
	case -EPERM:
		return "denied";
	default:
		return "broken";
	}
}

static void print_missing(struct out *out, const struct check_host *h)
{
	const char *comma = "";

	out_text(out, "missing=");
	for (unsigned i = 0; !h->device && *check_caps[i].name; i++) {
		if (!check_caps[i].required || h->caps & 1U << i)
			continue;
		out_printf(out, "%s%s", comma, check_caps[i].name);
		comma = ",";
	}
	out_text(out, "\n");
}

static void print_porcelain(struct out *out, const struct report *r)
{
	const struct check_host *h = r->host;
	const struct parts parts = parts_of(h);

	out_printf(out, "usable=%s\n", yes_no(r->usable));
	out_printf(out, "kvm=%s\n",
		   !kvm_works(h)    ? "none"
		   : is_hardware(h) ? "hardware"
				    : "software");
	out_printf(out, "backend=%s\n", backend(h));
	out_printf(out, "device=%s\n", device_state(h->device));
	out_printf(out, "nested=%s\n", yes_no(h->virtual));
	out_printf(out, "api=%d\nvcpus_max=%u\n", h->api, h->vcpus_max);
	print_missing(out, h);
	out_printf(out, "io_uring=%s\n", yes_no(!h->io_uring));
	out_printf(out, "landlock=%d\n", h->landlock > 0 ? h->landlock : 0);
	out_printf(out, "seccomp=%s\n", yes_no(!h->seccomp));
	out_printf(out, "lock=%s\n",
		   parts_lacking(&parts, 0) ? "partial" : "whole");
	out_printf(out, "userns=%s\n", yes_no(!h->userns));
	out_printf(out, "tun=%s\n", yes_no(!h->tun));
	if (h->memlock_bytes == UINT64_MAX)
		out_text(out, "memlock_kib=unlimited\n");
	else
		out_printf(out, "memlock_kib=%" PRIu64 "\n",
			   h->memlock_bytes >> 10);
	out_printf(out, "memory_mib=%" PRIu64 "\navailable_mib=%" PRIu64 "\n",
		   h->memory_bytes >> 20, h->available_bytes >> 20);
}

int check_print(int fd, const struct check_host *host, bool porcelain)
{
	struct out out = OUT_INIT(fd);
	struct report r = { porcelain ? NULL : &out, host, true };

	judge(&r);
	if (porcelain)
		print_porcelain(&out, &r);
	else
		print_summary(&out, &r);
	if (out_flush(&out)) {
		log_err("check", "cannot write: %s", strerror(-out.error));
		return EXIT_MISUSE;
	}
	return r.usable ? 0 : EXIT_MISUSE;
}

int check_run(int fd, bool porcelain)
{
	struct check_host host;

	check_probe(&host);
	return check_print(fd, &host, porcelain);
}
