/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots taken while threads and processes write as fast as they can.
 * Every observation is of one of two constants per histogram, so that a
 * snapshot whose sum and buckets do not belong together shows.
 */
#include "tests/segment_live.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE	  "race"
#define FILE_NAME "smx.race"
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 20000u /* each update costs many times as much */
#else
#define ROUNDS 1000000u
#endif
#define HITS	  300u /* so that observations are rare enough to be missed */
#define THREADS	  2
#define PROCESSES 1

#define LOW  UINT64_C(7)
#define HIGH UINT64_C(1000003)

static struct smx_counter hits, pairs;
static struct smx_histogram narrow, wide;
static struct smx_gauge level;

static void
join_in(void)
{
	static const double bounds[] = { 10, 100, 1000 };
	struct smx_desc n = { .name = "narrow", .help = "N.",
		.bounds = bounds, .n_bounds = 3 };
	struct smx_desc w = { .name = "wide", .help = "W.", .native = 1,
		.native_min = 1, .native_max = 1 << 24 };
	struct smx_error err;

	REQUIRE(smx_attach(SERVICE, NULL) == 0);
	hits = smx_counter("hits_total", "Hits.");
	pairs = smx_counter("pairs_total", "Pairs.");
	level = smx_gauge("level", "Level.");
	REQUIRE(smx_histogram_register(&narrow, &n, &err) == 0);
	REQUIRE(smx_histogram_register(&wide, &w, &err) == 0);
}

/* A thread that is preempted within an observation spoils every snapshot until
 * it runs again, so most of the time is spent outside of them. */
static void *
write_rounds(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		smx_observe(narrow, i % 2 ? LOW : HIGH);
		smx_observe(wide, i % 2 ? LOW : HIGH);
		for (int k = 0; k < (int)HITS; k++)
			smx_inc(hits);
		smx_add(pairs, 2);
		smx_set(level, 1.0);
	}
	return NULL;
}

static void
write_in_threads(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, write_rounds,
			    NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static int
write_in_process(void *arg)
{
	(void)arg;
	join_in();
	write_in_threads();
	return 0;
}

/* What was seen so far. */
struct seen {
	uint64_t *cells;
	uint32_t n;
	unsigned snapshots, exact, moving;
};

static void
nothing_fell(struct seen *s, const struct live *l)
{
	const struct smx_catalog *c = l->snap.catalog;

	s->cells = realloc(s->cells, (c->n_cells + 1) * sizeof(*s->cells));
	REQUIRE(s->cells != NULL);
	for (uint32_t i = 0; i < c->n_cells; i++) {
		/* begin and end are not added up */
		REQUIRE(i >= s->n || l->snap.cells[i] >= s->cells[i]);
		s->cells[i] = l->snap.cells[i];
	}
	s->n = c->n_cells;
}

/* LOW and HIGH lie in different buckets: the buckets tell the sum. */
static void
belongs_together(struct seen *s, const struct live *l, const char *name)
{
	const struct smx_series_info *i = live_series(l, name, NULL);
	const struct smx_family_info *f = live_family(l, name);
	const uint64_t *bucket;
	uint64_t sum = 0;
	uint32_t k;

	if (i == NULL)
		return;
	bucket = l->snap.cells + i->cell + SMX_HIST_BUCKET;
	for (k = 0; k < f->n_buckets; k++)
		sum += bucket[k] * (f->buckets[k].upper >= HIGH ? HIGH : LOW);
	if (l->snap.approximate > 0)
		return;
	s->exact++;
	REQUIRE(sum == live_sum(l, name, NULL));
}

static void
look_once(struct seen *s, struct live *l)
{
	live_look(l, FILE_NAME);
	nothing_fell(s, l);
	belongs_together(s, l, "narrow");
	belongs_together(s, l, "wide");
	s->snapshots++;
	s->moving += l->snap.approximate > 0;
}

static uint64_t
writers(void)
{
	return (PROCESSES + 1) * THREADS * (uint64_t)ROUNDS;
}

static void
totals_are_exact(const struct live *l)
{
	uint64_t n = writers();

	REQUIRE(live_cell(l, "hits_total", NULL) == HITS * n);
	REQUIRE(live_cell(l, "pairs_total", NULL) == 2 * n);
	REQUIRE(live_count(l, "narrow", NULL) == n);
	REQUIRE(live_count(l, "wide", NULL) == n);
	REQUIRE(live_sum(l, "narrow", NULL) == n / 2 * (LOW + HIGH));
	REQUIRE(live_sum(l, "wide", NULL) == n / 2 * (LOW + HIGH));
	REQUIRE(l->snap.approximate == 0);
}

static void *
write_here(void *arg)
{
	bool *done = arg;

	write_in_threads();
	__atomic_store_n(done, true, __ATOMIC_RELEASE);
	return NULL;
}

START_TEST(snapshots_of_running_writers_are_true)
{
	struct live l = { 0 };
	struct seen seen = { 0 };
	pid_t pids[PROCESSES];
	pthread_t here;
	bool done = false;

	for (int i = 0; i < PROCESSES; i++)
		pids[i] = live_start(write_in_process, NULL);
	join_in();
	REQUIRE(pthread_create(&here, NULL, write_here, &done) == 0);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		look_once(&seen, &l);
	REQUIRE(pthread_join(here, NULL) == 0);
	for (int i = 0; i < PROCESSES; i++)
		REQUIRE(live_wait(pids[i]) == 0);
	look_once(&seen, &l);
	totals_are_exact(&l);
	/* the test has seen what it is for */
	REQUIRE(seen.snapshots > 10);
	REQUIRE(seen.exact > 10);
	live_close(&l);
	free(seen.cells);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("snapshot");
	TCase *t = live_case(s, "snapshot", 100);

	tcase_add_test(t, snapshots_of_running_writers_are_true);
	return live_main(s);
}
