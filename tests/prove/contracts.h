/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contracts (ACSL) of the translator and of the chain walker, and the walker
 * itself. WP proves walk() and what it calls from them, for queues, tables
 * and chains of any size; Eva shows that those who call walk() keep its
 * contract, and that mem_at() keeps its own.
 */
#ifndef MOTE_TESTS_PROVE_CONTRACTS_H
#define MOTE_TESTS_PROVE_CONTRACTS_H

#include "monitor/mem.h"

/*@ assigns \result \from mem, gpa, len, *mem;
    ensures \result == \null ||
	    \valid((uint8_t *)\result + (0 .. len - 1)); */
void *mem_at(const struct mem *mem, gpa_t gpa, uint64_t len);

struct ring_desc;
struct virtq;
struct virtq_chain;

/*@ requires \valid_read((const uint8_t *)p + (0 .. 15));
    assigns \result \from p; */
static inline struct ring_desc ring_copy_desc(const void *p);

#include "devices/ring.h"
#include "devices/virtq.h"

/*@ requires \valid_read(q) && \valid(c) && \valid_read(d);
    requires \separated(c, q, d);
    requires c->out + c->in < VIRTQ_CHAIN_MAX;
    assigns *c, \result \from *c, *q, *d;
    ensures c->out + c->in <= \old(c->out + c->in) + 1; */
static const char *add_range(const struct virtq *q, struct virtq_chain *c,
			     const struct ring_desc *d);

/*@ requires \valid_read(q) && \valid_read(d);
    requires \valid(ret_table) && \valid(ret_entries);
    requires \separated(ret_table, ret_entries, q, d);
    assigns *ret_table, *ret_entries, \result \from *q, *d;
    ensures \result == \null ==>
	    \valid_read(*ret_table + (0 .. 16 * *ret_entries - 1)); */
static const char *enter_table(const struct virtq *q, const struct ring_desc *d,
			       const uint8_t **ret_table,
			       unsigned *ret_entries);

/*@ requires \valid_read(q) && \valid(c) && \separated(c, q);
    requires \valid_read((const uint8_t *)q->desc +
			 (0 .. 16 * q->s.at.size - 1));
    requires c->out == 0 && c->in == 0;
    assigns *c, \result \from *q, head;
    ensures c->out + c->in <= VIRTQ_CHAIN_MAX; */
static const char *walk(const struct virtq *q, uint16_t head,
			struct virtq_chain *c);

#include "devices/virtq.c"

#endif
