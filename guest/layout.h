/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kit puts things in its image, for assembly, C and kit.ld.
 *
 * The image starts with the tables the CPU reads, each at an address known
 * when assembling, so that no instruction is spent on building them. Behind
 * them come code and constants up to 2 MiB, then stack, data and heap. The
 * first 2 MiB are read-only to the program, the rest cannot be executed.
 */
#ifndef MOTE_GUEST_LAYOUT_H
#define MOTE_GUEST_LAYOUT_H

#define KIT_BASE    0x100000 /* GDT, IDT, TSS, ring-0 stack */
#define KIT_PML4    (KIT_BASE + 0x1000)
#define KIT_PDPT    (KIT_BASE + 0x2000)
#define KIT_PD	    (KIT_BASE + 0x3000) /* the first GiB */
#define KIT_PT	    (KIT_BASE + 0x4000) /* the first 2 MiB */
#define KIT_VECTORS (KIT_BASE + 0x5000) /* 16 bytes of code for each vector */

/* Selectors, ordered as SYSCALL and SYSRET want them (SDM 2B, SYSRET). */
#define KIT_CS0 0x10
#define KIT_DS0 0x18
#define KIT_DS3 0x2b
#define KIT_CS3 0x33
#define KIT_TR	0x38

/* Vectors: exceptions, then one for each I/O APIC pin, timer, spurious. */
#define KIT_VECTOR_IRQ	    32
#define KIT_IRQ_TIMER	    24 /* counted as a line, behind the 24 pins */
#define KIT_IRQS	    25
#define KIT_VECTOR_SPURIOUS 63
#define KIT_VECTORS_COUNT   64

/* Page table entries. Accessed and dirty are set beforehand, so that no walk
 * ever has to write. */
#define PTE_PRESENT  0x1
#define PTE_WRITE    0x2
#define PTE_USER     0x4
#define PTE_UNCACHED 0x18
#define PTE_USED     0x60
#define PTE_LARGE    0x80
#define PTE_NX	     0x8000000000000000

#define KIT_EXIT_FAULT 121 /* the program faulted; a line says where */
#define KIT_EXIT_PANIC 122 /* kit_panic(): the program gave up */

#endif
