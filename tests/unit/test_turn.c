// SPDX-License-Identifier: Apache-2.0
/* A loop whose callbacks vCPU threads run, too, on a real io_uring. */
#include "monitor/turn.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/loop.h"
#include "monitor/stop.h"

static struct loop *loop;
static struct err err;

static void setup(void)
{
	loop = loop_get();
	cr_assert(loop_open(loop, &err) == 0, "%s", err.msg);
	stop_init(loop);
}

TestSuite(turn, .init = setup, .timeout = 300);

static void *io_thread(void *arg)
{
	(void)arg;
	cr_assert(loop_bind(loop, 0, &err) == 0 && loop_start(loop, &err) == 0,
		  "%s", err.msg);
	cr_assert(loop_run(loop, &err) == 0, "%s", err.msg);
	return NULL;
}

static pthread_t start(void *(*thread)(void *), void *arg)
{
	pthread_t id;

	cr_assert(!pthread_create(&id, NULL, thread, arg));
	return id;
}

/* ---- a device: plain fields, that only who has the turn may touch -------- */

#define VCPUS 3
#define TURNS 20000

static struct {
	struct loop_source source; /* first: the callback gets this */
	struct loop_task told;
	_Atomic unsigned asked;
	unsigned answered, published, on_vcpus, inside;
} dev;

static void publish(struct loop_task *task)
{
	(void)task;
	cr_assert(dev.inside++ == 0);
	dev.published = dev.answered;
	dev.inside--;
	if (dev.published == VCPUS * TURNS)
		stop_now(0);
}

static void answer(struct loop_source *source)
{
	unsigned n = atomic_exchange(&dev.asked, 0);

	cr_assert(dev.inside++ == 0);
	dev.answered += n;
	if (loop_is_borrowed(loop))
		dev.on_vcpus += n;
	/* now and then there is more than a vCPU should do */
	if (n && loop_is_borrowed(loop) && dev.answered % 16 == 0)
		loop_ring(loop, source);
	loop_defer(loop, &dev.told);
	dev.inside--;
}

static void *vcpu(void *arg)
{
	const unsigned *id = arg;

	for (unsigned i = 0; i < TURNS; i++) {
		atomic_fetch_add(&dev.asked, 1);
		if ((i + *id) % 4 && loop_borrow(loop)) {
			answer(&dev.source);
			loop_give_back(loop);
		} else {
			loop_ring(loop, &dev.source);
		}
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* As KVM does: the I/O thread wakes, whoever has the turn. */
static void *write_wakes(void *arg)
{
	static const uint64_t value = 1;

	(void)arg;
	while (stop_status() < 0) {
		cr_assert(write(loop_wake_fd(loop), &value, sizeof(value)) ==
			  sizeof(value));
		sched_yield();
	}
	return NULL;
}

static void prepare(void)
{
	dev.source.ring = answer;
	dev.told.run = publish;
	cr_assert(loop_add_source(loop, &dev.source) == 0);
}

static void run_vcpus(void)
{
	static const unsigned ids[VCPUS] = { 0, 1, 2 };
	pthread_t thread[VCPUS];

	for (unsigned i = 0; i < VCPUS; i++)
		thread[i] = start(vcpu, (void *)(uintptr_t)&ids[i]);
	for (unsigned i = 0; i < VCPUS; i++)
		pthread_join(thread[i], NULL);
}

/* One at a time, and nothing that was asked for is lost: the run ends. */
Test(turn, passes_between_vcpus_and_the_io_thread)
{
	pthread_t io;

	prepare();
	io = start(io_thread, NULL);
	run_vcpus();
	pthread_join(io, NULL);
	cr_expect(dev.published == VCPUS * TURNS);
	cr_expect(dev.on_vcpus > 0);
}

static void run_with_wakes(void)
{
	pthread_t io, writer;

	prepare();
	io = start(io_thread, NULL);
	writer = start(write_wakes, NULL);
	run_vcpus();
	pthread_join(io, NULL);
	pthread_join(writer, NULL);
}

Test(turn, is_waited_for_by_an_io_thread_that_wakes)
{
	run_with_wakes();
	cr_expect(dev.published == VCPUS * TURNS);
}

/* Where the eventfd is read, that is by the I/O thread alone: one that waits
 * for the turn would not be woken. */
Test(turn, is_not_lent_where_its_waiter_could_not_be_woken)
{
	loop_read_wake(loop);
	run_with_wakes();
	cr_expect(dev.published == VCPUS * TURNS);
	cr_expect(dev.on_vcpus == 0);
}

Test(turn, is_not_lent_while_the_io_thread_is_awake)
{
	cr_expect(!loop_borrow(loop));
	cr_expect(!loop_is_borrowed(loop));
	stop_now(0);
	io_thread(NULL);
}
