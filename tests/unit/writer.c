/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer takes and refuses, within one process. */
#include "tests/segment_live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char long_word[] =
    "a123456789b123456789c123456789d123456789e123456789f123456789abcd";

static void
attach(void)
{
	struct smx_error err;
	int rc = smx_attach_error("t", NULL, &err);

	ck_assert_msg(rc == 0, "attach: %d %s", rc, err.msg);
}

START_TEST(names_the_file_after_the_service)
{
	ck_assert_int_eq(sizeof(long_word) - 1, 64);
	ck_assert_int_eq(smx_attach(long_word, NULL), 0);
	ck_assert_int_eq(smx_attached(), 1);
	char file[128];
	snprintf(file, sizeof(file), "smx.%s", long_word);
	ck_assert_int_eq(access(live_file(file), F_OK), 0);
}
END_TEST

START_TEST(names_the_instance_after_an_at)
{
	struct smx_options o = { .instance = "eu-1" };

	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_int_eq(access(live_file("smx.t@eu-1"), F_OK), 0);
	ck_assert_int_ne(access(live_file("smx.t"), F_OK), 0);
}
END_TEST

static const char *const bad_words[] = {
	"", "A", "a b", "a/b", "..", ".", "a.b", "a@b", "\xc3\xa4", "a\n",
	"a123456789b123456789c123456789d123456789e123456789f123456789abcde",
};

START_TEST(refuses_bad_names)
{
	struct smx_options o = { .instance = bad_words[_i] };
	struct smx_error err = { 0 };

	ck_assert_int_eq(smx_attach_error(bad_words[_i], NULL, &err), -EINVAL);
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert(err.msg[0] != '\0' && strchr(err.msg, '\n') == NULL);
	ck_assert_int_eq(smx_attach("t", &o), -EINVAL);
	ck_assert_int_eq(smx_attached(), 0);
	/* and nothing is spoilt */
	ck_assert_int_eq(smx_attach("t", NULL), 0);
}
END_TEST

START_TEST(refuses_no_name)
{
	ck_assert_int_eq(smx_attach(NULL, NULL), -EINVAL);
}
END_TEST

static const struct smx_options bad_options[] = {
	{ .slots = 65537 }, { .lanes = 65536 }, { .cells = UINT32_MAX },
	{ .gauges = UINT32_MAX }, { .dir_bytes = UINT32_MAX },
	{ .lock_ms = UINT32_MAX },
	/* each may be, not all at once */
	{ .lanes = 65535, .cells = 1u << 27 },
	{ .slots = 65536, .gauges = 1u << 20 },
	{ .gauges = 1u << 27 },
};

START_TEST(refuses_options_that_cannot_be)
{
	struct smx_error err = { 0 };

	ck_assert_int_eq(smx_attach_error("t", &bad_options[_i], &err),
	    -EINVAL);
	ck_assert(err.msg[0] != '\0');
	ck_assert_int_ne(access(live_file("smx.t"), F_OK), 0);
}
END_TEST

static const struct smx_options small_options[] = {
	{ .slots = 1, .lanes = 1, .cells = 1, .gauges = 1, .dir_bytes = 1 },
	{ .slots = 65536, .lanes = 1 }, { .lanes = 65535, .cells = 1 },
	{ .cells = 1u << 24 }, { .gauges = 1u << 20 },
};

START_TEST(takes_options_at_their_limits)
{
	struct smx_error err = { 0 };
	struct live l = { 0 };
	int rc = smx_attach_error("t", &small_options[_i], &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

START_TEST(attaches_again_to_the_same_only)
{
	struct smx_options o = { .dir = live_path };
	struct smx_error err = { 0 };

	attach();
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_int_eq(smx_attach_error("u", NULL, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.msg, "smx.t"));
	o.instance = "i";
	ck_assert_int_eq(smx_attach("t", &o), -EBUSY);
	ck_assert_int_eq(smx_attach("T", NULL), -EINVAL);
	ck_assert_int_eq(smx_attached(), 1);
}
END_TEST

START_TEST(knows_the_same_directory_by_other_names)
{
	struct smx_options o = { .dir = "." };
	char slashed[160];

	attach();
	snprintf(slashed, sizeof(slashed), "%s/./", live_path);
	ck_assert_int_eq(chdir(live_path), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	o.dir = slashed;
	ck_assert_int_eq(smx_attach("t", &o), 0);
}
END_TEST

START_TEST(survives_a_change_of_directory)
{
	struct smx_options o = { .dir = "." };
	struct smx_counter c;
	struct smx_desc d = { .name = "x_total", .help = "x" };
	struct smx_error err = { 0 };
	int rc;

	ck_assert_int_eq(chdir(live_path), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_int_eq(chdir("/"), 0);
	rc = smx_counter_register(&c, &d, &err);
	ck_assert_msg(rc == 0, "%d %s", rc, err.msg);
}
END_TEST

START_TEST(takes_the_directory_of_the_options_first)
{
	struct smx_options o = { .dir = live_path };

	ck_assert_int_eq(setenv("SMX_DIR", "/nonexistent", 1), 0);
	ck_assert_int_eq(smx_attach("t", NULL), -ENOENT);
	ck_assert_int_eq(smx_attach("t", &o), 0);
}
END_TEST

START_TEST(finds_the_same_series_again)
{
	struct smx_counter a, b;
	struct smx_gauge g, h;
	struct smx_histogram i, j;

	attach();
	a = smx_counter("x_total", "x");
	b = smx_counter("x_total", "other help");
	g = smx_gauge("y", "y");
	h = smx_gauge("y", "y");
	i = smx_histogram_latency("z_seconds", "z");
	j = smx_histogram_latency("z_seconds", "z");
	ck_assert_uint_ne(a.cell, 0);
	ck_assert_uint_eq(a.cell, b.cell);
	ck_assert_uint_eq(g.cell, h.cell);
	ck_assert_uint_eq(i.cell, j.cell);
	ck_assert_ptr_eq(i.index, j.index);
}
END_TEST

static const double two[] = { 1, 2 }, three[] = { 1, 3 };
static const struct smx_label red[] = { { "colour", "red" }, { 0 } };
static const struct smx_label tall[] = { { "height", "tall" }, { 0 } };

/* The first is registered, the second then not. */
static const struct {
	uint8_t type, type2;
	struct smx_desc first, second;
} conflicts[] = {
	{ SMX_TYPE_COUNTER, SMX_TYPE_GAUGE,
	    { .name = "x_total", .help = "x" },
	    { .name = "x_total", .help = "x" } },
	{ SMX_TYPE_COUNTER, SMX_TYPE_COUNTER,
	    { .name = "x_total", .help = "x" },
	    { .name = "x_total", .help = "x", .exponent = 3 } },
	{ SMX_TYPE_COUNTER, SMX_TYPE_COUNTER,
	    { .name = "x_bytes_total", .help = "x" },
	    { .name = "x_bytes_total", .help = "x", .unit = "bytes" } },
	{ SMX_TYPE_COUNTER, SMX_TYPE_COUNTER,
	    { .name = "x_total", .help = "x", .labels = red },
	    { .name = "x_total", .help = "x", .labels = tall } },
	{ SMX_TYPE_COUNTER, SMX_TYPE_COUNTER,
	    { .name = "x_total", .help = "x", .labels = red },
	    { .name = "x_total", .help = "x" } },
	{ SMX_TYPE_GAUGE, SMX_TYPE_GAUGE,
	    { .name = "x", .help = "x" },
	    { .name = "x", .help = "x", .gauge_mode = SMX_MAX } },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_HISTOGRAM,
	    { .name = "x", .help = "x", .bounds = two, .n_bounds = 2 },
	    { .name = "x", .help = "x", .bounds = three, .n_bounds = 2 } },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_HISTOGRAM,
	    { .name = "x", .help = "x", .bounds = two, .n_bounds = 2 },
	    { .name = "x", .help = "x", .bounds = two, .n_bounds = 2,
	      .native = 1 } },
};

static int
try(uint8_t type, const struct smx_desc *d, struct smx_error *err)
{
	struct smx_counter c;
	struct smx_gauge g;
	struct smx_histogram h;

	if (type == SMX_TYPE_COUNTER)
		return smx_counter_register(&c, d, err);
	if (type == SMX_TYPE_GAUGE)
		return smx_gauge_register(&g, d, err);
	return smx_histogram_register(&h, d, err);
}

START_TEST(refuses_another_definition_in_one_process)
{
	struct smx_error err = { 0 };
	struct live l = { 0 };

	attach();
	ck_assert_int_eq(try(conflicts[_i].type, &conflicts[_i].first, &err),
	    0);
	ck_assert_int_eq(try(conflicts[_i].type2, &conflicts[_i].second, &err),
	    -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, conflicts[_i].first.name));
	ck_assert_int_eq(try(conflicts[_i].type, &conflicts[_i].first, &err),
	    0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.state.refused, 1);
	ck_assert_uint_eq(l.snap.state.redefined, 0);
	ck_assert_uint_eq(l.snap.catalog->n_families, 1);
	live_close(&l);
}
END_TEST

/* Names that share a sample in OpenMetrics. */
static const struct {
	uint8_t type, type2;
	const char *first, *second;
} collisions[] = {
	{ SMX_TYPE_COUNTER, SMX_TYPE_GAUGE, "foo_total", "foo" },
	{ SMX_TYPE_GAUGE, SMX_TYPE_COUNTER, "foo", "foo_total" },
	{ SMX_TYPE_COUNTER, SMX_TYPE_GAUGE, "foo_total", "foo_created" },
	{ SMX_TYPE_GAUGE, SMX_TYPE_COUNTER, "foo_created", "foo_total" },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_GAUGE, "foo", "foo_bucket" },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_GAUGE, "foo", "foo_sum" },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_GAUGE, "foo", "foo_count" },
	{ SMX_TYPE_GAUGE, SMX_TYPE_HISTOGRAM, "foo_count", "foo" },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_COUNTER, "foo", "foo_total" },
	{ SMX_TYPE_COUNTER, SMX_TYPE_HISTOGRAM, "foo_total", "foo" },
	{ SMX_TYPE_HISTOGRAM, SMX_TYPE_GAUGE, "foo_total", "foo_total_sum" },
};

START_TEST(refuses_names_that_share_samples)
{
	struct smx_desc a = {
		.name = collisions[_i].first, .help = "x", .exponent = 9 };
	struct smx_desc b = {
		.name = collisions[_i].second, .help = "x", .exponent = 9 };
	struct smx_error err = { 0 };

	attach();
	ck_assert_int_eq(try(collisions[_i].type, &a, &err), 0);
	ck_assert_int_eq(try(collisions[_i].type2, &b, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, a.name));
	ck_assert_ptr_nonnull(strstr(err.msg, b.name));
}
END_TEST

static const struct {
	uint8_t type, type2;
	const char *first, *second;
} neighbours[] = {
	{ SMX_TYPE_GAUGE, SMX_TYPE_GAUGE, "foo", "foo_bar" },
	{ SMX_TYPE_GAUGE, SMX_TYPE_GAUGE, "foo", "foo_count" },
	{ SMX_TYPE_GAUGE, SMX_TYPE_HISTOGRAM, "foo_counts", "foo" },
	{ SMX_TYPE_COUNTER, SMX_TYPE_GAUGE, "foo_total", "foo_max" },
	{ SMX_TYPE_COUNTER, SMX_TYPE_COUNTER, "foo_total", "foo_foo_total" },
};

START_TEST(takes_names_that_are_only_alike)
{
	struct smx_desc a = {
		.name = neighbours[_i].first, .help = "x", .exponent = 9 };
	struct smx_desc b = {
		.name = neighbours[_i].second, .help = "x", .exponent = 9 };

	attach();
	ck_assert_int_eq(try(neighbours[_i].type, &a, NULL), 0);
	ck_assert_int_eq(try(neighbours[_i].type2, &b, NULL), 0);
}
END_TEST

START_TEST(says_that_it_is_not_attached)
{
	struct smx_desc d = { .name = "x_total", .help = "x" };
	struct smx_error err = { 0 };
	struct smx_counter_family f;
	struct smx_counter c = { 77 };

	ck_assert_int_eq(smx_attached(), 0);
	ck_assert_int_eq(smx_counter_register(&c, &d, &err), -ENOTCONN);
	ck_assert_uint_eq(c.cell, 0);
	ck_assert_int_eq(err.code, -ENOTCONN);
	ck_assert_int_eq(smx_counter_family(&f, &d, NULL), -ENOTCONN);
	ck_assert_ptr_null(f.family);
	ck_assert_int_eq(smx_thread_attach(), -ENOTCONN);
	smx_detach();
}
END_TEST

static void
update_all(struct smx_counter c, struct smx_gauge g, struct smx_histogram h)
{
	smx_inc(c);
	smx_add(c, UINT64_MAX);
	smx_set(g, 1);
	smx_gauge_add(g, 1);
	smx_observe(h, 1);
	smx_observe(h, UINT64_MAX);
	smx_observe_since(h, smx_ticks());
}

START_TEST(harmless_handles_go_nowhere)
{
	struct smx_counter c = { 0 };
	struct smx_gauge g = { 0 };
	struct smx_histogram h = { 0 };
	struct smx_counter_family cf = { 0 };
	struct smx_gauge_family gf = { 0 };
	struct smx_histogram_family hf = { 0 };
	const char *const none[] = { "v" };
	struct live l = { 0 };

	update_all(c, g, h); /* before, */
	attach();
	update_all(c, g, h); /* while, */
	update_all(smx_counter("bad name", "x"), smx_gauge("", "x"),
	    smx_histogram_latency("x", "no unit in the name"));
	update_all(smx_counter_with(cf, none), smx_gauge_with(gf, none),
	    smx_histogram_with(hf, none));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_families, 0);
	ck_assert_uint_eq(l.snap.state.refused, 3);
	smx_detach();
	update_all(c, g, h); /* and after */
	live_close(&l);
}
END_TEST

START_TEST(errors_are_one_line_that_names_the_metric)
{
	struct smx_desc d = { .name = "x_total", .help = "x", .unit = "m" };
	struct smx_error err = { 0 };

	attach();
	ck_assert_int_eq(try(SMX_TYPE_COUNTER, &d, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "x_total"));
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	ck_assert_int_eq(try(SMX_TYPE_COUNTER, NULL, &err), -EINVAL);
}
END_TEST

START_TEST(detach_and_attach_go_on)
{
	struct smx_counter c;
	struct live l = { 0 };

	attach();
	c = smx_counter("x_total", "x");
	smx_inc(c);
	smx_detach();
	ck_assert_int_eq(smx_attached(), 0);
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_SLOT0, 100), 0);
	smx_inc(c); /* nowhere */
	attach();
	smx_inc(c);
	ck_assert_uint_eq(smx_counter("x_total", "x").cell, c.cell);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	ck_assert_uint_eq(l.snap.n_live, 1);
	live_close(&l);
}
END_TEST

START_TEST(attach_after_detach_with_fork_gauges)
{
	struct smx_options o = { .flags = SMX_FORK_GAUGES };
	struct smx_gauge g;
	struct live l = { 0 };
	double v = 0;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	g = smx_gauge("x", "x");
	smx_set(g, 4);
	smx_detach();
	ck_assert_int_eq(smx_attach("t", &o), 0);
	live_look(&l, "smx.t");
	ck_assert(!live_gauge(&l, "x", NULL, &v));
	smx_set(g, 5);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "x", NULL, &v) && v == 5);
	live_close(&l);
}
END_TEST

START_TEST(says_its_version)
{
	ck_assert_str_eq(smx_version(), "0.1.0");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer");
	TCase *tc = live_case(s, "writer", 30);

	tcase_add_test(tc, names_the_file_after_the_service);
	tcase_add_test(tc, names_the_instance_after_an_at);
	tcase_add_loop_test(tc, refuses_bad_names, 0,
	    sizeof(bad_words) / sizeof(bad_words[0]));
	tcase_add_test(tc, refuses_no_name);
	tcase_add_loop_test(tc, refuses_options_that_cannot_be, 0,
	    sizeof(bad_options) / sizeof(bad_options[0]));
	tcase_add_loop_test(tc, takes_options_at_their_limits, 0,
	    sizeof(small_options) / sizeof(small_options[0]));
	tcase_add_test(tc, attaches_again_to_the_same_only);
	tcase_add_test(tc, knows_the_same_directory_by_other_names);
	tcase_add_test(tc, survives_a_change_of_directory);
	tcase_add_test(tc, takes_the_directory_of_the_options_first);
	tcase_add_test(tc, finds_the_same_series_again);
	tcase_add_loop_test(tc, refuses_another_definition_in_one_process, 0,
	    sizeof(conflicts) / sizeof(conflicts[0]));
	tcase_add_loop_test(tc, refuses_names_that_share_samples, 0,
	    sizeof(collisions) / sizeof(collisions[0]));
	tcase_add_loop_test(tc, takes_names_that_are_only_alike, 0,
	    sizeof(neighbours) / sizeof(neighbours[0]));
	tcase_add_test(tc, says_that_it_is_not_attached);
	tcase_add_test(tc, harmless_handles_go_nowhere);
	tcase_add_test(tc, errors_are_one_line_that_names_the_metric);
	tcase_add_test(tc, detach_and_attach_go_on);
	tcase_add_test(tc, attach_after_detach_with_fork_gauges);
	tcase_add_test(tc, says_its_version);
	return live_main(s);
}
