// SPDX-License-Identifier: Apache-2.0
/*
 * Small ports, one table: exit, ACPI sleep and reset, the keyboard
 * controller's reset line, the RTC, and hints where a PIC or PIT is missing.
 */
#include "devices/platform.h"

#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "bootproto/layout.h"
#include "monitor/err.h"
#include "monitor/log.h"
#include "monitor/stop.h"

static uint64_t read_zero(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0;
}

static uint64_t read_ones(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return UINT64_MAX;
}

/* ---- exit port -------------------------------------------------------- */

static void exit_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)size;
	if (off)
		return;
	if (val > EXIT_GUEST_MAX) {
		log_guest(LOG_WARN, "exit port",
			  "the guest's status %llu is above %d: reported as %d",
			  (unsigned long long)val, EXIT_GUEST_MAX,
			  EXIT_GUEST_MAX);
		val = EXIT_GUEST_MAX;
	}
	stop_now((int)val);
}

/* ---- ACPI: hardware-reduced sleep and reset registers (ACPI 6.5 4.8.3) --- */

#define SLP_EN	     0x20
#define SLP_TYP(val) (((val) >> 2) & 7)

static void sleep_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)size;
	if (off == 0 && (val & SLP_EN) && SLP_TYP(val) == LAYOUT_SLP_TYP_S5)
		stop_now(0);
}

static void reset_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)off;
	(void)size;
	if (val == LAYOUT_RESET_VALUE)
		stop_now(0);
}

/* ---- keyboard controller: only its reset line --------------------------- */

/*
 * Status 0x01 for ever, "output full, input empty": a driver that probes for
 * a controller drains it in vain and finds none at once; one that waits for
 * room to send the reset command has it.
 */
static uint64_t kbc_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)off;
	(void)size;
	return 0x01;
}

static void kbc_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)off;
	(void)size;
	if (val == 0xfe)
		stop_now(0);
}

/* ---- RTC (MC146818): the time mote started, not ticking ------------------ */

static struct {
	_Atomic uint8_t index;
	uint8_t reg[128];
} rtc;

static uint8_t bcd(unsigned val)
{
	return (uint8_t)(val / 10 % 10 << 4 | val % 10);
}

/*
 * The date of a day, 0 being 1970-01-01 (a Thursday). Years are counted from
 * March, so that the day a leap year has more is its last; then month m (0 to
 * 11) begins on day (153 m + 2) / 5 of it. 146,097 days are 400 years.
 */
static void set_date(unsigned day)
{
	unsigned of_era = (day + 719468) % 146097; /* since 0000-03-01 */
	unsigned of_year, month, year;

	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
	       365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	rtc.reg[0x06] = bcd((day + 4) % 7 + 1);
	rtc.reg[0x07] = bcd(of_year - (153 * month + 2) / 5 + 1);
	rtc.reg[0x08] = bcd(month < 10 ? month + 3 : month - 9);
	year += (day + 719468) / 146097 * 400 + (month >= 10);
	rtc.reg[0x09] = bcd(year);
	rtc.reg[0x32] = bcd(year / 100);
}

static void rtc_init(void)
{
	uint64_t now = (uint64_t)time(NULL);
	unsigned of_day = (unsigned)(now % 86400);

	rtc.reg[0x00] = bcd(of_day % 60);
	rtc.reg[0x02] = bcd(of_day / 60 % 60);
	rtc.reg[0x04] = bcd(of_day / 3600);
	set_date((unsigned)(now / 86400));
	rtc.reg[0x0a] = 0x26; /* no update in progress: Unikraft waits for it */
	rtc.reg[0x0b] = 0x02; /* 24 hours, BCD */
	rtc.reg[0x0d] = 0x80; /* valid: nanos looks for exactly this */
}

static uint64_t rtc_read(void *dev, uint64_t off, unsigned size)
{
	(void)dev;
	(void)size;
	return off ? rtc.reg[rtc.index] : 0xff;
}

static void rtc_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)size;
	if (off == 0)
		rtc.index = val & 0x7f; /* bit 7 masks NMI on real hardware */
}

/* ---- hints --------------------------------------------------------------- */

static void hint(const char *chip)
{
	static atomic_bool said;

	if (!atomic_exchange(&said, true))
		log_warn("irqchip",
			 "the guest programs %s, which this machine has only "
			 "with --irqchip kernel",
			 chip);
}

/*
 * A guest that wants interrupts of it starts the chip (ICW1 is bit 4 of the
 * command port, and two or three more words for the data port follow), then
 * unmasks some. Mask writes alone are how kernels probe for the chip, and those
 * that start it and mask all have an I/O APIC in mind. Two chips are started
 * in any order; what counts is that both have had their words.
 */
static void pic_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	static atomic_uint due; /* twice the words due, and 1 once started */
	unsigned words = 1U + !(val & 0x02) + (val & 0x01 ? 1 : 0);

	(void)dev;
	(void)size;
	if (off == 0 && (val & 0x10))
		atomic_store(&due, (atomic_load(&due) + 2 * words) | 1);
	else if (off == 1 && atomic_load(&due) > 1)
		atomic_fetch_sub(&due, 2);
	else if (off == 1 && atomic_load(&due) && val != 0xff)
		hint("an 8259 PIC");
}

/* Control word for counter 0, not a latch command: somebody wants a tick. */
static void pit_write(void *dev, uint64_t off, unsigned size, uint64_t val)
{
	(void)dev;
	(void)size;
	if (off == 3 && !(val & 0xc0) && (val & 0x30))
		hint("an 8254 PIT");
}

/* ---- the table ----------------------------------------------------------- */

static const struct bus_ops exit_ops = { "exit", 1, 4, read_ones, exit_write };
static const struct bus_ops sleep_ops = { "sleep", 1, 1, read_zero,
					  sleep_write };
static const struct bus_ops reset_ops = { "reset", 1, 1, read_zero,
					  reset_write };
static const struct bus_ops kbc_ops = { "kbc", 1, 1, kbc_read, kbc_write };
static const struct bus_ops rtc_ops = { "rtc", 1, 1, rtc_read, rtc_write };
static const struct bus_ops pic_ops = { "pic", 1, 1, read_ones, pic_write };
static const struct bus_ops pit_ops = { "pit", 1, 1, read_ones, pit_write };

static const struct {
	uint16_t port, len;
	bool only_split; /* with --irqchip kernel, the kernel has these */
	const struct bus_ops *ops;
} ports[] = {
	{ 0x20, 2, true, &pic_ops },
	{ 0x40, 4, true, &pit_ops },
	{ LAYOUT_PORT_KBC, 1, false, &kbc_ops },
	{ LAYOUT_PORT_RTC, 2, false, &rtc_ops },
	{ 0xa0, 2, true, &pic_ops },
	{ LAYOUT_PORT_EXIT, 4, false, &exit_ops },
	{ LAYOUT_PORT_SLEEP_CONTROL, 2, false, &sleep_ops },
	{ LAYOUT_PORT_RESET, 1, false, &reset_ops },
};

int platform_add_ports(struct bus *pio, bool kernel_irqchip)
{
	rtc_init();
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		int ret;

		if (ports[i].only_split && kernel_irqchip)
			continue;
		ret = bus_add(pio, ports[i].port, ports[i].len, ports[i].ops,
			      NULL);
		if (ret)
			return ret;
	}
	return 0;
}
