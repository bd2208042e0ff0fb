// SPDX-License-Identifier: Apache-2.0
/* Builds the command line; knows where each kind of guest looks for what. */
#include "bootproto/cmdline.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bootproto/layout.h"
#include "monitor/err.h"
#include "monitor/fmt.h"

/*
 * A panic or a reboot must end the VM by something that is no triple fault,
 * which would be reported as a crash: the ACPI reset register, or the
 * keyboard controller's reset line where there is no ACPI. acpi=off spares
 * the search for tables that are not there.
 */
#define LINUX_WORDS_ACPI    "console=ttyS0 panic=-1 reboot=a"
#define LINUX_WORDS_CMDLINE "console=ttyS0 panic=-1 reboot=k acpi=off"

/**
 * struct line - the line being written
 * @len: characters it should have; nothing is written beyond @max
 */
struct line {
	char *buf;
	uint64_t len, max;
};

static void put(struct line *l, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, l->len++)
		if (l->len < l->max)
			l->buf[l->len] = s[i];
}

/* Starts a new word. */
static void put_word(struct line *l, const char *s, size_t n)
{
	if (l->len)
		put(l, " ", 1);
	put(l, s, n);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Finds @word where it is a word of its own and not inside double quotes. */
static const char *find_word(const char *s, const char *word)
{
	const size_t n = strlen(word);
	bool quoted = false;

	for (const char *p = s; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (!quoted && !strncmp(p, word, n) &&
		    (p == s || is_space(p[-1])) && (!p[n] || is_space(p[n])))
			return p;
	}
	return NULL;
}

bool cmdline_refuses_acpi(const char *cmdline)
{
	const char *off = cmdline ? find_word(cmdline, "acpi=off") : NULL;
	const char *sep = off ? find_word(cmdline, "--") : NULL;

	return off && (!sep || off < sep);
}

/* Trims white space off both ends of [*s, *s + *n). */
static void trim(const char **s, size_t *n)
{
	while (*n && is_space(**s)) {
		(*s)++;
		(*n)--;
	}
	while (*n && is_space((*s)[*n - 1]))
		(*n)--;
}

/* Unikernels take their first word for the program's name. */
static void put_program_name(struct line *l, const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (!*base)
		put(l, "guest", 5);
	for (; *base; base++) {
		const bool plain = *base > ' ' && *base < 0x7f &&
				   *base != '"' && *base != '\'';

		put(l, plain ? base : "_", 1);
	}
}

static void put_devices(struct line *l, unsigned windows)
{
	char word[64];

	for (unsigned i = 0; i < windows; i++) {
		int n = fmt_print(
			word, sizeof(word), "virtio_mmio.device=%uK@0x%llx:%u",
			LAYOUT_VIRTIO_STRIDE / 1024,
			LAYOUT_VIRTIO + 1ULL * i * LAYOUT_VIRTIO_STRIDE,
			layout_virtio_gsi(i));

		put_word(l, word, (size_t)n);
	}
}

static int put_arg(struct line *l, const char *arg, enum boot_kind kind,
		   struct err *e)
{
	bool space = !*arg, odd = false;

	for (const char *p = arg; *p; p++) {
		space |= is_space(*p);
		odd ^= *p == '"';
	}
	if (*arg == '"' || (space && strchr(arg, '"')))
		return err_set(e, -EINVAL,
			       "guest argument '%.80s' begins with a double "
			       "quote, or has one and white space, which a "
			       "command line cannot carry",
			       arg);
	/* Linux takes one anywhere for the begin of what may have spaces. */
	if (odd && kind != BOOT_ELF64)
		return err_set(e, -EINVAL,
			       "guest argument '%.80s' has a double quote "
			       "without another, and Linux would take the next "
			       "argument for a part of it",
			       arg);
	if (!space) {
		put_word(l, arg, strlen(arg));
		return 0;
	}
	put_word(l, "\"", 1);
	put(l, arg, strlen(arg));
	put(l, "\"", 1);
	return 0;
}

/* The words for a guest whose user named none. */
static void put_default(struct line *l, const struct boot_request *req,
			enum boot_kind kind, enum boot_announce announce)
{
	if (kind == BOOT_ELF64)
		put_program_name(l, req->kernel->name);
	else if (announce == BOOT_ANNOUNCE_ACPI)
		put(l, LINUX_WORDS_ACPI, strlen(LINUX_WORDS_ACPI));
	else
		put(l, LINUX_WORDS_CMDLINE, strlen(LINUX_WORDS_CMDLINE));
}

int cmdline_build(const struct boot_request *req, enum boot_kind kind,
		  enum boot_announce announce, char *buf, uint64_t max,
		  struct err *e)
{
	const unsigned windows =
		announce == BOOT_ANNOUNCE_CMDLINE ? req->virtio_windows : 0;
	const char *user = req->cmdline, *sep = NULL, *rest = "";
	struct line l = { .buf = buf, .max = max };
	size_t n = 0, rest_len = 0;
	/* Unikraft looks for device words only where there is a "--". */
	bool dashes = req->nargs || (!user && kind == BOOT_ELF64 && windows);

	if (user) {
		sep = find_word(user, "--");
		n = sep ? (size_t)(sep - user) : strlen(user);
		trim(&user, &n);
		put(&l, user, n);
	} else {
		put_default(&l, req, kind, announce);
	}
	put_devices(&l, windows);
	if (sep) {
		rest = sep + 2;
		rest_len = strlen(rest);
		trim(&rest, &rest_len);
	}
	if (sep || dashes)
		put_word(&l, "--", 2);
	if (rest_len)
		put_word(&l, rest, rest_len);
	for (unsigned i = 0; i < req->nargs; i++) {
		int r = put_arg(&l, req->args[i], kind, e);

		if (r < 0)
			return r;
	}
	if (l.len > max)
		return err_set(e, -EINVAL,
			       "the guest's command line has %llu characters "
			       "with device words and arguments; this image "
			       "takes %llu",
			       (unsigned long long)l.len,
			       (unsigned long long)max);
	buf[l.len] = '\0';
	return (int)l.len;
}
