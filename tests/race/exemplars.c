/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exemplars written by threads and processes into the same slots while they
 * are read.  The label repeats the value, so that one put together from two
 * shows.
 */
#include "tests/segment_live.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ROUNDS 20000u
#else
#define ROUNDS 200000u
#endif
#define THREADS 3
#define LOOKS	2000
#define KILLS	30

static struct smx_histogram h;

static void
join_in(void)
{
	static const double bounds[] = { 1000 };
	struct smx_desc d = { .name = "x", .help = "X.", .bounds = bounds,
		.n_bounds = 1, .exemplars = 1 };

	REQUIRE(smx_attach("t", NULL) == 0);
	REQUIRE(smx_histogram_register(&h, &d, NULL) == 0);
}

/* As long as the value is large: words of one must not end another. */
static void
name_of(char id[128], uint64_t value)
{
	int n = 0;

	for (uint64_t i = 0; i <= value % 7; i++)
		n += snprintf(id + n, 128 - (size_t)n, "%llu.",
		    (unsigned long long)value);
}

static void *
write_rounds(void *arg)
{
	uint64_t rnd = (uintptr_t)arg;
	char id[128];

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t value = live_random(&rnd) >> 1;

		if (i % 8)
			value %= 1000;
		name_of(id, value);
		smx_observe_exemplar(h, value, "id", id);
	}
	return NULL;
}

static int
write_for_ever(void *arg)
{
	join_in();
	for (;;)
		(void)write_rounds(arg);
	return 0;
}

static void
check_each(const struct smx_snapshot *s)
{
	char id[128];

	for (uint32_t i = 0; i < s->n_exemplars; i++) {
		const struct smx_exemplar *e = &s->exemplars[i];

		name_of(id, e->value);
		ck_assert_str_eq(e->text, "id");
		ck_assert_str_eq(e->text + 3, id);
		ck_assert_uint_eq(e->bucket, e->value > 1000);
	}
}

START_TEST(no_exemplar_is_put_together_from_two)
{
	pthread_t threads[THREADS];
	pid_t other = live_start(write_for_ever, (void *)(uintptr_t)77);
	struct live l = { 0 };
	uint32_t seen = 0;

	join_in();
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, write_rounds,
			    (void *)(i + 1)) == 0);
	for (int i = 0; i < LOOKS; i++) {
		live_look(&l, "smx.t");
		check_each(&l.snap);
		seen += l.snap.n_exemplars;
	}
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
	ck_assert_int_eq(live_kill(other, SIGKILL), -SIGKILL);
	ck_assert_uint_gt(seen, 0);
	live_close(&l);
}
END_TEST

/* Wherever it strikes, the slots can be written by the next life. */
START_TEST(killed_writers_leave_the_slots_to_the_next)
{
	struct live l = { 0 };

	for (int i = 0; i < KILLS; i++) {
		pid_t pid = live_start(write_for_ever,
		    (void *)(uintptr_t)(i + 1));
		uint64_t count = i ? live_count(&l, "x", NULL) : 0;
		struct stat st;

		/* until it has counted something */
		do {
			struct smx_header header = { 0 };

			if (i == 0 && stat(live_file("smx.t"), &st) == 0 &&
			    st.st_size > 0) /* it has its full size at once */
				live_header("smx.t", &header);
			if (i > 0 || header.dir_tail > 0)
				live_look(&l, "smx.t");
		} while (l.view == NULL || live_series(&l, "x", NULL) == NULL ||
		    live_count(&l, "x", NULL) < count + 1000);
		ck_assert_int_eq(live_kill(pid, SIGKILL), -SIGKILL);
		live_look(&l, "smx.t");
		check_each(&l.snap);
	}
	join_in();
	smx_observe_exemplar(h, 3, "id", "3.3.3.3.");
	smx_observe_exemplar(h, 1001, "id", "1001.");
	live_look(&l, "smx.t");
	ck_assert_uint_eq(l.snap.n_exemplars, 2);
	check_each(&l.snap);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("exemplars");
	TCase *tc = live_case(s, "exemplars", 120);

	tcase_add_test(tc, no_exemplar_is_put_together_from_two);
	tcase_add_test(tc, killed_writers_leave_the_slots_to_the_next);
	return live_main(s);
}
