/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound segments, small on disk, that would take a reader without a budget
 * all its memory or its time.
 *
 * usage: buster FOLDER NAME bounds|processes|directory
 *
 * bounds     many bounds times many series times long labels: 18 GB of text
 * processes  every slot alive, and a gauge that shows each of them
 * directory  290 MiB of records
 *
 * Says ok when it is there, and ends when standard input does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/segment_builder.h"

#define SERIES 128

static struct build b;

/* Four labels of 1,000 bytes, the first of them told apart by its number. */
static size_t
make_values(char *to, int number)
{
	char *at = to;

	for (int i = 0; i < 4; i++, at += 1001) {
		memset(at, '\\', 1000);
		at[1000] = '\0';
	}
	snprintf(to, 8, "%06d", number);
	to[6] = '_';
	return (size_t)(at - to);
}

static void
build_bounds(void)
{
	static struct smx_bucket buckets[SMX_MAX_BUCKETS];
	static char values[4 * 1001];
	struct build_family f = { .name = "endless",
		.labels = { "a", "b", "c", "d" },
		.type = SMX_TYPE_HISTOGRAM,
		.buckets = buckets,
		.hist_flags = SMX_HIST_NATIVE,
		.n_buckets = SMX_MAX_BUCKETS };
	struct build_shape shape = { .lanes = 2,
		.dir_size = 2 << 20,
		.lane_size = SMX_SINK + SERIES * 8 * (SMX_MAX_BUCKETS + 8) };
	uint64_t at;

	for (uint32_t i = 0; i < SMX_MAX_BUCKETS; i++)
		buckets[i] = (struct smx_bucket){ i + 1, (int32_t)(i / 16),
			SMX_BUCKET_POWER };
	buckets[SMX_MAX_BUCKETS - 1].upper = UINT64_MAX;
	build_begin(&b, &shape);
	at = build_family(&b, &f);
	for (int i = 0; i < SERIES; i++)
		build_series(&b, at, SMX_HIST_BUCKET + SMX_MAX_BUCKETS, values,
		    make_values(values, i));
}

static void
build_processes(void)
{
	static char values[4 * 1001];
	struct build_family f = { .name = "crowd",
		.labels = { "a", "b", "c", "d" },
		.type = SMX_TYPE_GAUGE,
		.gauge_mode = SMX_GAUGE_EACH };
	struct build_shape shape = { .lanes = 2, .slots = SMX_MAX_SLOTS };
	uint64_t at;

	build_begin(&b, &shape);
	at = build_family(&b, &f);
	build_gauge_series(&b, at, values, make_values(values, 1));
}

static void
build_directory(void)
{
	struct build_shape shape = { .dir_size = 300 << 20 };

	build_begin(&b, &shape);
	b.tail = 290 << 20; /* a hole: nobody is to look at it */
}

static void
hold_all_slots(int dir_fd, const char *name)
{
	struct flock all = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0,
		.l_len = SMX_MAX_SLOTS };
	int fd = openat(dir_fd, name, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &all) < 0)
		abort();
}

int
main(int argc, char **argv)
{
	char name[300];
	int dir_fd;

	if (argc != 4 || (dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0) {
		fputs("usage: buster FOLDER NAME KIND\n", stderr);
		return 2;
	}
	if (strcmp(argv[3], "bounds") == 0)
		build_bounds();
	else if (strcmp(argv[3], "processes") == 0)
		build_processes();
	else
		build_directory();
	build_publish(&b);
	snprintf(name, sizeof(name), "smx.%s", argv[2]);
	build_save(&b, dir_fd, name);
	hold_all_slots(dir_fd, name);
	puts("ok");
	fflush(stdout);
	while (getchar() != EOF)
		;
	build_free(&b);
	return 0;
}
