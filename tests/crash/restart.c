/* SPDX-License-Identifier: Apache-2.0 */
/* Writers that are killed, and what the next one makes of it. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200

/* In memory that outlives the writer: what it was about to do, and has done.
 * Between the two a kill may fall, once for each thread. */
struct ledger {
	uint64_t begun, done;		/* counter */
	uint64_t begun_obs, done_obs;	/* histogram */
	int attached, go;
	uint64_t seed;
};

static struct ledger *ledger;

static void
make_ledger(void)
{
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ledger, MAP_FAILED);
}

static uint64_t
get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void
note(uint64_t *p)
{
	(void)__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);
}

static void
pause_us(uint64_t us)
{
	struct timespec t = { .tv_nsec = (long)us * 1000 };

	nanosleep(&t, NULL);
}

static struct smx_counter count;
static struct smx_histogram observed;

static void *
claim_and_count(void *arg)
{
	(void)arg;
	note(&ledger->begun);
	smx_inc(count);
	note(&ledger->done);
	return NULL;
}

static void
register_one(struct smx_counter_family f, uint64_t *seed)
{
	char value[16];
	const char *values[] = { value };

	snprintf(value, sizeof(value), "v%u",
	    (unsigned)(live_random(seed) % 400));
	smx_inc(smx_counter_with(f, values));
}

static void
update(void)
{
	note(&ledger->begun);
	smx_inc(count);
	note(&ledger->done);
	note(&ledger->begun_obs);
	smx_observe(observed, 1000);
	note(&ledger->done_obs);
}

static void
wait_for(const int *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		pause_us(20);
}

static int
write_until_killed(void *arg)
{
	static const char *const names[] = { "v", NULL };
	struct smx_desc d = { .name = "v_total", .help = "v",
		.label_names = names };
	struct smx_counter_family f;
	uint64_t seed = ledger->seed;
	pthread_t thread;
	int i;

	(void)arg;
	if (smx_attach("t", NULL) < 0 || smx_counter_family(&f, &d, NULL) < 0)
		return 1;
	count = smx_counter("x_total", "x");
	observed = smx_histogram_latency("x_seconds", "x");
	smx_set(smx_gauge("alive", "x"), 1);
	__atomic_store_n(&ledger->attached, 1, __ATOMIC_SEQ_CST);
	wait_for(&ledger->go);
	for (;;) {
		for (i = 0; i < 100; i++)
			update();
		register_one(f, &seed);
		if (pthread_create(&thread, NULL, claim_and_count, NULL) == 0)
			(void)pthread_join(thread, NULL);
	}
}

/* Cell `n` of lane `i`, by pread: a hole is 0. */
static uint64_t
raw_cell(int fd, const struct smx_header *h, uint32_t i, uint32_t n)
{
	uint64_t v = 0;

	REQUIRE(pread(fd, &v, 8,
	    (off_t)(h->lane_off + i * h->lane_stride + n * UINT64_C(8))) == 8);
	return v;
}

/* Of a histogram whose lanes nobody writes now. */
static void
check_ends(struct live *l, const char *name)
{
	const struct smx_series_info *s = live_series(l, name, NULL);
	struct smx_header h;
	uint32_t i;
	int fd = open(live_file("smx.t"), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	live_header("smx.t", &h);
	for (i = 1; s && i < h.lane_cap; i++)
		ck_assert_uint_eq(raw_cell(fd, &h, i, s->cell),
		    raw_cell(fd, &h, i, s->cell + 1));
	close(fd);
}

static void
check_totals(struct live *l, uint64_t *seen)
{
	uint64_t total;

	live_look(l, "smx.t");
	total = live_cell(l, "x_total", NULL);
	ck_assert_uint_ge(total, *seen);
	ck_assert_uint_ge(total, get(&ledger->done));
	ck_assert_uint_le(total, get(&ledger->begun));
	*seen = total;
	total = live_count(l, "x_seconds", NULL);
	ck_assert_uint_ge(total, get(&ledger->done_obs));
	ck_assert_uint_le(total, get(&ledger->begun_obs));
}

static void
check_no_locks(void)
{
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_REGISTER, 1), 0);
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_SLOT0,
	    SMX_MAX_SLOTS), 0);
	ck_assert_int_eq(live_locked("smx.t", SMX_LOCK_CROWD, 1), 0);
}

static void
kill_one_round(struct live *l, uint64_t *seed, uint64_t *seen)
{
	pid_t pid;
	uint64_t before;

	ledger->attached = ledger->go = 0;
	ledger->seed = live_random(seed);
	pid = live_start(write_until_killed, NULL);
	wait_for(&ledger->attached);
	live_look(l, "smx.t");
	ck_assert_uint_eq(l->snap.n_live, 1);
	check_ends(l, "x_seconds"); /* adopted lanes are mended */
	__atomic_store_n(&ledger->go, 1, __ATOMIC_SEQ_CST);
	pause_us(live_random(seed) % 2500);
	before = *seen;
	live_look(l, "smx.t"); /* while it moves */
	ck_assert_uint_ge(live_cell(l, "x_total", NULL), before);
	ck_assert_int_eq(live_kill(pid, SIGKILL), -SIGKILL);
	check_no_locks();
	check_totals(l, seen);
	ck_assert_uint_eq(l->snap.n_live, 0);
}

START_TEST(totals_never_fall_and_losses_are_bounded)
{
	struct live l = { 0 };
	struct smx_lane lane;
	struct smx_header h;
	uint64_t seed = 20261122, seen = 0;
	uint32_t i, used = 0;
	int fd;

	make_ledger();
	for (i = 0; i < ROUNDS; i++)
		kill_one_round(&l, &seed, &seen);
	ck_assert_uint_gt(seen, ROUNDS);
	/* two threads to a kill, each may have been in between */
	ck_assert_uint_le(get(&ledger->begun) - get(&ledger->done),
	    2 * ROUNDS);
	ck_assert_uint_gt(l.snap.state.adopted, ROUNDS / 2);
	ck_assert_uint_eq(l.snap.state.no_lane, 0);
	ck_assert_uint_eq(l.snap.state.refused, 0);
	/* memory follows the peak of threads, not the number of lives */
	live_header("smx.t", &h);
	fd = open(live_file("smx.t"), O_RDONLY | O_CLOEXEC);
	for (i = 1; i < h.lane_cap; i++) {
		ck_assert_int_eq(pread(fd, &lane, sizeof(lane),
		    (off_t)(h.lane_tab_off + i * sizeof(lane))), sizeof(lane));
		used += lane.committed != 0;
	}
	close(fd);
	ck_assert_uint_le(used, 4);
	live_close(&l);
}
END_TEST

static int
attach_and_die(void *arg)
{
	struct smx_options fresh = { .flags = SMX_FRESH };
	int i;

	(void)smx_attach("t", arg ? &fresh : NULL);
	for (i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "x%d_total", i);
		smx_inc(smx_counter(name, "x"));
	}
	pause();
	return 0;
}

static int
attach_once(void *arg)
{
	struct smx_error err;
	int rc = smx_attach_error("t", NULL, &err);

	(void)arg;
	if (rc < 0)
		fprintf(stderr, "%s\n", err.msg);
	smx_inc(smx_counter("last_total", "x"));
	return rc < 0;
}

/* From the first system call of attach on, the file there or not. */
START_TEST(a_kill_while_attaching_leaves_no_trace)
{
	struct live l = { 0 };
	uint64_t seed = 4711;
	pid_t pid;
	int i;

	for (i = 0; i < 100; i++) {
		pid = live_start(attach_and_die, i % 3 ? NULL : (void *)&l);
		pause_us(live_random(&seed) % 4000);
		ck_assert_int_eq(live_kill(pid, SIGKILL), -SIGKILL);
		if (i % 10 == 9) {
			ck_assert_int_eq(live_run(attach_once, NULL), 0);
			check_no_locks();
		}
	}
	live_look(&l, "smx.t");
	ck_assert_uint_ge(live_cell(&l, "last_total", NULL), 1);
	live_close(&l);
}
END_TEST

START_TEST(gauges_of_the_dead_vanish_and_counters_stay)
{
	struct live l = { 0 };
	double v;
	pid_t pid;

	make_ledger();
	pid = live_start(write_until_killed, NULL);
	wait_for(&ledger->attached);
	live_look(&l, "smx.t");
	ck_assert(live_gauge(&l, "alive", NULL, &v) && v == 1);
	__atomic_store_n(&ledger->go, 1, __ATOMIC_SEQ_CST);
	while (get(&ledger->done) == 0)
		pause_us(20);
	(void)live_kill(pid, SIGKILL);
	live_look(&l, "smx.t");
	ck_assert(!live_gauge(&l, "alive", NULL, &v));
	ck_assert_uint_gt(live_cell(&l, "x_total", NULL), 0);
	live_close(&l);
}
END_TEST

static uint32_t
slot_generation(void)
{
	uint32_t generation = 0;
	int fd = open(live_file("smx.t"), O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(pread(fd, &generation, sizeof(generation), SMX_PAGE),
	    sizeof(generation));
	close(fd);
	return generation;
}

/* What was its owner's while it took the slot over is judged by it. */
START_TEST(a_killed_takeover_does_not_lend_its_generation)
{
	uint32_t odd = 5;
	int fd;

	ck_assert_int_eq(live_run(attach_once, NULL), 0);
	ck_assert_uint_eq(slot_generation(), 2);
	ck_assert_int_eq(live_run(attach_once, NULL), 0);
	ck_assert_uint_eq(slot_generation(), 4);
	fd = open(live_file("smx.t"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, &odd, sizeof(odd), SMX_PAGE),
	    sizeof(odd));
	close(fd);
	ck_assert_int_eq(live_run(attach_once, NULL), 0);
	ck_assert_uint_eq(slot_generation(), 8); /* by way of 7 */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("restart");
	TCase *tc = live_case(s, "restart", 100);

	tcase_add_test(tc, totals_never_fall_and_losses_are_bounded);
	tcase_add_test(tc, a_kill_while_attaching_leaves_no_trace);
	tcase_add_test(tc, gauges_of_the_dead_vanish_and_counters_stay);
	tcase_add_test(tc, a_killed_takeover_does_not_lend_its_generation);
	return live_main(s);
}
