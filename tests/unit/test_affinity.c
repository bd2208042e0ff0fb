// SPDX-License-Identifier: Apache-2.0
/* Lists of CPUs, and threads that end up on them. */
#include "monitor/affinity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "monitor/err.h"

Test(affinity, reads_lists)
{
	static const struct {
		const char *text;
		unsigned vcpus;
		uint16_t first, last;
		uint64_t io; /* of CPUs 0 to 63 */
	} rows[] = {
		{ "0", 1, 0, 0, 0x1 },
		{ "2-5", 4, 2, 5, 0x3c },
		{ "3,1", 2, 3, 1, 0xa },
		{ "2-5,8/0", 5, 2, 8, 0x1 },
		{ "1,1/0,2-3", 2, 1, 1, 0xd },
		{ "0-31", 32, 0, 31, 0xffffffff },
		{ "1023/63", 1, 1023, 1023, 1ULL << 63 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct affinity a;

		cr_assert_eq(affinity_parse(rows[i].text, &a), 0, "%s",
			     rows[i].text);
		cr_expect_eq(a.vcpus, rows[i].vcpus, "%s", rows[i].text);
		cr_expect_eq(a.vcpu[0], rows[i].first, "%s", rows[i].text);
		cr_expect_eq(a.vcpu[a.vcpus - 1], rows[i].last, "%s",
			     rows[i].text);
		cr_expect_eq(a.io[0], rows[i].io, "%s: 0x%llx", rows[i].text,
			     (unsigned long long)a.io[0]);
	}
}

Test(affinity, refuses_what_is_no_list)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = { { "", -EINVAL },	   { "x", -EINVAL },
		     { "1,", -EINVAL },	   { ",1", -EINVAL },
		     { "1-", -EINVAL },	   { "3-2", -EINVAL },
		     { "1/", -EINVAL },	   { "1/2/3", -EINVAL },
		     { "/1", -EINVAL },	   { "1 2", -EINVAL },
		     { "1024", -ERANGE },  { "0/1024", -ERANGE },
		     { "0-32", -ERANGE },  { "99999999999999999999", -ERANGE },
		     { "0-9999", -ERANGE } };
	struct affinity untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct affinity a = untouched;

		cr_expect_eq(affinity_parse(rows[i].text, &a), rows[i].want,
			     "%s", rows[i].text);
		cr_expect_arr_eq(&a, &untouched, sizeof(a));
	}
}

static unsigned first_cpu(const cpu_set_t *set)
{
	unsigned cpu = 0;

	while (!CPU_ISSET(cpu, set))
		cpu++;
	return cpu;
}

Test(affinity, moves_the_thread)
{
	struct affinity a = { .vcpus = 1 };
	struct err e = { 0 };
	cpu_set_t before, after;
	unsigned cpu;

	cr_assert_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	cpu = first_cpu(&before);
	a.vcpu[0] = (uint16_t)cpu;
	cr_assert_eq(affinity_set_vcpu(&a, 7, &e), 0, "%s", e.msg);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_expect_eq(CPU_COUNT(&after), 1);
	cr_expect(CPU_ISSET(cpu, &after));

	memcpy(a.io, &before, sizeof(a.io));
	cr_assert_eq(affinity_set_io(&a, &e), 0, "%s", e.msg);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_expect(CPU_EQUAL(&before, &after));
}

Test(affinity, names_the_cpu_that_is_not_there)
{
	struct affinity a = { .vcpus = 1, .vcpu = { 1023 } };
	struct err e = { 0 };

	a.io[15] = 1ULL << 63;
	cr_expect_eq(affinity_set_vcpu(&a, 0, &e), -EINVAL);
	cr_expect(strstr(e.msg, "CPU 1023"), "%s", e.msg);
	cr_expect_eq(affinity_set_io(&a, &e), -EINVAL);
	cr_expect(strstr(e.msg, "I/O thread"), "%s", e.msg);
}

Test(affinity, without_a_list_nothing_happens)
{
	static const struct affinity none;
	cpu_set_t before, after;

	cr_assert_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	cr_expect_eq(affinity_set_vcpu(&none, 0, NULL), 0);
	cr_expect_eq(affinity_set_io(&none, NULL), 0);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_expect(CPU_EQUAL(&before, &after));
}
