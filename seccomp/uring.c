// SPDX-License-Identifier: Apache-2.0
/* What a ring may do, and how it is told. */
#include "seccomp/uring.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor/err.h"
#include "seccomp/lock.h"

#ifdef LOCK_WORDS
#define OP(name_, with_, why_)                                                 \
	{                                                                      \
		IORING_OP_##name_, with_, #name_, why_                         \
	}
#else
#define OP(name_, with_, why_)                                                 \
	{                                                                      \
		IORING_OP_##name_, with_, #name_                               \
	}
#endif

const struct uring_row uring_rows[] = {
	OP(READ, 0, "doorbells, signals, console input, disks"),
	OP(WRITE, 0, "console output, disks"),
	OP(POLL_ADD, 0, "a console that is not ready"),
	OP(TIMEOUT, 0, "--timeout, patience, what is tried again in a moment"),
	OP(READV, LOCK_DISK | LOCK_TAP, "disks, TAPs"),
	OP(WRITEV, LOCK_DISK, "disks"),
	OP(FSYNC, LOCK_DISK, "flush"),
	OP(FALLOCATE, LOCK_DISK, "discard, write zeroes"),
	OP(SEND, LOCK_STREAM | LOCK_VSOCK, "send"),
	OP(SENDMSG, LOCK_STREAM | LOCK_VSOCK, "send"),
	OP(RECV, LOCK_VSOCK, "receive"),
	OP(RECVMSG, LOCK_STREAM | LOCK_VSOCK, "receive"),
	OP(SOCKET, LOCK_CONNECT,
	   "passt comes back; a guest connects to the host"),
	OP(CONNECT, LOCK_CONNECT, "the same"),
	OP(ACCEPT, LOCK_VSOCK, "the host connects"),
	OP(SHUTDOWN, LOCK_VSOCK, "half-closed connections"),
	OP(ASYNC_CANCEL, LOCK_VIRTIO,
	   "let go of a connection, of the guest's buffers at a reset, and of "
	   "all files at the end"),
	{ 0 },
};

/*
 * Linux io_uring/bpf_filter.h, of 7.0; older building machines lack it. The
 * filter sees user_data, opcode, flags, size, and from offset 16 on a socket's
 * family, type and protocol. It returns 1 to allow.
 */
struct bpf_filter {
	uint16_t command, command_flags;
	uint32_t reserved;
	uint32_t op, flags;
	uint32_t insns;
	uint8_t pdu_bytes, reserved_too[3];
	uint64_t insn;
	uint64_t reserved_more[5];
};
_Static_assert(sizeof(struct bpf_filter) == 72, "struct io_uring_bpf");
#define REGISTER_BPF_FILTER 37
#define FILTER		    1
#define SAME_PDU_BYTES	    2
#define PDU_FAMILY	    16
#define PDU_TYPE	    20

bool uring_bind_sockets(int ring_fd)
{
	static const struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PDU_FAMILY),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PDU_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM | SOCK_NONBLOCK,
			 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			 SOCK_SEQPACKET | SOCK_NONBLOCK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	struct bpf_filter f = {
		.command = FILTER,
		.op = IORING_OP_SOCKET,
		.flags = SAME_PDU_BYTES,
		.insns = sizeof(insns) / sizeof(insns[0]),
		.pdu_bytes = 12,
		.insn = (uintptr_t)insns,
	};

	return !syscall(SYS_io_uring_register, ring_fd, REGISTER_BPF_FILTER, &f,
			1);
}

/* Linked: the next one starts when this one has succeeded. */
#define FLAGS (IOSQE_FIXED_FILE | IOSQE_IO_LINK)

int uring_restrict(int ring_fd, unsigned sets, bool registered, struct err *e)
{
	struct io_uring_restriction r[32] = {
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
		  .sqe_flags = FLAGS },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP,
		  .register_op = IORING_UNREGISTER_FILES },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED,
		  .sqe_flags = registered ? IOSQE_FIXED_FILE : 0 },
	};
	unsigned n = 3, workers[2] = { 0, URING_WORKERS };

	for (const struct uring_row *row = uring_rows; row->op; row++) {
		if (row->with && !(row->with & sets))
			continue;
		r[n].opcode = IORING_RESTRICTION_SQE_OP;
		r[n++].sqe_op = row->op;
	}
	/* before Linux 5.15: the processes' limit bounds them */
	syscall(SYS_io_uring_register, ring_fd,
		IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
	if (syscall(SYS_io_uring_register, ring_fd,
		    IORING_REGISTER_RESTRICTIONS, r, n))
		return err_set(e, -errno,
			       "the io_uring cannot be restricted (it takes "
			       "Linux 5.10; --vsock, --net passt= 5.19)");
	return 0;
}
