/* SPDX-License-Identifier: Apache-2.0 */
/* The reader over segments made by hand. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define FILE_NAME "smx.test"

static struct build_dir dir;
static struct build b;
static struct smx_view *view;
static struct smx_snapshot shot;
static struct smx_error error;

static void
set_up(void)
{
	build_dir_make(&dir);
	build_begin(&b, NULL);
	view = NULL;
	memset(&shot, 0, sizeof(shot));
	memset(&error, 0, sizeof(error));
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
open_it(void)
{
	return smx_view_open(&view, dir.fd, FILE_NAME, NULL, &error);
}

/* From here on the test writes into the file itself. */
static void
publish_and_open(void)
{
	build_publish(&b);
	build_attach(&b, dir.fd, FILE_NAME);
	ck_assert_msg(open_it() == 0, "%s", error.msg);
}

static void
take(void)
{
	ck_assert_msg(smx_snapshot_take(&shot, view, &error) == 0, "%s",
	    error.msg);
}

static const struct smx_series_info *
series(uint32_t i)
{
	ck_assert_uint_lt(i, smx_view_catalog(view)->n_series);
	return &smx_view_catalog(view)->series[i];
}

static uint64_t
total(uint32_t i)
{
	return shot.cells[series(i)->cell];
}

START_TEST(empty_segment_has_an_empty_catalog)
{
	publish_and_open();
	take();
	ck_assert_uint_eq(smx_view_catalog(view)->n_families, 0);
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 0);
	ck_assert_uint_eq(shot.n_live, 0);
	ck_assert_uint_eq(shot.state.size, b.header->size);
	ck_assert_uint_eq(shot.state.lanes, 2);
}
END_TEST

START_TEST(tells_families_as_they_were_registered)
{
	static const char values[] = "buy\0B\xc3\x96RSE";
	struct build_family f = { .name = "orders_seconds_total",
		.unit = "seconds", .help = "Line one\nline \"two\" \\.",
		.labels = { "side", "venue" }, .type = SMX_TYPE_COUNTER,
		.exponent = 9 };
	const struct smx_family_info *info;

	build_series(&b, build_family(&b, &f), 1, values, sizeof(values));
	publish_and_open();
	info = &smx_view_catalog(view)->families[0];
	ck_assert_str_eq(info->name, f.name);
	ck_assert_str_eq(info->unit, f.unit);
	ck_assert_str_eq(info->help, f.help);
	ck_assert_str_eq(info->labels, "side");
	ck_assert_str_eq(info->labels + 5, "venue");
	ck_assert_uint_eq(info->n_labels, 2);
	ck_assert_int_eq(info->exponent, 9);
	ck_assert(!info->retired && info->buckets == NULL);
	ck_assert_mem_eq(series(0)->values, values, sizeof(values));
	ck_assert_uint_eq(series(0)->created_ns, 1600000001500000000);
}
END_TEST

START_TEST(adds_counters_over_all_lanes)
{
	uint32_t first = build_counter(&b, "a_total", 0);
	uint32_t second = build_counter(&b, "b_total", 0);

	for (uint32_t lane = 0; lane < 3; lane++) {
		*build_cell(&b, lane, first) = 1u + lane;
		*build_cell(&b, lane, second) = UINT64_C(10000000000) * lane;
	}
	publish_and_open();
	take();
	ck_assert_uint_eq(total(0), 6);
	ck_assert_uint_eq(total(1), 30000000000);
	*build_cell(&b, 2, first) += 5;
	take();
	ck_assert_uint_eq(total(0), 11);
}
END_TEST

START_TEST(reads_nothing_past_committed)
{
	uint32_t near = build_counter(&b, "a_total", 0);
	uint32_t far = build_counter(&b, "b_total", 0);

	*build_cell(&b, 1, near) = 3;
	*build_cell(&b, 1, far) = 4;
	publish_and_open();
	b.lanes[1].committed = far; /* up to there, without it */
	take();
	ck_assert_uint_eq(total(0), 3);
	ck_assert_uint_eq(total(1), 0);
	b.lanes[1].committed = UINT64_MAX; /* a lie: the lane ends */
	take();
	ck_assert_uint_eq(total(1), 4);
	b.lanes[1].committed = UINT64_C(1) << 40; /* zero in 32 bits */
	take();
	ck_assert_uint_eq(total(1), 4);
}
END_TEST

START_TEST(reads_no_half_committed_histogram)
{
	static const uint64_t bounds[] = { 10, 100 };
	uint32_t h = build_histogram(&b, "h", 0, bounds, 2);
	uint32_t c = build_counter(&b, "c_total", 0);

	for (uint32_t lane = 1; lane < 3; lane++) {
		build_observe(&b, lane, h, 1, 50);
		*build_cell(&b, lane, c) = 1;
	}
	publish_and_open();
	b.lanes[1].committed = h + 32; /* its first bucket, and no more */
	take();
	ck_assert_uint_eq(smx_histogram_count(&shot, series(0)), 1);
	ck_assert_uint_eq(shot.cells[series(0)->cell + SMX_HIST_SUM], 50);
	ck_assert_uint_eq(shot.approximate, 0);
	ck_assert_uint_eq(total(1), 1);
}
END_TEST

START_TEST(never_makes_a_page_of_a_hole)
{
	struct build_shape shape = { .lane_size = 1 << 20 };
	struct stat before, after;
	uint64_t family;
	struct build_family f = { .name = "a_total",
		.type = SMX_TYPE_COUNTER, .labels = { "x" } };
	int lease;

	build_free(&b);
	build_begin(&b, &shape);
	family = build_family(&b, &f);
	/* pages 0 to 255 of a lane: only 10 and 200 will exist */
	build_series_at(&b, family, 10 * SMX_PAGE + 64, 1, "a", 2);
	build_series_at(&b, family, 200 * SMX_PAGE + 64, 1, "b", 2);
	*build_cell(&b, 1, 10 * SMX_PAGE + 64) = 76;
	*build_cell(&b, 1, 200 * SMX_PAGE + 64) = 77;
	build_gauge(&b, "g", SMX_GAUGE_SUM);
	build_publish(&b);
	for (uint32_t i = 0; i < 3; i++)
		b.lanes[i].committed = 1 << 20;
	build_save(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(open_it(), 0);
	lease = build_lease(dir.fd, FILE_NAME, 0);
	ck_assert_int_eq(fstatat(dir.fd, FILE_NAME, &before, 0), 0);
	take();
	ck_assert_uint_eq(total(0), 76);
	ck_assert_uint_eq(total(1), 77);
	ck_assert_uint_eq(shot.n_live, 1);
	ck_assert_int_eq(fstatat(dir.fd, FILE_NAME, &after, 0), 0);
	ck_assert_int_eq(after.st_blocks, before.st_blocks);
	close(lease);
}
END_TEST

START_TEST(shows_gauges_of_live_processes_only)
{
	uint32_t g = build_gauge(&b, "g", SMX_GAUGE_EACH);
	int one, two;
	double value;

	for (uint32_t slot = 0; slot < 3; slot++)
		build_set_gauge(&b, slot, g, 1.5 * (slot + 1));
	publish_and_open();
	take();
	ck_assert_uint_eq(shot.n_live, 0);
	one = build_lease(dir.fd, FILE_NAME, 1);
	two = build_lease(dir.fd, FILE_NAME, 3);
	take();
	ck_assert_uint_eq(shot.n_live, 2);
	ck_assert_uint_eq(shot.live[0].slot, 1);
	ck_assert_uint_eq(shot.live[0].pid, 101);
	ck_assert(smx_gauge_of(&shot, series(0), 0, &value));
	ck_assert_double_eq(value, 3.0);
	ck_assert(!smx_gauge_of(&shot, series(0), 1, &value));
	b.slots[1].gauge_committed = UINT64_C(1) << 40; /* a lie */
	take();
	ck_assert(smx_gauge_of(&shot, series(0), 0, &value));
	b.slots[1].gauge_committed = g; /* up to there, without it */
	take();
	ck_assert(!smx_gauge_of(&shot, series(0), 0, &value));
	close(one);
	b.slots[3].generation++; /* being taken over */
	take();
	ck_assert_uint_eq(shot.n_live, 0);
	close(two);
}
END_TEST

START_TEST(a_process_without_gauges_lives)
{
	int lease;

	build_counter(&b, "a_total", 0);
	publish_and_open();
	lease = build_lease(dir.fd, FILE_NAME, 3);
	take();
	ck_assert_uint_eq(shot.n_live, 1);
	ck_assert_uint_eq(shot.live[0].pid, 103);
	ck_assert_uint_eq(shot.state.slots_live, 1);
	close(lease);
}
END_TEST

START_TEST(a_read_lock_is_not_a_life)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0, .l_len = 1 };
	int fd;

	publish_and_open();
	fd = openat(dir.fd, FILE_NAME, O_RDONLY);
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	take();
	ck_assert_uint_eq(shot.n_live, 0);
	ck_assert_uint_eq(shot.state.crowd, 0);
	lock.l_start = SMX_LOCK_CROWD;
	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	take();
	ck_assert_uint_eq(shot.state.crowd, 1);
	close(fd);
}
END_TEST

START_TEST(combines_gauges_as_the_family_says)
{
	static const double want[] = { 7.0, 2.0, 5.0 };
	uint32_t cell[3];
	int one, two;
	double value;

	cell[0] = build_gauge(&b, "s", SMX_GAUGE_SUM);
	cell[1] = build_gauge(&b, "n", SMX_GAUGE_MIN);
	cell[2] = build_gauge(&b, "x", SMX_GAUGE_MAX);
	for (int i = 0; i < 3; i++) {
		build_set_gauge(&b, 0, cell[i], 5.0);
		build_set_gauge(&b, 2, cell[i], 2.0);
	}
	publish_and_open();
	one = build_lease(dir.fd, FILE_NAME, 0);
	two = build_lease(dir.fd, FILE_NAME, 1); /* sets nothing */
	take();
	ck_assert(smx_gauge_value(&shot, series(1), &value));
	ck_assert_double_eq(value, 5.0);
	close(two);
	two = build_lease(dir.fd, FILE_NAME, 2);
	take();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert(smx_gauge_value(&shot, series(i), &value));
		ck_assert_double_eq(value, want[i]);
	}
	close(one);
	close(two);
}
END_TEST

START_TEST(a_gauge_of_zero_is_set)
{
	uint32_t g = build_gauge(&b, "g", SMX_GAUGE_SUM);
	int lease;
	double value = 1;

	build_set_gauge(&b, 0, g, 0.0);
	publish_and_open();
	lease = build_lease(dir.fd, FILE_NAME, 0);
	take();
	ck_assert(smx_gauge_value(&shot, series(0), &value));
	ck_assert_double_eq(value, 0.0);
	*build_gauge_cell(&b, 0, g) = 0;
	take();
	ck_assert(!smx_gauge_value(&shot, series(0), &value));
	close(lease);
}
END_TEST

START_TEST(adds_histograms_over_all_lanes)
{
	static const uint64_t bounds[] = { 10, 100 };
	uint32_t h = build_histogram(&b, "h", 0, bounds, 2);
	uint32_t c = build_counter(&b, "c_total", 0);
	const uint64_t *bucket;

	build_observe(&b, 0, h, 0, 7);
	build_observe(&b, 1, h, 1, 50);
	build_observe(&b, 2, h, 2, 500);
	build_observe(&b, 2, h, 2, 1000);
	*build_cell(&b, 2, c) = 9;
	publish_and_open();
	take();
	bucket = shot.cells + series(0)->cell + SMX_HIST_BUCKET;
	ck_assert_uint_eq(bucket[-1], 1557);
	ck_assert_uint_eq(bucket[0], 1);
	ck_assert_uint_eq(bucket[1], 1);
	ck_assert_uint_eq(bucket[2], 2);
	ck_assert_uint_eq(smx_histogram_count(&shot, series(0)), 4);
	ck_assert_uint_eq(total(1), 9);
	ck_assert_uint_eq(shot.approximate, 0);
}
END_TEST

/* Cells of two lanes and of two buckets, and what they are all together. */
static const struct {
	uint64_t a, b, other;
	bool sound;
} counts[] = {
	{ INT64_MAX, 0, 0, true },
	{ INT64_MAX - 2, 1, 1, true },
	{ UINT64_C(1) << 63, 0, 0, false },
	{ INT64_MAX, 1, 0, false },
	{ INT64_MAX, 0, 1, false },
	{ INT64_MAX, 0, INT64_MAX, false },
	{ 0, 0, UINT64_MAX, false },
	{ 1, 0, UINT64_MAX, false },
	{ UINT64_MAX, 0, UINT64_MAX, false },
};

START_TEST(refuses_more_observations_than_there_can_be)
{
	static const uint64_t bounds[] = { 10, 100 };
	uint32_t h = build_histogram(&b, "h_seconds", 0, bounds, 2);
	uint32_t at = h + 8 * SMX_HIST_BUCKET;
	int err;

	build_observe(&b, 1, h, 0, 7);
	*build_cell(&b, 1, at) = counts[_i].a;
	*build_cell(&b, 0, at) = counts[_i].b;
	*build_cell(&b, 0, at + 16) = counts[_i].other;
	publish_and_open();
	err = smx_snapshot_take(&shot, view, &error);
	ck_assert_int_eq(err, counts[_i].sound ? 0 : -EBADMSG);
	if (err < 0)
		ck_assert_ptr_nonnull(strstr(error.msg, "\"h_seconds\""));
}
END_TEST

START_TEST(counts_a_moving_histogram_once)
{
	static const uint64_t bounds[] = { 10 };
	uint32_t h = build_histogram(&b, "h", 0, bounds, 1);
	uint32_t quiet = build_histogram(&b, "quiet", 0, bounds, 1);

	for (uint32_t lane = 0; lane < 3; lane++) {
		build_observe(&b, lane, h, 0, 1);
		build_observe(&b, lane, quiet, 0, 1);
	}
	publish_and_open();
	build_cell(&b, 0, quiet)[SMX_HIST_BEGIN]++; /* shared: no promise */
	take();
	ck_assert_uint_eq(shot.approximate, 0);
	build_cell(&b, 1, h)[SMX_HIST_BEGIN]++;
	build_cell(&b, 2, h)[SMX_HIST_BEGIN]++;
	take();
	ck_assert_uint_eq(shot.approximate, 1);
	ck_assert_uint_eq(smx_histogram_count(&shot, series(0)), 3);
	build_cell(&b, 1, h)[SMX_HIST_END]++;
	build_cell(&b, 2, h)[SMX_HIST_END]++;
	take();
	ck_assert_uint_eq(shot.approximate, 0);
}
END_TEST

START_TEST(refresh_reads_what_was_added)
{
	uint64_t generation;
	const struct smx_catalog *catalog;

	build_counter(&b, "a_total", 0);
	publish_and_open();
	catalog = smx_view_catalog(view);
	generation = catalog->generation;
	ck_assert_int_eq(smx_view_refresh(view, &error), 0);
	ck_assert_uint_eq(catalog->generation, generation);
	*build_cell(&b, 1, build_counter(&b, "b_total", 0)) = 12;
	ck_assert_int_eq(smx_view_refresh(view, &error), 0);
	build_publish(&b);
	ck_assert_int_eq(smx_view_refresh(view, &error), 1);
	ck_assert_uint_gt(catalog->generation, generation);
	ck_assert_uint_eq(catalog->n_series, 2);
	take();
	ck_assert_uint_eq(total(1), 12);
}
END_TEST

START_TEST(refused_additions_leave_the_catalog_as_it_was)
{
	uint64_t off;
	uint32_t cell = build_counter(&b, "a_total", 0);

	publish_and_open();
	*build_cell(&b, 1, cell) = 5;
	build_counter(&b, "b_total", 0);
	off = build_record(&b, SMX_RECORD_SERIES, "short", 5);
	build_publish(&b);
	ck_assert_int_eq(smx_view_refresh(view, &error), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.msg, FILE_NAME));
	ck_assert_uint_eq(smx_view_catalog(view)->n_families, 1);
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 1);
	take();
	ck_assert_uint_eq(total(0), 5);
	/* and the same bytes mended are taken, the good ones too */
	((struct smx_record *)(void *)(b.bytes + b.header->dir_off +
	    off))->kind = 99;
	build_seal_record(&b, off);
	ck_assert_int_eq(smx_view_refresh(view, &error), 1);
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 2);
}
END_TEST

START_TEST(marks_retired_families)
{
	struct build_family f = { .name = "a_total",
		.type = SMX_TYPE_COUNTER };
	uint64_t old = build_family(&b, &f);

	build_series(&b, old, 1, NULL, 0);
	publish_and_open();
	build_retire(&b, old);
	f.exponent = 3;
	build_series(&b, build_family(&b, &f), 1, NULL, 0);
	build_publish(&b);
	ck_assert_int_eq(smx_view_refresh(view, &error), 1);
	ck_assert(smx_view_catalog(view)->families[0].retired);
	ck_assert(!smx_view_catalog(view)->families[1].retired);
	/* a namesake without a retirement: the last definition wins */
	f.exponent = 6;
	build_family(&b, &f);
	build_publish(&b);
	ck_assert_int_eq(smx_view_refresh(view, &error), 1);
	ck_assert(smx_view_catalog(view)->families[1].retired);
	ck_assert(!smx_view_catalog(view)->families[2].retired);
}
END_TEST

START_TEST(skips_records_of_unknown_kinds)
{
	static const unsigned char body[100000] = { 1 };
	struct build_shape shape = { .dir_size = 1 << 20 };

	build_free(&b);
	build_begin(&b, &shape);
	build_record(&b, 77, body, sizeof(body));
	build_counter(&b, "a_total", 0);
	build_record(&b, 78, body, 0);
	publish_and_open();
	ck_assert_uint_eq(smx_view_catalog(view)->n_series, 1);
}
END_TEST

START_TEST(waits_for_segments_being_created)
{
	int fd = openat(dir.fd, FILE_NAME, O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(open_it(), -EAGAIN);
	ck_assert_int_eq(ftruncate(fd, (off_t)b.header->size), 0);
	ck_assert_int_eq(open_it(), -EAGAIN);
	close(fd);
	publish_and_open();
}
END_TEST

START_TEST(holds_the_budget)
{
	struct smx_view_options o = { .max_bytes = 4096 };

	build_counter(&b, "a_total", 0);
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(smx_view_open(&view, dir.fd, FILE_NAME, &o, &error),
	    -E2BIG);
	o.max_bytes = 65536;
	ck_assert_int_eq(smx_view_open(&view, dir.fd, FILE_NAME, &o, &error),
	    0);
}
END_TEST

START_TEST(holds_the_budget_for_gauges_too)
{
	struct smx_view_options o = { .max_bytes = 14000 };
	struct build_family f = { .name = "g", .type = SMX_TYPE_GAUGE };
	int leases[4];

	build_series_at(&b, build_family(&b, &f), 4088, 1, NULL, 0);
	build_publish(&b);
	build_save(&b, dir.fd, FILE_NAME);
	ck_assert_int_eq(smx_view_open(&view, dir.fd, FILE_NAME, &o, &error),
	    0);
	for (uint32_t i = 0; i < 4; i++)
		leases[i] = build_lease(dir.fd, FILE_NAME, i);
	ck_assert_int_eq(smx_snapshot_take(&shot, view, &error), -E2BIG);
	for (int i = 1; i < 4; i++)
		close(leases[i]);
	take();
	ck_assert_uint_eq(shot.n_live, 1);
	close(leases[0]);
}
END_TEST

START_TEST(refuses_a_tail_that_falls)
{
	build_counter(&b, "a_total", 0);
	publish_and_open();
	b.header->dir_tail = 0;
	ck_assert_int_eq(smx_view_refresh(view, &error), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.msg, "dir_tail"));
	take();
	b.header->dir_tail = b.tail;
	ck_assert_int_eq(smx_view_refresh(view, &error), 0);
}
END_TEST

START_TEST(tells_which_file_it_reads)
{
	struct stat st;
	dev_t dev;
	ino_t ino;

	publish_and_open();
	smx_view_identity(view, &dev, &ino);
	ck_assert_int_eq(fstatat(dir.fd, FILE_NAME, &st, 0), 0);
	ck_assert(dev == st.st_dev && ino == st.st_ino);
}
END_TEST

START_TEST(tells_capacity_and_trouble)
{
	build_counter(&b, "a_total", 0);
	publish_and_open();
	b.header->refused = 3;
	b.header->overflowed = 4;
	b.header->cells_reserved = UINT64_MAX;
	b.lanes[2].owner = (UINT64_C(1) << 32) | 2;
	take();
	ck_assert_uint_eq(shot.state.refused, 3);
	ck_assert_uint_eq(shot.state.overflowed, 4);
	ck_assert_uint_eq(shot.state.lane_bytes_used, b.header->lane_size);
	ck_assert_uint_eq(shot.state.lanes_owned, 1);
	ck_assert_uint_eq(shot.state.dir_bytes_used, b.tail);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("view");
	TCase *t = tcase_create("view");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, empty_segment_has_an_empty_catalog);
	tcase_add_test(t, tells_families_as_they_were_registered);
	tcase_add_test(t, adds_counters_over_all_lanes);
	tcase_add_test(t, reads_nothing_past_committed);
	tcase_add_test(t, reads_no_half_committed_histogram);
	tcase_add_test(t, never_makes_a_page_of_a_hole);
	tcase_add_test(t, shows_gauges_of_live_processes_only);
	tcase_add_test(t, a_process_without_gauges_lives);
	tcase_add_test(t, a_read_lock_is_not_a_life);
	tcase_add_test(t, combines_gauges_as_the_family_says);
	tcase_add_test(t, a_gauge_of_zero_is_set);
	tcase_add_test(t, adds_histograms_over_all_lanes);
	tcase_add_test(t, counts_a_moving_histogram_once);
	tcase_add_test(t, refresh_reads_what_was_added);
	tcase_add_test(t, refused_additions_leave_the_catalog_as_it_was);
	tcase_add_test(t, marks_retired_families);
	tcase_add_test(t, skips_records_of_unknown_kinds);
	tcase_add_test(t, waits_for_segments_being_created);
	tcase_add_test(t, holds_the_budget);
	tcase_add_test(t, holds_the_budget_for_gauges_too);
	tcase_add_loop_test(t, refuses_more_observations_than_there_can_be, 0,
	    sizeof(counts) / sizeof(counts[0]));
	tcase_add_test(t, refuses_a_tail_that_falls);
	tcase_add_test(t, tells_which_file_it_reads);
	tcase_add_test(t, tells_capacity_and_trouble);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
