// SPDX-License-Identifier: Apache-2.0
/* Every small port: what it reads, what ends the run and what does not. */
#include "devices/platform.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "monitor/bus.h"
#include "monitor/stop.h"
#include "tests/unit/capture.h"

static struct bus pio;

static void setup(void)
{
	cr_assert(platform_add_ports(&pio, false) == 0);
}

TestSuite(platform, .init = setup);

Test(platform, reads_as_drivers_expect)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		uint32_t val;
	} rows[] = {
		{ 0x20, 1, 0xff },  { 0x21, 1, 0xff },	  { 0xa0, 1, 0xff },
		{ 0xa1, 1, 0xff },  { 0x40, 1, 0xff },	  { 0x42, 1, 0xff },
		{ 0x43, 1, 0xff },  { 0x61, 1, 0xff },	  { 0x60, 1, 0xff },
		{ 0x64, 1, 0x01 },  { 0x70, 1, 0xff },	  { 0x501, 1, 0xff },
		{ 0x501, 4, ~0U },  { 0x600, 1, 0x00 },	  { 0x601, 1, 0x00 },
		{ 0x602, 1, 0x00 }, { 0x600, 2, 0xffff }, { 0xcf8, 4, ~0U },
		{ 0xcfc, 4, ~0U },  { 0x80, 1, 0xff },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(bus_read(&pio, rows[i].port, rows[i].size) ==
				  rows[i].val,
			  "port 0x%x, %u bytes", rows[i].port, rows[i].size);
}

Test(platform, keyboard_controller_takes_a_reset_at_any_time)
{
	/* what a driver polls before it sends: bit 1, input buffer full */
	cr_expect(!(bus_read(&pio, 0x64, 1) & 0x02));
	bus_write(&pio, 0x64, 1, 0xae);
	cr_expect(!(bus_read(&pio, 0x64, 1) & 0x02));
}

/* ---- what ends the run
 * ------------------------------------------------------------ */

#define GOES_ON 255

/* A stop is for good: each write happens in a process of its own. */
static int status_after(uint16_t port, unsigned size, uint32_t val)
{
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (!pid) {
		close(STDERR_FILENO);
		bus_write(&pio, port, size, val);
		_exit(stop_status() < 0 ? GOES_ON : stop_status());
	}
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(platform, ends_the_run_on_these_writes_only)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		uint32_t val;
		int status;
	} rows[] = {
		/* exit port: the value is the status, as far as it goes */
		{ 0x501, 1, 0, 0 },
		{ 0x501, 1, 42, 42 },
		{ 0x501, 2, 7, 7 },
		{ 0x501, 4, 123, 123 },
		{ 0x501, 1, 124, 123 },
		{ 0x501, 4, 0x100, 123 },
		{ 0x501, 4, 0xffffffff, 123 },
		{ 0x500, 1, 1, GOES_ON },
		{ 0x502, 1, 1, GOES_ON },
		{ 0x503, 2, 1, GOES_ON },
		{ 0x504, 1, 1, GOES_ON },
		{ 0x505, 1, 1, GOES_ON },
		/* SLP_TYP 5 with SLP_EN, ACPI 6.4 4.8.3.7 */
		{ 0x600, 1, 5 << 2 | 0x20, 0 },
		{ 0x600, 1, 5 << 2 | 0x20 | 0xc3, 0 },
		{ 0x600, 1, 5 << 2, GOES_ON },
		{ 0x600, 1, 0x20, GOES_ON },
		{ 0x600, 1, 1 << 2 | 0x20, GOES_ON },
		{ 0x600, 1, 3 << 2 | 0x20, GOES_ON },
		{ 0x600, 1, 4 << 2 | 0x20, GOES_ON },
		{ 0x600, 1, 6 << 2 | 0x20, GOES_ON },
		{ 0x600, 1, 7 << 2 | 0x20, GOES_ON },
		{ 0x600, 2, 5 << 2 | 0x20, GOES_ON },
		{ 0x601, 1, 5 << 2 | 0x20, GOES_ON },
		{ 0x601, 1, 0x80, GOES_ON },
		/* the reset register and its value, nothing else */
		{ 0x602, 1, 1, 0 },
		{ 0x602, 1, 0, GOES_ON },
		{ 0x602, 1, 6, GOES_ON },
		{ 0x602, 1, 0xff, GOES_ON },
		{ 0x603, 1, 1, GOES_ON },
		/* the keyboard controller's reset line */
		{ 0x64, 1, 0xfe, 0 },
		{ 0x64, 1, 0xd1, GOES_ON },
		{ 0x64, 1, 0x00, GOES_ON },
		{ 0x60, 1, 0xfe, GOES_ON },
		/* and bystanders */
		{ 0x20, 1, 0x11, GOES_ON },
		{ 0x43, 1, 0x34, GOES_ON },
		{ 0x70, 1, 0xfe, GOES_ON },
		{ 0x71, 1, 0xfe, GOES_ON },
		{ 0xcf9, 1, 0x06, GOES_ON },
		{ 0x92, 1, 0x01, GOES_ON },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int got = status_after(rows[i].port, rows[i].size, rows[i].val);

		cr_expect(got == rows[i].status,
			  "port 0x%x, %u bytes, 0x%x: status %d", rows[i].port,
			  rows[i].size, rows[i].val, got);
	}
}

static int catch_stderr(void)
{
	int fd = capture_open();

	cr_assert(dup2(fd, STDERR_FILENO) >= 0);
	return fd;
}

static unsigned lines(const char *text)
{
	unsigned n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

Test(platform, says_when_a_status_is_cut_but_not_for_ever)
{
	int fd = catch_stderr();
	const char *text;

	/* a string instruction comes as many writes before anybody stops */
	for (int i = 0; i < 1024; i++)
		bus_write(&pio, 0x501, 4, 1000);
	text = capture_close(fd);
	cr_expect(strstr(text, "1000 is above 123"), "%s", text);
	cr_expect(lines(text) <= 4, "%u lines", lines(text));
}

/* ---- RTC
 * ------------------------------------------------------------------------------
 */

static uint8_t cmos(uint8_t index)
{
	bus_write(&pio, 0x70, 1, index);
	return (uint8_t)bus_read(&pio, 0x71, 1);
}

static int from_bcd(uint8_t val)
{
	cr_expect((val & 0xf) < 10 && val >> 4 < 10, "0x%02x is not BCD", val);
	return (val >> 4) * 10 + (val & 0xf);
}

Test(platform, rtc_never_updates)
{
	for (unsigned val = 0; val < 256; val++) {
		bus_write(&pio, 0x70, 1, 0x0a);
		bus_write(&pio, 0x71, 1, val);
		cr_expect(cmos(0x0a) == 0x26, "after writing 0x%02x", val);
	}
	cr_expect(cmos(0x0b) == 0x02, "24 hours, BCD");
	cr_expect(cmos(0x0c) == 0x00, "no interrupt pending");
	cr_expect(cmos(0x0d) == 0x80, "valid");
}

Test(platform, rtc_index_has_seven_bits)
{
	for (unsigned index = 0; index < 128; index++) {
		uint8_t val = cmos((uint8_t)index);

		cr_expect(cmos((uint8_t)(index | 0x80)) == val, "0x%02x",
			  index);
		if (index > 0x0d && index != 0x32)
			cr_expect(val == 0, "0x%02x", index);
	}
}

Test(platform, rtc_tells_the_time_of_the_start)
{
	struct tm t = {
		.tm_sec = from_bcd(cmos(0x00)),
		.tm_min = from_bcd(cmos(0x02)),
		.tm_hour = from_bcd(cmos(0x04)),
		.tm_mday = from_bcd(cmos(0x07)),
		.tm_mon = from_bcd(cmos(0x08)) - 1,
		.tm_year = from_bcd(cmos(0x32)) * 100 + from_bcd(cmos(0x09)) -
			   1900,
	};
	int weekday = from_bcd(cmos(0x06)) - 1;
	time_t now = time(NULL), told = timegm(&t);

	/* generous: set_up may be long ago on a busy machine */
	cr_expect(told <= now && now - told < 3600, "%lld, now %lld",
		  (long long)told, (long long)now);
	cr_expect(gmtime(&told)->tm_wday == weekday);
}

/* ---- hints
 * ------------------------------------------------------------------------------
 */

static const char *hint_after(const struct bus *bus, uint16_t port, uint8_t val)
{
	int fd = catch_stderr();

	bus_write(bus, port, 1, val);
	return capture_close(fd);
}

Test(platform, probing_for_pic_and_pit_gets_no_hint)
{
	static const struct {
		uint16_t port;
		uint8_t val;
		const char *what;
	} rows[] = {
		{ 0x21, 0xff, "mask all" },
		{ 0xa1, 0xff, "mask all, slave" },
		{ 0x21, 0xfb, "Linux' probe" },
		{ 0x21, 0x11, "ICW1 on the data port is none" },
		{ 0x20, 0x20, "EOI" },
		{ 0xa0, 0x0b, "read ISR" },
		{ 0x43, 0x00, "latch counter 0" },
		{ 0x43, 0xb0, "counter 2: TSC calibration" },
		{ 0x43, 0xe2, "read-back" },
		{ 0x43, 0x74, "counter 1" },
		{ 0x40, 0x34, "a count without a control word" },
		{ 0x42, 0xff, "counter 2's count" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_empty(hint_after(&pio, rows[i].port, rows[i].val),
				    "%s", rows[i].what);
}

/* Both chips, word by word, as many kernels do it. */
static void start_pics(void)
{
	static const uint8_t word[2][4] = { { 0x11, 0x20, 0x04, 0x01 },
					    { 0x11, 0x28, 0x02, 0x01 } };

	for (unsigned i = 0; i < 4; i++) {
		cr_expect_str_empty(hint_after(&pio, 0x20 + !!i, word[0][i]));
		cr_expect_str_empty(hint_after(&pio, 0xa0 + !!i, word[1][i]));
	}
}

/* Hermit's way, which goes on to the I/O APIC. */
Test(platform, starting_the_pic_and_masking_all_gets_no_hint)
{
	start_pics();
	cr_expect_str_empty(hint_after(&pio, 0x21, 0xff));
	cr_expect_str_empty(hint_after(&pio, 0xa1, 0xff));
}

Test(platform, programming_the_pic_gets_one_hint)
{
	const char *text;

	start_pics();
	text = hint_after(&pio, 0x21, 0xfe);
	cr_expect(strstr(text, "8259") && strstr(text, "--irqchip kernel"),
		  "%s", text);
	cr_expect_str_empty(hint_after(&pio, 0x21, 0xfc));
	cr_expect_str_empty(hint_after(&pio, 0x43, 0x34));
}

Test(platform, programming_the_slave_pic_gets_a_hint)
{
	start_pics();
	cr_expect(strstr(hint_after(&pio, 0xa1, 0x7f), "8259"));
}

Test(platform, a_single_pic_has_fewer_words)
{
	cr_expect_str_empty(hint_after(&pio, 0x20, 0x12));
	cr_expect_str_empty(hint_after(&pio, 0x21, 0x20));
	cr_expect(strstr(hint_after(&pio, 0x21, 0xfe), "8259"));
}

Test(platform, programming_the_pit_gets_a_hint)
{
	cr_expect(strstr(hint_after(&pio, 0x43, 0x34), "8254"));
}

Test(platform, one_shot_pit_gets_a_hint)
{
	cr_expect(strstr(hint_after(&pio, 0x43, 0x30), "8254"));
}

Test(platform, leaves_pic_and_pit_to_the_kernel)
{
	static struct bus bus;
	static const uint16_t kernels[] = { 0x20, 0x21, 0x40, 0x41,
					    0x42, 0x43, 0xa0, 0xa1 };

	cr_assert(platform_add_ports(&bus, true) == 0);
	cr_expect(bus.ranges == pio.ranges - 3);
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		cr_expect_str_empty(hint_after(&bus, kernels[i], 0x34));
		cr_expect(bus_add(&bus, kernels[i], 1, pio.range[0].ops,
				  NULL) == 0,
			  "port 0x%x is taken", kernels[i]);
	}
	cr_expect(bus_read(&bus, 0x64, 1) == 0x01, "the others are there");
}

Test(platform, says_so_when_ports_are_taken)
{
	static struct bus bus;

	cr_assert(bus_add(&bus, 0x600, 1, pio.range[0].ops, NULL) == 0);
	cr_expect(platform_add_ports(&bus, false) < 0);
}
