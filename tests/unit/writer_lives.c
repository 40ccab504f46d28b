/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes, at once and one after the other. */
#include "tests/segment_live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What a process does; the steps below choose. */
struct deed {
	const char *name;
	uint8_t type;
	int exponent;
	int mode;
	uint32_t flags;
	uint64_t n;
	int rc; /* expected of attach */
};

static int
do_deed(void *arg)
{
	const struct deed *d = arg;
	struct smx_options o = { .flags = d->flags };
	struct smx_desc desc = { .name = d->name, .help = "x",
		.exponent = d->exponent, .gauge_mode = d->mode };
	struct smx_counter c;
	struct smx_gauge g;
	struct smx_histogram h;
	int rc = smx_attach("t", &o);

	if (rc != d->rc)
		return 1;
	if (rc < 0 || d->name == NULL)
		return 0;
	if (d->type == SMX_TYPE_COUNTER) {
		rc = smx_counter_register(&c, &desc, NULL);
		smx_add(c, d->n);
	} else if (d->type == SMX_TYPE_GAUGE) {
		rc = smx_gauge_register(&g, &desc, NULL);
		smx_set(g, (double)d->n);
	} else {
		rc = smx_histogram_register(&h, &desc, NULL);
		smx_observe(h, d->n);
	}
	return rc < 0 ? 2 : 0;
}

static const struct deed count5 = { "x_total", SMX_TYPE_COUNTER, .n = 5 };

START_TEST(counters_go_on_over_lives)
{
	struct live l = { 0 };
	uint64_t created;
	int i;

	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)&count5), 0);
	live_look(&l, "smx.t");
	created = live_series(&l, "x_total", NULL)->created_ns;
	ck_assert_uint_gt(created / 1000000000, (uint64_t)time(NULL) - 60);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(live_run(do_deed,
		    (void *)(uintptr_t)&count5), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 105);
	ck_assert_uint_eq(live_series(&l, "x_total", NULL)->created_ns,
	    created);
	ck_assert_uint_eq(l.snap.catalog->n_series, 1);
	ck_assert_uint_eq(l.snap.n_live, 0);
	ck_assert_uint_eq(l.snap.state.redefined, 0);
	live_close(&l);
}
END_TEST

START_TEST(instances_are_apart)
{
	struct smx_options o = { .instance = "a" };
	struct live l = { 0 };

	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)&count5), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t@a");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 5);
	live_close(&l);
}
END_TEST

START_TEST(fresh_begins_at_nothing)
{
	struct smx_options o = { .flags = SMX_FRESH };
	struct live l = { 0 };

	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)&count5), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.catalog->n_families, 0);
	live_close(&l);
	ck_assert_int_eq(access(live_file(".old.smx.t"), F_OK), 0);
	ck_assert_int_eq(smx_attach("t", &o), 0); /* not twice */
	smx_inc(smx_counter("x_total", "x"));
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

static int
attach_step(int fresh)
{
	struct smx_options o = { .flags = fresh ? SMX_FRESH : 0 };

	return smx_attach("t", &o);
}

START_TEST(fresh_is_refused_while_others_live)
{
	struct live_peer p, q;

	live_peer_start(&p, attach_step);
	live_peer_start(&q, attach_step);
	ck_assert_int_eq(live_peer_do(&p, 0), 0);
	ck_assert_int_eq(live_peer_do(&q, 1), -EBUSY);
	ck_assert_int_eq(live_peer_do(&q, 0), 0);
	live_peer_end(&p);
	live_peer_end(&q);
	ck_assert_int_ne(access(live_file(".old.smx.t"), F_OK), 0);
}
END_TEST

/* The same name, otherwise: the last one wins, with cells of its own. */
static const struct deed others[][2] = {
	{ { "x_total", SMX_TYPE_COUNTER, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .exponent = 3, .n = 7 } },
	{ { "x_total", SMX_TYPE_GAUGE, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .n = 7 } },
	{ { "x_total", SMX_TYPE_HISTOGRAM, .exponent = 9, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .n = 7 } },
	/* other names that share a sample with it */
	{ { "x", SMX_TYPE_GAUGE, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .n = 7 } },
	{ { "x_created", SMX_TYPE_GAUGE, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .n = 7 } },
	{ { "x", SMX_TYPE_HISTOGRAM, .exponent = 9, .n = 5 },
	  { "x_total", SMX_TYPE_COUNTER, .n = 7 } },
};

START_TEST(the_last_definition_wins)
{
	struct live l = { 0 };
	const struct deed *old = &others[_i][0], *new = &others[_i][1];

	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)old), 0);
	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)new), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 7);
	ck_assert_int_eq(live_family(&l, "x_total")->exponent, new->exponent);
	if (strcmp(old->name, new->name) != 0)
		ck_assert_ptr_null(live_family(&l, old->name));
	ck_assert_uint_eq(l.snap.state.redefined, 1);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	/* and a third life of it goes on */
	ck_assert_int_eq(live_run(do_deed, (void *)(uintptr_t)new), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 14);
	ck_assert_uint_eq(l.snap.state.redefined, 1);
	live_close(&l);
}
END_TEST

static const char *const label[] = { "v", NULL };
static struct smx_counter_family older;

/* 0: attach, define; n: count in value n. */
static int
old_process(int step)
{
	struct smx_desc d = { .name = "x_total", .help = "x",
		.label_names = label };
	char value[16];
	const char *values[] = { value };

	if (step == 0)
		return smx_attach("t", NULL) < 0 ? -1 :
		    smx_counter_family(&older, &d, NULL);
	snprintf(value, sizeof(value), "v%d", step);
	smx_inc(smx_counter_with(older, values));
	return 0;
}

static int
new_process(int step)
{
	static struct smx_counter_family f;
	struct smx_desc d = { .name = "x_total", .help = "x",
		.label_names = label, .exponent = 3 };
	char value[16];
	const char *values[] = { value };

	if (step == 0)
		return smx_attach("t", NULL) < 0 ? -1 :
		    smx_counter_family(&f, &d, NULL);
	snprintf(value, sizeof(value), "v%d", step);
	smx_inc(smx_counter_with(f, values));
	return 0;
}

/* A rolling deploy: both live on, both meet new values. */
START_TEST(an_older_process_does_not_take_its_name_back)
{
	struct live_peer old, new;
	struct live l = { 0 };
	int i;

	live_peer_start(&old, old_process);
	live_peer_start(&new, new_process);
	ck_assert_int_eq(live_peer_do(&old, 0), 0);
	ck_assert_int_eq(live_peer_do(&new, 0), 0);
	for (i = 1; i < 50; i++) {
		ck_assert_int_eq(live_peer_do(&old, i), 0);
		ck_assert_int_eq(live_peer_do(&new, i), 0);
	}
	ck_assert_int_eq(live_peer_do(&new, 1), 0);
	live_look(&l, "smx.t");
	ck_assert_int_eq(live_family(&l, "x_total")->exponent, 3);
	ck_assert_uint_eq(live_cell(&l, "x_total", "v1"), 2);
	ck_assert_uint_eq(live_cell(&l, "x_total", "v49"), 1);
	ck_assert_uint_eq(l.snap.state.redefined, 1);
	ck_assert_uint_eq(l.snap.catalog->n_families, 2);
	live_peer_end(&old);
	live_peer_end(&new);
	live_close(&l);
}
END_TEST

static int
same_of_all(int step)
{
	static struct smx_counter c;

	if (step == 0) {
		if (smx_attach("t", NULL) < 0)
			return -1;
		c = smx_counter("x_total", "x");
		return (int)c.cell;
	}
	smx_add(c, (uint64_t)step);
	return 0;
}

START_TEST(siblings_share_cells_and_not_lanes)
{
	struct live_peer p[5];
	struct live l = { 0 };
	int i, cell;

	for (i = 0; i < 5; i++)
		live_peer_start(&p[i], same_of_all);
	cell = live_peer_do(&p[0], 0);
	ck_assert_int_ge(cell, 64);
	for (i = 1; i < 5; i++)
		ck_assert_int_eq(live_peer_do(&p[i], 0), cell);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(live_peer_do(&p[i], i + 1), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 15);
	ck_assert_uint_eq(l.snap.n_live, 5);
	ck_assert_uint_eq(l.snap.state.lanes_owned, 5);
	for (i = 0; i < 5; i++)
		live_peer_end(&p[i]);
	live_close(&l);
}
END_TEST

/* 1: register far more than one page of a lane holds; 2: take the last of
 * these, and no other. */
static int
far_cells(int step)
{
	char name[32];
	int i;

	if (step == 0)
		return smx_attach("t", NULL) < 0 ? -1 : smx_thread_attach();
	for (i = step == 1 ? 0 : 2999; i < 3000; i++) {
		snprintf(name, sizeof(name), "x%d_total", i);
		smx_inc(smx_counter(name, "x"));
	}
	return 0;
}

START_TEST(cells_that_a_sibling_made_are_there_for_all)
{
	struct deed little = { "x0_total", SMX_TYPE_COUNTER, .n = 1 };
	struct live_peer p[2];
	struct live l = { 0 };
	int i;

	for (i = 0; i < 2; i++) {
		live_peer_start(&p[i], far_cells);
		ck_assert_int_eq(live_peer_do(&p[i], 0), 0);
	}
	ck_assert_int_eq(live_peer_do(&p[0], 1), 0);
	ck_assert_int_eq(live_peer_do(&p[1], 2), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x2999_total", NULL), 2);
	for (i = 0; i < 2; i++)
		live_peer_end(&p[i]);
	/* who goes on in that lane and needs less leaves all of it */
	ck_assert_int_eq(live_run(do_deed, &little), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x2999_total", NULL), 2);
	live_close(&l);
}
END_TEST

START_TEST(the_file_is_for_owner_and_group_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct stat st;

	umask(masks[_i]);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	ck_assert_int_eq(stat(live_file("smx.t"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer_lives");
	TCase *tc = live_case(s, "lives", 30);

	tcase_add_test(tc, counters_go_on_over_lives);
	tcase_add_test(tc, instances_are_apart);
	tcase_add_test(tc, fresh_begins_at_nothing);
	tcase_add_test(tc, fresh_is_refused_while_others_live);
	tcase_add_loop_test(tc, the_last_definition_wins, 0,
	    sizeof(others) / sizeof(others[0]));
	tcase_add_test(tc, an_older_process_does_not_take_its_name_back);
	tcase_add_test(tc, siblings_share_cells_and_not_lanes);
	tcase_add_test(tc, cells_that_a_sibling_made_are_there_for_all);
	tcase_add_loop_test(tc,
	    the_file_is_for_owner_and_group_whatever_the_umask, 0, 4);
	return live_main(s);
}
