// SPDX-License-Identifier: Apache-2.0
/*
 * A window larger than the guest's memory: no connection, whoever asks for it,
 * and none of the table's places is lost by trying.
 */
#include "guest/drivers/vsock.h"
#include "tests/guest/check.h"

static struct vsock v;

int main(void)
{
	CHECK(vsock_open(&v, 1U << 30));
	for (unsigned i = 0; i < 2 * VSOCK_CONNS; i++)
		CHECK(!vsock_connect(&v, VSOCK_CID_HOST, 1));
	CHECK(!v.open && v.used == 1);
	CHECK(!vsock_ready(&v));
	return check_done("vsock_memory");
}
