// SPDX-License-Identifier: Apache-2.0
/* Reads image files: every offset and length is checked against the size. */
#include "bootproto/image.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/fmt.h"
#include "monitor/timing.h"

int image_err(const struct image *image, struct err *e, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(why, sizeof(why), fmt, ap);
	va_end(ap);
	/* a long path must not push the reason out of the sentence */
	return err_image(e, "%s %.60s: %s", image->what, image->name, why);
}

static int read_fd(const struct image *image, uint64_t off, uint8_t *buf,
		   uint64_t len, struct err *e)
{
	while (len) {
		ssize_t n = TIMED(TIMING_READ,
				  pread(image->fd, buf, len, (off_t)off));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, -errno, "cannot read %s %.60s",
				       image->what, image->name);
		if (n == 0)
			return image_err(image, e,
					 "the file shrank while it was read");
		buf += n;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int image_read(const struct image *image, uint64_t off, void *buf, uint64_t len,
	       struct err *e)
{
	if (off > image->size || len > image->size - off)
		return image_err(image, e,
				 "truncated: %llu bytes are expected at "
				 "offset 0x%llx, the file has %llu",
				 (unsigned long long)len,
				 (unsigned long long)off,
				 (unsigned long long)image->size);
	if (image->fd >= 0)
		return read_fd(image, off, buf, len, e);
	if (len)
		memcpy(buf, image->bytes + off, len);
	return 0;
}

int image_load(const struct image *image, uint64_t off, const struct mem *mem,
	       gpa_t gpa, uint64_t len, struct err *e)
{
	void *dst = mem_at(mem, gpa, len);
	uint64_t mapped = 0;

	if (!dst)
		return image_err(image, e,
				 "%llu bytes for address 0x%llx lie outside "
				 "the guest's memory",
				 (unsigned long long)len,
				 (unsigned long long)gpa);
	if (image->fd >= 0 && off <= image->size && len <= image->size - off)
		mapped = mem_map_file(mem, gpa, len, image->fd, off);
	return image_read(image, off + mapped, (uint8_t *)dst + mapped,
			  len - mapped, e);
}
