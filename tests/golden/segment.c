/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The example of docs/SEGMENT.md, made into a file and read: the page, this
 * build and all later ones agree on the bytes.  $SMX_SOURCE is the root of
 * the source tree.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smx/view.h"
#include "tests/segment_builder.h"

#define SIZE 45056 /* with exemplars */

static struct build_dir dir;
static unsigned char *bytes;

/* "00001000: 0200 0000 ...  text" into its place; false at the end. */
static bool
take_line(const char *line)
{
	unsigned at, value;
	const char *p = line + 10;
	int n;

	if (sscanf(line, "%8x:", &at) != 1)
		return false;
	ck_assert_uint_le(at + 16, SIZE);
	for (unsigned i = 0; i < 16; i++, p += n) {
		ck_assert_int_eq(sscanf(p, "%2x%n", &value, &n), 1);
		bytes[at + i] = (unsigned char)value;
	}
	return true;
}

/* The lines of one block of the page into their places. */
static int
read_page(const char *fence)
{
	const char *root = getenv("SMX_SOURCE");
	char path[4096], line[256];
	int n = 0, inside = 0;
	FILE *f;

	ck_assert_msg(root != NULL, "SMX_SOURCE is not set");
	snprintf(path, sizeof(path), "%s/docs/SEGMENT.md", root);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (inside && !take_line(line))
			break;
		n += inside;
		inside |= strcmp(line, fence) == 0;
	}
	fclose(f);
	return n;
}

static void
set_up(void)
{
	struct build b = { 0 };

	bytes = calloc(1, SIZE);
	ck_assert_int_gt(read_page("```hexdump\n"), 40);
	build_dir_make(&dir);
	b.bytes = bytes;
	b.header = (void *)bytes;
	ck_assert_uint_eq(b.header->size, 40960);
	build_save(&b, dir.fd, "smx.shop");
	ck_assert_int_gt(read_page("```hexdump exemplars\n"), 10);
	ck_assert_uint_eq(b.header->size, SIZE);
	build_save(&b, dir.fd, "smx.told");
}

static void
tear_down(void)
{
	build_dir_remove(&dir);
	free(bytes);
}

static const struct smx_series_info *
find(const struct smx_catalog *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_series; i++)
		if (strcmp(c->families[c->series[i].family].name, name) == 0)
			return &c->series[i];
	ck_abort_msg("%s is not there", name);
	return NULL;
}

static void
check_histogram(const struct smx_snapshot *s)
{
	const struct smx_series_info *i = find(s->catalog, "wait_seconds");
	const struct smx_family_info *f = &s->catalog->families[i->family];
	const uint64_t *cell = s->cells + i->cell;

	ck_assert_int_eq(f->exponent, 9);
	ck_assert_str_eq(f->unit, "seconds");
	ck_assert_uint_eq(f->n_buckets, 3);
	ck_assert_uint_eq(f->buckets[0].upper, 1000000);
	ck_assert_uint_eq(f->buckets[1].upper, 2500000);
	ck_assert_uint_eq(cell[SMX_HIST_SUM], 9400000);
	for (unsigned k = 0; k < 3; k++)
		ck_assert_uint_eq(cell[SMX_HIST_BUCKET + k], 1);
}

START_TEST(the_example_reads_as_the_page_says)
{
	struct smx_snapshot s = { 0 };
	const struct smx_series_info *i;
	struct smx_error error;
	struct smx_view *view;
	double value;

	ck_assert_msg(smx_view_open(&view, dir.fd, "smx.shop", NULL, &error) ==
	    0, "%s", error.msg);
	ck_assert_int_eq(smx_snapshot_take(&s, view, &error), 0);
	ck_assert_uint_eq(s.catalog->n_families, 3);
	ck_assert_uint_eq(s.state.lanes_owned, 1);
	ck_assert_uint_eq(s.approximate, 0);
	i = find(s.catalog, "orders_total");
	ck_assert_str_eq(s.catalog->families[i->family].labels, "side");
	ck_assert_str_eq(i->values, "buy");
	ck_assert_uint_eq(s.cells[i->cell], 3);
	check_histogram(&s);
	ck_assert(!smx_gauge_value(&s, find(s.catalog, "depth"), &value));
	smx_snapshot_free(&s);
	smx_view_close(view);
}
END_TEST

START_TEST(the_gauge_is_there_while_its_process_lives)
{
	struct smx_snapshot s = { 0 };
	struct smx_view *view;
	double value;
	int lease = build_lease(dir.fd, "smx.shop", 0);

	ck_assert_int_eq(smx_view_open(&view, dir.fd, "smx.shop", NULL, NULL),
	    0);
	ck_assert_int_eq(smx_snapshot_take(&s, view, NULL), 0);
	ck_assert(smx_gauge_value(&s, find(s.catalog, "depth"), &value));
	ck_assert_double_eq(value, 1.5);
	smx_snapshot_free(&s);
	smx_view_close(view);
	(void)lease; /* until the process ends */
}
END_TEST

START_TEST(the_exemplar_reads_as_the_page_says)
{
	struct smx_snapshot s = { 0 };
	struct smx_error error;
	struct smx_view *view;

	ck_assert_msg(
	    smx_view_open(&view, dir.fd, "smx.told", NULL, &error) == 0, "%s",
	    error.msg);
	ck_assert_int_eq(smx_snapshot_take(&s, view, &error), 0);
	check_histogram(&s);
	ck_assert_uint_eq(s.n_exemplars, 1);
	ck_assert_ptr_eq(&s.catalog->series[s.exemplars[0].series],
	    find(s.catalog, "wait_seconds"));
	ck_assert_uint_eq(s.exemplars[0].bucket, 1);
	ck_assert_uint_eq(s.exemplars[0].value, 2000000);
	ck_assert_uint_eq(s.exemplars[0].text_len, 12);
	ck_assert_int_eq(memcmp(s.exemplars[0].text, "order_id\00017", 12), 0);
	smx_snapshot_free(&s);
	smx_view_close(view);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("segment");
	TCase *t = tcase_create("segment");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, the_example_reads_as_the_page_says);
	tcase_add_test(t, the_gauge_is_there_while_its_process_lives);
	tcase_add_test(t, the_exemplar_reads_as_the_page_says);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
