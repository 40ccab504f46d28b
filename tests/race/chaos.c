/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos -- processes and threads that attach, register, update, fork, exit and
 * die at random, and a ledger of what each has counted.
 *
 * SMX_CHAOS_LIVES and SMX_CHAOS_SEED choose another length and another chaos.
 */
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

#define LINES	4 /* of lives, one after the other; all lines at once */
#define THREADS 4
#define COMMON	60 /* keys of each kind that all share */
#define OWN	5  /* keys of each line's own */
#define KEYS	(COMMON + LINES * OWN)

/* In memory that outlives all: a kill from outside may fall between begun and
 * done, once for each thread. */
struct sums {
	uint64_t count[KEYS], labelled[KEYS];
	uint64_t n[KEYS], sum[KEYS];
};

struct ledger {
	struct sums begun, done;
	uint64_t lives, forks, ends, killed;
	uint64_t lives_left;
	bool kill;
};

static struct ledger *ledger;

static uint64_t
note(uint64_t *p, uint64_t n)
{
	return __atomic_fetch_add(p, n, __ATOMIC_SEQ_CST);
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : otherwise;
}

/* What one thread does; its key is common to all, or of its line. */
struct work {
	unsigned line, steps;
	uint64_t seed;
	bool may_fork;
};

/* Of all, often one of two, so that many meet there; or of this line. */
static unsigned
some_key(const struct work *w, uint64_t r)
{
	if (r % 4 != 0)
		return (unsigned)(r / 4) % (r % 4 == 1 ? COMMON : 2);
	return COMMON + w->line * OWN + (unsigned)(r / 4) % OWN;
}

/* Many small steps: two threads in one lane would lose some. */
static void
count(unsigned k, uint64_t v)
{
	struct smx_counter c;
	char name[32];
	uint64_t i;

	snprintf(name, sizeof(name), "c%u_total", k);
	c = smx_counter(name, "x");
	(void)note(&ledger->begun.count[k], v);
	for (i = 0; i < v; i++)
		smx_inc(c);
	(void)note(&ledger->done.count[k], v);
}

static void
observe(unsigned k, uint64_t v)
{
	static const double bounds[] = { 0.0001, 0.0005 };
	char name[32];
	struct smx_desc d = { .name = name,
		.help = "x",
		.unit = "seconds",
		.exponent = 9,
		.bounds = bounds,
		.n_bounds = 2 };
	struct smx_histogram h;

	snprintf(name, sizeof(name), "h%u_seconds", k);
	REQUIRE(smx_histogram_register(&h, &d, NULL) == 0);
	(void)note(&ledger->begun.n[k], 1);
	(void)note(&ledger->begun.sum[k], v);
	smx_observe(h, v);
	(void)note(&ledger->done.sum[k], v);
	(void)note(&ledger->done.n[k], 1);
}

static void
count_labelled(unsigned k)
{
	static const char *const names[] = { "k", NULL };
	struct smx_desc d = {
		.name = "f_total", .help = "x", .label_names = names
	};
	struct smx_counter_family f;
	char value[16];
	const char *values[] = { value };

	REQUIRE(smx_counter_family(&f, &d, NULL) == 0);
	snprintf(value, sizeof(value), "v%u", k);
	(void)note(&ledger->begun.labelled[k], 1);
	smx_inc(smx_counter_with(f, values));
	(void)note(&ledger->done.labelled[k], 1);
}

static pid_t fork_once(const struct work *, uint64_t seed);

static void
wait_for(pid_t pid)
{
	int status;

	if (pid == 0)
		return;
	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
				    : WEXITSTATUS(status) == 0);
}

/* A child lives while its parent goes on. */
static void *
work(void *arg)
{
	struct work *w = arg;
	pid_t child = 0;
	unsigned i;

	for (i = 0; i < w->steps; i++) {
		uint64_t r = live_random(&w->seed);
		unsigned k = some_key(w, r >> 16);

		if (r % 64 == 0 && w->may_fork) {
			wait_for(child);
			child = fork_once(w, r);
		} else if (r % 4 == 0) {
			count(k, r >> 52);
		} else if (r % 4 == 1) {
			observe(k, r >> 44);
		} else if (r % 4 == 2) {
			count_labelled(k);
		} else {
			smx_gauge_add(smx_gauge("g", "x"), 1);
		}
	}
	wait_for(child);
	return NULL;
}

/* Between updates, in one of the ways there are. */
static void
die(uint64_t r)
{
	(void)note(&ledger->ends, 1);
	if (r % 4 == 0)
		(void)kill(getpid(), SIGKILL);
	if (r % 4 == 1)
		smx_detach();
	_exit(0);
}

/* A child with this thread only, which never has children of its own. */
static pid_t
fork_once(const struct work *parent, uint64_t seed)
{
	struct work w = { parent->line, (unsigned)(seed >> 8) % 40, seed,
		false };
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		(void)work(&w);
		die(seed >> 32);
	}
	(void)note(&ledger->forks, 1);
	return pid;
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
		REQUIRE(
		    pthread_create(&threads[i], NULL, work, &works[i]) == 0);
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
	die(live_random(&seed));
}

/* Some lives are killed wherever they are. */
static void
wait_or_kill(pid_t pid, uint64_t r)
{
	if (ledger->kill && r % 2 == 0) {
		usleep((useconds_t)(r / 2 % 20000));
		(void)kill(pid, SIGKILL);
		(void)note(&ledger->killed, 1);
	}
	wait_for(pid);
}

/* When a life of the line ends, the next begins. */
static int
be_a_line(void *arg)
{
	unsigned line = (unsigned)(uintptr_t)arg;
	uint64_t seed = from_environment("SMX_CHAOS_SEED", 1) * LINES + line;

	seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	while ((int64_t)note(&ledger->lives_left, UINT64_MAX) > 0) {
		uint64_t r = live_random(&seed);
		pid_t pid = fork();

		if (pid == 0)
			one_life(line, r);
		REQUIRE(pid > 0);
		wait_or_kill(pid, live_random(&seed));
		(void)note(&ledger->lives, 1);
	}
	return 0;
}

/* What a reader sees meanwhile, and has seen at most. */
static void
look(struct live *l, struct sums *seen)
{
	char name[32];
	unsigned k;

	live_look(l, "smx.t");
	for (k = 0; k < KEYS; k++) {
		snprintf(name, sizeof(name), "c%u_total", k);
		if (live_series(l, name, NULL) == NULL)
			continue;
		ck_assert_uint_ge(live_cell(l, name, NULL), seen->count[k]);
		seen->count[k] = live_cell(l, name, NULL);
	}
	for (k = 0; k < KEYS; k++) {
		snprintf(name, sizeof(name), "h%u_seconds", k);
		if (live_series(l, name, NULL) == NULL)
			continue;
		ck_assert_uint_ge(live_count(l, name, NULL), seen->n[k]);
		seen->n[k] = live_count(l, name, NULL);
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
		count(k, 1);
		observe(k, 1);
		count_labelled(k);
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
