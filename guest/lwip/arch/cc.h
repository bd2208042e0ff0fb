/* SPDX-License-Identifier: Apache-2.0 */
/* lwIP's compiler and platform, as its documentation asks for them. */
#ifndef MOTE_GUEST_LWIP_CC_H
#define MOTE_GUEST_LWIP_CC_H

#include "guest/kit.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_UNISTD_H   1
#define LWIP_NO_LIMITS_H   1
#define INT_MAX		   __INT_MAX__
#define LWIP_NO_CTYPE_H	   1
#define X8_F		   "02x"
#define U16_F		   "u"
#define S16_F		   "d"
#define X16_F		   "x"
#define U32_F		   "u"
#define S32_F		   "d"
#define X32_F		   "x"
#define SZT_F		   "zu"

#define LWIP_PLATFORM_DIAG(x)                                                  \
	do {                                                                   \
		console_printf x;                                              \
	} while (0)
#define LWIP_PLATFORM_ASSERT(x) kit_panic("lwIP: %s", x)

/* For ports and sequence numbers; a guess, not a secret. */
uint32_t stack_random(void);
#define LWIP_RAND() stack_random()

#endif
