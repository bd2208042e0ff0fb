/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP/IP for unikernels: lwIP's raw interface over a virtio-net card.
 *
 *	for (int i = 1; i < argc; i++)
 *		if (!stack_word(&s, argv[i])) ...
 *	stack_open(&s);
 *	... tcp_new(), tcp_bind(), callbacks ...
 *	for (;;) {
 *		stack_poll(&s);			(polling: nothing else)
 *		stack_wait(&s, UINT64_MAX);
 *	}
 *
 * Callbacks run inside of stack_poll(). Frames are not copied, neither way:
 * what tcp_write() is given without TCP_WRITE_FLAG_COPY is read by the device.
 */
#ifndef MOTE_GUEST_LWIP_STACK_H
#define MOTE_GUEST_LWIP_STACK_H

#include "guest/drivers/net.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"

/* A received buffer on its way through lwIP. */
struct stack_frame {
	struct pbuf_custom pbuf;
	struct stack *stack;
	struct net_buf *buf;
	struct stack_frame *next; /* free */
};

/**
 * struct stack - one card and its addresses
 * @nic: which card
 * @ip, @mask, @gateway: static addresses; @ip 0: DHCP
 */
struct stack {
	struct net_card card;
	struct netif netif;
	unsigned nic;
	ip4_addr_t ip, mask, gateway;
	struct stack_frame *free;
};

/**
 * stack_word() - take a word of the command line: ip=dhcp (which is what
 * happens without one), ip=ADDRESS/BITS, gateway=ADDRESS, dns=ADDRESS, nic=N
 * Before stack_open(). Panics if it is one of these and makes no sense.
 * Return: false if it is none of these.
 */
bool stack_word(struct stack *s, const char *word);

/** stack_open() - bring up card and stack; panics if there is no card */
void stack_open(struct stack *s);

/** stack_up() - there is an address: now, or DHCP will have brought one */
bool stack_up(const struct stack *s);

/** stack_poll() - frames that came, timers that are due */
void stack_poll(struct stack *s);

/** stack_wait() - sleep until stack_poll() has something, or the deadline */
void stack_wait(struct stack *s, uint64_t deadline_ns);

/** stack_flush() - before exit(): wait until the card has sent its frames
 *  What waits in TCP for an acknowledgement is not among them. */
void stack_flush(struct stack *s);

#endif
