/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions that can be, and those that cannot; segments that are full. */
#include "tests/segment_live.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define C SMX_TYPE_COUNTER
#define G SMX_TYPE_GAUGE
#define H SMX_TYPE_HISTOGRAM

static int
try(uint8_t type, const struct smx_desc *d, struct smx_error *err)
{
	struct smx_counter c;
	struct smx_gauge g;
	struct smx_histogram h;

	if (type == C)
		return smx_counter_register(&c, d, err);
	if (type == G)
		return smx_gauge_register(&g, d, err);
	return smx_histogram_register(&h, d, err);
}

static const double up[] = { 1, 2, 3 }, down[] = { 2, 1 }, same[] = { 1, 1 };
static const double half[] = { 0.5 }, negative[] = { -1 }, inf[] = { INFINITY };
static const double no_number[] = { NAN }, huge[] = { 1e19 };

#define LABEL(n, v) (const struct smx_label[]) { { n, v }, { 0 } }
#define LABELS(n, v, n2, v2) \
	(const struct smx_label[]) { { n, v }, { n2, v2 }, { 0 } }

static const struct {
	uint8_t type;
	struct smx_desc d;
} bad[] = {
	{ C, { .help = "x" } },
	{ C, { .name = "", .help = "x" } },
	{ C, { .name = "x_total" } },
	{ C, { .name = "x_total", .help = "" } },
	{ C, { .name = "x", .help = "no _total" } },
	{ C, { .name = "_total", .help = "nothing before it" } },
	{ G, { .name = "1x", .help = "x" } },
	{ G, { .name = "x-y", .help = "x" } },
	{ G, { .name = "x y", .help = "x" } },
	{ G, { .name = "x{y}", .help = "x" } },
	{ G, { .name = "\xc3\xa4", .help = "x" } },
	{ G, { .name = "x", .help = "\xff" } },
	{ G, { .name = "x", .help = "bell \a" } },
	{ G, { .name = "x", .help = "surrogate \xed\xa0\x80" } },
	{ G, { .name = "x", .help = "overlong \xc0\xaf" } },
	/* units end the name, before _total */
	{ C, { .name = "x_total", .help = "x", .unit = "bytes" } },
	{ C, { .name = "x_total_bytes", .help = "x", .unit = "bytes" } },
	{ C, { .name = "bytes_total", .help = "x", .unit = "bytes" } },
	{ G, { .name = "xbytes", .help = "x", .unit = "bytes" } },
	{ G, { .name = "x_bytes", .help = "x", .unit = "by-tes" } },
	{ H, { .name = "x", .help = "x", .unit = "seconds", .exponent = 9 } },
	/* exponents */
	{ C, { .name = "x_total", .help = "x", .exponent = 19 } },
	{ C, { .name = "x_total", .help = "x", .exponent = -19 } },
	{ C, { .name = "x_total", .help = "x", .exponent = 256 } },
	{ H, { .name = "x", .help = "x", .exponent = 19 } },
	{ G, { .name = "x", .help = "x", .gauge_mode = 4 } },
	{ G, { .name = "x", .help = "x", .gauge_mode = -1 } },
	{ G, { .name = "x", .help = "x", .gauge_mode = 256 } },
	/* labels */
	{ G, { .name = "x", .help = "x", .labels = LABEL("le", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("quantile", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("service", "v") } },
	{ G, { .name = "x", .help = "x",
	    .labels = LABEL("service_instance", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("__x", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("a:b", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("1a", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("a", "\xff") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("a", "\x01") } },
	{ G, { .name = "x", .help = "x",
	    .labels = LABELS("a", "v", "a", "w") } },
	{ G, { .name = "x", .help = "x", .gauge_mode = SMX_EACH,
	    .labels = LABEL("process", "v") } },
	/* bounds */
	{ H, { .name = "x", .help = "x", .bounds = down, .n_bounds = 2 } },
	{ H, { .name = "x", .help = "x", .bounds = same, .n_bounds = 2 } },
	{ H, { .name = "x", .help = "x", .bounds = half, .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .bounds = negative, .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .bounds = inf, .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .bounds = no_number, .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .bounds = huge, .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .n_bounds = 1 } },
	{ H, { .name = "x", .help = "x", .bounds = up, .n_bounds = 65 } },
	{ H, { .name = "x", .help = "x", .native = 1, .schema = 9 } },
	{ H, { .name = "x", .help = "x", .native = 1, .schema = -2 } },
	{ H, { .name = "x", .help = "x", .native = 1, .native_min = 4,
	    .native_max = 2 } },
	{ H, { .name = "x", .help = "x", .native = 1, .native_min = -1 } },
	{ H, { .name = "x", .help = "x", .native = 1, .native_max = NAN } },
};

START_TEST(refuses_what_cannot_be)
{
	struct smx_error err = { 0 };
	struct live l = { 0 };
	int rc;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	rc = try(bad[_i].type, &bad[_i].d, &err);
	ck_assert_msg(rc == -EINVAL, "%d for %s", rc,
	    bad[_i].d.name ? bad[_i].d.name : "(none)");
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_int_ne(err.msg[0], '\0');
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_families, 0);
	ck_assert_uint_eq(l.snap.state.refused, 1);
	live_close(&l);
}
END_TEST

static const struct {
	uint8_t type;
	struct smx_desc d;
} good[] = {
	{ C, { .name = "x_total", .help = "x", .exponent = 18 } },
	{ C, { .name = "x_total", .help = "x", .exponent = -18 } },
	{ C, { .name = "a:b_total", .help = "recording rule" } },
	{ C, { .name = "x_bytes_total", .help = "x", .unit = "bytes" } },
	{ C, { .name = "X_total", .help = "tab\tand\nline, \xf0\x9f\x92\xa9" } },
	{ G, { .name = "x_ratio", .help = "x", .unit = "ratio" } },
	{ G, { .name = "x_total", .help = "a gauge may be called so" } },
	{ G, { .name = "x", .help = "x", .gauge_mode = SMX_SUM,
	    .labels = LABEL("process", "v") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("a", "") } },
	{ G, { .name = "x", .help = "x", .labels = LABEL("a", NULL) } },
	{ G, { .name = "x", .help = "x",
	    .labels = LABEL("a", "\"\\\n\xf4\x8f\xbf\xbf") } },
	{ H, { .name = "x", .help = "x", .bounds = up, .n_bounds = 3 } },
	{ H, { .name = "x", .help = "x", .bounds = half, .n_bounds = 1,
	    .exponent = 1 } },
	{ H, { .name = "x", .help = "x", .native = 1 } },
	{ H, { .name = "x", .help = "x", .native = 1, .schema = -1 } },
	{ H, { .name = "x", .help = "x", .native = 1, .schema = 8,
	    .exponent = 9 } },
};

START_TEST(takes_what_can_be)
{
	struct smx_error err = { 0 };
	const struct smx_desc *d = &good[_i].d;
	const struct smx_family_info *f;
	struct live l = { 0 };
	int rc;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	rc = try(good[_i].type, d, &err);
	ck_assert_msg(rc == 0, "%s: %s", d->name, err.msg);
	live_look(&l, "smx.t");
	f = live_family(&l, d->name);
	ck_assert_ptr_nonnull(f);
	ck_assert_str_eq(f->help, d->help);
	ck_assert_str_eq(f->unit, d->unit ? d->unit : "");
	ck_assert_int_eq(f->exponent, d->exponent);
	ck_assert_int_eq(f->type, good[_i].type);
	ck_assert_uint_eq(l.snap.catalog->n_series, 1);
	live_close(&l);
}
END_TEST

/* The longest of everything, and one more of it. */
static void
fill(char *s, size_t n, const char *end)
{
	memset(s, 'a', n);
	memcpy(s + n - strlen(end), end, strlen(end) + 1);
}

START_TEST(takes_the_longest_and_no_longer)
{
	static char name[300], help[4200], label[300], value[1100], unit[80];
	struct smx_label labels[] = { { label, value }, { 0 } };
	struct smx_desc d = { name, help, .unit = unit, .labels = labels };
	char *const strings[] = { name, help, label, value, unit };
	const size_t longest[] = { 255, 4095, 255, 1023, 63 };
	size_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	for (i = 0; i < 5; i++)
		fill(strings[i], longest[i], "");
	name[255 - 64] = '_';
	ck_assert_int_eq(try(G, &d, NULL), 0);
	for (i = 0; i < 5; i++) {
		name[0] = (char)('b' + i); /* another each time */
		strings[i][longest[i]] = 'a';
		strings[i][longest[i] + 1] = '\0';
		ck_assert_msg(try(G, &d, NULL) == -EINVAL, "string %zu", i);
		strings[i][longest[i]] = '\0';
	}
	ck_assert_int_eq(try(G, &d, NULL), 0);
}
END_TEST

START_TEST(takes_sixteen_labels_and_no_more)
{
	static char names[17][4];
	struct smx_label labels[18] = { 0 };
	struct smx_desc d = { .name = "x", .help = "x", .labels = labels };
	size_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	for (i = 0; i < 17; i++) {
		snprintf(names[i], sizeof(names[i]), "l%zu", i);
		labels[i].name = names[i];
		labels[i].value = "v";
	}
	ck_assert_int_eq(try(G, &d, NULL), -EINVAL);
	labels[16].name = NULL;
	ck_assert_int_eq(try(G, &d, NULL), 0);
}
END_TEST

START_TEST(takes_sixty_four_bounds_and_no_more)
{
	double bounds[65];
	struct smx_desc d = { .name = "x", .help = "x", .bounds = bounds };
	uint32_t i;

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	for (i = 0; i < 65; i++)
		bounds[i] = i;
	d.n_bounds = 65;
	ck_assert_int_eq(try(H, &d, NULL), -EINVAL);
	d.n_bounds = 64;
	ck_assert_int_eq(try(H, &d, NULL), 0);
}
END_TEST

/* Register until it is refused; how many there were. */
static unsigned
register_many(uint8_t type, struct smx_error *err, int *rc)
{
	char name[32];
	struct smx_desc d = { .name = name, .help = "x" };
	unsigned n;

	for (n = 0; n < 100000; n++) {
		snprintf(name, sizeof(name), "x%u_total", n);
		*rc = try(type, &d, err);
		if (*rc < 0)
			break;
	}
	return n;
}

static void
check_full(const char *option, const struct smx_error *err, int rc)
{
	struct smx_counter c = { 0 };

	ck_assert_int_eq(rc, -ENOSPC);
	ck_assert_msg(strstr(err->msg, option) != NULL, "%s", err->msg);
	/* what is there goes on */
	c = smx_counter("x0_total", "x");
	smx_inc(c);
}

START_TEST(says_when_cells_are_full)
{
	struct smx_options o = { .cells = 512 };
	struct smx_error err = { 0 };
	struct live l = { 0 };
	int rc = 0;
	unsigned n;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	n = register_many(C, &err, &rc);
	ck_assert_uint_eq(n, 512 - 8);
	check_full("cells", &err, rc);
	smx_inc(smx_counter("last_total", "refused")); /* the sink */
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x0_total", NULL), 1);
	ck_assert_ptr_null(live_series(&l, "last_total", NULL));
	ck_assert_uint_eq(l.snap.state.refused, 2);
	live_close(&l);
}
END_TEST

START_TEST(says_when_gauges_are_full)
{
	struct smx_options o = { .gauges = 504 };
	struct smx_error err = { 0 };
	int rc = 0;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	ck_assert_uint_eq(register_many(G, &err, &rc), 512 - 8);
	ck_assert_int_eq(rc, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.msg, "gauges"));
}
END_TEST

START_TEST(says_when_the_directory_is_full)
{
	struct smx_options o = { .dir_bytes = 8192 };
	struct smx_error err = { 0 };
	struct live l = { 0 };
	int rc = 0;
	unsigned n;

	ck_assert_int_eq(smx_attach("t", &o), 0);
	n = register_many(C, &err, &rc);
	ck_assert_uint_gt(n, 50);
	check_full("dir_bytes", &err, rc);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x0_total", NULL), 1);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer_rules");
	TCase *tc = live_case(s, "rules", 30);

	tcase_add_loop_test(tc, refuses_what_cannot_be, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tc, takes_what_can_be, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_test(tc, takes_the_longest_and_no_longer);
	tcase_add_test(tc, takes_sixteen_labels_and_no_more);
	tcase_add_test(tc, takes_sixty_four_bounds_and_no_more);
	tcase_add_test(tc, says_when_cells_are_full);
	tcase_add_test(tc, says_when_gauges_are_full);
	tcase_add_test(tc, says_when_the_directory_is_full);
	return live_main(s);
}
