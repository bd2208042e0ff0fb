/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of an option's row; for options*.c and their tests only. */
#ifndef MOTE_MONITOR_OPTIONS_TABLE_H
#define MOTE_MONITOR_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* How a value is read, and the type of the field it goes to. */
enum options_kind {
	KIND_HELP,     /* no value, no field: COMMAND_HELP_RUN */
	KIND_FLAG,     /* bool; takes no value */
	KIND_WORD,     /* bool; the value can only be what @arg says */
	KIND_TEXT,     /* const char *; @min to @max bytes */
	KIND_COUNT,    /* unsigned; @min to @max */
	KIND_FD,       /* int */
	KIND_CHOICE,   /* enum; position in @arg plus @min */
	KIND_DURATION, /* uint64_t, ns; more than 0 */
	KIND_MEMORY,   /* uint64_t, bytes */
	KIND_CONSOLE,  /* struct config: console and console_path */
	KIND_MAYBE,    /* const char *; its value may be left out: "" */
	KIND_MAC,      /* uint8_t[6] */
	KIND_DISK,     /* struct config: one more disk, by its sub-options */
	KIND_NET,      /* struct config: one more network device, likewise */
	KIND_VSOCK,    /* struct config: the vsock, likewise */
	KIND_CPUS,     /* struct affinity */
	KIND_TIMING, /* struct config: timing and timing_path; "" if left out */
};

enum options_group { GROUP_GUEST, GROUP_MACHINE, GROUP_DEVICES, GROUP_RUN };
#define OPTIONS_GROUPS (GROUP_RUN + 1)

/**
 * struct options_row - one option, or one sub-option such as --disk's path=
 * @name: without "--"
 * @arg: what stands for the value in messages and --help
 * @unset: what --help shows as default, or empty
 * @field: offset in struct config, or in the sub-options' own struct
 *
 * What --help says of it, one sentence without a full stop, stands apart.
 *
 * Arrays, not pointers: the table needs no relocation, so that start-up does
 * not write to the pages it lies in.
 */
struct options_row {
	char name[13];
	char arg[36];
	char unset[10];
	uint8_t kind;  /* enum options_kind */
	uint8_t group; /* enum options_group; 0 for sub-options */
	bool repeatable;
	uint16_t field;
	uint32_t min, max;
};

/* Each ends with a row without a name. */
extern const struct options_row options_run[];
extern const struct options_row options_disk[];
extern const struct options_row options_net[];
extern const struct options_row options_vsock[];

/* The sentences for each, one behind the other, with their NULs. */
extern const char options_run_help[];
extern const char options_disk_help[];
extern const char options_net_help[];
extern const char options_vsock_help[];

/** options_subs(), options_subs_help() - of @kind's sub-options; NULL if it
 *  has none */
const struct options_row *options_subs(unsigned kind);
const char *options_subs_help(unsigned kind);

/**
 * struct options_command - a word that may stand behind "mote"
 * @usage: what may follow it
 */
struct options_command {
	char name[8];
	uint8_t command, help; /* enum command; that of its own help */
	char usage[46];
	char text[30];
};

#define OPTIONS_COMMANDS 4
extern const struct options_command options_commands[OPTIONS_COMMANDS];

/**
 * struct options_item - what is being read, for messages
 * --option value, or --option sub=value
 */
struct options_item {
	const char *option, *sub, *value;
};

/**
 * options_bad() - refuse @item's value
 * Return: -EINVAL, with @e saying the item and the reason in @fmt.
 */
int options_bad(struct err *e, const struct options_item *item, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

/**
 * options_apply() - read item->value, store it in @row's field of @base
 * @item: its value is NULL exactly for the kinds that take none
 * Return: 0; -EINVAL with @e filled and the field untouched.
 */
int options_apply(const struct options_row *row,
		  const struct options_item *item, void *base, struct err *e);

#endif
