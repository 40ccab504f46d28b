/* SPDX-License-Identifier: Apache-2.0 */
/* What a file can cost its reader: as much as there is in it, whatever sizes
 * it claims and whoever holds locks on it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.hostile"

static struct build_dir dir;
static struct build b;
static struct smx_view *view;
static struct smx_snapshot shot;
static struct smx_error error;

/* The calls that cost something, counted or slowed down. */
static unsigned n_seeks;
static uint64_t cpu_step_ns, cpu_total_ns;

off_t __real_lseek64(int, off_t, int);
off_t __wrap_lseek64(int, off_t, int);
int __real_clock_gettime(clockid_t, struct timespec *);
int __wrap_clock_gettime(clockid_t, struct timespec *);

off_t
__wrap_lseek64(int fd, off_t off, int whence)
{
	n_seeks++;
	return __real_lseek64(fd, off, whence);
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_THREAD_CPUTIME_ID || cpu_step_ns == 0)
		return __real_clock_gettime(clock, ts);
	cpu_total_ns += cpu_step_ns;
	ts->tv_sec = (time_t)(cpu_total_ns / 1000000000u);
	ts->tv_nsec = (long)(cpu_total_ns % 1000000000u);
	return 0;
}

static void
set_up(void)
{
	build_dir_make(&dir);
	view = NULL;
	memset(&shot, 0, sizeof(shot));
	n_seeks = 0;
	cpu_step_ns = cpu_total_ns = 0;
}

static void
tear_down(void)
{
	smx_view_close(view);
	smx_snapshot_free(&shot);
	build_free(&b);
	build_dir_remove(&dir);
}

static int
open_view(uint64_t max_bytes)
{
	struct smx_view_options o = { .max_bytes = max_bytes };

	return smx_view_open(&view, dir.fd, FILE_NAME, &o, &error);
}

static void
allocate_everything(void)
{
	int fd = openat(dir.fd, FILE_NAME, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fallocate(fd, 0, 0, (off_t)b.header->size), 0);
	close(fd);
}

static void
save(const struct build_shape *shape)
{
	build_begin(&b, shape);
	build_gauge(&b, "g", SMX_GAUGE_SUM);
	*build_cell(&b, 1, build_counter(&b, "a_total", 0)) = 42;
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
}

START_TEST(refuses_a_directory_over_budget_before_it_is_read)
{
	save(&(struct build_shape){ .dir_size = 64 << 20 });
	b.header->dir_tail = 48 << 20; /* a hole, which would be a lie */
	build_save(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(open_view(1 << 20), -E2BIG);
	ck_assert_ptr_nonnull(strstr(error.msg, "budget"));
	ck_assert_int_eq(open_view(64 << 20), -EBADMSG);
}
END_TEST

START_TEST(asks_once_where_a_stretch_of_lanes_ends)
{
	save(&(struct build_shape){ .lanes = 512, .slots = 512 });
	allocate_everything();
	ck_assert_int_eq(open_view(0), 0);
	n_seeks = 0;
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	ck_assert_uint_le(n_seeks, 8);
	ck_assert_uint_eq(shot.cells[SMX_SINK / 8], 42);
}
END_TEST

START_TEST(asks_once_where_a_hole_ends)
{
	save(&(struct build_shape){ .lanes = 512, .slots = 512 });
	ck_assert_int_eq(open_view(0), 0);
	n_seeks = 0;
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	ck_assert_uint_le(n_seeks, 16);
	ck_assert_uint_eq(shot.cells[SMX_SINK / 8], 42);
}
END_TEST

START_TEST(sees_a_page_that_came_since_the_last_snapshot)
{
	save(&(struct build_shape){ .lanes = 64 });
	build_attach(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(open_view(0), 0);
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	*build_cell(&b, 40, SMX_SINK) = 8;
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	ck_assert_uint_eq(shot.cells[SMX_SINK / 8], 50);
}
END_TEST

/* The kernel's time for a question grows with the locks on the file. */
START_TEST(gives_up_where_locks_make_every_question_slow)
{
	save(&(struct build_shape){ .slots = 65536, .lanes = 2 });
	ck_assert_int_eq(open_view(0), 0);
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	cpu_step_ns = 1000000;
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), -E2BIG);
	ck_assert_ptr_nonnull(strstr(error.msg, "locks"));
	ck_assert_ptr_nonnull(strstr(error.msg, FILE_NAME));
	cpu_step_ns = 0;
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
}
END_TEST

/* Histograms of which a lane has only the last page; one lies across its
 * edge. */
START_TEST(adds_up_lanes_that_are_mostly_holes)
{
	enum { HISTS = 4000, CELLS = HISTS * 5, LANES = 256 };
	struct build_shape shape = { .lanes = LANES,
		.slots = 1,
		.dir_size = 1 << 19,
		.lane_size = SMX_SINK + CELLS * 8 };
	struct build_family f = { .name = "h",
		.type = SMX_TYPE_HISTOGRAM,
		.hist_flags = SMX_HIST_EXPLICIT,
		.n_buckets = 2,
		.buckets =
		    (const struct smx_bucket[]){
			{ 10, 0, SMX_BUCKET_EXPLICIT }, { UINT64_MAX, 0, 0 } },
		.labels = { "n" } };
	uint32_t cell = 0;
	uint64_t at;
	char label[8];

	build_begin(&b, &shape);
	at = build_family(&b, &f);
	for (int i = 0; i < HISTS; i++) {
		snprintf(label, sizeof(label), "%d", i);
		cell = build_series(&b, at, 5, label, strlen(label) + 1);
	}
	for (uint32_t lane = 1; lane < shape.lanes; lane++)
		for (uint32_t i = 0; i < 200; i++)
			build_observe(&b, lane, cell - i * 40, 1, 3);
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(open_view(0), 0);
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), 0);
	for (uint32_t i = 0; i < HISTS; i++) {
		const uint64_t *h = shot.cells + cell / 8 - i * 5;
		uint64_t n = i < 200 ? LANES - 1 : 0;

		ck_assert_uint_eq(h[SMX_HIST_BUCKET + 1], n);
		ck_assert_uint_eq(h[SMX_HIST_SUM], 3 * n);
	}
	ck_assert_uint_eq(shot.approximate, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cost");
	TCase *t = tcase_create("cost");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 100);
	tcase_add_test(t, refuses_a_directory_over_budget_before_it_is_read);
	tcase_add_test(t, asks_once_where_a_stretch_of_lanes_ends);
	tcase_add_test(t, asks_once_where_a_hole_ends);
	tcase_add_test(t, sees_a_page_that_came_since_the_last_snapshot);
	tcase_add_test(t, gives_up_where_locks_make_every_question_slow);
	tcase_add_test(t, adds_up_lanes_that_are_mostly_holes);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
