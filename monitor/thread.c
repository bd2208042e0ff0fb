// SPDX-License-Identifier: Apache-2.0
/* A stack of our own, and a thread that nobody waits for. */
#include "monitor/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "monitor/err.h"
#include "monitor/timing.h"

#define THREAD_STACK (64U * 1024)
#define PAGE	     4096U

/*
 * The stack, above a page that cannot be touched, is of our making: the C
 * library would unmap its own where there may be no more threads, and the lock
 * would kill it for that.
 */
static int make_stack(pthread_attr_t *attr)
{
	uint8_t *p = mmap(NULL, PAGE + THREAD_STACK, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED ||
	    mprotect(p + PAGE, THREAD_STACK, PROT_READ | PROT_WRITE))
		return errno;
	return pthread_attr_setstack(attr, p + PAGE, THREAD_STACK);
}

static int create_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = make_stack(&attr);
	return ret ? ret : pthread_create(&thread, &attr, run, arg);
}

int thread_start(void *(*run)(void *), void *arg, struct err *e)
{
	int ret = -TIMED(TIMING_THREAD, create_thread(run, arg));

	return ret ? err_set(e, ret,
			     "cannot start a thread; a limit on processes "
			     "(`ulimit -u`, pids.max) forbids it")
		   : 0;
}
