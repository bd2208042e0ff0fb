/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unikernel kit: all that a program on mote can call.
 *
 *	#include "guest/kit.h"
 *
 *	int main(void)
 *	{
 *		console_printf("2 and 2 is %d\n", 2 + 2);
 *		return 0;
 *	}
 *
 * linked as guest/README.md says is a unikernel. The program runs in ring 3
 * with interrupts off, on one CPU, with SSE, on a stack of 256 KiB (another
 * size: link with "--defsym=kit_stack_size="). All of RAM is mapped where it
 * lies: an address is its own physical address. Below 2 MiB memory is
 * read-only, above it cannot be executed; page 0 faults, and so does a stack
 * that grows too far. A fault prints one line and ends the run with status
 * KIT_EXIT_FAULT.
 */
#ifndef MOTE_GUEST_KIT_H
#define MOTE_GUEST_KIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/layout.h"

/*
 * The program is int main(void) or int main(int argc, char **argv). argv[0] is
 * the command line's first word ("guest" if there is none). The words behind a
 * " -- " follow; without one all words do, save virtio_mmio.device= ones. A
 * word in double quotes may have spaces. The returned value goes to exit().
 */

/* ---- the end ---------------------------------------------------------- */

/** exit() - end the VM; @status 0 to 123 becomes the monitor's exit status
 *  All else is a failure, which mote reports as 123. */
_Noreturn void exit(int status);

/** kit_panic() - print "panic: ...", exit with KIT_EXIT_PANIC */
_Noreturn void kit_panic(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* ---- console: the serial port ----------------------------------------- */

/** console_write() - as it is, synchronously; one ring-0 entry for all */
void console_write(const void *buf, size_t len);

/** console_puts() - @s and nothing more (no newline is added) */
void console_puts(const char *s);

/** console_printf() - as snprintf(), cut at 511 bytes */
void console_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** console_getc() - the next input byte, or -1 when there is none now */
int console_getc(void);

/* ---- time ------------------------------------------------------------- */

/** time_ns() - nanoseconds since the program started, never backwards */
uint64_t time_ns(void);

/**
 * time_tsc_khz() - what time_ns() is made of: the monitor's word (CPUID leaf
 * 0x40000010), else kvm-clock's, else the processor's (leaf 0x15)
 * Return: kHz; 0 if nobody tells, time_ns() then takes a cycle for a ns.
 */
uint64_t time_tsc_khz(void);

/** time_to_tsc() - the counter's value when time_ns() has reached @ns;
 *  UINT64_MAX if it never will */
uint64_t time_to_tsc(uint64_t ns);

/* ---- memory ----------------------------------------------------------- */

/**
 * malloc() - 16-byte aligned, in one run of RAM; takes up to a quarter and 32
 * bytes more
 * free() keeps a block for the next one of about its size; it is never joined
 * with its neighbours. NULL when RAM is used up.
 */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);

/**
 * heap_pages() - zeroed, page-aligned, physically contiguous; for rings and
 * buffers that a device sees. Not to be freed.
 * Return: NULL when RAM is used up.
 */
void *heap_pages(size_t pages);

/**
 * heap_buffers() - the same, but what is in them is whatever is there
 * None of it is touched, so it costs the host no memory before it is used.
 */
void *heap_buffers(size_t pages);

/** struct ram_range - one run of RAM as the monitor announced it */
struct ram_range {
	uint64_t start, len;
};

/**
 * ram_next() - walk through RAM, in the monitor's order
 * @at: 0 at first
 * Return: false behind the last one.
 */
bool ram_next(unsigned *at, struct ram_range *ret_range);

/** ram_initrd() - the initrd (PVH: first module), len 0 without; read-only use
 *  is up to the caller */
struct ram_range ram_initrd(void);

/**
 * map_range() - map physical addresses where they are, in steps of 2 MiB
 * @flags: PTE_WRITE, PTE_NX, PTE_UNCACHED. What is mapped already stays as it
 *	   is: the first GiB always, RAM once the heap has handed it out.
 * Return: 0, or -1 when the tables for it are used up (they last for 64 GiB)
 * or @start + @len lies above 512 GiB.
 */
int map_range(uint64_t start, uint64_t len, uint64_t flags);

/** map_device() - @len bytes of device registers; panics if it cannot */
volatile void *map_device(uint64_t start, uint64_t len);

/* ---- interrupts ------------------------------------------------------- */

/* Which lines have fired since last asked for; bit n is GSI n, and
 * KIT_IRQ_TIMER the timer. Set while irq_wait() waits. */
extern volatile uint64_t irq_pending;

/**
 * irq_enable() - let I/O APIC pin @gsi in, edge-triggered
 * What it has to say is heard by irq_wait().
 */
void irq_enable(unsigned gsi);

/**
 * irq_wait() - sleep until one of @lines fires
 * @lines: mask of GSIs that were enabled
 * @deadline_ns: of time_ns(), or UINT64_MAX for no limit
 * Return: those of @lines that fired, taken out of irq_pending; 0 at the
 * deadline.
 */
uint64_t irq_wait(uint64_t lines, uint64_t deadline_ns);

/** time_sleep() - until @ns nanoseconds have passed; the CPU idles
 *  UINT64_MAX is for ever, as all is that ends behind the clock's end. */
void time_sleep(uint64_t ns);

/* ---- strings ---------------------------------------------------------- */

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int byte);

/**
 * strtou64() - digits at @s; base 16 behind "0x", else 10
 * @ret_end: where they end; may be NULL. Wraps around silently.
 */
uint64_t strtou64(const char *s, const char **ret_end);

/**
 * argument_number() - if @word is NAME=NUMBER with this @name, the number
 * Panics if what is behind "NAME=" is no number, or more than one.
 */
static inline bool argument_number(const char *word, const char *name,
				   uint64_t *ret)
{
	size_t len = strlen(name);
	const char *end;

	if (strncmp(word, name, len) || word[len] != '=')
		return false;
	*ret = strtou64(word + len + 1, &end);
	if (*end || end == word + len + 1)
		kit_panic("%s: %s is not a number", word, word + len + 1);
	return true;
}

/**
 * snprintf() - %d %i %u %x %X %p %c %s %%, flags 0 and -, width, precision
 * for %s, lengths hh h l ll z j t
 * Return: bytes the whole text takes without the NUL.
 */
int snprintf(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* The compiler knows better for constant sizes. */
#define memcpy(dst, src, n)  __builtin_memcpy(dst, src, n)
#define memmove(dst, src, n) __builtin_memmove(dst, src, n)
#define memset(dst, byte, n) __builtin_memset(dst, byte, n)
#define memcmp(a, b, n)	     __builtin_memcmp(a, b, n)
#define strlen(s)	     __builtin_strlen(s)

#endif
