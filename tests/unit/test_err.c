// SPDX-License-Identifier: Apache-2.0
/* Errors carry a code, a status and one sentence that always fits. */
#include "monitor/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(err, adds_the_reason_of_the_system)
{
	struct err e = { 0 };

	cr_expect_eq(err_set(&e, -EBUSY, "cannot open %s", "x"), -EBUSY);
	cr_expect_eq(e.code, -EBUSY);
	cr_expect_eq(e.status, EXIT_MISUSE);
	cr_expect_str_eq(e.msg, "cannot open x: Device or resource busy");
}

Test(err, lets_a_sentence_explain_itself)
{
	struct err e = { 0 };

	cr_expect_eq(err_set(&e, -EINVAL, "not a size"), -EINVAL);
	cr_expect_str_eq(e.msg, "not a size");
	cr_expect_eq(err_image(&e, "truncated at %d", 7), -ENOEXEC);
	cr_expect_eq(e.code, -ENOEXEC);
	cr_expect_eq(e.status, EXIT_BAD_IMAGE);
	cr_expect_str_eq(e.msg, "truncated at 7");
}

Test(err, tells_a_missing_file_from_a_forbidden_one)
{
	static const struct {
		int code, status;
	} rows[] = {
		{ -ENOENT, EXIT_NO_IMAGE },
		{ -ENOTDIR, EXIT_NO_IMAGE },
		{ -EACCES, EXIT_MISUSE },
		{ -EMFILE, EXIT_MISUSE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };

		cr_expect_eq(err_open(&e, rows[i].code, "initrd", "/a b"),
			     rows[i].code);
		cr_expect_eq(e.code, rows[i].code);
		cr_expect_eq(e.status, rows[i].status, "row %zu", i);
		cr_expect(strstr(e.msg, "initrd /a b cannot be opened: "), "%s",
			  e.msg);
		cr_expect(strstr(e.msg, strerror(-rows[i].code)), "%s", e.msg);
	}
}

Test(err, cuts_what_does_not_fit)
{
	struct {
		struct err e;
		char guard;
	} s = { .guard = 'g' };

	/* around the size, with and without a reason behind */
	for (int len = 230; len < 250; len++) {
		err_set(&s.e, -EINVAL, "%0*d", len, 0);
		cr_expect_eq(strlen(s.e.msg),
			     len < 240 ? (size_t)len : (size_t)239, "%d", len);
		err_set(&s.e, -ENOENT, "%0*d", len, 0);
		cr_expect_eq(strlen(s.e.msg), 239, "%d", len);
		cr_expect_eq(s.guard, 'g');
	}
}

Test(err, may_be_unwanted)
{
	cr_expect_eq(err_set(NULL, -EIO, "x"), -EIO);
	cr_expect_eq(err_image(NULL, "x"), -ENOEXEC);
	cr_expect_eq(err_open(NULL, -ENOENT, "disk", "x"), -ENOENT);
}
