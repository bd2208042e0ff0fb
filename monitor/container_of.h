/* SPDX-License-Identifier: Apache-2.0 */
/* From a member to the struct that it is part of. */
#ifndef MOTE_MONITOR_CONTAINER_OF_H
#define MOTE_MONITOR_CONTAINER_OF_H

#include <stddef.h>

/* @member of a struct @type is at @ptr. Return: the struct. */
#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
