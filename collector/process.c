/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double
limit_of(__rlimit_resource_t what)
{
	struct rlimit lim;

	if (getrlimit(what, &lim) < 0 || lim.rlim_cur == RLIM_INFINITY)
		return -1;
	return (double)lim.rlim_cur;
}

static double
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = -3;		/* ".", ".." and the directory itself */

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
read_memory(struct process_facts *f)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;
	double page = (double)sysconf(_SC_PAGESIZE);

	if (!file)
		return;
	if (fscanf(file, "%lu %lu", &size, &resident) == 2) {
		f->virtual_bytes = (double)size * page;
		f->resident_bytes = (double)resident * page;
	}
	fclose(file);
}

static double
count_threads(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	double n = -1;

	if (!file)
		return -1;
	while (n < 0 && fgets(line, sizeof(line), file))
		(void)sscanf(line, "Threads: %lf", &n);
	fclose(file);
	return n;
}

void
process_facts_read(struct process_facts *f)
{
	struct rusage u;

	*f = (struct process_facts){ .virtual_bytes = -1,
		.resident_bytes = -1 };
	if (getrusage(RUSAGE_SELF, &u) == 0)
		f->cpu_us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) *
		    1000000u +
		    (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	f->open_fds = count_fds();
	f->max_fds = limit_of(RLIMIT_NOFILE);
	f->virtual_max_bytes = limit_of(RLIMIT_AS);
	f->threads = count_threads();
	read_memory(f);
}
