/* SPDX-License-Identifier: Apache-2.0 */
/* File systems that are small or full: errors at registration, never a
 * signal on the hot path. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static bool
skip(const char *what)
{
	printf("skipped: %s: %s\n", what, strerror(errno));
	return false;
}

static bool
put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* A user who may not mount becomes root of a namespace, in which only he
 * himself is anybody. */
static bool
own_mounts(void)
{
	unsigned uid = getuid(), gid = getgid();
	char users[64], groups[64];

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	    put("/proc/self/setgroups", "deny") &&
	    put("/proc/self/uid_map", users) &&
	    put("/proc/self/gid_map", groups);
}

/* A tmpfs of that size where this test's directory is, for this process and
 * its children alone. */
static bool
mount_small(const char *options)
{
	if (!own_mounts())
		return skip("unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return skip("private mounts");
	if (mount("none", live_path, "tmpfs", 0, options) < 0)
		return skip("mount tmpfs");
	return true;
}

static uint64_t
bytes_free(void)
{
	struct statfs s;

	REQUIRE(statfs(live_path, &s) == 0);
	return (uint64_t)s.f_bfree * (uint64_t)s.f_bsize;
}

/* Take all space but that. */
static void
fill_up(uint64_t leave)
{
	int fd = open(live_file("filler"), O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);
	off_t end = lseek(fd, 0, SEEK_END); /* it may be the second time */
	uint64_t n = bytes_free();

	REQUIRE(end >= 0);
	if (n > leave)
		REQUIRE(fallocate(fd, 0, end, (off_t)(n - leave)) == 0);
	close(fd);
}

static pthread_barrier_t barrier;
static struct smx_counter count;
static struct smx_histogram observed;

static void *
update(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 100; i++) {
		smx_inc(count);
		smx_observe(observed, 5);
	}
	/* an update that meets another's claim does not ask; this one waits */
	(void)smx_thread_attach();
	(void)pthread_barrier_wait(&barrier);
	return NULL;
}

static void
update_in_threads(unsigned n)
{
	pthread_t t[16];
	unsigned i;

	REQUIRE(pthread_barrier_init(&barrier, NULL, n) == 0);
	for (i = 0; i < n; i++)
		REQUIRE(pthread_create(&t[i], NULL, update, NULL) == 0);
	for (i = 0; i < n; i++)
		REQUIRE(pthread_join(t[i], NULL) == 0);
}

/* As large as a service gets: 200 counters, 30 histograms, 16 threads. */
static int
be_a_service(int number)
{
	char name[64];
	int i;

	snprintf(name, sizeof(name), "service%d", number);
	if (smx_attach(name, NULL) < 0)
		return 1;
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "c%d_total", i);
		if (smx_counter(name, "x").cell == 0)
			return 2;
	}
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "h%d_seconds", i);
		if (smx_histogram_latency(name, "x").cell == 0)
			return 3;
	}
	update_in_threads(16);
	return 0;
}

START_TEST(six_services_fit_into_64_mib)
{
	struct live_peer p[6];
	struct live l = { 0 };
	char file[32];
	int i;

	if (!mount_small("size=64m"))
		return;
	for (i = 0; i < 6; i++)
		live_peer_start(&p[i], be_a_service);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(live_peer_do(&p[i], i), 0);
	for (i = 0; i < 6; i++) {
		snprintf(file, sizeof(file), "smx.service%d", i);
		live_look(&l, file);
		ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1600);
		ck_assert_uint_eq(l.snap.state.no_lane, 0);
		live_close(&l);
	}
	ck_assert_uint_gt(bytes_free(), 32 << 20); /* half of it is left */
	for (i = 0; i < 6; i++)
		live_peer_end(&p[i]);
}
END_TEST

/* Whatever the size, attach works or says -ENOSPC. */
START_TEST(attach_says_that_there_is_no_room)
{
	struct smx_error err = { 0 };
	char options[32];
	int rc;

	snprintf(options, sizeof(options), "size=%dk", 4 * _i);
	if (!mount_small(options))
		return;
	rc = smx_attach_error("t", NULL, &err);
	count = smx_counter("x_total", "x");
	update_in_threads(2);
	if (rc < 0) {
		ck_assert_int_eq(rc, -ENOSPC);
		ck_assert_int_eq(smx_attached(), 0);
		ck_assert_int_lt(_i, 12);
		ck_assert_int_eq(mount("none", live_path, "tmpfs", MS_REMOUNT,
		    "size=1m"), 0);
		ck_assert_int_eq(smx_attach("t", NULL), 0);
	} else {
		ck_assert_int_gt(_i, 5);
	}
	smx_detach();
}
END_TEST

static unsigned
register_until_full(int *rc)
{
	char name[32];
	struct smx_desc d = { .name = name, .help = "x" };
	struct smx_error err;
	struct smx_counter c;
	unsigned n;

	for (n = 0; n < 10000; n++) {
		snprintf(name, sizeof(name), "n%u_total", n);
		*rc = smx_counter_register(&c, &d, &err);
		smx_inc(c);
		if (*rc < 0)
			break;
	}
	return n;
}

START_TEST(a_file_system_that_runs_full_stops_registrations_only)
{
	struct live l = { 0 };
	unsigned n, before;
	int rc = 0;

	if (!mount_small("size=1m"))
		return;
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	smx_inc(count); /* the lane of this thread */
	fill_up(16384);
	n = register_until_full(&rc);
	ck_assert_int_eq(rc, -ENOSPC);
	ck_assert_uint_gt(n, 0);
	fill_up(0);
	update_in_threads(4); /* no lanes: overflow */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 401);
	ck_assert_uint_eq(live_count(&l, "x_seconds", NULL), 400);
	ck_assert_uint_eq(l.snap.state.no_lane, 4);
	before = l.snap.catalog->n_series;
	/* and when there is room again */
	ck_assert_int_eq(unlink(live_file("filler")), 0);
	update_in_threads(4);
	ck_assert_uint_gt(register_until_full(&rc), n);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 801);
	ck_assert_uint_eq(l.snap.state.no_lane, 4);
	ck_assert_uint_gt(l.snap.catalog->n_series, before);
	live_close(&l);
}
END_TEST

/* What is needed fits, twice as much would not. */
START_TEST(no_room_to_double_is_room_enough)
{
	char name[32];
	unsigned i;

	if (!mount_small("size=1m"))
		return;
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	for (i = 0; i < 504; i++) { /* a page of cells in two lanes */
		snprintf(name, sizeof(name), "n%u_total", i);
		smx_inc(smx_counter(name, "x"));
	}
	for (; i < 2 * 504; i++) {
		snprintf(name, sizeof(name), "n%u_total", i);
		smx_inc(smx_counter(name, "x"));
	}
	/* two pages mapped: the next step doubles to four, in each lane */
	fill_up(6 * 4096);
	for (; i < 1030; i++) {
		snprintf(name, sizeof(name), "n%u_total", i);
		ck_assert_uint_ne(smx_counter(name, "x").cell, 0);
	}
}
END_TEST

START_TEST(a_read_only_file_system_is_an_error)
{
	struct smx_error err = { 0 };

	if (!mount_small("size=1m"))
		return;
	ck_assert_int_eq(mount("none", live_path, "tmpfs",
	    MS_REMOUNT | MS_RDONLY, NULL), 0);
	ck_assert_int_eq(smx_attach_error("t", NULL, &err), -EROFS);
	ck_assert_ptr_nonnull(strstr(err.msg, "smx.t"));
}
END_TEST

static int
attach_once(void *arg)
{
	(void)arg;
	return smx_attach("t", NULL) < 0;
}

/* A copy of a segment, as cp --sparse makes it. */
START_TEST(holes_in_the_tables_are_filled_before_use)
{
	struct smx_header h;
	struct smx_error err = { 0 };
	int fd, rc;

	if (!mount_small("size=1m"))
		return;
	ck_assert_int_eq(live_run(attach_once, NULL), 0);
	live_header("smx.t", &h);
	fd = open(live_file("smx.t"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fallocate(fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)h.slot_off,
	    (off_t)(h.dir_off - h.slot_off)), 0);
	close(fd);
	fill_up(0);
	rc = smx_attach_error("t", NULL, &err);
	ck_assert_msg(rc == -ENOSPC, "%d %s", rc, err.msg);
}
END_TEST

#define HUGE_BYTES (INT64_C(2) << 20)

static int64_t
blocks(void)
{
	struct stat st;

	REQUIRE(stat(live_file("smx.t"), &st) == 0);
	return (int64_t)st.st_blocks * 512;
}

START_TEST(huge_pages_take_whole_ones_and_count_the_same)
{
	struct live l = { 0 };
	struct stat st;

	if (!mount_small("huge=always,size=64m"))
		return;
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_int_eq(stat(live_file("smx.t"), &st), 0);
	if (blocks() < HUGE_BYTES)
		printf("skipped: this kernel gives no huge pages\n");
	ck_assert_int_le(blocks(), st.st_size + HUGE_BYTES);
	live_close(&l);
}
END_TEST

START_TEST(no_room_for_a_huge_page_is_an_error)
{
	struct smx_error err = { 0 };

	if (!mount_small("huge=always,size=16k"))
		return;
	ck_assert_int_eq(smx_attach_error("t", NULL, &err), -ENOSPC);
	smx_inc(smx_counter("x_total", "x"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("space");
	TCase *tc = live_case(s, "space", 60);

	tcase_add_test(tc, six_services_fit_into_64_mib);
	tcase_add_loop_test(tc, attach_says_that_there_is_no_room, 1, 24);
	tcase_add_test(tc,
	    a_file_system_that_runs_full_stops_registrations_only);
	tcase_add_test(tc, no_room_to_double_is_room_enough);
	tcase_add_test(tc, a_read_only_file_system_is_an_error);
	tcase_add_test(tc, holes_in_the_tables_are_filled_before_use);
	tcase_add_test(tc, huge_pages_take_whole_ones_and_count_the_same);
	tcase_add_test(tc, no_room_for_a_huge_page_is_an_error);
	return live_main(s);
}
