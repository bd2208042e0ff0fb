// SPDX-License-Identifier: Apache-2.0
/* mote: reads the command line and does what it says. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "monitor/check.h"
#include "monitor/config.h"
#include "monitor/ending.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/machine.h"
#include "monitor/options.h"
#include "monitor/out.h"
#include "monitor/timing.h"
#include "monitor/version.h"

/* What was to be printed could not be: a full disk, a closed pipe. */
static int printed(int ret, struct err *e)
{
	return ret ? err_set(e, ret, "cannot write to stdout") : 0;
}

/* The four stages of a start: an image is parsed only when what it could do
 * harm with is gone, and the guest runs only when the lock is on. */
static int run(const struct config *cfg, struct err *e)
{
	struct machine *m = machine_get();
	int ret;

	ret = machine_open(m, cfg, e);
	if (!ret)
		ret = machine_drop(m, e);
	if (!ret)
		ret = machine_load(m, e);
	if (ret)
		return ret;
	if (cfg->dry_run)
		return printed(machine_print(m), e);
	return machine_run(m, e);
}

static int print_version(void)
{
	struct out out = OUT_INIT(STDOUT_FILENO);

	out_text(&out, "mote " VERSION "\n");
	return out_flush(&out);
}

static int dispatch(enum command command, const struct config *cfg,
		    struct err *e)
{
	switch (command) {
	case COMMAND_RUN:
		log_set_level(cfg->log_level);
		log_set_name(cfg->name);
		if (cfg->timing != CONFIG_TIMING_OFF)
			timing_init(cfg->timing == CONFIG_TIMING_JSON);
		return run(cfg, e);
	case COMMAND_CHECK:
	case COMMAND_CHECK_PORCELAIN:
		e->status = check_run(STDOUT_FILENO,
				      command == COMMAND_CHECK_PORCELAIN);
		return 0;
	case COMMAND_VERSION:
		return printed(print_version(), e);
	case COMMAND_HELP:
	case COMMAND_HELP_RUN:
	case COMMAND_HELP_CHECK:
	default:
		return printed(options_help(STDOUT_FILENO, command), e);
	}
}

/*
 * Nobody else makes relocated constants read-only in a static PIE: there is no
 * dynamic linker, and musl does not. And where the host is set to huge pages,
 * each first touch of our 87 MiB of variables would clear and keep 2 MiB. The
 * symbols are mote.lds's.
 */
static void set_up_pages(void)
{
	extern char relro_start[], relro_end[], _end[];
	uintptr_t from = (uintptr_t)relro_start & ~(uintptr_t)4095;

	/* A kernel that refuses leaves us as we were. */
	(void)mprotect((void *)from, (uintptr_t)relro_end - from, PROT_READ);
	(void)madvise(relro_end, (uintptr_t)(_end - relro_end),
		      MADV_NOHUGEPAGE);
}

int main(int argc, char **argv)
{
	static struct config cfg;
	struct err e = { 0 };
	enum command command;

	set_up_pages();
	ending_init();
	if (options_parse(argc, argv, &command, &cfg, &e)) {
		log_err("", "%s", e.msg);
		return e.status;
	}
	if (dispatch(command, &cfg, &e))
		log_err("", "%s", e.msg);
	return command == COMMAND_RUN ? ending_tell(e.status) : e.status;
}
