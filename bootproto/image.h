/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded view of an image file: the only way parsers see its bytes. */
#ifndef MOTE_BOOTPROTO_IMAGE_H
#define MOTE_BOOTPROTO_IMAGE_H

#include <stdint.h>

#include "monitor/mem.h"

struct err;

/**
 * struct image - an open kernel or initrd, or bytes in memory
 * @what: "image" or "initrd", for messages
 * @name: path or name as the user gave it, for messages
 * @fd: descriptor of a regular file, or -1 when @bytes is used; owned by
 *      whoever opened it
 * @bytes: the content when @fd is -1 (tests, fuzzing)
 * @size: bytes; fixed at open. A file that shrinks later gives an error.
 */
struct image {
	const char *what;
	const char *name;
	int fd;
	const uint8_t *bytes;
	uint64_t size;
};

/**
 * image_read() - copy @len bytes at @off to @buf
 * Return: 0; or negative errno, with @e saying that the image is truncated
 * (EXIT_BAD_IMAGE) or could not be read.
 */
int image_read(const struct image *image, uint64_t off, void *buf, uint64_t len,
	       struct err *e);

/**
 * image_load() - copy @len bytes at @off straight into guest memory
 * Return: as image_read(); also EXIT_BAD_IMAGE when [gpa, gpa+len) is not RAM.
 */
int image_load(const struct image *image, uint64_t off, const struct mem *mem,
	       gpa_t gpa, uint64_t len, struct err *e);

/**
 * image_err() - say what is wrong with an image
 * Return: -ENOEXEC; @e (EXIT_BAD_IMAGE) says "image NAME: " and the reason.
 */
int image_err(const struct image *image, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
