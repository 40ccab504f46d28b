/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/expo_made.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct made_set set;
static struct expo_page *page;
static char *body; /* of the last render() */

static void
setup(void)
{
	memset(&set, 0, sizeof(set));
	page = NULL;
	body = NULL;
}

static void
teardown(void)
{
	expo_page_destroy(page);
	made_free(&set);
	free(body);
}

/* A source beside those there are. */
static struct made *
source(const char *service)
{
	struct made *m = malloc(sizeof(*m));

	ck_assert_ptr_nonnull(m);
	made_begin(m, 1);
	set.made[set.n] = m;
	set.snapshots[set.n] = &m->snapshot;
	set.sources[set.n++] = (struct expo_source){ .catalog = &m->catalog,
		.service = service, .bare = service == NULL };
	return m;
}

static void
plan(void)
{
	expo_page_destroy(page);
	ck_assert_int_eq(expo_page_create(&page, set.sources, set.n), 0);
}

static size_t
render(enum expo_format format)
{
	size_t cap = expo_page_bound(page, format, set.snapshots);
	size_t n;

	free(body);
	body = malloc(cap + 1);
	ck_assert_ptr_nonnull(body);
	n = expo_render(body, cap, page, format, set.snapshots);
	ck_assert_uint_le(n, cap);
	body[n] = '\0';
	return n;
}

static const char *
text(void)
{
	plan();
	render(EXPO_TEXT);
	return body;
}

static void
same_as_file(enum expo_format format, const char *path)
{
	char want[16384];
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(want, 1, sizeof(want) - 1, f);
	fclose(f);
	want[n] = '\0';
	made_sample(&set);
	plan();
	render(format);
	ck_assert_str_eq(body, want);
}

START_TEST(text_is_the_golden_one)
{
	same_as_file(EXPO_TEXT, GOLDEN "/expo.text.txt");
}
END_TEST

START_TEST(openmetrics_is_the_golden_one)
{
	same_as_file(EXPO_OPENMETRICS, GOLDEN "/expo.openmetrics.txt");
}
END_TEST

START_TEST(no_sources_make_an_empty_page)
{
	ck_assert_str_eq(text(), "");
	render(EXPO_OPENMETRICS);
	ck_assert_str_eq(body, "# EOF\n");
	ck_assert_uint_eq(render(EXPO_PROTOBUF), 0);
}
END_TEST

static struct smx_family_info *
counter(struct made *m, const char *name, uint64_t value)
{
	struct smx_family_info *f = made_family(m, SMX_TYPE_COUNTER, name,
	    "Help.", "", 0);

	*made_series(m, f, "") = value;
	return f;
}

static struct smx_family_info *
gauge(struct made *m, const char *name, double value)
{
	struct smx_family_info *f = made_family(m, SMX_TYPE_GAUGE, name,
	    "Help.", "", 0);

	*made_series(m, f, "") = made_gauge(value);
	return f;
}

START_TEST(an_unset_gauge_leaves_no_trace)
{
	struct made *m = source("s");

	gauge(m, "g", 1);
	m->gauges[0] = 0;
	ck_assert_str_eq(text(), "");
	ck_assert_uint_eq(render(EXPO_PROTOBUF), 0);
}
END_TEST

START_TEST(the_header_comes_with_the_first_set_gauge)
{
	struct made *m = source("s");
	struct smx_family_info *f = made_family(m, SMX_TYPE_GAUGE, "g",
	    "Help.", "k\0", 1);

	made_series(m, f, "a\0");
	*made_series(m, f, "b\0") = made_gauge(2);
	made_series(m, f, "c\0");
	ck_assert_str_eq(text(), "# HELP g Help.\n# TYPE g gauge\n"
				 "g{service=\"s\",k=\"b\"} 2\n");
}
END_TEST

START_TEST(a_family_without_series_is_not_shown)
{
	made_family(source("s"), SMX_TYPE_COUNTER, "c_total", "H.", "k\0", 1);
	ck_assert_str_eq(text(), "");
}
END_TEST

START_TEST(a_missing_snapshot_hides_its_source_only)
{
	counter(source("a"), "a_total", 1);
	counter(source("b"), "b_total", 2);
	plan();
	set.snapshots[0] = NULL;
	render(EXPO_TEXT);
	ck_assert_str_eq(body, "# HELP b_total Help.\n# TYPE b_total counter\n"
			       "b_total{service=\"b\"} 2\n");
}
END_TEST

START_TEST(a_snapshot_of_a_smaller_catalog_is_not_read)
{
	struct made *m = source("a");

	counter(m, "a_total", 1);
	plan();
	m->catalog.n_cells--;
	for (int f = 0; f < EXPO_FORMATS; f++)
		ck_assert_uint_le(render((enum expo_format)f), 6);
	m->catalog.n_cells++;
	m->catalog.n_series--;
	ck_assert_uint_eq(render(EXPO_TEXT), 0);
}
END_TEST

START_TEST(a_grown_catalog_still_fits_its_old_page)
{
	struct made *m = source("a");
	size_t before;

	counter(m, "a_total", 1);
	plan();
	before = render(EXPO_TEXT);
	counter(m, "b_total", 1);
	ck_assert_uint_eq(render(EXPO_TEXT), before);
}
END_TEST

START_TEST(a_page_keeps_no_string_of_its_sources)
{
	char service[] = "svc", name[] = "a_total", help[] = "Help.";
	struct made *m = source(service);
	struct smx_family_info *f = counter(m, name, 1);
	size_t n;
	char want[256];

	f->help = help;
	n = (plan(), render(EXPO_OPENMETRICS));
	ck_assert_uint_lt(n, sizeof(want));
	memcpy(want, body, n + 1);
	memset(service, 'x', 3);
	memset(name, 'x', 7);
	memset(help, 'x', 5);
	render(EXPO_OPENMETRICS);
	ck_assert_str_eq(body, want);
}
END_TEST

static void
expect_loss(size_t i, size_t src, const char *family, const char *winner,
    enum expo_reason reason)
{
	const struct expo_loss *losses;

	ck_assert_uint_gt(expo_page_losses(page, &losses), i);
	ck_assert_uint_eq(losses[i].source, src);
	ck_assert_str_eq(losses[i].family, family);
	ck_assert_str_eq(losses[i].winner, winner);
	ck_assert_int_eq(losses[i].reason, reason);
	ck_assert_str_ne(expo_reason_text(reason), "");
}

static size_t
losses(void)
{
	const struct expo_loss *l;

	plan();
	return expo_page_losses(page, &l);
}

START_TEST(the_first_service_by_name_keeps_the_type)
{
	gauge(source("b"), "x_total", 1);
	counter(source("a"), "x_total", 2);
	ck_assert_uint_eq(losses(), 1);
	expect_loss(0, 0, "x_total", "x_total", EXPO_LOST_TYPE);
	ck_assert_ptr_nonnull(strstr(text(), "x_total{service=\"a\"} 2\n"));
	ck_assert_ptr_null(strstr(text(), "service=\"b\""));
}
END_TEST

START_TEST(the_collectors_own_series_never_lose)
{
	gauge(source("a"), "up_total", 1);
	counter(source(NULL), "up_total", 2);
	ck_assert_uint_eq(losses(), 1);
	expect_loss(0, 0, "up_total", "up_total", EXPO_LOST_TYPE);
}
END_TEST

static const struct {
	uint8_t first_type;
	const char *first;
	uint8_t type;
	const char *name;
	size_t losses;
} collisions[] = {
	{ SMX_TYPE_COUNTER, "foo_total", SMX_TYPE_GAUGE, "foo", 1 },
	{ SMX_TYPE_GAUGE, "foo", SMX_TYPE_COUNTER, "foo_total", 1 },
	{ SMX_TYPE_COUNTER, "foo_total", SMX_TYPE_GAUGE, "foo_created", 1 },
	{ SMX_TYPE_GAUGE, "foo_created", SMX_TYPE_COUNTER, "foo_total", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_GAUGE, "foo_sum", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_GAUGE, "foo_count", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_GAUGE, "foo_bucket", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_GAUGE, "foo_created", 1 },
	{ SMX_TYPE_GAUGE, "foo_bucket", SMX_TYPE_HISTOGRAM, "foo", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_COUNTER, "foo_sum_total", 1 },
	{ SMX_TYPE_HISTOGRAM, "foo", SMX_TYPE_COUNTER, "foo_total", 1 },
	{ SMX_TYPE_GAUGE, "foo", SMX_TYPE_GAUGE, "foo_sum", 0 },
	{ SMX_TYPE_GAUGE, "foo", SMX_TYPE_GAUGE, "foo_total", 0 },
	{ SMX_TYPE_COUNTER, "foo_total", SMX_TYPE_GAUGE, "foo_sum", 0 },
	{ SMX_TYPE_COUNTER, "foo_total", SMX_TYPE_COUNTER, "fo_total", 0 },
};

static const struct smx_bucket one_bound[] = {
	{ 1000000000, 0, SMX_BUCKET_EXPLICIT },
	{ UINT64_MAX, 0, 0 },
};

static struct smx_family_info *
any(struct made *m, uint8_t type, const char *name)
{
	struct smx_family_info *f = made_family(m, type, name, "H.", "", 0);

	f->buckets = one_bound;
	f->n_buckets = type == SMX_TYPE_HISTOGRAM ? 2 : 0;
	f->hist_flags = SMX_HIST_EXPLICIT;
	*made_series(m, f, "") = 1;
	return f;
}

START_TEST(no_sample_name_has_two_owners)
{
	any(source("a"), collisions[_i].first_type, collisions[_i].first);
	any(source("b"), collisions[_i].type, collisions[_i].name);
	ck_assert_uint_eq(losses(), collisions[_i].losses);
	if (collisions[_i].losses > 0)
		expect_loss(0, 1, collisions[_i].name, collisions[_i].first,
		    EXPO_LOST_NAME);
}
END_TEST

START_TEST(a_family_comes_once_for_each_source)
{
	struct made *m = source("a");

	counter(m, "x_total", 1);
	counter(m, "x_total", 2);
	counter(source("a"), "x_total", 3);
	ck_assert_uint_eq(losses(), 2);
	expect_loss(0, 0, "x_total", "x_total", EXPO_LOST_TWICE);
	expect_loss(1, 1, "x_total", "x_total", EXPO_LOST_TWICE);
}
END_TEST

static const struct {
	const char *labels;
	uint32_t n;
	uint8_t type, mode;
	bool bare;
	size_t losses;
} label_cases[] = {
	{ "service\0", 1, SMX_TYPE_COUNTER, 0, false, 1 },
	{ "service_instance\0", 1, SMX_TYPE_COUNTER, 0, false, 1 },
	{ "service\0", 1, SMX_TYPE_COUNTER, 0, true, 0 },
	{ "k\0m\0k\0", 3, SMX_TYPE_COUNTER, 0, false, 1 },
	{ "process\0", 1, SMX_TYPE_GAUGE, SMX_GAUGE_EACH, false, 1 },
	{ "process\0", 1, SMX_TYPE_GAUGE, SMX_GAUGE_SUM, false, 0 },
	{ "le\0", 1, SMX_TYPE_HISTOGRAM, 0, false, 1 },
};

START_TEST(no_label_comes_twice)
{
	struct made *m = source(label_cases[_i].bare ? NULL : "a");
	struct smx_family_info *f = any(m, label_cases[_i].type,
	    label_cases[_i].type == SMX_TYPE_COUNTER ? "x_total" : "x");

	f->labels = label_cases[_i].labels;
	f->n_labels = label_cases[_i].n;
	f->gauge_mode = label_cases[_i].mode;
	m->series[0].values = "1\0002\0003\0";
	ck_assert_uint_eq(losses(), label_cases[_i].losses);
	if (label_cases[_i].losses > 0)
		expect_loss(0, 0, f->name, "", EXPO_LOST_LABEL);
}
END_TEST

START_TEST(families_of_one_name_are_one_block)
{
	counter(source("b"), "x_total", 1);
	counter(source("a"), "x_total", 2);
	counter(source(NULL), "x_total", 3);
	ck_assert_str_eq(text(), "# HELP x_total Help.\n"
				 "# TYPE x_total counter\n"
				 "x_total 3\n"
				 "x_total{service=\"a\"} 2\n"
				 "x_total{service=\"b\"} 1\n");
}
END_TEST

/* In whole numbers, several native bounds fall together: 1, 1.09 .. 1.83 are
 * all 1, and the bucket has the lowest of their indices. */
START_TEST(powers_are_found_where_bounds_fell_together)
{
	static const struct smx_bucket b[] = {
		{ 0, SMX_NATIVE_ZERO, SMX_BUCKET_POWER }, /* 2^-1 */
		{ 1, -3, SMX_BUCKET_POWER },		  /* 2^-0.375 .. */
		{ 2, 8, SMX_BUCKET_POWER },
		{ UINT64_MAX, 9, 0 },
	};
	struct smx_family_info *f = made_family(source("s"),
	    SMX_TYPE_HISTOGRAM, "h", "H.", "", 0);
	uint64_t *cells;

	f->hist_flags = SMX_HIST_NATIVE;
	f->schema = 3;
	f->zero_exp2 = -1;
	f->buckets = b;
	f->n_buckets = 4;
	cells = made_series(set.made[0], f, "");
	for (uint32_t i = 0; i < 4; i++)
		cells[SMX_HIST_BUCKET + (unsigned)i] = 1;
	ck_assert_ptr_nonnull(strstr(text(), "le=\"0.5\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(body, "le=\"1.0\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(body, "le=\"2.0\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(body, "le=\"+Inf\"} 4\n"));
}
END_TEST

START_TEST(explicit_bounds_hide_powers_of_two)
{
	static const struct smx_bucket b[] = {
		{ 4, 2, SMX_BUCKET_POWER },
		{ 5, 3, SMX_BUCKET_EXPLICIT },
		{ 8, 3, SMX_BUCKET_POWER },
		{ UINT64_MAX, 4, 0 },
	};
	struct smx_family_info *f = made_family(source("s"),
	    SMX_TYPE_HISTOGRAM, "h", "H.", "", 0);
	uint64_t *cells;

	f->hist_flags = SMX_HIST_NATIVE | SMX_HIST_EXPLICIT;
	f->buckets = b;
	f->n_buckets = 4;
	cells = made_series(set.made[0], f, "");
	for (uint32_t i = 0; i < 4; i++)
		cells[SMX_HIST_BUCKET + (unsigned)i] = 1;
	ck_assert_str_eq(text(), "# HELP h H.\n# TYPE h histogram\n"
				 "h_bucket{service=\"s\",le=\"5.0\"} 2\n"
				 "h_bucket{service=\"s\",le=\"+Inf\"} 4\n"
				 "h_sum{service=\"s\"} 0\n"
				 "h_count{service=\"s\"} 4\n");
}
END_TEST

START_TEST(bounds_that_are_one_double_are_one_bucket)
{
	static const struct smx_bucket b[] = {
		{ 9007199254740992, 0, SMX_BUCKET_EXPLICIT },
		{ 9007199254740993, 0, SMX_BUCKET_EXPLICIT },
		{ UINT64_MAX, 0, 0 },
	};
	struct smx_family_info *f = made_family(source("s"),
	    SMX_TYPE_HISTOGRAM, "h", "H.", "", 0);
	uint64_t *cells;

	f->hist_flags = SMX_HIST_EXPLICIT;
	f->buckets = b;
	f->n_buckets = 3;
	cells = made_series(set.made[0], f, "");
	for (uint32_t i = 0; i < 3; i++)
		cells[SMX_HIST_BUCKET + (unsigned)i] = 1;
	ck_assert_ptr_nonnull(strstr(text(),
	    "gram\nh_bucket{service=\"s\",le=\"9.007199254740992e+15\"} 2\n"
	    "h_bucket{service=\"s\",le=\"+Inf\"} 3\n"));
}
END_TEST

START_TEST(a_unit_is_shown_only_where_it_ends_the_name)
{
	struct made *m = source("s");

	counter(m, "a_seconds_total", 1)->unit = "seconds";
	counter(m, "b_total", 1)->unit = "seconds";
	gauge(m, "bytes", 1)->unit = "bytes";
	gauge(m, "megabytes", 1)->unit = "bytes";
	plan();
	render(EXPO_OPENMETRICS);
	ck_assert_ptr_nonnull(strstr(body, "# UNIT a_seconds seconds\n"));
	ck_assert_ptr_eq(strstr(body, "# UNIT"), strstr(body, "# UNIT a_"));
	ck_assert_ptr_null(strstr(strstr(body, "# UNIT") + 1, "# UNIT"));
	ck_assert_ptr_null(strstr(text(), "UNIT"));
}
END_TEST

/* MetricFamily{ name "c_total", help "H", type 0, metric { label {service,
 * s}, counter { value 1.5, created { 2 s 1 ns } } } }, by hand. */
START_TEST(a_counter_in_protobuf_byte_by_byte)
{
	static const unsigned char want[] = { 0x2f, 0x0a, 7, 'c', '_', 't',
		'o', 't', 'a', 'l', 0x12, 1, 'H', 0x18, 0, 0x22, 0x1f, 0x0a,
		12, 0x0a, 7, 's', 'e', 'r', 'v', 'i', 'c', 'e', 0x12, 1, 's',
		0x1a, 15, 0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x1a, 4, 0x08,
		2, 0x10, 1 };
	struct made *m = source("s");
	struct smx_family_info *f = counter(m, "c_total", 15);

	f->help = "H";
	f->exponent = 1;
	m->series[0].created_ns = UINT64_C(2000000001);
	plan();
	ck_assert_uint_eq(render(EXPO_PROTOBUF), sizeof(want));
	ck_assert_mem_eq(body, want, sizeof(want));
}
END_TEST

static struct smx_family_info *
both_bounds(struct made *m, uint8_t flags)
{
	static const struct smx_bucket b[] = {
		{ 1, SMX_NATIVE_ZERO, SMX_BUCKET_POWER | SMX_BUCKET_EXPLICIT },
		{ UINT64_MAX, 1, 0 },
	};
	struct smx_family_info *f = made_family(m, SMX_TYPE_HISTOGRAM, "h",
	    "H.", "", 0);

	f->hist_flags = flags;
	f->buckets = b;
	f->n_buckets = 2;
	made_series(m, f, "")[SMX_HIST_BUCKET] = 3;
	return f;
}

START_TEST(classic_and_native_are_never_mixed_in_a_family)
{
	struct smx_family_info *f[2];
	size_t n;
	char want[256];

	f[0] = both_bounds(source("a"), SMX_HIST_EXPLICIT);
	f[1] = both_bounds(source("b"), SMX_HIST_EXPLICIT);
	n = (plan(), render(EXPO_PROTOBUF));
	ck_assert_uint_lt(n, sizeof(want));
	memcpy(want, body, n);
	for (int i = 0; i < 2; i++) {
		f[i]->hist_flags |= SMX_HIST_NATIVE;
		plan();
		ck_assert_uint_eq(render(EXPO_PROTOBUF), n);
		ck_assert_mem_eq(body, want, n);
		f[i]->hist_flags = SMX_HIST_EXPLICIT;
	}
	f[0]->hist_flags = f[1]->hist_flags |= SMX_HIST_NATIVE;
	plan();
	ck_assert_uint_gt(render(EXPO_PROTOBUF), n);
}
END_TEST

START_TEST(a_page_is_small)
{
	struct made *m = source("service");
	struct smx_family_info *f = made_family(m, SMX_TYPE_COUNTER,
	    "bench_requests_00000_total", "Help.", "method\0shard\0", 2);

	for (int i = 0; i < 100; i++)
		made_series(m, f, "get\0s000000\0");
	plan();
	ck_assert_uint_le(expo_page_bytes(page), 65 * 100);
}
END_TEST

/* Long labels, long numbers, a process number in each line. */
START_TEST(the_bound_holds_for_the_longest_lines)
{
	static char value[SMX_MAX_VALUE + 2];
	struct made *m = source("s");
	struct smx_family_info *f;
	uint64_t *cells;

	memset(value, '"', SMX_MAX_VALUE);
	f = made_family(m, SMX_TYPE_HISTOGRAM, "h", "H.", "k\0", 1);
	f->hist_flags = SMX_HIST_EXPLICIT;
	f->buckets = one_bound;
	f->n_buckets = 2;
	cells = made_series(m, f, value);
	cells[SMX_HIST_BUCKET] = UINT64_MAX;
	cells[SMX_HIST_SUM] = UINT64_MAX;
	f = made_family(m, SMX_TYPE_COUNTER, "c_total", "H.", "k\0", 1);
	*made_series(m, f, value) = UINT64_MAX;
	f = made_family(m, SMX_TYPE_GAUGE, "g", "H.", "k\0", 1);
	f->gauge_mode = SMX_GAUGE_EACH;
	*made_series(m, f, value) = made_gauge(-2.2250738585072014e-308);
	m->live[0].slot = UINT32_MAX;
	plan();
	for (int i = 0; i < EXPO_FORMATS; i++) /* render() checks */
		ck_assert_uint_gt(render((enum expo_format)i), 2 * 1023);
}
END_TEST

static size_t
bytes_with_help(const char *help)
{
	teardown();
	setup();
	gauge(source("s"), "g", 1)->help = help;
	plan();
	return expo_page_bytes(page);
}

/* Only a quote makes the two texts differ here. */
START_TEST(one_header_serves_both_texts)
{
	char help[1001];
	size_t plain;

	memset(help, 'x', 1000);
	help[1000] = '\0';
	plain = bytes_with_help(help);
	help[0] = '"';
	ck_assert_uint_ge(bytes_with_help(help), plain + 1000);
}
END_TEST

START_TEST(content_types_are_the_negotiated_ones)
{
	ck_assert_str_eq(expo_content_type(EXPO_TEXT),
	    "text/plain; version=0.0.4; charset=utf-8");
	ck_assert_str_eq(expo_content_type(EXPO_OPENMETRICS),
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	ck_assert_str_eq(expo_content_type(EXPO_PROTOBUF),
	    "application/vnd.google.protobuf; "
	    "proto=io.prometheus.client.MetricFamily; encoding=delimited");
}
END_TEST

/* The last Metric of a body without any room to spare is written field by
 * field, in one with room it is written in place. */
static void
expect_same_without_room(void)
{
	size_t n;
	char *roomy;

	plan();
	n = render(EXPO_PROTOBUF);
	roomy = malloc(n);
	ck_assert_ptr_nonnull(roomy);
	memcpy(roomy, body, n);
	ck_assert_uint_eq(
	    expo_render(body, n, page, EXPO_PROTOBUF, set.snapshots), n);
	ck_assert_mem_eq(body, roomy, n);
	free(roomy);
	made_free(&set);
	set.n = 0;
}

#define N_OF(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const size_t name_lens[] = { 1, 25, 26, 27, 120, 121, 122, 123, 255 };

/* A buffer with room to spare is written in one way, one that just holds the
 * page in another; lengths of one byte and of two. */
START_TEST(long_labels_are_the_same_with_room_and_without)
{
	size_t name_len = name_lens[_i];

	for (size_t len = 0; len < 150; len++) {
		char name[258] = { 0 }, value[152] = { 0 };
		struct smx_family_info *f;
		struct made *m;

		memset(name, 'n', name_len);
		memset(value, 'v', len);
		m = source("s");
		f = made_family(m, SMX_TYPE_COUNTER, "a_total", "A.", name, 1);
		*made_series(m, f, value) = len;
		m->series[0].created_ns = UINT64_C(1700000000000000000) + len;
		expect_same_without_room();
	}
}
END_TEST

/* A histogram of the own service with an exemplar in two of its buckets. */
static struct made *
with_exemplars(uint8_t hist_flags)
{
	static const struct smx_bucket buckets[] = {
		{ 1000000, SMX_NATIVE_ZERO, SMX_BUCKET_EXPLICIT },
		{ 2500000, 1, SMX_BUCKET_EXPLICIT },
		{ UINT64_MAX, 2, 0 },
	};
	static struct smx_exemplar exemplars[] = {
		{ .bucket = 0,
		    .value = 400000,
		    .n_labels = 1,
		    .text_len = 14,
		    .time_ns = UINT64_C(1700000000123456789),
		    .text = "id\0a\"b\\c\nd" },
		{ .bucket = 2,
		    .value = 7000000,
		    .n_labels = 2,
		    .text_len = 10,
		    .time_ns = UINT64_C(1700000001000000000),
		    .text = "x\0y\0z\0" },
	};
	struct made *m = source("s");
	struct smx_family_info *f =
	    made_family(m, SMX_TYPE_HISTOGRAM, "wait_seconds", "Wait.", "", 0);
	uint64_t *cells;

	f->exponent = 9;
	f->hist_flags = hist_flags;
	f->buckets = buckets;
	f->n_buckets = 3;
	cells = made_series(m, f, "");
	cells[SMX_HIST_SUM] = 9400000;
	for (int i = 0; i < 3; i++)
		cells[SMX_HIST_BUCKET + (unsigned)i] = 1;
	m->snapshot.exemplars = exemplars;
	m->snapshot.n_exemplars = 2;
	return m;
}

START_TEST(exemplars_follow_their_buckets_in_openmetrics_alone)
{
	with_exemplars(SMX_HIST_EXPLICIT);
	ck_assert_ptr_null(strstr(text(), " # "));
	render(EXPO_OPENMETRICS);
	ck_assert_ptr_nonnull(
	    strstr(body, "wait_seconds_bucket{service=\"s\",le=\"0.001\"} 1 "
			 "# {id=\"a\\\"b\\\\c\\nd\"} 0.0004 1700000000.123\n"
			 "wait_seconds_bucket{service=\"s\",le=\"0.0025\"} 2\n"
			 "wait_seconds_bucket{service=\"s\",le=\"+Inf\"} 3 "
			 "# {x=\"y\",z=\"\"} 0.007 1700000001.000\n"
			 "wait_seconds_sum{service=\"s\"} 0.0094\n"));
}
END_TEST

START_TEST(an_info_has_a_type_of_its_own_in_openmetrics)
{
	struct made *m = source("s");
	struct smx_family_info *f = made_family(m, SMX_TYPE_GAUGE,
	    "x_build_info", "X.", "version\0", 1);

	f->gauge_mode = SMX_GAUGE_SUM;
	*made_series(m, f, "1.2\0") = made_gauge(2); /* of two processes, say */
	ck_assert_str_eq(text(), "# HELP x_build_info X.\n"
	    "# TYPE x_build_info gauge\n"
	    "x_build_info{service=\"s\",version=\"1.2\"} 1\n");
	render(EXPO_OPENMETRICS);
	ck_assert_str_eq(body, "# HELP x_build X.\n# TYPE x_build info\n"
	    "x_build_info{service=\"s\",version=\"1.2\"} 1\n# EOF\n");
}
END_TEST

static const uint64_t times[] = { 0, 1, 127, 128, 16383, 16384, 2097151,
	2097152, 268435455, 268435456, 999999999, 1000000000, 1000000001,
	1999999999, UINT64_C(1700000000000000000),
	UINT64_C(1700000000268435455), UINT64_C(1700000000268435456),
	UINT64_C(1700000000536870912), UINT64_MAX };
#define N_TIMES (sizeof(times) / sizeof(times[0]))

static const char *const odd_values[] = { "", "1", "1234567", "12345678",
	"123456789", "\"", "a\"", "\\\"\n", "1234567\"", "1234567\"\"",
	"12345678901234567\n" };
#define N_ODD (sizeof(odd_values) / sizeof(odd_values[0]))

START_TEST(created_times_in_place_and_field_by_field_are_alike)
{
	for (size_t i = 0; i < N_TIMES * N_TIMES; i++) {
		struct made *m = source("s");
		struct smx_family_info *f =
		    made_family(m, SMX_TYPE_COUNTER, "a_total", "A.", "l", 1);

		*made_series(m, f, "1") = 1;
		*made_series(m, f, "2") = 2;
		m->series[0].created_ns = times[i / N_TIMES];
		m->series[1].created_ns = times[i % N_TIMES];
		expect_same_without_room();
	}
}
END_TEST

START_TEST(odd_labels_in_place_and_field_by_field_are_alike)
{
	for (size_t i = 0; i < 4 * N_ODD * N_ODD; i++) {
		struct made *m = source(i % 2 ? "s" : NULL);
		struct smx_family_info *f = made_family(m,
		    i / 2 % 2 ? SMX_TYPE_COUNTER : SMX_TYPE_GAUGE,
		    i / 2 % 2 ? "a_total" : "a", "A.", "k\0l", 2);
		char values[64];
		const char *one = odd_values[i / 4 % N_ODD];

		strcpy(stpcpy(values, one) + 1, odd_values[i / 4 / N_ODD]);
		made_series(m, f, "x\0y");
		made_series(m, f, values);
		m->series[0].created_ns = m->series[1].created_ns = 0;
		expect_same_without_room();
	}
}
END_TEST

START_TEST(created_times_are_there_where_asked_for)
{
	struct made *m = with_exemplars(SMX_HIST_EXPLICIT);

	counter(m, "c_total", 15);
	m->series[0].created_ns = UINT64_C(1700000000123999999);
	m->series[1].created_ns = 0; /* not known */
	plan();
	render(EXPO_OPENMETRICS);
	ck_assert_ptr_null(strstr(body, "_created"));
	render(EXPO_OPENMETRICS_CREATED);
	ck_assert_ptr_nonnull(strstr(body, "wait_seconds_count{service=\"s\"}"
	    " 3\nwait_seconds_created{service=\"s\"} 1700000000.123\n"));
	ck_assert_ptr_null(strstr(body, "c_created"));
	m->series[1].created_ns = UINT64_C(1700000000000000000);
	render(EXPO_OPENMETRICS_CREATED);
	ck_assert_ptr_nonnull(strstr(body, "c_total{service=\"s\"} 15\n"
	    "c_created{service=\"s\"} 1700000000.000\n"));
}
END_TEST

/* Bytes are counted by one way and written by another. */
START_TEST(exemplars_fit_a_short_buffer_byte_by_byte)
{
	enum expo_format format = (enum expo_format)_i;
	char whole[4096];
	size_t n;

	with_exemplars(SMX_HIST_EXPLICIT | SMX_HIST_NATIVE);
	plan();
	n = render(format);
	ck_assert_uint_le(n, sizeof(whole));
	memcpy(whole, body, n);
	for (size_t cap = 0; cap <= n; cap++) {
		ck_assert_uint_eq(
		    expo_render(body, cap, page, format, set.snapshots), n);
		ck_assert_int_eq(memcmp(body, whole, cap), 0);
	}
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, text_is_the_golden_one);
	tcase_add_test(tc, openmetrics_is_the_golden_one);
	tcase_add_test(tc, no_sources_make_an_empty_page);
	tcase_add_test(tc, an_unset_gauge_leaves_no_trace);
	tcase_add_test(tc, the_header_comes_with_the_first_set_gauge);
	tcase_add_test(tc, a_family_without_series_is_not_shown);
	tcase_add_test(tc, a_missing_snapshot_hides_its_source_only);
	tcase_add_test(tc, a_snapshot_of_a_smaller_catalog_is_not_read);
	tcase_add_test(tc, a_grown_catalog_still_fits_its_old_page);
	tcase_add_test(tc, a_page_keeps_no_string_of_its_sources);
	tcase_add_test(tc, the_first_service_by_name_keeps_the_type);
	tcase_add_test(tc, the_collectors_own_series_never_lose);
	tcase_add_loop_test(tc, no_sample_name_has_two_owners, 0,
	    N_OF(collisions));
	tcase_add_test(tc, a_family_comes_once_for_each_source);
	tcase_add_loop_test(tc, no_label_comes_twice, 0, N_OF(label_cases));
	tcase_add_test(tc, families_of_one_name_are_one_block);
	tcase_add_test(tc, powers_are_found_where_bounds_fell_together);
	tcase_add_test(tc, explicit_bounds_hide_powers_of_two);
	tcase_add_test(tc, bounds_that_are_one_double_are_one_bucket);
	tcase_add_test(tc, a_unit_is_shown_only_where_it_ends_the_name);
	tcase_add_test(tc, a_counter_in_protobuf_byte_by_byte);
	tcase_add_test(tc, classic_and_native_are_never_mixed_in_a_family);
	tcase_add_test(tc, a_page_is_small);
	tcase_add_test(tc, the_bound_holds_for_the_longest_lines);
	tcase_add_test(tc, one_header_serves_both_texts);
	tcase_add_loop_test(tc, long_labels_are_the_same_with_room_and_without,
	    0, sizeof(name_lens) / sizeof(name_lens[0]));
	tcase_add_test(tc, an_info_has_a_type_of_its_own_in_openmetrics);
	tcase_add_test(tc, created_times_are_there_where_asked_for);
	tcase_add_test(tc, created_times_in_place_and_field_by_field_are_alike);
	tcase_add_test(tc, odd_labels_in_place_and_field_by_field_are_alike);
	tcase_add_test(tc, exemplars_follow_their_buckets_in_openmetrics_alone);
	tcase_add_loop_test(
	    tc, exemplars_fit_a_short_buffer_byte_by_byte, 0, EXPO_FORMATS);
	tcase_add_test(tc, content_types_are_the_negotiated_ones);
}

int
main(void)
{
	Suite *s = suite_create("expo");
	TCase *tc = tcase_create("expo");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	add_tests(tc);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
