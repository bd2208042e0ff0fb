// SPDX-License-Identifier: Apache-2.0
/* One option's value: read, checked, stored where its row says. */
#include "monitor/options_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "monitor/config.h"
#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/value.h"

#define MEMORY_MIN (4ULL << 20)

/* KIND_CHOICE stores through an unsigned. */
_Static_assert(sizeof(enum boot_announce) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum config_irqchip) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum mem_pages) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum config_lock) == sizeof(unsigned), "enum size");

int options_bad(struct err *e, const struct options_item *item, const char *fmt,
		...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* the user's word is cut so that the advice is not */
	if (item->sub)
		return err_set(e, -EINVAL, "--%s %s=%.40s: %s", item->option,
			       item->sub, item->value, text);
	return err_set(e, -EINVAL, "--%s%s%.40s: %s", item->option,
		       *item->value ? " " : "", item->value, text);
}

static int apply_text(const struct options_row *row,
		      const struct options_item *item, const char **field,
		      struct err *e)
{
	size_t len = strlen(item->value);

	if (len < row->min)
		return options_bad(e, item, "is empty; give a %s", row->arg);
	if (len > row->max)
		return options_bad(e, item,
				   "has %zu bytes; at most %u are possible",
				   len, (unsigned)row->max);
	*field = item->value;
	return 0;
}

static int apply_count(const struct options_row *row,
		       const struct options_item *item, unsigned *field,
		       struct err *e)
{
	uint64_t n;
	int r = value_count(item->value, &n);

	if (r == -EINVAL)
		return options_bad(e, item,
				   "not a number; write one from %u to %u",
				   (unsigned)row->min, (unsigned)row->max);
	if (r || n < row->min || n > row->max)
		return options_bad(e, item, "must be from %u to %u",
				   (unsigned)row->min, (unsigned)row->max);
	*field = (unsigned)n;
	return 0;
}

static int apply_fd(const struct options_row *row,
		    const struct options_item *item, int *field, struct err *e)
{
	uint64_t n;

	if (value_count(item->value, &n) || n > row->max)
		return options_bad(e, item,
				   "not a descriptor; write its number, as "
				   "in the shell's 3>file");
	*field = (int)n;
	return 0;
}

/* "a|b|c" as a person would list it: "a, b or c". */
static void list_words(const char *words, char *buf, size_t size)
{
	size_t at = 0;

	while (*words && at < size - 1) {
		size_t n = strcspn(words, "|");
		const char *next = words + n + (words[n] == '|');
		const char *sep = !*next		     ? ""
				  : next[strcspn(next, "|")] ? ", "
							     : " or ";

		at += (size_t)fmt_print(buf + at, size - at, "%.*s%s", (int)n,
					words, sep);
		words = next;
	}
}

static int apply_choice(const struct options_row *row,
			const struct options_item *item, unsigned *field,
			struct err *e)
{
	char words[80];
	unsigned index;

	if (value_choice(item->value, row->arg, &index)) {
		list_words(row->arg, words, sizeof(words));
		return options_bad(e, item, "no such choice; write %s", words);
	}
	*field = row->min + index;
	return 0;
}

static int apply_word(const struct options_row *row,
		      const struct options_item *item, bool *field,
		      struct err *e)
{
	if (strcmp(item->value, row->arg) != 0)
		return options_bad(e, item, "can only be %s=%s, or left out",
				   item->sub ? item->sub : item->option,
				   row->arg);
	*field = true;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_mac(const char *s, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, s += 3) {
		int high = hex_digit(s[0]);
		int low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int apply_mac(const struct options_item *item, uint8_t field[6],
		     struct err *e)
{
	static const uint8_t none[6];
	uint8_t mac[6];

	if (!read_mac(item->value, mac))
		return options_bad(e, item,
				   "not an address; write it like "
				   "02:00:00:00:00:01");
	if (mac[0] & 1)
		return options_bad(e, item,
				   "a group's address; the first byte must be "
				   "even");
	if (!memcmp(mac, none, sizeof(none)))
		return options_bad(e, item,
				   "all zero is nobody's address; "
				   "leave it out for a random one");
	memcpy(field, mac, 6);
	return 0;
}

static int apply_duration(const struct options_item *item, uint64_t *field,
			  struct err *e)
{
	uint64_t ns;
	int r = value_duration(item->value, &ns);

	if (r == -EINVAL)
		return options_bad(e, item,
				   "not a time; write it like 2, 1.5, 500ms, "
				   "10s or 3m");
	/* the kernel's timers are signed */
	if (r || ns > INT64_MAX)
		return options_bad(e, item,
				   "longer than a timer can run; leave it out "
				   "to set no limit");
	if (!ns)
		return options_bad(e, item,
				   "must be longer than nothing; leave it "
				   "out to set no limit");
	*field = ns;
	return 0;
}

static uint64_t host_memory_bytes(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return UINT64_MAX;
	return (uint64_t)info.totalram * info.mem_unit;
}

static int apply_memory(const struct options_item *item, uint64_t *field,
			struct err *e)
{
	uint64_t bytes, host, n;
	int r = value_size(item->value, &bytes);

	if (r == -EINVAL)
		return options_bad(e, item,
				   "not a size; write it like 64M or 2G");
	host = host_memory_bytes();
	if (r || bytes > host)
		return options_bad(e, item,
				   "more than this host's %lluM; take less",
				   (unsigned long long)(host >> 20));
	if (bytes < MEMORY_MIN && !value_count(item->value, &n) && n)
		return options_bad(e, item,
				   "that many bytes are too few; with a unit: "
				   "%lluM",
				   (unsigned long long)n);
	if (bytes < MEMORY_MIN)
		return options_bad(e, item, "too little; 4M is the least");
	if (bytes % 4096)
		return options_bad(e, item,
				   "not a multiple of 4 KiB; write %lluK or "
				   "%lluK",
				   (unsigned long long)(bytes / 4096 * 4),
				   (unsigned long long)(bytes / 4096 * 4 + 4));
	*field = bytes;
	return 0;
}

static int apply_console(const struct options_item *item, struct config *config,
			 struct err *e)
{
	const char *value = item->value;

	if (!strcmp(value, "stdio")) {
		config->console = CONSOLE_STDIO;
	} else if (!strcmp(value, "none")) {
		config->console = CONSOLE_NONE;
	} else if (!strncmp(value, "file:", 5) && value[5]) {
		config->console = CONSOLE_FILE;
		config->console_path = value + 5;
	} else {
		return options_bad(e, item,
				   "no such console; write stdio, file:PATH "
				   "or none");
	}
	return 0;
}

static int apply_cpus(const struct options_item *item, struct affinity *field,
		      struct err *e)
{
	int ret = affinity_parse(item->value, field);

	if (ret == -ERANGE)
		return options_bad(
			e, item,
			"CPUs go from 0 to %d, and at most %d can be "
			"given for vCPUs",
			AFFINITY_CPUS - 1, AFFINITY_VCPUS_MAX);
	if (ret)
		return options_bad(e, item,
				   "not a list of CPUs; write it like 2-5,8 or "
				   "2,3/0");
	return 0;
}

/* May stand alone, so its value can only stand behind a '='. */
static int apply_timing(const struct options_item *item, struct config *config,
			struct err *e)
{
	const char *value = item->value;

	if (!value) {
		config->timing = CONFIG_TIMING_TEXT;
		return 0;
	}
	if (strncmp(value, "json", 4) != 0 || (value[4] && value[4] != ':') ||
	    !strcmp(value, "json:"))
		return options_bad(e, item,
				   "no such form; write --timing, "
				   "--timing=json or --timing=json:FILE");
	config->timing = CONFIG_TIMING_JSON;
	config->timing_path = value[4] ? value + 5 : NULL;
	return 0;
}

int options_apply(const struct options_row *row,
		  const struct options_item *item, void *base, struct err *e)
{
	void *field = (char *)base + row->field;

	switch ((enum options_kind)row->kind) {
	case KIND_HELP:
		return 0;
	case KIND_FLAG:
		*(bool *)field = true;
		return 0;
	case KIND_WORD:
		return apply_word(row, item, field, e);
	case KIND_TEXT:
		return apply_text(row, item, field, e);
	case KIND_COUNT:
		return apply_count(row, item, field, e);
	case KIND_FD:
		return apply_fd(row, item, field, e);
	case KIND_CHOICE:
		return apply_choice(row, item, field, e);
	case KIND_DURATION:
		return apply_duration(item, field, e);
	case KIND_MEMORY:
		return apply_memory(item, field, e);
	case KIND_CONSOLE:
		return apply_console(item, base, e);
	case KIND_CPUS:
		return apply_cpus(item, field, e);
	case KIND_TIMING:
		return apply_timing(item, base, e);
	case KIND_MAYBE:
		if (!item->value) {
			*(const char **)field = "";
			return 0;
		}
		if (!*item->value)
			return options_bad(e, item,
					   "is empty; give a %s, or write "
					   "just %s",
					   row->arg, row->name);
		return apply_text(row, item, field, e);
	case KIND_MAC:
		return apply_mac(item, field, e);
	case KIND_DISK:
	case KIND_NET:
	case KIND_VSOCK:
		break; /* cut into sub-options: see options.c */
	}
	return 0;
}
