/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random catalogs, rendered, and read back by a strict parser that knows
 * nothing of the encoders: the samples must be those of the catalogs.
 */
#include "tests/expo_made.h"

#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_SEEDS	    1500
#define SAMPLES_MAX 4096
#define KEY_MAX	    320

/* A sample as "name\1label\2value\1label\2value..\1", values as they were
 * before escaping, and its number. */
struct sample {
	char key[KEY_MAX];
	double value;
};

struct samples {
	struct sample s[SAMPLES_MAX];
	size_t n;
};

static struct samples want, got;

static struct sample *
push(struct samples *all)
{
	ck_assert_uint_lt(all->n, SAMPLES_MAX);
	all->s[all->n].key[0] = '\0';
	return &all->s[all->n++];
}

static void
append(struct sample *s, const char *text, size_t n, char end)
{
	size_t len = strlen(s->key);

	if (len + n + 2 > KEY_MAX)
		ck_abort_msg("key too long");
	memcpy(s->key + len, text, n);
	s->key[len + n] = end;
	s->key[len + n + 1] = '\0';
}

static void
append_label(struct sample *s, const char *name, const char *value)
{
	append(s, name, strlen(name), '\2');
	append(s, value, strlen(value), '\1');
}

/* ---- what the catalogs say ---- */

static struct sample *
expect(const struct expo_source *src, const struct smx_family_info *f,
    const struct smx_series_info *info, const char *suffix)
{
	const char *name = f->labels, *value = info->values;
	struct sample *s = push(&want);

	append(s, f->name, strlen(f->name), '\0');
	append(s, suffix, strlen(suffix), '\1');
	if (!src->bare)
		append_label(s, "service", src->service);
	if (!src->bare && src->instance != NULL && src->instance[0] != '\0')
		append_label(s, "service_instance", src->instance);
	for (uint32_t i = 0; i < f->n_labels; i++) {
		append_label(s, name, value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
	}
	return s;
}

static double
scaled(uint64_t n, int exponent)
{
	char text[40];

	snprintf(text, sizeof(text), "%llue%d", (unsigned long long)n,
	    -exponent);
	return strtod(text, NULL);
}

static void
expect_gauge(const struct expo_source *src, const struct made *m,
    const struct smx_family_info *f, const struct smx_series_info *info)
{
	char process[16];
	double v;

	if (f->gauge_mode != SMX_GAUGE_EACH) {
		if (smx_gauge_value(&m->snapshot, info, &v))
			expect(src, f, info, "")->value = v;
		return;
	}
	for (uint32_t row = 0; row < m->snapshot.n_live; row++) {
		struct sample *s;

		if (!smx_gauge_of(&m->snapshot, info, row, &v))
			continue;
		s = expect(src, f, info, "");
		snprintf(process, sizeof(process), "%u", m->live[row].slot);
		append_label(s, "process", process);
		s->value = v;
	}
}

/* Bounds of the random histograms are the same in all: by hand. */
static void
expect_histogram(const struct expo_source *src, const struct made *m,
    const struct smx_family_info *f, const struct smx_series_info *info)
{
	static const struct {
		const char *le;
		uint32_t n; /* buckets up to it */
	} native[] = { { "1.0", 1 }, { "2.0", 2 }, { "4.0", 4 }, { "8.0", 5 },
		{ "+Inf", 7 } }, classic[] = { { "3.0", 3 }, { "8.0", 5 },
		{ "100.0", 6 }, { "+Inf", 7 } };
	const uint64_t *c = m->cells + info->cell;
	bool is_classic = f->hist_flags & SMX_HIST_EXPLICIT;
	size_t n = is_classic ? 4 : 5;
	uint64_t count = 0;
	struct sample *s;

	for (size_t i = 0; i < n; i++) {
		uint32_t upto = is_classic ? classic[i].n : native[i].n;

		count = 0;
		for (uint32_t k = 0; k < upto; k++)
			count += c[SMX_HIST_BUCKET + k];
		s = expect(src, f, info, "_bucket");
		append_label(s, "le", is_classic ? classic[i].le
						 : native[i].le);
		s->value = (double)count;
	}
	expect(src, f, info, "_sum")->value = (double)c[SMX_HIST_SUM];
	expect(src, f, info, "_count")->value = (double)count;
}

static bool
is_lost(const struct expo_page *page, size_t source, const char *family)
{
	const struct expo_loss *l;
	size_t n = expo_page_losses(page, &l);

	for (size_t i = 0; i < n; i++)
		if (l[i].source == source && strcmp(l[i].family, family) == 0)
			return true;
	return false;
}

/* The first family of a name may be shown while a later one of the same
 * source is lost: only names that are never twice are compared. */
static bool
comes_twice(const struct made *m, const struct smx_family_info *f)
{
	for (uint32_t i = 0; i < m->catalog.n_families; i++)
		if (&m->families[i] != f && !m->families[i].retired &&
		    strcmp(m->families[i].name, f->name) == 0)
			return true;
	return false;
}

static bool
any_twice(const struct made_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		for (uint32_t f = 0; f < set->made[i]->catalog.n_families; f++)
			if (comes_twice(set->made[i],
				&set->made[i]->families[f]))
				return true;
	return false;
}

static void
expect_all(const struct made_set *set, const struct expo_page *page)
{
	want.n = 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct made *m = set->made[i];

		for (uint32_t k = 0; k < m->catalog.n_series; k++) {
			const struct smx_series_info *s = &m->series[k];
			const struct smx_family_info *f =
			    &m->families[s->family];

			if (f->retired || is_lost(page, i, f->name))
				continue;
			if (f->type == SMX_TYPE_COUNTER)
				expect(&set->sources[i], f, s, "")->value =
				    scaled(m->cells[s->cell], f->exponent);
			else if (f->type == SMX_TYPE_GAUGE)
				expect_gauge(&set->sources[i], m, f, s);
			else
				expect_histogram(&set->sources[i], m, f, s);
		}
	}
}

/* ---- what the text says ---- */

struct parser {
	const char *p;
	bool openmetrics;
	char family[64]; /* of the block */
	char type[16];
	char seen[256][64]; /* names that are taken */
	size_t n_seen;
	/* of the histogram that is being read */
	double le, cumulative, inf;
	bool in_histogram;
};

static void
literal(struct parser *ps, const char *text)
{
	if (strncmp(ps->p, text, strlen(text)) != 0)
		ck_abort_msg("wanted '%s' at: %.60s", text, ps->p);
	ps->p += strlen(text);
}

static size_t
name_len(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		ck_abort_msg("name begins with a digit: %.60s", p);
	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == ':')
		n++;
	if (n == 0)
		ck_abort_msg("no name at: %.60s", p);
	return n;
}

static void
claim(struct parser *ps, const char *suffix)
{
	char name[80];

	snprintf(name, sizeof(name), "%s%s", ps->family, suffix);
	for (size_t i = 0; i < ps->n_seen; i++)
		if (strcmp(ps->seen[i], name) == 0)
			ck_abort_msg("%s comes twice", name);
	ck_assert_uint_lt(ps->n_seen, 256);
	strcpy(ps->seen[ps->n_seen++], name);
}

static bool
is_type(const struct parser *ps, const char *type)
{
	return strcmp(ps->type, type) == 0;
}

/* No quote, backslash or newline of the help is left bare. */
static void
help_text(struct parser *ps)
{
	for (; *ps->p != '\n'; ps->p++) {
		ck_assert_int_ne(*ps->p, '\0');
		if (ps->openmetrics && *ps->p == '"')
			ck_abort_msg("bare quote in help");
		if (*ps->p != '\\')
			continue;
		ps->p++;
		if (*ps->p != 'n' && *ps->p != '\\' &&
		    !(ps->openmetrics && *ps->p == '"'))
			ck_abort_msg("bad escape in help");
	}
	ps->p++;
}

static void
header(struct parser *ps)
{
	size_t n;

	literal(ps, "# HELP ");
	n = name_len(ps->p);
	ck_assert_uint_lt(n, sizeof(ps->family));
	memcpy(ps->family, ps->p, n);
	ps->family[n] = '\0';
	ps->p += n;
	literal(ps, " ");
	help_text(ps);
	literal(ps, "# TYPE ");
	literal(ps, ps->family);
	literal(ps, " ");
	n = name_len(ps->p);
	memcpy(ps->type, ps->p, n);
	ps->type[n] = '\0';
	ps->p += n;
	literal(ps, "\n");
	if (strncmp(ps->p, "# UNIT ", 7) == 0) {
		ck_assert(ps->openmetrics);
		ck_assert(strstr(ps->family, "_ratio") != NULL);
		literal(ps, "# UNIT ");
		literal(ps, ps->family);
		literal(ps, " ratio\n");
	}
	if (is_type(ps, "counter") && !ps->openmetrics) {
		n = strlen(ps->family);
		ck_assert_str_eq(ps->family + n - 6, "_total");
		ps->family[n - 6] = '\0';
	}
	claim(ps, "");
	if (is_type(ps, "counter"))
		claim(ps, "_total");
	if (is_type(ps, "histogram")) {
		claim(ps, "_bucket");
		claim(ps, "_sum");
		claim(ps, "_count");
	}
}

static void
label_value(struct parser *ps, struct sample *s)
{
	char value[64];
	size_t n = 0;

	for (; *ps->p != '"'; ps->p++) {
		char c = *ps->p;

		if (c == '\\') {
			c = *++ps->p;
			if (c != 'n' && c != '"' && c != '\\')
				ck_abort_msg("bad escape in a value");
			c = c == 'n' ? '\n' : c;
		} else if (c == '\n' || c == '\0') {
			ck_abort_msg("a value does not end");
		}
		ck_assert_uint_lt(n, sizeof(value));
		value[n++] = c;
	}
	ps->p++;
	append(s, value, n, '\1');
}

static void
labels(struct parser *ps, struct sample *s)
{
	char names[8][32];
	size_t k = 0;

	if (*ps->p != '{')
		return;
	do {
		size_t n = name_len(++ps->p);

		ck_assert_uint_lt(n, 32);
		ck_assert_uint_lt(k, 8);
		memcpy(names[k], ps->p, n);
		names[k][n] = '\0';
		for (size_t i = 0; i < k; i++)
			if (strcmp(names[i], names[k]) == 0)
				ck_abort_msg("label %s twice", names[k]);
		k++;
		append(s, ps->p, n, '\2');
		ps->p += n;
		literal(ps, "=\"");
		label_value(ps, s);
	} while (*ps->p == ',');
	literal(ps, "}");
}

/* Checks the order within a histogram. */
static void
histogram_sample(struct parser *ps, const char *suffix, const struct sample *s)
{
	const char *le = strstr(s->key, "le\2");

	if (strcmp(suffix, "_bucket") == 0) {
		double bound = strtod(le + 3, NULL);

		if (!ps->in_histogram)
			ps->le = -INFINITY, ps->cumulative = 0;
		ps->in_histogram = true;
		ck_assert(bound > ps->le);
		ck_assert(s->value >= ps->cumulative);
		ck_assert(strpbrk(le + 3, ".I") != NULL);
		ps->le = bound;
		ps->cumulative = ps->inf = s->value;
		return;
	}
	ck_assert(ps->in_histogram || strcmp(suffix, "_count") == 0);
	ck_assert(isinf(ps->le));
	ps->in_histogram = false;
	if (strcmp(suffix, "_count") == 0)
		ck_assert(s->value == ps->inf);
}

static void
number(struct parser *ps, struct sample *s, bool count)
{
	char *end;

	literal(ps, " ");
	if (isspace((unsigned char)*ps->p))
		ck_abort_msg("two spaces");
	if (ps->openmetrics && count &&
	    strspn(ps->p, "0123456789") != strcspn(ps->p, " \n"))
		ck_abort_msg("a count is no integer: %.40s", ps->p);
	s->value = strtod(ps->p, &end);
	ps->p = end;
}

/* OpenMetrics, behind a bucket: ` # {id="17"} 3 1700000000.123`. */
static void
exemplar(struct parser *ps)
{
	struct sample ignored = { 0 };
	char *end;

	literal(ps, " # ");
	ck_assert_int_eq(*ps->p, '{');
	labels(ps, &ignored);
	literal(ps, " ");
	ck_assert(strtod(ps->p, &end) <= ps->le);
	ps->p = end;
	literal(ps, " ");
	(void)strtod(ps->p, &end);
	ps->p = end;
}

static void
sample(struct parser *ps)
{
	struct sample *s = push(&got);
	size_t n = name_len(ps->p), base = strlen(ps->family);
	char suffix[32];
	bool count;

	if (n < base || strncmp(ps->p, ps->family, base) != 0)
		ck_abort_msg("not of %s: %.60s", ps->family, ps->p);
	ck_assert_uint_lt(n - base, sizeof(suffix));
	memcpy(suffix, ps->p + base, n - base);
	suffix[n - base] = '\0';
	append(s, ps->p, n, '\1');
	ps->p += n;
	count = strcmp(suffix, "_bucket") == 0 ||
	    strcmp(suffix, "_count") == 0;
	labels(ps, s);
	number(ps, s, count);
	if (is_type(ps, "counter"))
		ck_assert_str_eq(suffix, "_total");
	else if (is_type(ps, "gauge"))
		ck_assert_str_eq(suffix, "");
	else if (is_type(ps, "histogram"))
		histogram_sample(ps, suffix, s);
	else
		ck_abort_msg("type %s", ps->type);
	if (ps->openmetrics && strcmp(suffix, "_bucket") == 0 && *ps->p == ' ')
		exemplar(ps);
	literal(ps, "\n");
}

static void
parse(const char *text, bool openmetrics)
{
	struct parser ps = { .p = text, .openmetrics = openmetrics };

	got.n = 0;
	while (*ps.p != '\0' && strcmp(ps.p, "# EOF\n") != 0) {
		size_t before = got.n;

		header(&ps);
		while (*ps.p != '#' && *ps.p != '\0')
			sample(&ps);
		if (got.n == before)
			ck_abort_msg("%s has no sample", ps.family);
	}
	if (openmetrics)
		literal(&ps, "# EOF\n");
	ck_assert_int_eq(*ps.p, '\0');
}

/* ---- the promises ---- */

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct sample *)a)->key,
	    ((const struct sample *)b)->key);
}

static void
compare(uint64_t seed)
{
	qsort(want.s, want.n, sizeof(want.s[0]), by_key);
	qsort(got.s, got.n, sizeof(got.s[0]), by_key);
	for (size_t i = 0; i < want.n && i < got.n; i++)
		if (strcmp(want.s[i].key, got.s[i].key) != 0 ||
		    !(want.s[i].value == got.s[i].value))
			ck_abort_msg("seed %llu: want %s %.17g, got %s %.17g",
			    (unsigned long long)seed, want.s[i].key,
			    want.s[i].value, got.s[i].key, got.s[i].value);
	ck_assert_uint_eq(want.n, got.n);
	for (size_t i = 1; i < got.n; i++)
		if (strcmp(got.s[i - 1].key, got.s[i].key) == 0)
			ck_abort_msg("series comes twice: %s", got.s[i].key);
}

static char *
render(const struct expo_page *page, const struct made_set *set,
    enum expo_format format, size_t *n)
{
	size_t cap = expo_page_bound(page, format, set->snapshots);
	char *body = malloc(cap + 1);

	ck_assert_ptr_nonnull(body);
	*n = expo_render(body, cap, page, format, set->snapshots);
	if (*n > cap)
		ck_abort_msg("%zu bytes, but the bound is %zu", *n, cap);
	body[*n] = '\0';
	return body;
}

START_TEST(text_says_what_the_catalogs_say)
{
	size_t compared = 0;

	for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
		struct made_set set;
		struct expo_page *page;

		made_random(&set, seed);
		ck_assert_int_eq(expo_page_create(&page, set.sources, set.n),
		    0);
		for (int f = EXPO_TEXT; f <= EXPO_OPENMETRICS; f++) {
			size_t n;
			char *body = render(page, &set, (enum expo_format)f,
			    &n);

			ck_assert_uint_eq(strlen(body), n);
			parse(body, f == EXPO_OPENMETRICS);
			free(body);
			if (any_twice(&set))
				continue;
			expect_all(&set, page);
			compare(seed);
			compared += got.n;
		}
		expo_page_destroy(page);
		made_free(&set);
	}
	ck_assert_uint_gt(compared, 1000); /* the catalogs were not empty */
}
END_TEST

/* Exactly cap bytes are allocated, so that a sanitizer sees the next one;
 * without one, so does the canary of an own guard. */
static void
check_cap(const struct expo_page *page, const struct made_set *set,
    enum expo_format format, const char *full, size_t n, size_t cap)
{
	static const char guard[8] = "guarded";
	char *body = malloc(cap + sizeof(guard));
	size_t shown = n < cap ? n : cap;

	ck_assert_ptr_nonnull(body);
	memcpy(body + cap, guard, sizeof(guard));
	if (expo_render(body, cap, page, format, set->snapshots) != n)
		ck_abort_msg("cap %zu changes the length", cap);
	if (memcmp(body, full, shown) != 0)
		ck_abort_msg("cap %zu changes the bytes", cap);
	if (memcmp(body + cap, guard, sizeof(guard)) != 0)
		ck_abort_msg("cap %zu: written past it", cap);
	free(body);
}

START_TEST(any_cap_gives_the_first_bytes_and_touches_no_more)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct made_set set;
		struct expo_page *page;

		made_random(&set, seed);
		ck_assert_int_eq(expo_page_create(&page, set.sources, set.n),
		    0);
		for (int f = 0; f < EXPO_FORMATS; f++) {
			enum expo_format format = (enum expo_format)f;
			size_t n;
			char *full = render(page, &set, format, &n);
			size_t step = n < 3000 ? 1 : 1 + n / 997;

			for (size_t cap = 0; cap <= n + 200; cap += step)
				check_cap(page, &set, format, full, n, cap);
			free(full);
		}
		expo_page_destroy(page);
		made_free(&set);
	}
}
END_TEST

START_TEST(the_order_of_sources_does_not_matter)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct made_set a, b;
		struct expo_page *pa, *pb;
		size_t na, nb;
		char *ta, *tb;

		made_random(&a, seed);
		b.n = a.n;
		for (size_t i = 0; i < a.n; i++) {
			b.sources[i] = a.sources[a.n - 1 - i];
			b.snapshots[i] = a.snapshots[a.n - 1 - i];
		}
		ck_assert_int_eq(expo_page_create(&pa, a.sources, a.n), 0);
		ck_assert_int_eq(expo_page_create(&pb, b.sources, b.n), 0);
		ta = render(pa, &a, EXPO_TEXT, &na);
		tb = render(pb, &b, EXPO_TEXT, &nb);
		ck_assert_uint_eq(na, nb);
		ck_assert_mem_eq(ta, tb, na);
		free(ta);
		free(tb);
		expo_page_destroy(pa);
		expo_page_destroy(pb);
		made_free(&a);
	}
}
END_TEST

static uint64_t
pick(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 8;
}

/* Of each source an earlier catalog, or none; some families then retired
 * were not yet.  Returns its page. */
static struct expo_page *
earlier_page(struct made_set *set, uint32_t *from, uint64_t *rnd)
{
	struct smx_catalog now[MADE_SOURCES];
	bool retired[MADE_SOURCES][MADE_FAMILIES];
	struct expo_source sources[MADE_SOURCES];
	struct expo_page *page;
	uint32_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		struct made *m = set->made[i];
		struct smx_catalog *c = &m->catalog;

		now[i] = *c;
		c->n_series = (uint32_t)(pick(rnd) % (c->n_series + 1));
		for (uint32_t f = 0; f < now[i].n_families; f++) {
			retired[i][f] = m->families[f].retired;
			if (pick(rnd) % 4 == 0)
				m->families[f].retired = false;
		}
		from[i] = EXPO_NEW;
		if (pick(rnd) % 4 == 0)
			continue;
		from[i] = n;
		sources[n++] = set->sources[i];
	}
	ck_assert_int_eq(expo_page_create(&page, sources, n), 0);
	for (size_t i = 0; i < set->n; i++) {
		set->made[i]->catalog = now[i];
		for (uint32_t f = 0; f < now[i].n_families; f++)
			set->made[i]->families[f].retired = retired[i][f];
	}
	return page;
}

START_TEST(a_renewed_page_is_the_one_made_anew)
{
	uint64_t rnd = 88172645463325252u;

	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct expo_page *earlier, *renewed, *anew;
		uint32_t from[MADE_SOURCES];
		struct made_set set;

		made_random(&set, seed);
		earlier = earlier_page(&set, from, &rnd);
		ck_assert_int_eq(expo_page_renew(&renewed, earlier, from,
		    set.sources, set.n), 0);
		expo_page_destroy(earlier);
		ck_assert_int_eq(expo_page_create(&anew, set.sources, set.n),
		    0);
		for (int f = 0; f < EXPO_FORMATS; f++) {
			enum expo_format format = (enum expo_format)f;
			size_t na, nb;
			char *a = render(anew, &set, format, &na);
			char *b = render(renewed, &set, format, &nb);

			ck_assert_uint_eq(na, nb);
			ck_assert_mem_eq(a, b, na);
			ck_assert_uint_eq(
			    expo_page_bound(anew, format, set.snapshots),
			    expo_page_bound(renewed, format, set.snapshots));
			free(a);
			free(b);
		}
		expo_page_destroy(renewed);
		expo_page_destroy(anew);
		made_free(&set);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("expo");
	TCase *tc = tcase_create("expo");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, text_says_what_the_catalogs_say);
	tcase_add_test(tc, any_cap_gives_the_first_bytes_and_touches_no_more);
	tcase_add_test(tc, the_order_of_sources_does_not_matter);
	tcase_add_test(tc, a_renewed_page_is_the_one_made_anew);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
