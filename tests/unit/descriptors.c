// SPDX-License-Identifier: Apache-2.0
/*
 * Whoever starts the tests may have closed stdin: then the first terminal or
 * pipe that a test opens would be descriptor 0, which the same test replaces by
 * its other end, and it waits for ever.
 */
#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor)) static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
	close(fd);
}
