/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that attach, register and update at once. */
#include "tests/segment_live.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROCESSES 6
#define METRICS	  40
#define STEPS	  1500

/* In shared memory: who is ready, and what each has counted. */
struct board {
	int ready;
	int seed;
	uint64_t common[PROCESSES][METRICS], labelled[PROCESSES][METRICS];
	uint64_t observed[PROCESSES][METRICS], own[PROCESSES];
};

static struct board *board;

static void
make_board(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(board, MAP_FAILED);
}

/* All at once, as nearly as can be. */
static void
meet(int n)
{
	(void)__atomic_fetch_add(&board->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&board->ready, __ATOMIC_SEQ_CST) < n)
		sched_yield();
}

static struct smx_counter
common_counter(unsigned k)
{
	char name[32];

	snprintf(name, sizeof(name), "c%u_total", k);
	return smx_counter(name, "x");
}

static struct smx_histogram
common_histogram(unsigned k)
{
	char name[32];

	snprintf(name, sizeof(name), "h%u_seconds", k);
	return smx_histogram_latency(name, "x");
}

static struct smx_counter
common_value(struct smx_counter_family f, unsigned k)
{
	char value[16];
	const char *values[] = { value };

	snprintf(value, sizeof(value), "v%u", k);
	return smx_counter_with(f, values);
}

static int
count_at_once(void *arg)
{
	static const char *const names[] = { "k", NULL };
	struct smx_desc d = { .name = "f_total", .help = "x",
		.label_names = names };
	int me = (int)(intptr_t)arg, i;
	uint64_t seed = 99 + (uint64_t)me;
	struct smx_counter_family f;
	char own[32];

	meet(PROCESSES);
	if (smx_attach("t", NULL) < 0 || smx_counter_family(&f, &d, NULL) < 0)
		return 1;
	snprintf(own, sizeof(own), "own%d_total", me);
	for (i = 0; i < STEPS; i++) {
		uint64_t r = live_random(&seed);
		unsigned k = (unsigned)(r >> 8) % METRICS;

		smx_add(common_counter(k), r >> 50);
		board->common[me][k] += r >> 50;
		smx_observe(common_histogram(k), r >> 44);
		board->observed[me][k]++;
		smx_inc(common_value(f, k));
		board->labelled[me][k]++;
		smx_inc(smx_counter(own, "x"));
		board->own[me]++;
	}
	return 0;
}

static uint64_t
over_all(uint64_t sums[PROCESSES][METRICS], unsigned k)
{
	uint64_t total = 0;
	int i;

	for (i = 0; i < PROCESSES; i++)
		total += sums[i][k];
	return total;
}

static void
check_all(const struct live *l)
{
	char name[32];
	unsigned k;

	for (k = 0; k < METRICS; k++) {
		snprintf(name, sizeof(name), "c%u_total", k);
		ck_assert_uint_eq(live_cell(l, name, NULL),
		    over_all(board->common, k));
		snprintf(name, sizeof(name), "h%u_seconds", k);
		ck_assert_uint_eq(live_count(l, name, NULL),
		    over_all(board->observed, k));
		snprintf(name, sizeof(name), "v%u", k);
		ck_assert_uint_eq(live_cell(l, "f_total", name),
		    over_all(board->labelled, k));
	}
	for (k = 0; k < PROCESSES; k++) {
		snprintf(name, sizeof(name), "own%u_total", k);
		ck_assert_uint_eq(live_cell(l, name, NULL), board->own[k]);
	}
}

START_TEST(processes_that_register_at_once_share_one_segment)
{
	struct live l = { 0 };
	pid_t pids[PROCESSES];
	int i;

	make_board();
	for (i = 0; i < PROCESSES; i++)
		pids[i] = live_start(count_at_once, (void *)(intptr_t)i);
	for (i = 0; i < PROCESSES; i++)
		ck_assert_int_eq(live_wait(pids[i]), 0);
	live_look(&l, "smx.t");
	check_all(&l);
	ck_assert_uint_eq(l.snap.catalog->n_series, 3 * METRICS + PROCESSES);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	ck_assert_uint_eq(l.snap.state.redefined, 0);
	ck_assert_uint_eq(l.snap.state.no_slot, 0);
	live_close(&l);
}
END_TEST

/* One dies again and again, wherever it is, while the others work. */
static int
die_at_once(void *arg)
{
	(void)arg;
	(void)count_at_once((void *)(intptr_t)(PROCESSES - 1));
	return 0;
}

START_TEST(a_process_that_dies_does_not_stop_the_others)
{
	struct live l = { 0 };
	uint64_t seed = 5;
	pid_t pids[PROCESSES], victim;
	char name[32];
	int i;

	make_board();
	board->ready = 1; /* the victims meet nobody */
	for (i = 0; i < PROCESSES - 1; i++)
		pids[i] = live_start(count_at_once, (void *)(intptr_t)i);
	for (i = 0; i < 25; i++) {
		victim = live_start(die_at_once, NULL);
		usleep((useconds_t)(live_random(&seed) % 3000));
		(void)live_kill(victim, SIGKILL);
	}
	for (i = 0; i < PROCESSES - 1; i++)
		ck_assert_int_eq(live_wait(pids[i]), 0);
	live_look(&l, "smx.t");
	for (i = 0; i < PROCESSES - 1; i++) {
		snprintf(name, sizeof(name), "own%d_total", i);
		ck_assert_uint_eq(live_cell(&l, name, NULL), STEPS);
	}
	ck_assert_uint_eq(l.snap.state.refused, 0);
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_REGISTER, 1), 0);
	live_close(&l);
}
END_TEST

/* Each defines the same name in a way of its own, again and again. */
static int
quarrel(void *arg)
{
	struct smx_desc d = { .name = "q_total", .help = "x",
		.exponent = (int)(intptr_t)arg };
	struct smx_counter c = { 0 };
	struct smx_error err;
	int rc;

	meet(PROCESSES);
	rc = smx_attach_error("t", NULL, &err);
	if (rc == 0)
		rc = smx_counter_register(&c, &d, &err);
	if (rc < 0)
		fprintf(stderr, "%s\n", err.msg);
	smx_inc(c);
	return rc < 0;
}

START_TEST(of_definitions_at_once_one_is_shown)
{
	struct live l = { 0 };
	pid_t pids[PROCESSES];
	int round, i;

	make_board();
	for (round = 0; round < 5; round++) {
		board->ready = 0;
		for (i = 0; i < PROCESSES; i++)
			pids[i] = live_start(quarrel, (void *)(intptr_t)i);
		for (i = 0; i < PROCESSES; i++)
			ck_assert_int_eq(live_wait(pids[i]), 0);
		live_look(&l, "smx.t");
		ck_assert_uint_ge(live_cell(&l, "q_total", NULL), 1);
		ck_assert_uint_ge(l.snap.state.redefined, PROCESSES - 1);
	}
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("processes");
	TCase *tc = live_case(s, "processes", 60);

	tcase_add_test(tc, processes_that_register_at_once_share_one_segment);
	tcase_add_test(tc, a_process_that_dies_does_not_stop_the_others);
	tcase_add_test(tc, of_definitions_at_once_one_is_shown);
	return live_main(s);
}
