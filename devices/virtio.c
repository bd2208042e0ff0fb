// SPDX-License-Identifier: Apache-2.0
/* What every virtio device does with its port, whatever the transport. */
#include "devices/virtio.h"

#include "monitor/container_of.h"
#include "monitor/log.h"

/* Queues whose doorbells are off: what has come without ringing? */
static void look_in_passing(struct virtio_port *port)
{
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (port->quiet & 1U << i && virtq_has(&port->vq[i]))
			port->again(port, i);
}

/* The port goes back to the vCPU threads when nothing here will touch it any
 * more: no head is in flight and no task of ours is waiting to run. */
static void end_reset(struct virtio_port *port)
{
	if (!virtio_inflight(port) && !port->arm.queued)
		port->idle(port);
}

static void look(struct loop_task *task)
{
	look_in_passing(container_of(task, struct virtio_port, arm));
}

/* The loop is about to sleep: from now on the driver must ring. */
static void arm(struct loop_task *task)
{
	struct virtio_port *port = container_of(task, struct virtio_port, arm);
	uint32_t quiet = port->quiet;

	port->quiet = 0;
	if (port->resetting) {
		end_reset(port);
		return;
	}
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (quiet & 1U << i && virtq_notify_on(&port->vq[i]))
			port->again(port, i);
}

bool virtio_listen(struct virtio_port *port, unsigned queue, bool busy)
{
	if (!busy && !loop_lingers(port->loop))
		return virtq_notify_on(&port->vq[queue]);
	port->quiet |= 1U << queue;
	loop_before_sleep(port->loop, &port->arm);
	return false;
}

/* Round's end: show what was pushed, with one interrupt for all of it. */
static void flush(struct loop_task *task)
{
	struct virtio_port *port =
		container_of(task, struct virtio_port, flush);
	bool wanted = false;

	if (port->resetting) {
		end_reset(port);
		return;
	}
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		if (port->pushed & 1U << i)
			wanted |= virtq_publish(&port->vq[i]);
	port->pushed = 0;
	if (wanted)
		port->interrupt(port, VIRTIO_INTERRUPT_USED);
	look_in_passing(port);
}

void virtio_port_init(struct virtio_port *port, const char *name,
		      struct loop *loop)
{
	port->name = name;
	port->loop = loop;
	port->flush.run = flush;
	port->arm.run = arm;
	port->arm.look = look;
}

bool virtio_pop(struct virtio_port *port, unsigned queue,
		struct virtq_chain *chain)
{
	int r = virtq_pop(&port->vq[queue], chain);

	if (r < 0)
		virtio_need_reset(port, port->vq[queue].fault);
	return r > 0;
}

void virtio_complete(struct virtio_port *port, unsigned queue, uint16_t head,
		     uint32_t len)
{
	virtq_push(&port->vq[queue], head, len);
	port->pushed |= 1U << queue;
	loop_defer(port->loop, &port->flush);
}

void virtio_again(struct virtio_port *port, unsigned queue)
{
	port->again(port, queue);
}

void virtio_need_reset(struct virtio_port *port, const char *why)
{
	log_guest(LOG_WARN, port->name,
		  "the guest's driver broke the queue (%s); "
		  "the device waits for a reset",
		  why);
	port->need_reset(port);
}

void virtio_config_changed(struct virtio_port *port)
{
	port->interrupt(port, VIRTIO_INTERRUPT_CONFIG);
}

unsigned virtio_inflight(const struct virtio_port *port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		n += port->vq[i].s.inflight;
	return n;
}
