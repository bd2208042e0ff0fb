// SPDX-License-Identifier: Apache-2.0
/* The ladder's sums, names and forms. */
#include "monitor/timing.h"

#include <criterion/criterion.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/capture.h"

static char *ladder(FILE *file)
{
	static char text[16384];
	size_t n;

	timing_print();
	rewind(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	return text;
}

static FILE *start(bool json)
{
	FILE *file = tmpfile();

	cr_assert(file);
	timing_init(json);
	timing_set_out(fileno(file));
	timing_set_khz(1000000); /* a cycle is a nanosecond */
	return file;
}

/* A span of at least @cycles. */
static void spend(unsigned what, uint64_t cycles)
{
	uint64_t begin = timing_begin();

	while (timing_now() - begin < cycles)
		;
	timing_end(what, begin);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		text += strlen(word);
		n++;
	}
	return n;
}

static uint64_t number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	cr_assert(at, "%s in %s", key, text);
	return strtoull(at + strlen(key), NULL, 10);
}

Test(timing, off_notes_and_prints_nothing)
{
	FILE *file = tmpfile();

	timing_set_out(fileno(file));
	timing_set_khz(1000000);
	cr_expect_eq(timing_begin(), 0);
	timing_enter(TIMING_MAIN, TIMING_STAGE_LOAD);
	timing_end(TIMING_READ, 0);
	timing_event(TIMING_STOP);
	cr_expect_str_empty(ladder(file));
	fclose(file);
}

Test(timing, tells_kernel_waiting_and_ours_apart)
{
	FILE *file = start(true);
	const char *text;
	uint64_t whole, kernel, wait, ours;

	timing_enter(TIMING_MAIN, TIMING_STAGE_LOAD);
	spend((unsigned)KVM_CREATE_VM, 20000);
	spend(TIMING_WAIT_CPUID, 10000);
	timing_enter(TIMING_MAIN, TIMING_STAGE_LOCK);
	text = ladder(file);
	text = strstr(text, "\"stage\":\"load\"");
	cr_assert(text);
	whole = number(text, "\"ns\":");
	kernel = number(text, "\"kernel_ns\":");
	wait = number(text, "\"wait_ns\":");
	ours = number(text, "\"ours_ns\":");
	cr_expect_geq(kernel, 20000);
	cr_expect_geq(wait, 10000);
	cr_expect_eq(whole, kernel + wait + ours);
	cr_expect(strstr(text, "\"CREATE_VM\",\"kind\":\"kernel\""));
	cr_expect(strstr(text, "\"wait for CPUID\",\"kind\":\"wait\""));
	fclose(file);
}

Test(timing, adds_up_calls_while_the_guest_runs)
{
	FILE *file = start(true);
	const char *text;

	timing_enter(TIMING_MAIN, TIMING_STAGE_LOAD);
	spend((unsigned)KVM_SET_MSRS, 1);
	spend((unsigned)KVM_SET_MSRS, 1);
	timing_enter(TIMING_MAIN, TIMING_STAGE_RUN);
	for (int i = 0; i < 1000; i++)
		spend((unsigned)KVM_RUN, 1);
	text = ladder(file);
	cr_expect_eq(count(text, "\"SET_MSRS\""), 2);
	cr_expect_eq(count(text, "\"KVM_RUN, the first\""), 1);
	cr_expect_eq(count(text, "\"RUN\""), 1);
	cr_expect(strstr(text, "\"count\":999}"), "%s", text);
	cr_expect(strstr(text, "\"first_exit_ns\":"));
	fclose(file);
}

Test(timing, survives_more_spans_than_it_has_room_for)
{
	FILE *file = start(false);

	timing_enter(TIMING_MAIN, TIMING_STAGE_LOAD);
	for (int i = 0; i < 1000; i++)
		spend(TIMING_READ, 1);
	timing_enter(TIMING_MAIN, TIMING_STAGE_RUN);
	spend((unsigned)KVM_RUN, 1);
	cr_expect(strstr(ladder(file), "first_exit"));
	fclose(file);
}

Test(timing, the_first_of_an_event_counts)
{
	uint64_t before = timing_now(), first;
	FILE *file = start(true);

	timing_event(TIMING_STOP);
	first = timing_now() - before; /* however long that took */
	spend(TIMING_READ, 1000000);
	timing_event(TIMING_STOP);
	cr_expect_leq(number(ladder(file), "\"stop_ns\":"), first);
	fclose(file);
}

static void *other(void *arg)
{
	(void)arg;
	spend(TIMING_READ, 1); /* of no track */
	timing_enter(TIMING_IO, TIMING_STAGE_LOAD);
	spend((unsigned)KVM_GET_SUPPORTED_CPUID, 1);
	return NULL;
}

Test(timing, keeps_threads_apart)
{
	FILE *file = start(false);
	pthread_t thread;
	const char *text;

	spend(TIMING_OPEN_KVM, 1);
	cr_assert_eq(pthread_create(&thread, NULL, other, NULL), 0);
	pthread_join(thread, NULL);
	text = ladder(file);
	cr_expect_eq(count(text, "read image"), 0, "%s", text);
	cr_expect(strstr(text, "main open"));
	cr_expect_gt(strstr(text, "GET_SUPPORTED_CPUID"),
		     strstr(text, "I/O  load"));
	fclose(file);
}

Test(timing, prints_nothing_without_a_frequency)
{
	FILE *file = start(true);

	timing_set_khz(0);
	cr_expect_str_empty(ladder(file));
	fclose(file);
}
