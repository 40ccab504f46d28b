/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer that means harm: as fast as it can, one thing after the other that
 * a process with write permission to the folder can do to a segment of its
 * own, seeded.  Every few turns the segment is sound again.
 *
 * usage: hostile_writer FOLDER NAME VICTIM SEED
 *
 * FOLDER/smx.NAME is ours, FOLDER/smx.VICTIM somebody else's, which is only
 * ever read or linked to.  Ends when standard input does, and then says how
 * many turns it took.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/segment_builder.h"

#define STRANGER 12345
#define LOCKS	 512

static struct build b;
static int dir_fd;
static char own[300], other[300], spare[300];
static uint64_t seed;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t
below(uint64_t n)
{
	return n == 0 ? 0 : (next() >> 16) % n;
}

static void
build_sample(void)
{
	static const uint64_t bounds[] = { 10, 20, 40 };
	struct build_family f = { .name = "evil_by_total",
		.type = SMX_TYPE_COUNTER,
		.labels = { "x", "y" } };
	struct build_shape shape = { .slots = 8, .lanes = 8 };
	uint32_t cell;

	build_begin(&b, &shape);
	*build_cell(&b, 1, build_counter(&b, "evil_total", 0)) = 666;
	build_series(&b, build_family(&b, &f), 1,
	    "1\0"
	    "2",
	    4);
	build_set_gauge(&b, 0, build_gauge(&b, "evil", SMX_GAUGE_EACH), 6.66);
	cell = build_histogram(&b, "evil_seconds", 9, bounds, 3);
	for (uint64_t i = 0; i < 50; i++)
		build_observe(&b, 2, cell, i % 4, i);
	build_publish(&b);
}

/* What cannot be done is not done: the name may be a folder's by now.  Nor
 * what would be done to others, through a link of ours. */
static int
open_own(void)
{
	int fd =
	    openat(dir_fd, own, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_nlink != 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
clear_name(void)
{
	if (unlinkat(dir_fd, own, 0) < 0 && errno == EISDIR)
		unlinkat(dir_fd, own, AT_REMOVEDIR);
}

static void
make_sound(void)
{
	clear_name();
	build_save(&b, dir_fd, own);
}

static void
replace(void)
{
	build_save(&b, dir_fd, spare);
	if (renameat(dir_fd, spare, dir_fd, own) < 0)
		clear_name();
}

static void
rewrite(uint64_t off, uint64_t len)
{
	unsigned char bytes[256];
	int fd = open_own();

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)next();
	if (fd >= 0) {
		(void)!pwrite(fd, bytes, 1 + below(sizeof(bytes) - 1),
		    (off_t)(off + below(len)));
		close(fd);
	}
}

static void
rewrite_header(void)
{
	rewrite(0, sizeof(*b.header));
}

static void
rewrite_directory(void)
{
	rewrite(b.header->dir_off, b.tail);
}

static void
rewrite_tables(void)
{
	rewrite(b.header->slot_off, b.header->dir_off - b.header->slot_off);
}

static void
rewrite_values(void)
{
	rewrite(b.header->gauge_off, b.header->size - b.header->gauge_off);
}

/* A tail that lies, or records that are not there yet. */
static void
move_tail(void)
{
	uint64_t tail = below(2) ? next() >> below(64) : below(b.tail) / 8 * 8;
	int fd = open_own();

	if (fd >= 0) {
		(void)!pwrite(fd, &tail, sizeof(tail),
		    offsetof(struct smx_header, dir_tail));
		close(fd);
	}
}

static void
cut(void)
{
	int fd = open_own();

	if (fd < 0)
		return;
	(void)!ftruncate(fd, (off_t)below(b.header->size));
	if (below(2))
		(void)!ftruncate(fd, (off_t)b.header->size);
	close(fd);
}

static void
grow(void)
{
	int fd = open_own();

	if (fd < 0)
		return;
	(void)!ftruncate(fd, (off_t)(next() >> 24));
	close(fd);
}

static void
punch_holes(void)
{
	int fd = open_own();

	for (uint64_t i = below(16); fd >= 0 && i > 0; i--)
		(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)below(b.header->size), (off_t)(1 + below(20000)));
	if (fd >= 0)
		close(fd);
}

/* A header that is sound but for one field, which is huge or tiny. */
static void
lie(void)
{
	struct smx_header kept = *b.header;
	uint64_t at = 8 + below(32) * 4;
	uint32_t value = (uint32_t)(next() >> below(60));
	int fd = open_own();

	memcpy(b.bytes + at, &value, sizeof(value));
	build_seal(&b);
	if (fd >= 0) {
		(void)!pwrite(fd, b.bytes, sizeof(kept), 0);
		(void)!ftruncate(fd, (off_t)(b.header->size % SMX_MAX_SIZE));
		close(fd);
	}
	*b.header = kept;
}

/* 64 GiB, of which nothing is there: all the lanes that a header can have. */
static void
make_giant(void)
{
	struct smx_header kept = *b.header;
	int fd;

	b.header->lane_cap = SMX_MAX_LANES;
	b.header->lane_size = 900 * 1024;
	b.header->lane_stride = 1 << 20;
	b.header->size = SMX_MAX_SIZE;
	b.header->lane_tab_off =
	    b.header->size - (uint64_t)SMX_MAX_LANES * SMX_LINE;
	build_seal(&b);
	clear_name();
	fd = openat(dir_fd, own, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)!pwrite(fd, b.bytes, (size_t)b.header->gauge_off, 0);
		(void)!ftruncate(fd, (off_t)b.header->size);
		close(fd);
	}
	*b.header = kept;
}

static void
make_link(void)
{
	clear_name();
	(void)!symlinkat(below(2) ? other : "/dev/zero", dir_fd, own);
}

static void
make_hard_link(void)
{
	clear_name();
	(void)!linkat(dir_fd, other, dir_fd, own, 0);
}

static void
make_fifo(void)
{
	clear_name();
	(void)!mkfifoat(dir_fd, own, 0600);
}

static void
make_folder(void)
{
	clear_name();
	(void)!mkdirat(dir_fd, own, 0700);
}

static void
make_empty(void)
{
	int fd;

	clear_name();
	fd = openat(dir_fd, own, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

static void
give_away(void)
{
	(void)!fchownat(dir_fd, own, STRANGER, STRANGER, AT_SYMLINK_NOFOLLOW);
}

static void
forbid(void)
{
	struct stat st;

	if (fstatat(dir_fd, own, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_nlink == 1)
		(void)!fchmodat(dir_fd, own, (mode_t)below(01000), 0);
}

/* Many leases that nobody holds who counts anything. */
static void
lock_slots(void)
{
	static int fd = -1;

	if (fd >= 0)
		close(fd);
	fd = open_own();
	for (int i = 0; fd >= 0 && i < LOCKS; i++) {
		struct flock lock = { .l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = SMX_LOCK_SLOT0 + 2 * i,
			.l_len = 1 };

		(void)fcntl(fd, F_OFD_SETLK, &lock);
	}
}

static void
take_turn(void)
{
	static void (*const ways[])(void) = { make_sound, make_sound, replace,
		rewrite_header, rewrite_directory, rewrite_tables,
		rewrite_values, rewrite_values, move_tail, move_tail, cut, cut,
		grow, punch_holes, punch_holes, lie, lie, make_giant, make_link,
		make_hard_link, make_fifo, make_folder, make_empty, give_away,
		forbid, lock_slots, clear_name };

	ways[below(sizeof(ways) / sizeof(ways[0]))]();
}

static int
is_over(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

int
main(int argc, char **argv)
{
	unsigned long turns = 0;

	if (argc != 5) {
		fputs(
		    "usage: hostile_writer FOLDER NAME VICTIM SEED\n", stderr);
		return 2;
	}
	dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(own, sizeof(own), "smx.%s", argv[2]);
	snprintf(other, sizeof(other), "smx.%s", argv[3]);
	snprintf(spare, sizeof(spare), "new.%s", argv[2]);
	seed = strtoull(argv[4], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (dir_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	build_sample();
	make_sound();
	while (!is_over()) {
		take_turn();
		turns++;
	}
	clear_name();
	unlinkat(dir_fd, spare, 0);
	printf("%lu\n", turns);
	build_free(&b);
	return 0;
}
