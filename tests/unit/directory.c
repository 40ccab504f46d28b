/* SPDX-License-Identifier: Apache-2.0 */
/* Directory bytes into a catalog, over plain arrays. */
#include "libshm/src/directory.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshm/src/crc32.h"
#include "libshm/src/text.h"
#include "tests/segment_builder.h"

#define LANE  8192
#define GAUGE 4096

static struct build b;
static struct smx__directory d;
static struct smx_error error;
static const struct smx_bucket buckets[] = { { 10, 0, 1 },
	{ UINT64_MAX, 0, 0 } };

static void
set_up(void)
{
	build_begin(&b, NULL);
	smx__directory_init(&d, LANE, GAUGE, 1 << 20);
}

static void
tear_down(void)
{
	smx__directory_free(&d);
	build_free(&b);
}

static const unsigned char *
bytes(uint64_t off)
{
	return b.bytes + b.header->dir_off + off;
}

/* All that was built since, at once. */
static int
add_rest(void)
{
	size_t used;
	uint64_t from = d.done;
	int err;

	smx__directory_begin(&d);
	err = smx__directory_add(&d, bytes(from), b.tail - from, true, &used,
	    &error);
	if (err == 0)
		err = smx__directory_commit(&d, &error);
	if (err < 0)
		smx__directory_rollback(&d);
	return err;
}

static void
build_some(void)
{
	struct build_family f = { .name = "a_total", .type = SMX_TYPE_COUNTER,
		.labels = { "x" } };
	struct build_family h = { .name = "h", .type = SMX_TYPE_HISTOGRAM,
		.hist_flags = SMX_HIST_EXPLICIT, .buckets = buckets,
		.n_buckets = 2 };
	uint64_t off = build_family(&b, &f);
	char value[16];

	for (int i = 0; i < 40; i++)
		build_series(&b, off, 1, value,
		    (size_t)snprintf(value, sizeof(value), "%d", i) + 1);
	build_series(&b, build_family(&b, &h), 5, NULL, 0);
	build_gauge(&b, "g", SMX_GAUGE_MIN);
}

START_TEST(crc_is_zlibs)
{
	unsigned char zeros[64] = { 0 };

	ck_assert_uint_eq(smx__crc32("123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(smx__crc32("", 0), 0);
	ck_assert_uint_eq(smx__crc32("a", 1), 0xe8b7be43);
	ck_assert_uint_eq(smx__crc32(zeros, 64), 0x758d6336);
	ck_assert_uint_eq(smx__crc32(zeros + 1, 63),
	    smx__crc32(zeros, 63)); /* off the grid too */
}
END_TEST

/* What utf-8 is, one byte range after the other. */
START_TEST(text_is_utf8_without_controls)
{
	static const struct {
		const char *s;
		bool valid;
	} cases[] = {
		{ "", true }, { "plain", true }, { "a\tb\nc", true },
		{ "\xc2\xa0", true }, { "\xc2\x9f", false },
		{ "\xc2", false }, { "\xc1\xbf", false },
		{ "\xdf\xbf", true }, { "\xe0\x9f\xbf", false },
		{ "\xe0\xa0\x80", true }, { "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false }, { "\xef\xbf\xbf", true },
		{ "\xf0\x8f\xbf\xbf", false }, { "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false }, { "\xe2\x82", false },
		{ "\xe2\x28\xa1", false }, { "\x80", false },
		{ "a\x7f", false }, { "\r", false }, { "\x1b[1m", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(smx__text_valid(cases[i].s, strlen(cases[i].s)) ==
		    cases[i].valid, "case %zu", i);
	ck_assert(!smx__text_valid("a\0b", 3));
}
END_TEST

START_TEST(names_are_what_prometheus_takes)
{
	ck_assert(smx__name_valid("a:b_C9", 6));
	ck_assert(!smx__name_valid("9a", 2));
	ck_assert(!smx__name_valid("", 0));
	ck_assert(!smx__name_valid("a.b", 3));
	ck_assert(!smx__name_valid("\xc3\xa4", 2));
	ck_assert(smx__label_valid("_x", 2));
	ck_assert(smx__label_valid("les", 3));
	ck_assert(!smx__label_valid("le", 2));
	ck_assert(!smx__label_valid("__x", 3));
	ck_assert(!smx__label_valid("a:b", 3));
}
END_TEST

START_TEST(any_cut_of_the_bytes_gives_the_same_catalog)
{
	size_t cut = (size_t)_i * 8 + 1, used, have, at = 0;
	unsigned char *part = malloc(16384);

	build_some();
	smx__directory_begin(&d);
	for (have = 0; at < b.tail;) {
		size_t more = b.tail - at < cut ? b.tail - at : cut;

		memcpy(part + have, bytes(at), more);
		have += more;
		at += more;
		ck_assert_int_eq(smx__directory_add(&d, part, have,
		    at == b.tail, &used, &error), 0);
		have -= used;
		memmove(part, part + used, have);
	}
	ck_assert_int_eq(smx__directory_commit(&d, &error), 1);
	ck_assert_uint_eq(have, 0);
	ck_assert_uint_eq(d.done, b.tail);
	ck_assert_uint_eq(d.catalog.n_series, 42);
	ck_assert_uint_eq(d.catalog.n_families, 3);
	ck_assert_uint_eq(d.catalog.n_cells, 8 + 40 + 5);
	ck_assert_uint_eq(d.catalog.n_gauges, 9);
	free(part);
}
END_TEST

START_TEST(a_prefix_is_no_error_unless_it_is_the_end)
{
	size_t used;

	build_some();
	smx__directory_begin(&d);
	ck_assert_int_eq(smx__directory_add(&d, bytes(0), 40, false, &used,
	    &error), 0);
	ck_assert_uint_eq(used, 0);
	ck_assert_int_eq(smx__directory_add(&d, bytes(0), 8, true, &used,
	    &error), -EBADMSG);
	smx__directory_rollback(&d);
}
END_TEST

START_TEST(rollback_restores_everything)
{
	uint64_t tail, spent = 0;
	size_t used;
	uint32_t next;

	build_some();
	ck_assert_int_eq(add_rest(), 1);
	used = smx__arena_mark(&d.arena).used;
	tail = b.tail;
	next = b.next_cell;
	for (int i = 0; i < 50; i++) {
		/* good ones, a retirement of an old one, then a lie */
		b.tail = tail;
		b.next_cell = next;
		build_counter(&b, "b_total", 0);
		build_counter(&b, "c_total", 0);
		build_retire(&b, 0);
		build_record(&b, SMX_RECORD_SERIES, "", 0);
		ck_assert_int_eq(add_rest(), -EBADMSG);
		ck_assert_uint_eq(d.done, tail);
		ck_assert_uint_eq(d.catalog.n_families, 3);
		ck_assert_uint_eq(d.catalog.n_series, 42);
		ck_assert_uint_eq(d.catalog.n_cells, 53);
		ck_assert(!d.catalog.families[0].retired);
		if (i == 0)
			spent = d.arena.spent;
		ck_assert_uint_eq(d.arena.spent, spent); /* no leak */
		ck_assert_uint_eq(smx__arena_mark(&d.arena).used, used);
	}
	/* names, values and cells are free for the same again */
	b.tail = tail;
	b.next_cell = next;
	build_counter(&b, "b_total", 0);
	build_retire(&b, 0);
	ck_assert_int_eq(add_rest(), 1);
	ck_assert(d.catalog.families[0].retired);
	ck_assert_uint_eq(d.catalog.n_series, 43);
	/* and the old ones are still known */
	b.tail = d.done;
	build_series_at(&b, 0, 4000, 1, "7", 2);
	ck_assert_int_eq(add_rest(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.msg, "twice"));
}
END_TEST

START_TEST(histograms_are_listed_by_cell)
{
	struct build_family h = { .name = "h", .type = SMX_TYPE_HISTOGRAM,
		.hist_flags = SMX_HIST_EXPLICIT, .buckets = buckets,
		.n_buckets = 2, .labels = { "x" } };
	uint64_t off = build_family(&b, &h);

	build_series_at(&b, off, 640, 5, "c", 2);
	build_series_at(&b, off, 64, 5, "a", 2);
	ck_assert_int_eq(add_rest(), 1);
	build_series_at(&b, off, 320, 5, "b", 2);
	ck_assert_int_eq(add_rest(), 1);
	ck_assert_uint_eq(d.n_hists, 3);
	ck_assert_uint_eq(d.hists[0].cell, 8);
	ck_assert_uint_eq(d.hists[1].cell, 40);
	ck_assert_uint_eq(d.hists[2].cell, 80);
}
END_TEST

/* A commit that fails has listed them already: their cells are no longer in
 * the catalog, and a snapshot would look behind its end. */
START_TEST(histograms_of_a_failed_commit_are_gone)
{
	const struct {
		uint32_t cell, n;
		uint64_t off;
	} nobodys = { .cell = 960, .n = 1, .off = SMX_SINK };
	struct build_family h = { .name = "h", .type = SMX_TYPE_HISTOGRAM,
		.hist_flags = SMX_HIST_EXPLICIT, .buckets = buckets,
		.n_buckets = 2, .labels = { "x" } };
	uint64_t off = build_family(&b, &h);

	d.exemplar_size = 4096;
	build_series_at(&b, off, 320, 5, "b", 2);
	ck_assert_int_eq(add_rest(), 1);
	build_series_at(&b, off, 64, 5, "a", 2);
	build_series_at(&b, off, 640, 5, "c", 2);
	build_record(&b, SMX_RECORD_EXEMPLARS, &nobodys, sizeof(nobodys));
	ck_assert_int_eq(add_rest(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.msg, "suit no histogram"));
	ck_assert_uint_eq(d.n_hists, 1);
	ck_assert_uint_eq(d.hists[0].cell, 40);
	ck_assert_uint_eq(d.catalog.n_cells, 45);
}
END_TEST

START_TEST(series_of_retired_families_keep_their_cells)
{
	struct build_family f = { .name = "a_total", .type = SMX_TYPE_COUNTER,
		.labels = { "x" } };
	uint64_t off = build_family(&b, &f);

	build_series_at(&b, off, 64, 1, "a", 2);
	build_retire(&b, off);
	build_series_at(&b, off, 72, 1, "b", 2); /* by an older process */
	ck_assert_int_eq(add_rest(), 1);
	build_series_at(&b, build_family(&b, &f), 64, 1, "a", 2);
	ck_assert_int_eq(add_rest(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(error.msg, "another series"));
}
END_TEST

START_TEST(retiring_twice_is_harmless)
{
	struct build_family f = { .name = "a_total",
		.type = SMX_TYPE_COUNTER };
	uint64_t off = build_family(&b, &f);

	build_family(&b, &f);
	build_retire(&b, off); /* the second one did that already */
	build_retire(&b, off);
	ck_assert_int_eq(add_rest(), 1);
	ck_assert(d.catalog.families[0].retired);
	ck_assert(!d.catalog.families[1].retired);
	build_retire(&b, 9999 * 8);
	ck_assert_int_eq(add_rest(), -EBADMSG);
}
END_TEST

START_TEST(every_budget_is_held)
{
	int err = -E2BIG;

	build_some();
	for (uint64_t budget = 0; budget < 65536; budget += 200) {
		smx__directory_free(&d);
		smx__directory_init(&d, LANE, GAUGE, budget);
		err = add_rest();
		ck_assert(err == -E2BIG || err == 1);
		ck_assert_uint_le(d.arena.spent, budget);
		ck_assert_uint_eq(d.catalog.n_series, err == 1 ? 42 : 0);
	}
	ck_assert_int_eq(err, 1);
}
END_TEST

START_TEST(a_far_cell_needs_room_for_the_snapshot)
{
	struct build_family f = { .name = "a_total",
		.type = SMX_TYPE_COUNTER };

	smx__directory_free(&d);
	smx__directory_init(&d, SMX_MAX_LANE, GAUGE, 64 << 20);
	build_series_at(&b, build_family(&b, &f), SMX_MAX_LANE - 8, 1, NULL,
	    0);
	ck_assert_int_eq(add_rest(), -E2BIG);
}
END_TEST

START_TEST(only_what_shows_changes_the_generation)
{
	uint64_t generation;

	build_some();
	ck_assert_int_eq(add_rest(), 1);
	generation = d.catalog.generation;
	build_record(&b, 1234, "from the future", 15);
	ck_assert_int_eq(add_rest(), 0);
	ck_assert_uint_eq(d.catalog.generation, generation);
	build_retire(&b, 0);
	ck_assert_int_eq(add_rest(), 1);
	ck_assert_uint_eq(d.catalog.generation, generation + 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("directory");
	TCase *t = tcase_create("directory");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, crc_is_zlibs);
	tcase_add_test(t, text_is_utf8_without_controls);
	tcase_add_test(t, names_are_what_prometheus_takes);
	tcase_add_loop_test(t, any_cut_of_the_bytes_gives_the_same_catalog, 0,
	    64);
	tcase_add_test(t, a_prefix_is_no_error_unless_it_is_the_end);
	tcase_add_test(t, rollback_restores_everything);
	tcase_add_test(t, histograms_are_listed_by_cell);
	tcase_add_test(t, histograms_of_a_failed_commit_are_gone);
	tcase_add_test(t, series_of_retired_families_keep_their_cells);
	tcase_add_test(t, retiring_twice_is_harmless);
	tcase_add_test(t, every_budget_is_held);
	tcase_add_test(t, a_far_cell_needs_room_for_the_snapshot);
	tcase_add_test(t, only_what_shows_changes_the_generation);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
