// SPDX-License-Identifier: Apache-2.0
/*
 * What the C library does in more ways than the monitor needs. Not linked into
 * tests.
 *
 * The library's versions serve old kernels, threads that are cancelled,
 * handlers at fork, locales; they draw in 10 KB. These have the same names and
 * do what is promised below, so that callers read as ever. Defined here, the
 * library's own are not linked; were they needed by something else in it, the
 * linker would say so.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* ---- files: Linux 5.10 has every one of these calls -------------------- */

int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
	va_end(ap);
	return openat(AT_FDCWD, path, flags, mode);
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	unsigned long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

/* The lock knows one call that writes: a vCPU thread may make but five. */
ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return (ssize_t)syscall(SYS_pwritev2, fd, iov, (long)n, -1L, 0L, 0L);
}

/* struct stat is the kernel's on this architecture. */
int fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict st,
	    int flags)
{
	return (int)syscall(SYS_newfstatat, dir, path, st, flags);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return fstatat(AT_FDCWD, path, st, 0);
}

int fchdir(int fd)
{
	return (int)syscall(SYS_fchdir, fd);
}

int pipe2(int fds[2], int flags)
{
	return (int)syscall(SYS_pipe2, fds, flags);
}

int socket(int family, int type, int protocol)
{
	return (int)syscall(SYS_socket, family, type, protocol);
}

int socketpair(int family, int type, int protocol, int fds[2])
{
	return (int)syscall(SYS_socketpair, family, type, protocol, fds);
}

int bind(int fd, const struct sockaddr *addr, socklen_t size)
{
	return (int)syscall(SYS_bind, fd, addr, size);
}

int listen(int fd, int backlog)
{
	return (int)syscall(SYS_listen, fd, backlog);
}

int getsockopt(int fd, int level, int what, void *restrict ret,
	       socklen_t *restrict size)
{
	return (int)syscall(SYS_getsockopt, fd, level, what, ret, size);
}

int eventfd(unsigned value, int flags)
{
	return (int)syscall(SYS_eventfd2, value, flags);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)syscall(SYS_signalfd4, fd, set, _NSIG / 8, flags);
}

char *getcwd(char *buf, size_t size)
{
	return syscall(SYS_getcwd, buf, size) < 0 ? NULL : buf;
}

/* ---- terminals ---------------------------------------------------------- */

int isatty(int fd)
{
	struct termios t;

	return !tcgetattr(fd, &t);
}

pid_t tcgetpgrp(int fd)
{
	pid_t ret;

	return ioctl(fd, TIOCGPGRP, &ret) ? -1 : ret;
}

/* ---- calls that wait: no thread here is ever cancelled in one ---------- */

int close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

ssize_t read(int fd, void *into, size_t size)
{
	return (ssize_t)syscall(SYS_read, fd, into, size);
}

ssize_t write(int fd, const void *from, size_t size)
{
	return (ssize_t)syscall(SYS_write, fd, from, size);
}

ssize_t pread(int fd, void *into, size_t size, off_t at)
{
	return (ssize_t)syscall(SYS_pread64, fd, into, size, at);
}

int connect(int fd, const struct sockaddr *addr, socklen_t size)
{
	return (int)syscall(SYS_connect, fd, addr, size);
}

int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	return (int)syscall(SYS_poll, fds, n, timeout_ms);
}

ssize_t getrandom(void *into, size_t size, unsigned flags)
{
	return (ssize_t)syscall(SYS_getrandom, into, size, flags);
}

pid_t waitpid(pid_t pid, int *ret_status, int options)
{
	return (pid_t)syscall(SYS_wait4, pid, ret_status, options, NULL);
}

int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict ret)
{
	return (int)syscall(SYS_rt_sigtimedwait, set, ret, NULL, _NSIG / 8);
}

/* ---- time: of day, once, at the start ---------------------------------- */

time_t time(time_t *into)
{
	return syscall(SYS_time, into);
}

/* ---- the process: of this thread only, so before there are others ------ */

int setgroups(size_t n, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, n, groups);
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return (int)syscall(SYS_setresgid, real, effective, saved);
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return (int)syscall(SYS_setresuid, real, effective, saved);
}

int getrlimit(int what, struct rlimit *ret)
{
	return (int)syscall(SYS_prlimit64, 0, what, NULL, ret);
}

int setrlimit(int what, const struct rlimit *limit)
{
	return (int)syscall(SYS_prlimit64, 0, what, limit, NULL);
}

/* Nothing here has handlers, or locks that others may hold, or asks the library
 * for a thread's number. */
pid_t fork(void)
{
	return (pid_t)syscall(SYS_fork);
}

int nanosleep(const struct timespec *nap, struct timespec *ret_rest)
{
	return (int)syscall(SYS_nanosleep, nap, ret_rest);
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict was)
{
	return (int)syscall(SYS_rt_sigprocmask, how, set, was, _NSIG / 8);
}

/* As the kernel has it. A handler would need a way back, so SIG_IGN and SIG_DFL
 * only. */
struct action {
	void (*how)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

void (*signal(int sig, void (*how)(int)))(int)
{
	const struct action action = { .how = how };

	return syscall(SYS_rt_sigaction, sig, &action, NULL, _NSIG / 8)
		       ? SIG_ERR
		       : SIG_DFL;
}

/* Only says what happens at @sig. */
int sigaction(int sig, const struct sigaction *restrict none,
	      struct sigaction *restrict ret)
{
	struct action action;

	if (none) {
		errno = EINVAL;
		return -1;
	}
	if (syscall(SYS_rt_sigaction, sig, NULL, &action, _NSIG / 8))
		return -1;
	*ret = (struct sigaction){ .sa_handler = action.how };
	return 0;
}

/* ---- semaphores: no cancellation, no interruption ---------------------- */

/* [0] is the value, as sem_init() has it; [1] counts those who wait. */
static _Atomic volatile int *word(sem_t *sem, unsigned i)
{
	return (_Atomic volatile int *)&sem->__val[i];
}

int sem_init(sem_t *sem, int shared, unsigned value)
{
	(void)shared;
	*sem = (sem_t){ .__val = { (int)value } };
	return 0;
}

int sem_trywait(sem_t *sem)
{
	int n = atomic_load(word(sem, 0));

	while (n)
		if (atomic_compare_exchange_weak(word(sem, 0), &n, n - 1))
			return 0;
	return -1;
}

int sem_wait(sem_t *sem)
{
	while (sem_trywait(sem)) {
		atomic_fetch_add(word(sem, 1), 1);
		syscall(SYS_futex, word(sem, 0), FUTEX_WAIT_PRIVATE, 0, NULL);
		atomic_fetch_sub(word(sem, 1), 1);
	}
	return 0;
}

int sem_post(sem_t *sem)
{
	atomic_fetch_add(word(sem, 0), 1);
	if (atomic_load(word(sem, 1)))
		syscall(SYS_futex, word(sem, 0), FUTEX_WAKE_PRIVATE, 1);
	return 0;
}

/* ---- text: for short ones ---------------------------------------------- */

size_t strnlen(const char *text, size_t max)
{
	size_t n = 0;

	while (n < max && text[n])
		n++;
	return n;
}

/* (As a loop, gcc takes it for a call of itself.) */
size_t strlen(const char *text)
{
	return strnlen(text, PTRDIFF_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max && *a && *a == *b; max--) {
		a++;
		b++;
	}
	return max ? (unsigned char)*a - (unsigned char)*b : 0;
}

void *memchr(const void *bytes, int c, size_t size)
{
	const unsigned char *p = bytes;

	for (; size; size--, p++)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

char *strstr(const char *text, const char *what)
{
	size_t len = strlen(what);

	for (; *text; text++)
		if (!strncmp(text, what, len))
			return (char *)(uintptr_t)text;
	return len ? NULL : (char *)(uintptr_t)text;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

size_t strcspn(const char *text, const char *set)
{
	size_t n = 0;

	while (text[n] && !strchr(set, text[n]))
		n++;
	return n;
}

size_t strspn(const char *text, const char *set)
{
	size_t n = 0;

	while (text[n] && strchr(set, text[n]))
		n++;
	return n;
}

char *strchr(const char *text, int c)
{
	for (; *text != (char)c; text++)
		if (!*text)
			return NULL;
	return (char *)(uintptr_t)text;
}

char *strrchr(const char *text, int c)
{
	const char *last = NULL;

	do
		if (*text == (char)c)
			last = text;
	while (*text++);
	return (char *)(uintptr_t)last;
}

char *getenv(const char *name)
{
	size_t len = strlen(name);

	for (char **var = environ; *var; var++)
		if (!strncmp(*var, name, len) && (*var)[len] == '=')
			return *var + len + 1;
	return NULL;
}
