// SPDX-License-Identifier: Apache-2.0
/* Namespaces, the empty root, and the process that waits outside. */
#define _GNU_SOURCE 1
#include "seccomp/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/err.h"
#include "monitor/fmt.h"
#include "seccomp/drop.h"
#include "seccomp/lock.h"

#define NAMESPACES                                                             \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |            \
	 CLONE_NEWUTS)

/* sys/mount.h, whose rest linux/mount.h excludes. */
#define MNT_DETACH 2

/* ---- namespaces ---------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* In the new user namespace we are who we are outside, and nobody else is. */
static int map_ids(unsigned uid, unsigned gid, struct err *e)
{
	char text[32];
	int ret;

	/* older kernels without the file need no denial either */
	ret = write_file("/proc/self/setgroups", "deny");
	if (ret && ret != -ENOENT)
		return err_set(e, ret, "--jail: /proc/self/setgroups");
	fmt_print(text, sizeof(text), "%u %u 1", uid, uid);
	ret = write_file("/proc/self/uid_map", text);
	if (ret)
		return err_set(e, ret, "--jail: /proc/self/uid_map");
	fmt_print(text, sizeof(text), "%u %u 1", gid, gid);
	ret = write_file("/proc/self/gid_map", text);
	return ret ? err_set(e, ret, "--jail: /proc/self/gid_map") : 0;
}

/* Root makes the namespaces as root; others get the right to from a user
 * namespace. */
static int make_namespaces(bool root, struct err *e)
{
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(NAMESPACES | (root ? 0 : CLONE_NEWUSER)))
		return err_set(e, -errno,
			       "--jail: the host allows no namespaces (`mote "
			       "check` says what it takes)");
	return root ? 0 : map_ids(uid, gid, e);
}

/* ---- the empty root ------------------------------------------------------ */

static int open_dir(const char *path, struct err *e)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd >= 0)
		return fd;
	if (errno == ELOOP)
		return err_set(e, -ELOOP,
			       "--jail %.80s: a part of the path is a symbolic "
			       "link; give the real path",
			       path);
	return err_set(e, -errno, "--jail %.80s", path);
}

/* struct linux_dirent64: "." and ".." take one buffer, a third entry shows. */
static bool is_empty(int fd)
{
	_Alignas(8) char buf[1024];
	long len = syscall(SYS_getdents64, fd, buf, sizeof(buf));
	unsigned entries = 0;

	for (long at = 0; at < len; entries++) {
		uint16_t size;

		memcpy(&size, buf + at + 16, sizeof(size));
		at += size;
	}
	return len >= 0 && entries <= 2;
}

/* The directory, read-only and by itself, is a mount of its own... */
static int mount_dir(int dir)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	int tree = (int)syscall(SYS_open_tree, dir, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					AT_EMPTY_PATH);

	if (tree < 0)
		return -errno;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
		    sizeof(attr)) ||
	    syscall(SYS_move_mount, tree, "", dir, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) ||
	    fchdir(tree)) {
		int ret = -errno;

		close(tree);
		return ret;
	}
	close(tree);
	return 0;
}

/* A mount of nothing but @socket's directory. Return: it, or -errno. */
static int clone_dir_of(const char *socket)
{
	const char *slash = strrchr(socket, '/');
	char dir[4096] = ".";
	int tree;

	if (slash)
		fmt_print(dir, sizeof(dir), "%.*s",
			  slash == socket ? 1 : (int)(slash - socket), socket);
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, dir,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return tree < 0 ? -errno : tree;
}

/* ...and becomes the root; the old one, stacked over it, goes. */
static int change_root(const char *path, struct err *e)
{
	int ret, dir;

	if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_set(e, -errno, "--jail: cannot detach the mounts");
	dir = open_dir(path, e);
	if (dir < 0)
		return dir;
	if (!is_empty(dir)) {
		close(dir);
		return err_set(e, -EINVAL, "--jail %.80s is not empty", path);
	}
	ret = mount_dir(dir);
	close(dir);
	if (ret)
		return err_set(e, ret, "--jail %.80s cannot be mounted", path);
	if (syscall(SYS_pivot_root, ".", ".") ||
	    syscall(SYS_umount2, ".", MNT_DETACH) || chdir("/"))
		return err_set(e, -errno, "--jail %.80s cannot be the root",
			       path);
	return 0;
}

/* The root, and the working directory. */
static int change_dirs(const struct jail *jail, struct err *e)
{
	int ret, tree = jail->socket ? clone_dir_of(jail->socket) : -1;

	if (jail->socket && tree < 0)
		return err_set(e, tree, "--jail: the directory of %.80s",
			       jail->socket);
	ret = change_root(jail->dir, e);
	if (!jail->socket)
		return ret;
	if (!ret && fchdir(tree))
		ret = err_set(e, -errno, "--jail: the directory of %.80s",
			      jail->socket);
	close(tree);
	return ret;
}

/* ---- user and group ------------------------------------------------------ */

static int change_ids(const struct jail *jail, struct err *e)
{
	gid_t gid = jail->gid ? jail->gid : getegid();
	uid_t uid = jail->uid ? jail->uid : geteuid();

	if (!jail->uid && !jail->gid)
		return 0;
	drop_bounding_set();
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		return err_set(e, -errno,
			       "--uid, --gid: only root can become another "
			       "user");
	return 0;
}

/* ---- the parent ---------------------------------------------------------- */

static void __attribute__((noreturn)) end_as(int status, pid_t self)
{
	static const struct rlimit none;
	sigset_t set;
	int sig;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	kill(self, sig);
	_exit(EXIT_SIGNAL_BASE + sig);
}

static int lock_outside(const struct jail *jail, pid_t child, pid_t self)
{
	struct lock lock = { .log_only = false };
	struct err e;

	for (unsigned i = 0; i < LOCK_FDS; i++)
		lock.fd[i] = -1;
	lock.fd[LOCK_FD_CHILD] = child;
	lock.fd[LOCK_FD_SELF] = self;
	drop_bounding_set();
	if (change_ids(jail, &e))
		return 0; /* nor can the child, which says so and ends */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || drop_capabilities(&e) < 0)
		return -EPERM;
	return lock_thread(&lock, LOCK_OUTSIDE, &e);
}

/*
 * The child gets signals from the terminal as well; the second one changes
 * nothing.
 */
static void __attribute__((noreturn))
wait_outside(const struct jail *jail, pid_t child)
{
	pid_t self = getpid();
	sigset_t set = *jail->signals;
	int status = EXIT_MISUSE << 8; /* should nobody be waited for */

	syscall(SYS_close_range, 3, ~0U, 0);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (lock_outside(jail, child, self))
		kill(child, SIGKILL);
	while (waitpid(child, &status, WNOHANG) == 0) {
		int sig = sigwaitinfo(&set, NULL);

		if (sig > 0 && sig != SIGCHLD)
			kill(child, sig);
	}
	end_as(status, self);
}

/* ---- all of it ----------------------------------------------------------- */

static int enter_namespaces(const struct jail *jail, bool root,
			    int *ret_outside, struct err *e)
{
	pid_t child;
	int ret = make_namespaces(root, e);

	if (ret)
		return ret;
	*ret_outside = (int)syscall(SYS_pidfd_open, getpid(), 0);
	child = fork();
	if (child < 0)
		return err_set(e, -errno, "--jail: cannot fork");
	if (child)
		wait_outside(jail, child);
	return change_dirs(jail, e);
}

/* The parent's death is ours, even if it came before we could say so. */
static void die_with_parent(int outside)
{
	struct pollfd gone = { .fd = outside, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || poll(&gone, 1, 0) > 0)
		_exit(EXIT_MISUSE); /* nobody is there to be told */
	close(outside);
}

int jail_enter(const struct jail *jail, struct err *e)
{
	bool root = !geteuid();
	int outside, ret = 0;

	if (jail->dir)
		ret = enter_namespaces(jail, root, &outside, e);
	if (!ret)
		ret = change_ids(jail, e);
	if (ret || !jail->dir)
		return ret;
	/* Root has no user namespace yet; without a map, all ids in it are
	 * nobody's. It is an addition: hosts may forbid it. */
	if (root && unshare(CLONE_NEWUSER) && errno != EPERM &&
	    errno != ENOSPC && errno != EINVAL)
		return err_set(e, -errno, "--jail: no user namespace");
	die_with_parent(outside);
	return 0;
}
