/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos -- processes and threads that attach, register, update, fork, exit and
 * die at random, and a ledger of what each has counted.
 *
 * SMX_CHAOS_LIVES and SMX_CHAOS_SEED choose another length and another chaos.
 */
#include "tests/race/chaos_work.h"
#include "tests/segment_live.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

/* So many threads at once, then so many others. */
static void
run_threads(unsigned line, uint64_t *seed)
{
	struct work works[THREADS];
	pthread_t threads[THREADS];
	unsigned i, n = 1 + (unsigned)live_random(seed) % THREADS;

	for (i = 0; i < n; i++) {
		works[i].line = line;
		works[i].steps = (unsigned)(live_random(seed) >> 8) % 150;
		works[i].seed = live_random(seed);
		works[i].may_fork = true;
		REQUIRE(pthread_create(
			    &threads[i], NULL, chaos_work, &works[i]) == 0);
	}
	for (i = 0; i < n; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

/* Fewer slots and lanes than there may be processes and threads. */
static void
attach(void)
{
	struct smx_options o = { .lanes = 10, .slots = 6, .lock_ms = 120000 };
	struct smx_error err;

	if (smx_attach_error("t", &o, &err) == 0)
		return;
	fprintf(stderr, "%s\n", err.msg);
	_exit(1);
}

static void
one_life(unsigned line, uint64_t seed)
{
	uint64_t i, rounds = 1 + seed % 3;

	attach();
	for (i = 0; i < rounds; i++)
		run_threads(line, &seed);
	chaos_die(live_random(&seed));
}

/* Some lives are killed wherever they are. */
static void
wait_or_kill(pid_t pid, uint64_t r)
{
	if (ledger->kill && r % 2 == 0) {
		usleep((useconds_t)(r / 2 % 20000));
		(void)kill(pid, SIGKILL);
		(void)chaos_note(&ledger->killed, 1);
	}
	chaos_wait_for(pid);
}

/* When a life of the line ends, the next begins. */
static int
be_a_line(void *arg)
{
	unsigned line = (unsigned)(uintptr_t)arg;
	uint64_t seed = from_environment("SMX_CHAOS_SEED", 1) * LINES + line;

	seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	while ((int64_t)chaos_note(&ledger->lives_left, UINT64_MAX) > 0) {
		uint64_t r = live_random(&seed);
		pid_t pid = fork();

		if (pid == 0)
			one_life(line, r);
		REQUIRE(pid > 0);
		wait_or_kill(pid, live_random(&seed));
		(void)chaos_note(&ledger->lives, 1);
	}
	return 0;
}

static void
rises(uint64_t *seen, uint64_t now)
{
	ck_assert_uint_ge(now, *seen);
	*seen = now;
}

/* What a reader sees meanwhile, and has seen at most. */
static void
look(struct live *l, struct sums *seen)
{
	char counter[32], histogram[32];
	unsigned k;

	live_look(l, "smx.t");
	for (k = 0; k < KEYS; k++) {
		snprintf(counter, sizeof(counter), "c%u_total", k);
		snprintf(histogram, sizeof(histogram), "h%u_seconds", k);
		rises(&seen->count[k], live_series(l, counter, NULL)
					   ? live_cell(l, counter, NULL)
					   : 0);
		rises(&seen->n[k], live_series(l, histogram, NULL)
				       ? live_count(l, histogram, NULL)
				       : 0);
	}
}

/* Each between what was surely counted and what may have been. */
static void
check_key(const struct live *l, unsigned k)
{
	const struct sums *least = &ledger->done, *most = &ledger->begun;
	char name[32];
	uint64_t v;

	snprintf(name, sizeof(name), "c%u_total", k);
	v = live_cell(l, name, NULL);
	ck_assert(v >= least->count[k] && v <= most->count[k]);
	snprintf(name, sizeof(name), "h%u_seconds", k);
	v = live_count(l, name, NULL);
	ck_assert(v >= least->n[k] && v <= most->n[k]);
	v = live_sum(l, name, NULL);
	ck_assert(v >= least->sum[k] && v <= most->sum[k]);
	snprintf(name, sizeof(name), "v%u", k);
	v = live_cell(l, "f_total", name);
	ck_assert(v >= least->labelled[k] && v <= most->labelled[k]);
}

/* An update that was under way, for each thread that was killed. */
static void
check_lost(void)
{
	uint64_t lost = 0;
	unsigned k;

	for (k = 0; k < KEYS; k++)
		lost += ledger->begun.n[k] - ledger->done.n[k] +
			ledger->begun.labelled[k] - ledger->done.labelled[k];
	ck_assert_uint_le(lost, ledger->killed * THREADS);
	if (!ledger->kill)
		ck_assert_mem_eq(
		    &ledger->begun, &ledger->done, sizeof(ledger->done));
}

static void
check_end(struct live *l)
{
	unsigned k;

	live_look(l, "smx.t");
	for (k = 0; k < KEYS; k++)
		check_key(l, k);
	check_lost();
	ck_assert_uint_eq(l->snap.n_live, 0);
	ck_assert_uint_eq(l->snap.state.crowd, 0);
	ck_assert_uint_eq(l->snap.state.refused, 0);
	ck_assert_uint_eq(l->snap.catalog->n_series, 3 * KEYS + 1);
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_REGISTER, 1), 0);
}

static int
attach_only(void *arg)
{
	(void)arg;
	attach();
	return 0;
}

/* For keys that chance has not come across. */
static int
make_all(void *arg)
{
	unsigned k;

	(void)arg;
	attach();
	for (k = 0; k < KEYS; k++) {
		chaos_count(k, 1);
		chaos_observe(k, 1);
		chaos_count_labelled(k);
	}
	smx_gauge_add(smx_gauge("g", "x"), 1);
	return 0;
}

static void
run_lines(struct live *l)
{
	static struct sums seen;
	unsigned i, left = LINES;
	pid_t pids[LINES];
	int status;

	for (i = 0; i < LINES; i++)
		pids[i] = live_start(be_a_line, (void *)(uintptr_t)i);
	while (left > 0) {
		look(l, &seen);
		for (i = 0; i < LINES; i++) {
			if (pids[i] == 0 ||
			    waitpid(pids[i], &status, WNOHANG) == 0)
				continue;
			ck_assert_int_eq(status, 0);
			pids[i] = 0;
			left--;
		}
	}
	/* children of the killed are ours by now */
	while (waitpid(-1, &status, 0) > 0)
		ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

START_TEST(lives_at_random_lose_nothing)
{
	struct live l = { 0 };

	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ledger, MAP_FAILED);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ledger->kill = _i == 1;
	ledger->lives_left = from_environment("SMX_CHAOS_LIVES", 150);
	ck_assert_int_eq(live_run(attach_only, NULL), 0);
	run_lines(&l);
	ck_assert_int_eq(live_run(make_all, NULL), 0);
	check_end(&l);
	printf("%" PRIu64 " lives, %" PRIu64 " forks, %" PRIu64
	       " killed anywhere, %" PRIu64 " ended otherwise\n",
	    ledger->lives, ledger->forks, ledger->killed, ledger->ends);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("chaos");
	TCase *tc = live_case(s, "chaos", 3000);

	/* 0: they die between updates; 1: anywhere */
	tcase_add_loop_test(tc, lives_at_random_lose_nothing, 0, 2);
	return live_main(s);
}
