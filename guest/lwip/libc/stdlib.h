/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP takes from <stdlib.h>: the kit's heap, and atoi(). */
#ifndef MOTE_GUEST_LWIP_STDLIB_H
#define MOTE_GUEST_LWIP_STDLIB_H

#include "guest/kit.h"

static inline int atoi(const char *s)
{
	return (int)strtou64(s, NULL);
}

#endif
