// SPDX-License-Identifier: Apache-2.0
/*
 * Starts all other CPUs by INIT and SIPI; each marks its APIC ID and stops.
 * The argument says how many CPUs there are in all. (They start in real mode,
 * which not every KVM without hardware can run.)
 */
#include "bootproto/layout.h"
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define AP_CODE	     0x8000 /* the boot stack's page, below 1 MiB */
#define AP_MARKS     0x8800
#define AP_MARKS_MAX 256
#define SECOND_NS    1000000000ULL

/* SDM 3A 11.6.1: to all but self */
#define LAPIC_ICR (LAYOUT_LAPIC + 0x300)
#define ICR_INIT  0xc4500
#define ICR_SIPI  (0xc4600 | AP_CODE >> 12)

extern const uint64_t ap_code[], ap_code_end[];

__asm__("	.section .rodata\n"
	"	.balign	8\n"
	"	.code16\n"
	"ap_code:\n"
	"	mov	$1, %eax\n"
	"	cpuid\n"
	"	shr	$24, %ebx\n"
	"	xor	%ax, %ax\n"
	"	mov	%ax, %ds\n"
	"	movb	$1, 0x8800(%bx)\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp	1b\n"
	"	.balign	8\n"
	"ap_code_end:\n"
	"	.code64\n"
	"	.text\n");

static unsigned count_marks(void)
{
	const volatile uint8_t *mark = (const volatile uint8_t *)AP_MARKS;
	unsigned count = 0;

	for (unsigned id = 0; id < AP_MARKS_MAX; id++)
		count += mark[id];
	return count;
}

static void start_all(void)
{
	volatile uint32_t *icr;

	map_device(LAYOUT_LAPIC, 0x1000);
	icr = (volatile uint32_t *)LAPIC_ICR;
	for (unsigned i = 0; &ap_code[i] < ap_code_end; i++)
		ring0_poke(AP_CODE + 8 * i, ap_code[i]);
	for (unsigned i = 0; i < AP_MARKS_MAX; i += 8)
		ring0_poke(AP_MARKS + i, 0);
	*icr = ICR_INIT;
	time_sleep(SECOND_NS / 100);
	*icr = ICR_SIPI;
}

int main(int argc, char **argv)
{
	unsigned want = argc > 1 ? (unsigned)strtou64(argv[1], NULL) - 1 : 0;
	uint64_t deadline;

	start_all();
	deadline = time_ns() + 60 * SECOND_NS;
	while (count_marks() < want && time_ns() < deadline)
		__asm__ volatile("pause");
	time_sleep(SECOND_NS / 10); /* for one too many */
	console_printf("%u CPUs\n", count_marks() + 1);
	CHECK(count_marks() == want);
	CHECK(*(const volatile uint8_t *)AP_MARKS == 0); /* ID 0 is ours */
	return check_done("smp");
}
