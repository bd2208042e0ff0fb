// SPDX-License-Identifier: Apache-2.0
/* Command lines, good and bad, and the sentences they are answered with. */
#include "monitor/options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/options_table.h"
#include "tests/unit/capture.h"

#define WORDS 20

/* argv as the kernel gives it: writable strings, NULL behind the last. */
struct words {
	char store[WORDS][8192];
	char *argv[WORDS + 2];
	int argc;
};

static char program[] = "mote";

static struct words *words_of(const char *const *list)
{
	static struct words w;

	w.argc = 0;
	w.argv[w.argc++] = program;
	for (int i = 0; list[i]; i++) {
		cr_assert(i < WORDS && strlen(list[i]) < sizeof(w.store[i]));
		strcpy(w.store[i], list[i]);
		w.argv[w.argc++] = w.store[i];
	}
	w.argv[w.argc] = NULL;
	return &w;
}

static int parse(const char *const *list, enum command *command,
		 struct config *config, struct err *e)
{
	struct words *w = words_of(list);

	return options_parse(w->argc, w->argv, command, config, e);
}

/* ---- good ones ----------------------------------------------------- */

/* A row says what differs from DEFAULTS. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define DEFAULTS                                                               \
	.memory_bytes = 128ULL << 20, .cpus = 1, .numa_node = CONFIG_ANY_NODE, \
	.log_level = LOG_WARN, .status_fd = -1

struct good_row {
	const char *words[WORDS];
	struct config want;
};

static const struct good_row good_rows[] = {
	{ { "run", "img" }, { DEFAULTS, .image = "img" } },
	{ { "run", "-" }, { DEFAULTS, .image = "-" } },
	{ { "run", "--memory", "2G", "img" },
	  { DEFAULTS, .image = "img", .memory_bytes = 2ULL << 30 } },
	{ { "run", "--memory=64M", "img" },
	  { DEFAULTS, .image = "img", .memory_bytes = 64 << 20 } },
	{ { "run", "img", "--memory", "4m" },
	  { DEFAULTS, .image = "img", .memory_bytes = 4 << 20 } },
	{ { "run", "img", "--memory", "4194304" },
	  { DEFAULTS, .image = "img", .memory_bytes = 4 << 20 } },
	{ { "run", "img", "--memory", "4100K" },
	  { DEFAULTS, .image = "img", .memory_bytes = 4100 << 10 } },
	{ { "run", "--cpus", "32", "img" },
	  { DEFAULTS, .image = "img", .cpus = 32 } },
	{ { "run", "--cpus=01", "img" }, { DEFAULTS, .image = "img" } },
	{ { "run", "--initrd", "i.gz", "img", "--cmdline", "quiet ro" },
	  { DEFAULTS, .image = "img", .initrd = "i.gz",
	    .cmdline = "quiet ro" } },
	{ { "run", "img", "--cmdline=--verbose /hello=1" },
	  { DEFAULTS, .image = "img", .cmdline = "--verbose /hello=1" } },
	{ { "run", "img", "--cmdline=" },
	  { DEFAULTS, .image = "img", .cmdline = "" } },
	{ { "run", "img", "--cmdline", "" },
	  { DEFAULTS, .image = "img", .cmdline = "" } },
	{ { "run", "--announce", "acpi", "img" },
	  { DEFAULTS, .image = "img", .announce = BOOT_ANNOUNCE_ACPI } },
	{ { "run", "--announce=cmdline", "img" },
	  { DEFAULTS, .image = "img", .announce = BOOT_ANNOUNCE_CMDLINE } },
	{ { "run", "--irqchip=split", "img" },
	  { DEFAULTS, .image = "img", .irqchip = IRQCHIP_SPLIT } },
	{ { "run", "--irqchip", "kernel", "img" },
	  { DEFAULTS, .image = "img", .irqchip = IRQCHIP_KERNEL } },
	{ { "run", "--console", "stdio", "img" },
	  { DEFAULTS, .image = "img", .console = CONSOLE_STDIO } },
	{ { "run", "--console=none", "img" },
	  { DEFAULTS, .image = "img", .console = CONSOLE_NONE } },
	{ { "run", "--console", "file:/a b", "img" },
	  { DEFAULTS, .image = "img", .console = CONSOLE_FILE,
	    .console_path = "/a b" } },
	{ { "run", "--timeout", "1.5", "img" },
	  { DEFAULTS, .image = "img", .timeout_ns = 1500000000 } },
	{ { "run", "--timeout=250ms", "img" },
	  { DEFAULTS, .image = "img", .timeout_ns = 250000000 } },
	{ { "run", "--timeout", "2m", "img" },
	  { DEFAULTS, .image = "img", .timeout_ns = 120000000000 } },
	{ { "run", "--name", "web-1", "img" },
	  { DEFAULTS, .image = "img", .name = "web-1" } },
	{ { "run", "--log-level", "error", "img" },
	  { DEFAULTS, .image = "img", .log_level = LOG_ERR } },
	{ { "run", "--log-level=debug", "img" },
	  { DEFAULTS, .image = "img", .log_level = LOG_DEBUG } },
	{ { "run", "--status-fd", "0", "img" },
	  { DEFAULTS, .image = "img", .status_fd = 0 } },
	{ { "run", "img", "--status-fd=17" },
	  { DEFAULTS, .image = "img", .status_fd = 17 } },
	{ { "run", "img", "--dry-run" },
	  { DEFAULTS, .image = "img", .dry_run = true } },
	{ { "run", "img", "--disk", "path=a.img" },
	  { DEFAULTS, .image = "img", .disks = 1,
	    .disk = { { .path = "a.img", .fd = -1 } } } },
	{ { "run", "--disk=ro,path=a=b,direct,id=root,cache=unsafe", "img",
	    "--disk", "fd=7" },
	  { DEFAULTS, .image = "img", .disks = 2,
	    .disk = { { .path = "a=b",
			.fd = -1,
			.read_only = true,
			.direct = true,
			.id = "root",
			.unsafe_cache = true },
		      { .fd = 7 } } } },
	{ { "run", "img", "--net", "tap=t0,mac=02:Ab:00:00:00:f1,mtu=1500",
	    "--net=passt", "--net", "passt=/tmp/p,mtu=68", "--net", "fd=9" },
	  { DEFAULTS, .image = "img", .nets = 4,
	    .net = { { .tap = "t0",
		       .fd = -1,
		       .mac = { 2, 0xab, 0, 0, 0, 0xf1 },
		       .mtu = 1500 },
		     { .passt = "", .fd = -1 },
		     { .passt = "/tmp/p", .fd = -1, .mtu = 68 },
		     { .fd = 9 } } } },
	{ { "run", "--share-image", "img" },
	  { DEFAULTS, .image = "img", .share_image = true } },
	{ { "run", "--hugepages", "thp", "img" },
	  { DEFAULTS, .image = "img", .pages = MEM_PAGES_THP } },
	{ { "run", "--hugepages=hugetlb", "--prefault", "--ksm", "img" },
	  { DEFAULTS, .image = "img", .pages = MEM_PAGES_HUGETLB,
	    .prefault = true, .ksm = true } },
	{ { "run", "--numa-node", "0", "img" },
	  { DEFAULTS, .image = "img", .numa_node = 0 } },
	{ { "run", "--cpu-affinity", "4,2/1", "img" },
	  { DEFAULTS, .image = "img",
	    .affinity = { .vcpu = { 4, 2 }, .vcpus = 2, .io = { 2 } } } },
	{ { "run", "--timing", "img" },
	  { DEFAULTS, .image = "img", .timing = CONFIG_TIMING_TEXT } },
	{ { "run", "--timing=json", "img" },
	  { DEFAULTS, .image = "img", .timing = CONFIG_TIMING_JSON } },
	{ { "run", "--timing=json:a:b", "img" },
	  { DEFAULTS, .image = "img", .timing = CONFIG_TIMING_JSON,
	    .timing_path = "a:b" } },
	{ { "run", "img", "--vsock", "path=v.sock" },
	  { DEFAULTS, .image = "img", .vsock = { "v.sock", 3 } } },
	{ { "run", "img", "--vsock", "cid=4294967294,path=v" },
	  { DEFAULTS, .image = "img", .vsock = { "v", 4294967294U } } },
	{ { "run", "img", "--disk", "path=a,id=12345678901234567890" },
	  { DEFAULTS, .image = "img", .disks = 1,
	    .disk = { { .path = "a",
			.fd = -1,
			.id = "12345678901234567890" } } } },
	{ { "run", "img", "--" }, { DEFAULTS, .image = "img" } },
	{ { "run", "img", "--", "a", "--memory", "--", "" },
	  { DEFAULTS, .image = "img",
	    .args = (const char *const[]){ "a", "--memory", "--", "" },
	    .nargs = 4 } },
};

static void check_text(const char *got, const char *want, const char *what)
{
	cr_expect((!got && !want) || (got && want && !strcmp(got, want)),
		  "%s is %s, not %s", what, got ? got : "NULL",
		  want ? want : "NULL");
}

static void check_net(const struct config_net *got,
		      const struct config_net *want)
{
	check_text(got->tap, want->tap, "tap");
	check_text(got->passt, want->passt, "passt");
	cr_expect_eq(got->fd, want->fd);
	cr_expect_arr_eq(got->mac, want->mac, 6);
	cr_expect_eq(got->mtu, want->mtu);
}

static void check_disk(const struct config_disk *got,
		       const struct config_disk *want)
{
	check_text(got->path, want->path, "path");
	check_text(got->id, want->id, "id");
	cr_expect_eq(got->fd, want->fd);
	cr_expect_eq(got->read_only, want->read_only);
	cr_expect_eq(got->direct, want->direct);
	cr_expect_eq(got->unsafe_cache, want->unsafe_cache);
}

static void check_config(const struct config *got, const struct config *want)
{
	check_text(got->image, want->image, "image");
	check_text(got->initrd, want->initrd, "initrd");
	check_text(got->cmdline, want->cmdline, "cmdline");
	check_text(got->name, want->name, "name");
	check_text(got->console_path, want->console_path, "console_path");
	check_text(got->timing_path, want->timing_path, "timing_path");
	cr_expect_eq(got->memory_bytes, want->memory_bytes);
	cr_expect_eq(got->cpus, want->cpus);
	cr_expect_eq(got->announce, want->announce);
	cr_expect_eq(got->irqchip, want->irqchip);
	cr_expect_eq(got->console, want->console);
	cr_expect_eq(got->timeout_ns, want->timeout_ns);
	cr_expect_eq(got->log_level, want->log_level);
	cr_expect_eq(got->status_fd, want->status_fd);
	cr_expect_eq(got->dry_run, want->dry_run);
	cr_expect_eq(got->pages, want->pages);
	cr_expect_eq(got->prefault, want->prefault);
	cr_expect_eq(got->ksm, want->ksm);
	cr_expect_eq(got->share_image, want->share_image);
	cr_expect_eq(got->numa_node, want->numa_node);
	cr_expect_arr_eq(&got->affinity, &want->affinity,
			 sizeof(got->affinity));
	cr_expect_eq(got->timing, want->timing);
	cr_assert_eq(got->nargs, want->nargs);
	for (unsigned i = 0; i < want->nargs; i++)
		check_text(got->args[i], want->args[i], "argument");
	cr_assert_eq(got->disks, want->disks);
	for (unsigned i = 0; i < want->disks; i++)
		check_disk(&got->disk[i], &want->disk[i]);
	cr_assert_eq(got->nets, want->nets);
	for (unsigned i = 0; i < want->nets; i++)
		check_net(&got->net[i], &want->net[i]);
	check_text(got->vsock.path, want->vsock.path, "vsock path");
	cr_expect_eq(got->vsock.cid, want->vsock.cid);
}

Test(options, fills_the_config)
{
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		const struct good_row *row = &good_rows[i];
		enum command command = COMMAND_HELP;
		struct config config;
		struct err e = { .msg = "" };
		int ret = parse(row->words, &command, &config, &e);

		cr_assert_eq(ret, 0, "row %zu: %s", i, e.msg);
		cr_expect_eq(command, COMMAND_RUN, "row %zu", i);
		check_config(&config, &row->want);
	}
}

Test(options, knows_the_commands)
{
	static const struct {
		const char *words[4];
		enum command want;
	} rows[] = {
		{ { "run", "x" }, COMMAND_RUN },
		{ { "run", "--help" }, COMMAND_HELP_RUN },
		{ { "run", "x", "-h" }, COMMAND_HELP_RUN },
		{ { "run", "--help", "--nonsense" }, COMMAND_HELP_RUN },
		{ { "check" }, COMMAND_CHECK },
		{ { "check", "--porcelain" }, COMMAND_CHECK_PORCELAIN },
		{ { "check", "--help" }, COMMAND_HELP_CHECK },
		{ { "version" }, COMMAND_VERSION },
		{ { "--version" }, COMMAND_VERSION },
		{ { "version", "--help" }, COMMAND_HELP },
		{ { "help" }, COMMAND_HELP },
		{ { "--help" }, COMMAND_HELP },
		{ { "-h" }, COMMAND_HELP },
		{ { "help", "run" }, COMMAND_HELP_RUN },
		{ { "help", "check" }, COMMAND_HELP_CHECK },
		{ { "help", "version" }, COMMAND_HELP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum command command = (enum command)99;
		struct config config;
		struct err e = { .msg = "" };

		cr_assert_eq(parse(rows[i].words, &command, &config, &e), 0,
			     "row %zu: %s", i, e.msg);
		cr_expect_eq(command, rows[i].want, "row %zu: %d", i,
			     (int)command);
	}
}

/* ---- bad ones ------------------------------------------------------ */

#define HUNDRED                                                                \
	"0123456789012345678901234567890123456789"                             \
	"012345678901234567890123456789012345678901234567890123456789"

static const struct {
	const char *words[WORDS];
	const char *wrong, *mend; /* two parts of the sentence, in order */
} bad_rows[] = {
	/* commands */
	{ { NULL }, "what to do?", "mote run IMAGE" },
	{ { "" }, "no such command", "mote help" },
	{ { "rnu" }, "rnu: no such command", "mote run?" },
	{ { "hello.elf" }, "no such command", "mote run hello.elf" },
	{ { "chekc" }, "no such command", "mote check?" },
	{ { "--memory", "64M", "x" }, "behind a command", "mote run --memory" },
	{ { "check", "--porcelian" }, "no such option", "--porcelain?" },
	{ { "check", "now" },
	  "now: mote check takes no such word",
	  "--porcelain" },
	{ { "check", "--porcelain", "x" },
	  "x: one word too many",
	  "mote check" },
	{ { "version", "2" }, "2: mote version takes no such word", "" },
	{ { "help", "rum" }, "rum: no such command", "mote run?" },

	/* words of run */
	{ { "run" }, "which IMAGE?", "mote run [options] IMAGE" },
	{ { "run", "--", "x" }, "which IMAGE?", "mote run [options] IMAGE" },
	{ { "run", "a", "b" }, "b: the IMAGE is already a", "behind --" },
	{ { "run", "" }, "an empty word", "give a file" },
	{ { "run", "a", "" }, "the IMAGE is already a", "behind --" },
	{ { "run", "--memroy", "1G", "x" },
	  "--memroy: no such option",
	  "did you mean --memory?" },
	{ { "run", "-cpus", "2", "x" },
	  "--cpus: no such option",
	  "did you mean --cpus?" },
	{ { "run", "--mem=1G", "x" },
	  "--mem: no such option",
	  "did you mean --memory?" },
	{ { "run", "--frobnicate", "x" }, "no such option", "mote run --help" },
	{ { "run", "-x" }, "--x: no such option", "mote run --help" },
	{ { "run", "--=", "x" }, "no such option", "mote run --help" },
	{ { "run", "--" HUNDRED HUNDRED HUNDRED },
	  "no such option",
	  "mote run --help" },
	{ { "run", "x", "--cpus" }, "--cpus needs a value", "--cpus=N" },
	{ { "run", "--initrd", "--cpus", "2", "x" },
	  "--initrd needs a value",
	  "--initrd=FILE" },
	{ { "run", "x", "--dry-run=yes" },
	  "--dry-run takes no value",
	  "just --dry-run" },
	{ { "run", "x", "--help=all" },
	  "--help takes no value",
	  "just --help" },
	{ { "run", "--cpus", "1", "x", "--cpus=1" },
	  "--cpus is given twice",
	  "keep one" },
	{ { "run", "--dry-run", "x", "--dry-run" },
	  "--dry-run is given twice",
	  "keep one" },

	{ { "run", "--disk", "path=a,b", "x" },
	  "--disk b: no such sub-option",
	  "contain a comma" },

	/* values */
	{ { "run", "--memory", "12Q", "x" },
	  "--memory 12Q: not a size",
	  "like 64M or 2G" },
	{ { "run", "--memory=", "x" },
	  "--memory: not a size",
	  "like 64M or 2G" },
	{ { "run", "--memory", "-1", "x" },
	  "--memory -1: not a size",
	  "like 64M or 2G" },
	{ { "run", "--memory", "1.5G", "x" }, "not a size", "like 64M or 2G" },
	{ { "run", "--memory", "64MB", "x" }, "not a size", "like 64M or 2G" },
	{ { "run", "--memory", HUNDRED HUNDRED HUNDRED "Q", "x" },
	  "more than this host",
	  "take less" },
	{ { "run", "--memory", "512", "x" }, "too few", "512M" },
	{ { "run", "--memory", "0", "x" }, "too little", "4M is the least" },
	{ { "run", "--memory", "4095K", "x" },
	  "too little",
	  "4M is the least" },
	{ { "run", "--memory", "4097K", "x" },
	  "not a multiple of 4 KiB",
	  "4096K or 4100K" },
	{ { "run", "--memory", "4194305", "x" },
	  "not a multiple of 4 KiB",
	  "4096K or 4100K" },
	{ { "run", "--memory", "16000000T", "x" },
	  "more than this host's",
	  "take less" },
	{ { "run", "--memory", "99999999999999999999", "x" },
	  "more than this host's",
	  "take less" },
	{ { "run", "--cpus", "0", "x" }, "--cpus 0:", "from 1 to 32" },
	{ { "run", "--cpus", "33", "x" }, "--cpus 33:", "from 1 to 32" },
	{ { "run", "--cpus", "4294967297", "x" }, "must be", "from 1 to 32" },
	{ { "run", "--cpus", "99999999999999999999", "x" },
	  "must be",
	  "from 1 to 32" },
	{ { "run", "--cpus", "two", "x" }, "not a number", "from 1 to 32" },
	{ { "run", "--cpus", "2 ", "x" }, "not a number", "from 1 to 32" },
	{ { "run", "--initrd=", "x" }, "--initrd: is empty", "a FILE" },
	{ { "run", "--name", "", "x" }, "--name: is empty", "a NAME" },
	{ { "run", "--name", HUNDRED, "x" }, "has 100 bytes", "at most 63" },
	{ { "run", "--announce", "both", "x" },
	  "--announce both: no such choice",
	  "acpi or cmdline" },
	{ { "run", "--announce", "", "x" },
	  "--announce: no such choice",
	  "acpi or cmdline" },
	{ { "run", "--irqchip", "spli", "x" },
	  "no such choice",
	  "split or kernel" },
	{ { "run", "--irqchip", "split|kernel", "x" },
	  "no such choice",
	  "split or kernel" },
	{ { "run", "--log-level", "4", "x" },
	  "no such choice",
	  "error, warn, info or debug" },
	{ { "run", "--console", "pty", "x" },
	  "no such console",
	  "stdio, file:PATH or none" },
	{ { "run", "--console", "file:", "x" },
	  "no such console",
	  "stdio, file:PATH or none" },
	{ { "run", "--timeout", "soon", "x" }, "not a time", "500ms" },
	{ { "run", "--timeout", "1.", "x" }, "not a time", "500ms" },
	{ { "run", "--timeout", "1h", "x" }, "not a time", "500ms" },
	{ { "run", "--timeout", "0", "x" },
	  "longer than nothing",
	  "leave it out" },
	{ { "run", "--timeout", "0.0000000001", "x" },
	  "longer than nothing",
	  "leave it out" },
	{ { "run", "--timeout", "10000000000", "x" },
	  "longer than a timer",
	  "leave it out" },
	{ { "run", "--timeout", "99999999999999999999m", "x" },
	  "longer than a timer",
	  "leave it out" },
	{ { "run", "--status-fd", "out", "x" },
	  "not a descriptor",
	  "its number" },
	{ { "run", "--status-fd", "2147483648", "x" },
	  "not a descriptor",
	  "its number" },

	{ { "run", "--hugepages", "2M", "x" },
	  "no such choice",
	  "host, thp or hugetlb" },
	{ { "run", "--numa-node", "1024", "x" }, "must be from", "0 to 1023" },
	{ { "run", "--cpu-affinity", "3-1", "x" },
	  "not a list",
	  "2-5,8 or 2,3/0" },
	{ { "run", "--cpu-affinity", "1024", "x" }, "0 to 1023", "at most 32" },
	{ { "run", "--timing=text", "x" },
	  "no such form",
	  "--timing=json:FILE" },
	{ { "run", "--timing=json:", "x" },
	  "no such form",
	  "--timing=json:FILE" },
	{ { "run", "--timing=", "x" }, "no such form", "--timing=json:FILE" },
	{ { "run", "--timing", "--timing", "x" }, "given twice", "keep one" },

	/* disks */
	{ { "run", "x", "--disk", "a.img" }, "a.img", "path=a.img" },
	{ { "run", "x", "--disk", "" }, "--disk", "path=" },
	{ { "run", "x", "--disk", "path=a,rw" },
	  "rw: no such sub-option",
	  "ro?" },
	{ { "run", "x", "--disk", "path=a,format=qcow2" },
	  "format: no such sub-option",
	  "path, fd, ro, direct, id, cache" },
	{ { "run", "x", "--disk", "ptah=a" },
	  "ptah: no such sub-option",
	  "path?" },
	{ { "run", "x", "--disk", "path=" }, "path=: is empty", "FILE" },
	{ { "run", "x", "--disk", "path" }, "path needs a value", "path=FILE" },
	{ { "run", "x", "--disk", "path=a,ro=1" },
	  "ro=1: takes no value",
	  "just ro" },
	{ { "run", "x", "--disk", "path=a,ro,ro" },
	  "ro is given twice",
	  "keep one" },
	{ { "run", "x", "--disk", "path=a,path=b" },
	  "path is given twice",
	  "keep one" },
	{ { "run", "x", "--disk", "path=a,fd=3" }, "two files", "keep one" },
	{ { "run", "x", "--disk", "ro" }, "which file?", "path=FILE, or fd=N" },
	{ { "run", "x", "--disk", "fd=-1" }, "not a descriptor", "its number" },
	{ { "run", "x", "--disk", "path=a,cache=none" },
	  "can only be cache=unsafe",
	  "left out" },
	{ { "run", "x", "--disk", "path=a,id=123456789012345678901" },
	  "has 21 bytes",
	  "at most 20" },
	{ { "run", "x", "--disk", "path=a,," }, "--disk", "" },

	/* networks */
	{ { "run", "x", "--net", "eth0" }, "eth0", "tap=eth0" },
	{ { "run", "x", "--net", "mtu=1500" }, "which network?", "passt" },
	{ { "run", "x", "--net", "tap=a,passt" },
	  "different networks",
	  "keep one" },
	{ { "run", "x", "--net", "tap=a,fd=3" },
	  "different networks",
	  "keep one" },
	{ { "run", "x", "--net", "passt=" }, "passt=: is empty", "just passt" },
	{ { "run", "x", "--net", "tap=sixteen-bytes-xx" }, "bytes", "15" },
	{ { "run", "x", "--net", "tap=a,mtu=67" }, "mtu=67", "from 68" },
	{ { "run", "x", "--net", "tap=a,mac=02:00:00:00:00" },
	  "not an address",
	  "02:00:00:00:00:01" },
	{ { "run", "x", "--net", "tap=a,mac=02:00:00:00:00:01:" },
	  "not an address",
	  "02:00:00:00:00:01" },
	{ { "run", "x", "--net", "tap=a,mac=020000000001" },
	  "not an address",
	  "02:00:00:00:00:01" },
	{ { "run", "x", "--net", "tap=a,mac=02-00-00-00-00-01" },
	  "not an address",
	  "02:00:00:00:00:01" },
	{ { "run", "x", "--net", "tap=a,mac=0g:00:00:00:00:01" },
	  "not an address",
	  "02:00:00:00:00:01" },
	{ { "run", "x", "--net", "tap=a,mac=03:00:00:00:00:01" },
	  "group",
	  "even" },
	{ { "run", "x", "--net", "tap=a,mac=00:00:00:00:00:00" },
	  "all zero",
	  "random" },
	{ { "run", "--net=fd=1", "--net=fd=2", "--net=fd=3", "--net=fd=4",
	    "--net=fd=5" },
	  "4 network devices",
	  "the most" },
	{ { "run", "x", "--vsock", "v.sock" }, "v.sock", "path=v.sock" },
	{ { "run", "x", "--vsock", "cid=4" }, "where?", "path=" },
	{ { "run", "x", "--vsock", "path=v,cid=2" }, "cid=2", "from 3" },
	{ { "run", "x", "--vsock", "path=v,cid=4294967295" },
	  "cid=4294967295",
	  "4294967294" },
	{ { "run", "x", "--vsock", "path=v", "--vsock", "path=w" },
	  "--vsock is given twice",
	  "keep one" },

	{ { "run", "--disk=fd=1", "--disk=fd=2", "--disk=fd=3", "--disk=fd=4",
	    "--disk=fd=5", "--disk=fd=6", "--disk=fd=7", "--disk=fd=8",
	    "--disk=fd=9", "--disk=fd=10", "--disk=fd=11", "--disk=fd=12",
	    "--disk=fd=13" },
	  "12 disks",
	  "the most" },
};

Test(options, says_what_is_wrong_and_how_to_mend_it)
{
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		struct config config, before;
		enum command command = (enum command)99;
		struct err e = { .msg = "" };
		const char *wrong;

		memset(&before, 0xa5, sizeof(before));
		memcpy(&config, &before, sizeof(config));
		cr_assert_eq(parse(bad_rows[i].words, &command, &config, &e),
			     -EINVAL, "row %zu was taken", i);
		cr_expect_eq(e.code, -EINVAL, "row %zu", i);
		cr_expect_eq(e.status, EXIT_MISUSE, "row %zu", i);
		cr_expect(!memcmp(&config, &before, sizeof(config)),
			  "row %zu: config touched", i);
		cr_expect_eq((int)command, 99, "row %zu: command touched", i);
		wrong = strstr(e.msg, bad_rows[i].wrong);
		cr_expect(wrong, "row %zu: \"%s\" is not in \"%s\"", i,
			  bad_rows[i].wrong, e.msg);
		cr_expect(wrong && strstr(wrong, bad_rows[i].mend),
			  "row %zu: \"%s\" is not in \"%s\"", i,
			  bad_rows[i].mend, e.msg);
		cr_expect(!strchr(e.msg, '\n'), "row %zu: newline", i);
	}
}

Test(options, takes_twelve_disks)
{
	static const char *const words[] = {
		"run",		"x",
		"--disk=fd=0",	"--disk=fd=1",
		"--disk=fd=2",	"--disk=fd=3",
		"--disk=fd=4",	"--disk=fd=5",
		"--disk=fd=6",	"--disk=fd=7",
		"--disk=fd=8",	"--disk=fd=9",
		"--disk=fd=10", "--disk=fd=11",
		NULL,
	};
	enum command command;
	struct config config;
	struct err e;

	cr_assert_eq(parse(words, &command, &config, &e), 0, "%s", e.msg);
	cr_assert_eq(config.disks, CONFIG_DISKS_MAX);
	for (int i = 0; i < CONFIG_DISKS_MAX; i++)
		cr_expect_eq(config.disk[i].fd, i);
}

Test(options, takes_a_path_as_long_as_the_kernel_does)
{
	static char word[4096 + 16];
	enum command command;
	struct config config;
	struct err e;
	const char *words[] = { "run", "x", "--disk", word, NULL };

	snprintf(word, sizeof(word), "path=%04095d", 0);
	cr_expect_eq(parse(words, &command, &config, &e), 0, "%s", e.msg);
	snprintf(word, sizeof(word), "path=%04096d", 0);
	cr_expect_eq(parse(words, &command, &config, &e), -EINVAL);
	cr_expect(strstr(e.msg, "at most 4095"), "%s", e.msg);
}

Test(options, takes_all_the_memory_the_host_has_and_no_more)
{
	struct sysinfo info;
	uint64_t host;
	char word[32];
	enum command command;
	struct config config;
	struct err e;
	const char *words[] = { "run", "x", "--memory", word, NULL };

	cr_assert_eq(sysinfo(&info), 0);
	host = (uint64_t)info.totalram * info.mem_unit;
	snprintf(word, sizeof(word), "%lluK",
		 (unsigned long long)(host / 4096 * 4));
	cr_expect_eq(parse(words, &command, &config, &e), 0, "%s", e.msg);
	cr_expect_eq(config.memory_bytes, host / 4096 * 4096);
	snprintf(word, sizeof(word), "%lluK",
		 (unsigned long long)(host / 4096 * 4 + 4));
	cr_expect_eq(parse(words, &command, &config, &e), -EINVAL);
	cr_expect(strstr(e.msg, "more than this host's"), "%s", e.msg);
}

/* ---- the tables, and the help made from them ----------------------- */

static void check_terminated(const char *s, size_t size, const char *what)
{
	cr_expect(memchr(s, 0, size), "%.*s: %s is too long", (int)size, s,
		  what);
}

static unsigned check_table(const struct options_row *row, const char *help)
{
	unsigned rows = 0;

	for (; *row->name; row++, rows++, help += strlen(help) + 1) {
		check_terminated(row->name, sizeof(row->name), "name");
		check_terminated(row->arg, sizeof(row->arg), "arg");
		check_terminated(row->unset, sizeof(row->unset), "unset");
		cr_expect(*help, "%s has no help", row->name);
		cr_expect(strlen(help) < 168, "%s: long help", row->name);
		cr_expect_eq(!*row->arg,
			     row->kind == KIND_FLAG || row->kind == KIND_HELP,
			     "%s: a value needs a name", row->name);
		cr_expect(row->group < OPTIONS_GROUPS, "%s", row->name);
	}
	cr_expect_not(*help, "\"%s\" belongs to no row", help);
	return rows;
}

Test(options, tables_are_in_order)
{
	/* bits of `seen` in the parser */
	cr_expect(check_table(options_run, options_run_help) <= 64);
	cr_expect(check_table(options_disk, options_disk_help) <= 32);
	cr_expect(check_table(options_net, options_net_help) <= 32);
	cr_expect(check_table(options_vsock, options_vsock_help) <= 32);
	for (int i = 0; i < OPTIONS_COMMANDS; i++) {
		const struct options_command *c = &options_commands[i];

		check_terminated(c->name, sizeof(c->name), "name");
		check_terminated(c->usage, sizeof(c->usage), "usage");
		check_terminated(c->text, sizeof(c->text), "text");
	}
}

Test(options, shown_defaults_are_the_defaults)
{
	unsigned tried = 0;

	for (const struct options_row *row = options_run; *row->name; row++) {
		char word[64];
		const char *plain[] = { "run", "x", NULL };
		const char *words[] = { "run", "x", word, NULL };
		struct config without, with;
		enum command command;
		struct err e;

		if (!*row->unset || !strcmp(row->unset, "by image") ||
		    row->kind == KIND_DURATION)
			continue;
		snprintf(word, sizeof(word), "--%s=%s", row->name, row->unset);
		cr_assert_eq(parse(plain, &command, &without, &e), 0);
		cr_assert_eq(parse(words, &command, &with, &e), 0, "%s", e.msg);
		check_config(&with, &without);
		tried++;
	}
	cr_expect(tried >= 5, "only %u rows have a default to try", tried);
}

Test(options, help_tells_of_every_option_and_status)
{
	static const char *const statuses[] = {
		"0-123", "124", "125", "126", "127", "128+n", "131", "159"
	};
	int fd = capture_open();
	const char *text;

	cr_assert_eq(options_help(fd, COMMAND_HELP_RUN), 0);
	text = capture_close(fd);
	for (const struct options_row *row = options_run; *row->name; row++) {
		char line[128];

		snprintf(line, sizeof(line),
			 row->kind == KIND_TIMING ? "\n  --%s[%s%s]"
						  : "\n  --%s%s%s",
			 row->name,
			 row->kind == KIND_TIMING ? "="
			 : *row->arg		  ? " "
						  : "",
			 row->arg);
		cr_expect(strstr(text, line), "no line for --%s", row->name);
		snprintf(line, sizeof(line), "[%s]", row->unset);
		cr_expect(!*row->unset || strstr(text, line),
			  "no default of --%s", row->name);
	}
	for (const struct options_row *row = options_disk; *row->name; row++)
		cr_expect(strstr(text, row->name), "no word of %s", row->name);
	text = strstr(text, "Exit status:");
	cr_assert(text);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		cr_expect(strstr(text, statuses[i]), "%s", statuses[i]);
}

Test(options, help_fits_a_terminal)
{
	static const enum command all[] = { COMMAND_HELP, COMMAND_HELP_RUN,
					    COMMAND_HELP_CHECK };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = capture_open();
		const char *line;

		cr_assert_eq(options_help(fd, all[i]), 0);
		line = capture_close(fd);
		cr_assert(*line);
		while (*line) {
			size_t len = strcspn(line, "\n");

			cr_expect(len <= 80, "too wide: %.*s", (int)len, line);
			cr_assert_eq(line[len], '\n');
			cr_expect(!len || line[len - 1] != ' ',
				  "blank at end: %.*s", (int)len, line);
			line += len + 1;
		}
	}
}

Test(options, help_reports_a_full_disk)
{
	FILE *full = fopen("/dev/full", "w");

	cr_assert(full);
	cr_expect_eq(options_help(fileno(full), COMMAND_HELP_RUN), -ENOSPC);
	fclose(full);
}
