/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with a sentence: what failed, on what, and how to mend it. */
#ifndef MOTE_MONITOR_ERR_H
#define MOTE_MONITOR_ERR_H

/**
 * enum exit_status - what mote's exit status means to the caller
 *
 * 0..123 belong to the guest (exit port); 128+n says that signal n ended
 * mote. README.md and `mote run --help` print the same table.
 */
enum exit_status {
	EXIT_GUEST_MAX = 123,
	EXIT_TIMED_OUT = 124,
	EXIT_MISUSE = 125,    /* mote failed before the guest ran */
	EXIT_BAD_IMAGE = 126, /* the image is not something mote can boot */
	EXIT_NO_IMAGE = 127,  /* image, initrd or disk not found */
	EXIT_SIGNAL_BASE = 128,
	EXIT_CRASHED = 131, /* triple fault, KVM internal error */
	EXIT_LOCKED = 159,  /* killed by SIGSYS */
};

/**
 * struct err - one failure, owned by the caller; printed once, by main() or by
 * the thread of machine.c that cannot go on
 * @code: negative errno
 * @status: the exit status it calls for (enum exit_status)
 * @msg: one sentence without "mote:" and without a newline
 *
 * Leaf code never prints: it fills a struct err and returns its code.
 */
struct err {
	int code;
	int status;
	char msg[240];
};

/**
 * err_set() - record a failure with status EXIT_MISUSE
 * @e: filled; may be NULL when the caller does not want the sentence
 * @code: negative errno; ": strerror" is added to the sentence unless @code
 *        is -EINVAL (or -ENOEXEC, err_image()'s), which says that the sentence
 *        explains itself
 * Return: @code, so that `return err_set(...)` reads well.
 */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** err_image() - as err_set(), -ENOEXEC and EXIT_BAD_IMAGE */
int err_image(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * err_open() - a file that could not be opened: EXIT_NO_IMAGE for ENOENT and
 * ENOTDIR, EXIT_MISUSE otherwise
 * @what: "image", "initrd", "disk"
 */
int err_open(struct err *e, int code, const char *what, const char *path);

#endif
