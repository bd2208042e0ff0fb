// SPDX-License-Identifier: Apache-2.0
/* A plain main() for a fuzz target: replays files, each of them twice. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By its directory's descriptor: a target may have changed the working
 * directory. */
static int replay_file(int dir_fd, const char *path)
{
	int fd = openat(dir_fd, path, O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
	uint8_t *buf;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	/* exactly sized, so that ASan sees the first byte read too far */
	buf = malloc(size ? (size_t)size : 1);
	if (!buf || fread(buf, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(buf, (size_t)size);
	LLVMFuzzerTestOneInput(buf, (size_t)size);
	free(buf);
	return 1;
}

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *d;

		if (!dir) {
			perror(argv[i]);
			return 1;
		}
		while ((d = readdir(dir))) {
			if (d->d_name[0] == '.')
				continue;
			files += replay_file(dirfd(dir), d->d_name);
		}
		closedir(dir);
	}
	printf("%s: %d inputs replayed\n", argv[0], files);
	return files ? 0 : 1;
}
