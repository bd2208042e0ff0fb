/* SPDX-License-Identifier: Apache-2.0 */
/* Power, reset, exit and clock ports: what no guest can do without. */
#ifndef MOTE_DEVICES_PLATFORM_H
#define MOTE_DEVICES_PLATFORM_H

#include <stdbool.h>

#include "monitor/bus.h"

/**
 * platform_add_ports() - put the ports on @pio
 * @kernel_irqchip: the kernel answers for PIC and PIT; otherwise a guest that
 *        programs them gets a hint on stderr
 * Ports end the run through stop_now(). Stage "open", main thread.
 * Return: 0 or what bus_add() says.
 */
int platform_add_ports(struct bus *pio, bool kernel_irqchip);

#endif
