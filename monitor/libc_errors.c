// SPDX-License-Identifier: Apache-2.0
/*
 * strerror() for what calls of the monitor's can fail with; the C library's
 * knows twice as much, in twice the size. Not linked into tests.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "monitor/fmt.h"

/* Two tables out of one list; pointers would need relocations. */
#define ERRORS(ERROR)                                                          \
	ERROR(EPERM, "Operation not permitted")                                \
	ERROR(ENOENT, "No such file or directory")                             \
	ERROR(EINTR, "Interrupted system call")                                \
	ERROR(EIO, "Input/output error")                                       \
	ERROR(ENXIO, "No such device or address")                              \
	ERROR(E2BIG, "Argument list too long")                                 \
	ERROR(ENOEXEC, "Exec format error")                                    \
	ERROR(EBADF, "Bad file descriptor")                                    \
	ERROR(ECHILD, "No child processes")                                    \
	ERROR(EAGAIN, "Resource temporarily unavailable")                      \
	ERROR(ENOMEM, "Cannot allocate memory")                                \
	ERROR(EACCES, "Permission denied")                                     \
	ERROR(EFAULT, "Bad address")                                           \
	ERROR(ENOTBLK, "Block device required")                                \
	ERROR(EBUSY, "Device or resource busy")                                \
	ERROR(EEXIST, "File exists")                                           \
	ERROR(EXDEV, "Invalid cross-device link")                              \
	ERROR(ENODEV, "No such device")                                        \
	ERROR(ENOTDIR, "Not a directory")                                      \
	ERROR(EISDIR, "Is a directory")                                        \
	ERROR(EINVAL, "Invalid argument")                                      \
	ERROR(ENFILE, "Too many open files in system")                         \
	ERROR(EMFILE, "Too many open files")                                   \
	ERROR(ENOTTY, "Inappropriate ioctl for device")                        \
	ERROR(ETXTBSY, "Text file busy")                                       \
	ERROR(EFBIG, "File too large")                                         \
	ERROR(ENOSPC, "No space left on device")                               \
	ERROR(ESPIPE, "Illegal seek")                                          \
	ERROR(EROFS, "Read-only file system")                                  \
	ERROR(EPIPE, "Broken pipe")                                            \
	ERROR(ERANGE, "Numerical result out of range")                         \
	ERROR(EDEADLK, "Resource deadlock avoided")                            \
	ERROR(ENAMETOOLONG, "File name too long")                              \
	ERROR(ENOSYS, "Function not implemented")                              \
	ERROR(ENOTEMPTY, "Directory not empty")                                \
	ERROR(ELOOP, "Too many levels of symbolic links")                      \
	ERROR(ENODATA, "No data available")                                    \
	ERROR(EPROTO, "Protocol error")                                        \
	ERROR(EBADMSG, "Bad message")                                          \
	ERROR(EOVERFLOW, "Value too large for defined data type")              \
	ERROR(EUSERS, "Too many users")                                        \
	ERROR(ENOTSOCK, "Socket operation on non-socket")                      \
	ERROR(EMSGSIZE, "Message too long")                                    \
	ERROR(EOPNOTSUPP, "Operation not supported")                           \
	ERROR(EAFNOSUPPORT, "Address family not supported by protocol")        \
	ERROR(EADDRINUSE, "Address already in use")                            \
	ERROR(EADDRNOTAVAIL, "Cannot assign requested address")                \
	ERROR(ENETDOWN, "Network is down")                                     \
	ERROR(ECONNABORTED, "Software caused connection abort")                \
	ERROR(ECONNRESET, "Connection reset by peer")                          \
	ERROR(ENOBUFS, "No buffer space available")                            \
	ERROR(EISCONN, "Transport endpoint is already connected")              \
	ERROR(ENOTCONN, "Transport endpoint is not connected")                 \
	ERROR(ETIMEDOUT, "Connection timed out")                               \
	ERROR(ECONNREFUSED, "Connection refused")                              \
	ERROR(EHOSTUNREACH, "No route to host")                                \
	ERROR(EINPROGRESS, "Operation now in progress")                        \
	ERROR(ESTALE, "Stale file handle")                                     \
	ERROR(EUCLEAN, "Structure needs cleaning")                             \
	ERROR(EREMOTEIO, "Remote I/O error")                                   \
	ERROR(EDQUOT, "Disk quota exceeded")                                   \
	ERROR(ENOMEDIUM, "No medium found")                                    \
	ERROR(ECANCELED, "Operation canceled")                                 \
	ERROR(EHWPOISON, "Memory page has hardware error")

#define NUMBER(number_, text_) number_,
static const unsigned char numbers[] = { ERRORS(NUMBER) };

#define TEXT(number_, text_) text_ "\0"
static const char texts[] = ERRORS(TEXT);

char *strerror(int error)
{
	static char other[16];
	const char *text = texts;

	for (size_t i = 0; i < sizeof(numbers); i++) {
		if (numbers[i] == error)
			return (char *)(uintptr_t)text;
		text += strlen(text) + 1;
	}
	fmt_print(other, sizeof(other), "error %d", error);
	return other;
}
