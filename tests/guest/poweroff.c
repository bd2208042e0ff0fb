// SPDX-License-Identifier: Apache-2.0
/*
 * Ends without the exit port, in the way its argument names: "sleep" (ACPI
 * S5), "reset" (ACPI's reset register) or "keyboard" (its controller).
 */
#include "bootproto/layout.h"
#include "guest/ring0.h"
#include "tests/guest/check.h"

#define SLP_EN		0x20 /* ACPI 6.4, 4.8.3.7 */
#define SLP_TYP(type)	((type) << 2)
#define KBC_PULSE_RESET 0xfe
#define WAY(n, p, v)                                                           \
	{                                                                      \
		.name = n, .port = p, .value = v                               \
	}

static const struct {
	const char *name;
	uint16_t port;
	uint8_t value;
} ways[] = {
	WAY("sleep", LAYOUT_PORT_SLEEP_CONTROL,
	    SLP_TYP(LAYOUT_SLP_TYP_S5) | SLP_EN),
	WAY("reset", LAYOUT_PORT_RESET, LAYOUT_RESET_VALUE),
	WAY("keyboard", LAYOUT_PORT_KBC, KBC_PULSE_RESET),
};

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(argv[1], ways[i].name))
			ring0_out8(ways[i].port, ways[i].value);
	CHECK_NOT_REACHED();
}
