// SPDX-License-Identifier: Apache-2.0
/* The command line: whose words go where. */
#include "bootproto/cmdline.h"

#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

#define W0 "virtio_mmio.device=4K@0xd0000000:5"
#define W1 "virtio_mmio.device=4K@0xd0001000:6"

static const struct line_case {
	const char *user;
	const char *args[4];
	unsigned windows;
	enum boot_kind kind;
	enum boot_announce announce;
	const char *want;
} line[] = {
	/* the user's words, and nothing else where nothing is to be said */
	{ "quiet", { 0 }, 0, BOOT_BZIMAGE, BOOT_ANNOUNCE_ACPI, "quiet" },
	{ "", { 0 }, 0, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, "" },
	{ "  a  b\t", { 0 }, 0, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, "a  b" },
	/* ACPI tells the devices: no words for them */
	{ "quiet", { 0 }, 2, BOOT_VMLINUX, BOOT_ANNOUNCE_ACPI, "quiet" },
	/* device words come last, but before a "--" */
	{ "a b",
	  { 0 },
	  2,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a b " W0 " " W1 },
	{ "a -- b",
	  { 0 },
	  2,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a " W0 " " W1 " -- b" },
	{ "a --", { 0 }, 1, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, "a " W0 " --" },
	{ "-- b", { 0 }, 1, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, W0 " -- b" },
	{ "a  --  b -- c ",
	  { 0 },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a " W0 " -- b -- c" },
	{ "", { 0 }, 1, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, W0 },
	/* what only looks like one */
	{ "a --b c-- x=-- \"q -- q\"",
	  { 0 },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a --b c-- x=-- \"q -- q\" " W0 },
	/* arguments go behind "--", one of the user's own or a new one */
	{ "a",
	  { "x", "y" },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a " W0 " -- x y" },
	{ "a -- b",
	  { "x" },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a " W0 " -- b x" },
	{ "a", { "x" }, 0, BOOT_BZIMAGE, BOOT_ANNOUNCE_ACPI, "a -- x" },
	/* quoted where they have to be */
	{ "a",
	  { "x y", "", "\t", "q\"q" },
	  0,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "a -- \"x y\" \"\" \"\t\" q\"q" },
	/* defaults: Linux gets a console and ends at a panic, by ACPI ... */
	{ NULL,
	  { 0 },
	  2,
	  BOOT_BZIMAGE,
	  BOOT_ANNOUNCE_ACPI,
	  "console=ttyS0 panic=-1 reboot=a" },
	{ NULL,
	  { "x" },
	  0,
	  BOOT_VMLINUX,
	  BOOT_ANNOUNCE_ACPI,
	  "console=ttyS0 panic=-1 reboot=a -- x" },
	/* ... or without */
	{ NULL,
	  { 0 },
	  1,
	  BOOT_VMLINUX,
	  BOOT_ANNOUNCE_CMDLINE,
	  "console=ttyS0 panic=-1 reboot=k acpi=off " W0 },
	/* others their name, and "--" when Unikraft would need it */
	{ NULL, { 0 }, 0, BOOT_ELF64, BOOT_ANNOUNCE_CMDLINE, "hel_lo" },
	{ NULL,
	  { 0 },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "hel_lo " W0 " --" },
	{ NULL,
	  { "x" },
	  1,
	  BOOT_ELF64,
	  BOOT_ANNOUNCE_CMDLINE,
	  "hel_lo " W0 " -- x" },
	{ NULL, { 0 }, 1, BOOT_ELF64, BOOT_ANNOUNCE_ACPI, "hel_lo" },
};

static int build(const struct line_case *c, char *buf, uint64_t max,
		 struct err *e)
{
	struct image image = fake_image("", 0);
	struct boot_request req = { .kernel = &image,
				    .cmdline = c->user,
				    .args = c->args,
				    .virtio_windows = c->windows };

	image.name = "../dir.d/hel lo";
	while (req.nargs < 4 && c->args[req.nargs])
		req.nargs++;
	return cmdline_build(&req, c->kind, c->announce, buf, max, e);
}

Test(cmdline, puts_each_word_where_its_reader_looks)
{
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		char buf[512] = { 0 };
		int n = build(&line[i], buf, sizeof(buf) - 1, NULL);

		cr_assert_str_eq(buf, line[i].want, "row %zu: \"%s\"", i, buf);
		cr_assert_eq(n, (int)strlen(line[i].want), "row %zu", i);
	}
}

Test(cmdline, may_be_as_long_as_the_limit_and_no_longer)
{
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		const size_t len = strlen(line[i].want);
		struct err e = { 0 };
		char buf[512];

		memset(buf, '#', sizeof(buf));
		cr_assert_eq(build(&line[i], buf, len, NULL), (int)len);
		cr_assert_eq(buf[len + 1], '#');
		if (!len)
			continue;
		memset(buf, '#', sizeof(buf));
		cr_assert_eq(build(&line[i], buf, len - 1, &e), -EINVAL);
		cr_assert_eq(buf[len], '#', "row %zu wrote too far", i);
		fake_expect(&e, EXIT_MISUSE, "this image takes");
	}
}

Test(cmdline, the_sentence_names_both_lengths)
{
	const struct line_case c = { "1234567890", { 0 }, 0,
				     BOOT_VMLINUX, 0,	  NULL };
	struct err e = { 0 };
	char buf[10];

	cr_assert_lt(build(&c, buf, 9, &e), 0);
	fake_expect(&e, EXIT_MISUSE, "has 10 characters");
	fake_expect(&e, EXIT_MISUSE, "takes 9");
}

Test(cmdline, refuses_what_no_quotes_can_carry)
{
	const struct line_case c = {
		"a", { "x \"y\"" }, 0, BOOT_ELF64, 0, NULL
	};
	struct err e = { 0 };
	char buf[64];

	cr_assert_lt(build(&c, buf, sizeof(buf) - 1, &e), 0);
	fake_expect(&e, EXIT_MISUSE, "'x \"y\"'");
}

/* A guest would take what follows, up to the next quote, for a part of it. */
Test(cmdline, refuses_a_quote_at_the_beginning)
{
	const struct line_case first = {
		"a", { "\"x" }, 0, BOOT_ELF64, 0, NULL
	};
	const struct line_case inside = { "a", { "{\"x\":1}" }, 0, BOOT_ELF64,
					  0,   "a -- {\"x\":1}" };
	struct err e = { 0 };
	char buf[64];

	cr_assert_lt(build(&first, buf, sizeof(buf) - 1, &e), 0);
	fake_expect(&e, EXIT_MISUSE, "'\"x' begins with a double quote");
	cr_assert_gt(build(&inside, buf, sizeof(buf) - 1, &e), 0);
	cr_expect_str_eq(buf, inside.want);
}

/* Linux toggles at each quote, wherever it is; others look at the first. */
Test(cmdline, refuses_half_a_pair_of_quotes_for_linux)
{
	static const enum boot_kind linux_kinds[] = { BOOT_BZIMAGE,
						      BOOT_VMLINUX };
	char buf[64];

	for (unsigned i = 0; i < 2; i++) {
		struct line_case c = { "a", { "5\"" }, 0, linux_kinds[i],
				       0,   NULL };
		struct err e = { 0 };

		cr_assert_lt(build(&c, buf, sizeof(buf) - 1, &e), 0);
		fake_expect(&e, EXIT_MISUSE,
			    "'5\"' has a double quote without");
		c.args[0] = "x=\"5\"";
		cr_assert_gt(build(&c, buf, sizeof(buf) - 1, &e), 0);
		cr_expect_str_eq(buf, "a -- x=\"5\"");
		c.args[0] = "5\"";
		c.kind = BOOT_ELF64;
		cr_assert_gt(build(&c, buf, sizeof(buf) - 1, &e), 0);
		cr_expect_str_eq(buf, "a -- 5\"");
	}
}

Test(cmdline, every_window_has_its_own_line)
{
	const struct line_case c = { "",
				     { 0 },
				     LAYOUT_VIRTIO_MAX,
				     BOOT_ELF64,
				     BOOT_ANNOUNCE_CMDLINE,
				     NULL };
	char buf[2048];

	cr_assert_gt(build(&c, buf, sizeof(buf) - 1, NULL), 0);
	/* 8 is the RTC's */
	cr_assert_neq(strstr(buf, "4K@0xd0002000:7 "), NULL);
	cr_assert_neq(strstr(buf, "4K@0xd0003000:9 "), NULL);
	cr_assert_eq(strstr(buf, ":8 "), NULL);
	cr_assert_str_eq(buf + strlen(buf) - 17, "=4K@0xd0011000:23");
}
