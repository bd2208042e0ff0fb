/* SPDX-License-Identifier: Apache-2.0 */
/* An interrupt line as a device sees it, whatever delivers it. */
#ifndef MOTE_MONITOR_IRQ_H
#define MOTE_MONITOR_IRQ_H

#include <stdbool.h>

/**
 * struct irq_line - one device's line into the interrupt router
 * @set: the router's entry: @asserted says the line's new level; every call
 *       with true is also an event, so an edge-triggered guest gets one
 *       interrupt for each call, and a level-triggered one gets them until
 *       the device calls with false
 * @chip: the router, borrowed
 * @gsi: pin number
 *
 * Constant after machine set-up. May be used from any thread; never blocks.
 */
struct irq_line {
	void (*set)(void *chip, unsigned gsi, bool asserted);
	void *chip;
	unsigned gsi;
};

/** irq_raise() - something happened that the guest wants to hear of */
static inline void irq_raise(const struct irq_line *line)
{
	line->set(line->chip, line->gsi, true);
}

/** irq_lower() - nothing is pending any more (the guest acknowledged all) */
static inline void irq_lower(const struct irq_line *line)
{
	line->set(line->chip, line->gsi, false);
}

#endif
