// SPDX-License-Identifier: Apache-2.0
/* Command lines: the input, cut at its NULs, is argv behind "mote". */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/options.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rest of mote takes for granted about a config. */
static void check_config(const struct config *config)
{
	if (!config->image || !*config->image || config->cpus < 1 ||
	    config->cpus > CONFIG_CPUS_MAX || config->memory_bytes < 4 << 20 ||
	    config->memory_bytes % 4096 ||
	    config->announce > BOOT_ANNOUNCE_CMDLINE ||
	    config->irqchip > IRQCHIP_KERNEL ||
	    config->console > CONSOLE_NONE ||
	    (config->console == CONSOLE_FILE) != !!config->console_path ||
	    config->timeout_ns > INT64_MAX || config->log_level > LOG_DEBUG ||
	    config->status_fd < -1 || config->disks > CONFIG_DISKS_MAX)
		abort();
	for (unsigned i = 0; i < config->disks; i++) {
		const struct config_disk *disk = &config->disk[i];

		if (!!disk->path == (disk->fd >= 0))
			abort();
		if (disk->id && (!*disk->id || strlen(disk->id) > 20))
			abort();
	}
	for (unsigned i = 0; i < config->nargs; i++)
		if (!config->args[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 2];
	char program[] = "mote";
	struct err e = { .msg = "" };
	struct config config;
	enum command command;
	int argc = 0, ret;

	argv[argc++] = program;
	while (size && argc <= WORDS_MAX) {
		size_t len = strnlen((const char *)data, size);

		/* each in its own block, so that ASan sees their ends */
		argv[argc++] = strndup((const char *)data, len);
		len += len < size;
		data += len;
		size -= len;
	}
	argv[argc] = NULL;
	ret = options_parse(argc, argv, &command, &config, &e);
	if (ret ? ret != -EINVAL || !*e.msg || e.status != EXIT_MISUSE
		: command > COMMAND_HELP_CHECK)
		abort();
	if (!ret && command == COMMAND_RUN)
		check_config(&config);
	while (--argc)
		free(argv[argc]);
	return 0;
}
