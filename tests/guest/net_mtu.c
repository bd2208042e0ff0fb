// SPDX-License-Identifier: Apache-2.0
/*
 * net_mtu small=N large=N: a card's MTU, with buffers that hold a frame each,
 * and with frames in several buffers.
 */
#include "guest/drivers/net.h"
#include "tests/guest/check.h"

static struct net_card card;

static void is(const char *arg, const char *name, uint64_t wanted)
{
	uint64_t mtu;

	if (!argument_number(arg, name, &mtu))
		return;
	CHECK(net_open(&card, 0, wanted));
	CHECK(card.mtu == mtu);
	virtio_reset(&card.dev);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		is(argv[i], "small", NET_WANTED);
		is(argv[i], "large", NET_WANTED | NET_F_MRG_RXBUF);
	}
	return check_done("net_mtu");
}
