// SPDX-License-Identifier: Apache-2.0
/* A Landlock domain of the best ABI there is, empty but for sockets. */
#include "seccomp/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Linux landlock.rst. Spelled out, since the headers of the building machine
 * may be older than the kernel that mote runs on.
 */
struct ruleset {
	uint64_t fs;	 /* ABI 1: 13 rights; 2, 3, 5, 9: one more each */
	uint64_t net;	 /* ABI 4: bind and connect TCP; 10: the same for UDP */
	uint64_t scoped; /* ABI 6: abstract Unix sockets, signals */
};

static const struct {
	struct ruleset rules;
	uint8_t abi, size;
} abis[] = {
	/* of use only to who can make sockets */
	{ { 0x1ffff, 15, 3 }, 10, 24 },
	{ { 0x1ffff, 3, 3 }, 9, 24 }, /* connect to Unix sockets */
	{ { 0xffff, 3, 3 }, 6, 24 },
	{ { 0xffff, 3, 0 }, 5, 16 }, /* device ioctls */
	{ { 0x7fff, 3, 0 }, 4, 16 },
	{ { 0x7fff, 0, 0 }, 3, 8 }, /* truncate */
	{ { 0x3fff, 0, 0 }, 2, 8 }, /* link and rename between directories */
	{ { 0x1fff, 0, 0 }, 1, 8 },
};
_Static_assert(sizeof(struct ruleset) == 24, "landlock_ruleset_attr");
#define WITHOUT_SOCKETS 2

#define RESOLVE_UNIX (1U << 16)
#define PATH_BENEATH 1

struct __attribute__((packed)) path_beneath {
	uint64_t allowed;
	int32_t dir;
};

/* Newest first: where it is there, one call settles it. */
static int create(bool sockets, int *ret_abi)
{
	size_t i = sockets ? 0 : WITHOUT_SOCKETS;

	for (; i < sizeof(abis) / sizeof(abis[0]); i++) {
		long fd = syscall(SYS_landlock_create_ruleset, &abis[i].rules,
				  (size_t)abis[i].size, 0);

		*ret_abi = abis[i].abi;
		if (fd >= 0)
			return (int)fd;
		if (errno != E2BIG && errno != EINVAL)
			break;
	}
	return -errno;
}

/* A directory that is not there any more has no sockets. */
static int allow_sockets(int ruleset, const char *path)
{
	struct path_beneath rule = {
		.allowed = RESOLVE_UNIX,
		.dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	int ret = 0;

	if (rule.dir < 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &rule, 0))
		ret = -errno;
	close(rule.dir);
	return ret;
}

int landlock_enter(const char *const *dirs)
{
	int abi, ret = 0, fd = create(dirs, &abi);

	/* EPERM: a seccomp profile that does not know it */
	if (fd == -ENOSYS || fd == -EOPNOTSUPP || fd == -EPERM)
		return 0;
	if (fd < 0)
		return fd;
	for (; abi >= LANDLOCK_SOCKETS && !ret && *dirs; dirs++)
		ret = allow_sockets(fd, *dirs);
	if (!ret)
		ret = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : abi;
	close(fd);
	return ret;
}
