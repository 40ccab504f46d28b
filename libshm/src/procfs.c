/* SPDX-License-Identifier: Apache-2.0 */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CGROUP	  "/sys/fs/cgroup"
#define CGROUP_V1 CGROUP "/memory"

/* Version 1 says "none" with the largest multiple of a page in 63 bits. */
#define NO_LIMIT 0x1p62

/* The first cap - 1 bytes of a file as a string: its length, -1 if it cannot
 * be read or is empty. */
static ssize_t
slurp(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, buf + len, cap - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && len < cap - 1) || (n < 0 && errno == EINTR));
	close(fd);
	buf[len] = '\0';
	return len > 0 ? (ssize_t)len : -1;
}

void
smx__procfs_memory(double *resident, double *virtual_memory)
{
	double page = (double)sysconf(_SC_PAGESIZE);
	unsigned long long pages[2];
	char buf[256];

	*resident = *virtual_memory = NAN;
	if (slurp("/proc/self/statm", buf, sizeof(buf)) < 0 ||
	    sscanf(buf, "%llu %llu", &pages[0], &pages[1]) != 2)
		return;
	*virtual_memory = (double)pages[0] * page;
	*resident = (double)pages[1] * page;
}

/* Field `number` of /proc/self/stat, counted as proc(5) does. */
static double
stat_field(int number)
{
	char buf[1024];
	char *at;

	if (slurp("/proc/self/stat", buf, sizeof(buf)) < 0)
		return NAN;
	/* the name, field 2, may hold spaces and parentheses */
	at = strrchr(buf, ')');
	for (int i = 2; at != NULL && i < number; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? (double)strtoull(at + 1, NULL, 10) : NAN;
}

double
smx__procfs_threads(void)
{
	return stat_field(20);
}

static double
seconds(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return NAN;
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double
smx__procfs_start(void)
{
	double since_boot = stat_field(22) / (double)sysconf(_SC_CLK_TCK);
	double boot = seconds(CLOCK_REALTIME) - seconds(CLOCK_BOOTTIME);

	return round((boot + since_boot) * 100) / 100;
}

/* Entries in a piece of a folder's list, without . and .. */
static int
count_entries(const char *list, ssize_t len)
{
	const struct dirent64 *e;
	int n = 0;

	for (ssize_t at = 0; at < len; at += e->d_reclen) {
		e = (const struct dirent64 *)(const void *)(list + at);
		n += e->d_name[0] != '.';
	}
	return n;
}

/* Not opendir(): it allocates, in a forked child perhaps. */
double
smx__procfs_open_fds(void)
{
	_Alignas(struct dirent64) char list[4096];
	int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = -1; /* fd itself */
	ssize_t len;

	if (fd < 0)
		return NAN;
	while ((len = getdents64(fd, list, sizeof(list))) > 0)
		n += count_entries(list, len);
	close(fd);
	return len < 0 ? (double)NAN : n;
}

/* The limit that the file says, or `least` if that is lower. */
static double
lower_limit(const char *path, double least)
{
	char buf[64];
	char *end;
	double v;

	if (slurp(path, buf, sizeof(buf)) < 0)
		return least;
	v = (double)strtoull(buf, &end, 10);
	if (end == buf || v >= NO_LIMIT) /* "max" */
		return least;
	return isnan(least) || v < least ? v : least;
}

/* From the group's folder below root up to root itself.  In a container the
 * path may name folders that only the host sees: they are passed over. */
static double
limit_upwards(const char *root, const char *group, const char *file)
{
	char dir[PATH_MAX];
	char path[PATH_MAX + 64];
	double least = NAN;
	char *slash;

	(void)snprintf(dir, sizeof(dir), "%s", group);
	do {
		(void)snprintf(path, sizeof(path), "%s%s/%s", root, dir, file);
		least = lower_limit(path, least);
		slash = strrchr(dir, '/');
		if (slash != NULL)
			*slash = '\0';
	} while (slash != NULL);
	return least;
}

/* A line is "0::/group" (version 2) or "4:cpu,memory:/group". */
static double
limit_of_line(const char *line)
{
	const char *names = strchr(line, ':');
	const char *group = names != NULL ? strchr(names + 1, ':') : NULL;
	char wrapped[256];

	if (group == NULL)
		return NAN;
	if (group == names + 1)
		return limit_upwards(CGROUP, group + 1, "memory.max");
	(void)snprintf(wrapped, sizeof(wrapped), ",%.*s,",
	    (int)(group - names - 1), names + 1);
	if (strstr(wrapped, ",memory,") == NULL)
		return NAN;
	return limit_upwards(CGROUP_V1, group + 1, "memory.limit_in_bytes");
}

double
smx__procfs_memory_limit(void)
{
	char buf[8192];
	char *save = NULL;
	double least = NAN;

	if (slurp("/proc/self/cgroup", buf, sizeof(buf)) < 0)
		return NAN;
	for (char *line = strtok_r(buf, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		least = fmin(least, limit_of_line(line)); /* NAN loses */
	return least;
}
