/* SPDX-License-Identifier: Apache-2.0 */
/* What the suites of vsock streams share: a device with room for 16, and 64
 * receive buffers. */
#ifndef MOTE_TESTS_VSOCKCASE_H
#define MOTE_TESTS_VSOCKCASE_H

#include <stddef.h>
#include <stdint.h>

struct vsock_conn;

#define GUEST 1000U /* ports */
#define HOST  52U

/** vsockcase_init() - of a suite; vsockdrv_deinit() is its end */
void vsockcase_init(void);

/** vsockcase_conn() - the connection, or NULL */
struct vsock_conn *vsockcase_conn(uint32_t guest_port, uint32_t host_port);

/** vsockcase_conns() - how many there are */
unsigned vsockcase_conns(void);

/** vsockcase_nothing_left() - all is given back: buffers, connections, blocks
 */
void vsockcase_nothing_left(void);

/** vsockcase_fill_up() - the guest sends until its window and the socket are
 *  full; how much that is */
uint32_t vsockcase_fill_up(unsigned guest_port);

/** vsockcase_drain_from() - the host's end reads the pattern from byte @got to
 *  byte @want; vsockcase_drain(): from its begin */
void vsockcase_drain_from(int fd, size_t got, size_t want);
void vsockcase_drain(int fd, size_t want);

#endif
