// SPDX-License-Identifier: Apache-2.0
/* What makes the lock whole. */
#include "seccomp/parts.h"

#include <stddef.h>

#include "seccomp/landlock.h"
#include "seccomp/lock.h"

static bool has_landlock(const struct parts *p)
{
	return p->landlock >= LANDLOCK_WHOLE;
}

static bool kills(const struct parts *p)
{
	return p->kills;
}

static bool has_msr_filter(const struct parts *p)
{
	return p->msr_filter;
}

static bool has_registered(const struct parts *p)
{
	return p->registered;
}

/* Who makes no sockets connects to none. */
static bool bounds_sockets(const struct parts *p)
{
	return !(p->sets & LOCK_CONNECT) || p->jail ||
	       (p->landlock >= LANDLOCK_SOCKETS && p->unix_only);
}

static const struct {
	bool (*there)(const struct parts *p);
	const char *what;
} all[] = {
	{ has_landlock, "Landlock with ABI 6 (Linux 6.12)" },
	{ kills, "death by a forbidden call (no --lock log)" },
	{ has_msr_filter, "KVM's MSR filter (Linux 5.10)" },
	{ has_registered, "an io_uring that is bound to registered files "
			  "(Linux 6.14)" },
	{ bounds_sockets, "a bound on the sockets that --vsock and --net "
			  "passt=PATH connect to (--jail, or Linux 7.1)" },
};

const char *parts_lacking(const struct parts *p, unsigned nth)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!all[i].there(p) && !nth--)
			return all[i].what;
	return NULL;
}
