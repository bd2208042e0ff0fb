/* SPDX-License-Identifier: Apache-2.0 */
/* A small encoder of ACPI Machine Language: as much as our DSDT needs. */
#ifndef MOTE_BOOTPROTO_AML_H
#define MOTE_BOOTPROTO_AML_H

#include <stdint.h>

/**
 * struct aml - AML being written
 * @len: bytes it has; what goes beyond @max is counted but not stored. It would
 *       be an error of ours: CPUs and devices have their most.
 *
 * Source of all encodings: ACPI specification 6.5, chapter 20; resources:
 * section 6.4.
 */
struct aml {
	uint8_t *buf;
	uint32_t len, max;
};

/* Objects that hold others: aml_close() takes what the opener returned. */
uint32_t aml_scope(struct aml *a, const char *name);
uint32_t aml_device(struct aml *a, const char *name);
uint32_t aml_package(struct aml *a, uint8_t elements);
uint32_t aml_buffer(struct aml *a, uint8_t bytes);
void aml_close(struct aml *a, uint32_t opened);

/** aml_name() - Name(@name, ...); the value must follow */
void aml_name(struct aml *a, const char *name);
void aml_int(struct aml *a, uint32_t value);
void aml_string(struct aml *a, const char *s);

/** aml_eisaid() - "PNP0501" as the number that stands for it */
void aml_eisaid(struct aml *a, const char *id);

/* Resource descriptors, inside aml_buffer(); bytes each of them takes. */
#define AML_IO_BYTES	    8
#define AML_MEMORY_BYTES    12
#define AML_INTERRUPT_BYTES 9
#define AML_END_BYTES	    2

void aml_io(struct aml *a, uint16_t base, uint8_t len);
void aml_memory(struct aml *a, uint32_t base, uint32_t len);
void aml_interrupt_edge(struct aml *a, uint32_t gsi);
void aml_end(struct aml *a);

#endif
