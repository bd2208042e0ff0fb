// SPDX-License-Identifier: Apache-2.0
/* Reads proc(5). */
#include "bench/activity.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long activity_field(const char *path, const char *key)
{
	char line[256];
	long value = 0;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

/* stat(5): fields 14 and 15, behind the name. */
static long cpu_ticks(pid_t pid)
{
	char path[64], line[512];
	long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f) && strrchr(line, ')') &&
	    sscanf(strrchr(line, ')') + 2,
		   "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
		   &system) != 2)
		user = system = 0;
	if (f)
		fclose(f);
	return user + system;
}

void activity_add(pid_t pid, struct activity *a)
{
	char path[320];
	struct dirent *d;
	DIR *tasks;

	a->ticks += cpu_ticks(pid);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (d = readdir(tasks))) {
		if (*d->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status",
			 (int)pid, d->d_name);
		a->switches += activity_field(path, "voluntary_ctxt_switches:");
		a->switches +=
			activity_field(path, "nonvoluntary_ctxt_switches:");
	}
	if (tasks)
		closedir(tasks);
}
