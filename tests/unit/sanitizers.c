// SPDX-License-Identifier: Apache-2.0
// What the unit tests ask of AddressSanitizer.
//
// The monitor has no heap, so nothing of it can leak. Looking for leaks all
// the same would search 250 MB of devices and guest memory at the end of each
// test, half a second every time; Criterion's runner, which allocates, loses
// a timer now and then, and would end the suite for it.

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
