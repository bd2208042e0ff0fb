// SPDX-License-Identifier: Apache-2.0
/*
 * Faults in the way its argument says; ends with KIT_EXIT_FAULT and a line.
 * Without an argument it lists the ways and ends with 1.
 */
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define NOT_MAPPED (1ULL << 40)

static void read_null(void)
{
	__asm__ volatile("mov (%0), %%al" : : "r"(16UL) : "rax");
}

static void write_code(void)
{
	__asm__ volatile("movb $0, (%0)" : : "r"((uintptr_t)KIT_VECTORS));
}

/* A RET where data can be written. */
static void run_data(void)
{
	static volatile uint8_t code[] = { 0xc3 };

	__asm__ volatile("call *%0" : : "r"(code));
}

static void overflow_stack(void)
{
	__asm__ volatile("1: push %rax; jmp 1b");
}

static void divide(void)
{
	__asm__ volatile("div %1" : : "a"(1), "r"(0), "d"(0));
}

static void privileged(void)
{
	__asm__ volatile("hlt");
}

static void invalid(void)
{
	__asm__ volatile("ud2");
}

static void in_ring0(void)
{
	ring0_poke(NOT_MAPPED, 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{ "null", read_null },	{ "code", write_code },
	{ "data", run_data },	{ "stack", overflow_stack },
	{ "divide", divide },	{ "privileged", privileged },
	{ "invalid", invalid }, { "ring0", in_ring0 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < WAYS && argc > 1; i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].run();
	for (unsigned i = 0; i < WAYS; i++)
		console_printf("fault %s\n", ways[i].name);
	return 1;
}
