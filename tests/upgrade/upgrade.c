/* SPDX-License-Identifier: Apache-2.0 */
/* Two versions of the library, and two versions of a service, beside each
 * other. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "smx/layout.h"

/* arg: where to write when it has counted, or NULL. */
static int
be_next(void *arg)
{
	const char *path = getenv("NEXT_SERVICE");

	REQUIRE(path != NULL);
	if (arg)
		REQUIRE(dup2(*(int *)arg, STDOUT_FILENO) == STDOUT_FILENO);
	execl(path, path, arg ? "stay" : NULL, (char *)NULL);
	return 99;
}

static pid_t
start_next(void)
{
	int said[2];
	pid_t pid;
	char c;

	REQUIRE(pipe2(said, O_CLOEXEC) == 0);
	pid = live_start(be_next, &said[1]);
	REQUIRE(read(said[0], &c, 1) == 1);
	close(said[0]);
	close(said[1]);
	return pid;
}

static int
count_once(void *arg)
{
	int rc = smx_attach("t", NULL);

	(void)arg;
	if (rc < 0)
		return -rc;
	smx_inc(smx_counter("x_total", "x"));
	return 0;
}

static uint32_t
version_of(const char *file)
{
	struct smx_header h;

	live_header(file, &h);
	return h.version;
}

START_TEST(the_next_version_leaves_a_segment_in_use_alone)
{
	struct smx_counter x;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", NULL), 0);
	x = smx_counter("x_total", "x");
	smx_inc(x);
	ck_assert_int_eq(live_run(be_next, NULL), EBUSY);
	smx_inc(x);
	/* siblings of its own version still come and go */
	ck_assert_int_eq(live_run(count_once, NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 3);
	ck_assert_uint_ne(smx_counter("late_total", "x").cell, 0);
	live_close(&l);
}
END_TEST

START_TEST(the_next_version_sets_aside_what_nobody_uses)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(count_once, NULL), 0);
	ck_assert_int_eq(live_run(be_next, NULL), 0);
	ck_assert_uint_eq(version_of("smx.t"), 2);
	ck_assert_uint_eq(version_of(".old.smx.t"), 1);
	live_look(&l, ".old.smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

START_TEST(a_step_back_waits_until_the_next_version_is_gone)
{
	pid_t next = start_next();
	struct live l = { 0 };

	ck_assert_int_eq(live_run(count_once, NULL), EBUSY);
	ck_assert_uint_eq(version_of("smx.t"), 2);
	(void)live_kill(next, SIGKILL);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	ck_assert_uint_eq(version_of(".old.smx.t"), 2);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

START_TEST(a_reader_refuses_the_next_version)
{
	pid_t next = start_next();
	struct smx_view *view;
	int fd = open(live_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(smx_view_open(&view, fd, "smx.t", NULL, NULL),
	    -EPROTO);
	(void)live_kill(next, SIGKILL);
	close(fd);
}
END_TEST

/* A deploy, one process after the other, with other bounds.  Step 0 attaches
 * and registers; each step observes 1,000 values of 3 ms. */
static struct smx_histogram observed;

static int
serve(int step, const double *bounds, uint32_t n)
{
	struct smx_desc d = { .name = "x_seconds", .help = "x",
		.exponent = 9, .bounds = bounds, .n_bounds = n };
	int i;

	if (step == 0) {
		REQUIRE(smx_attach("t", NULL) == 0);
		REQUIRE(smx_histogram_register(&observed, &d, NULL) == 0);
	}
	for (i = 0; i < 1000; i++)
		smx_observe(observed, 3000000);
	return 0;
}

static int
serve_old(int step)
{
	static const double bounds[] = { 0.001, 0.002, 1 };

	return serve(step, bounds, 3);
}

static int
serve_new(int step)
{
	static const double bounds[] = { 0.002, 0.005 };

	return serve(step, bounds, 2);
}

static void
look_at_new(struct live *l, uint64_t count)
{
	live_look(l, "smx.t");
	ck_assert_uint_eq(live_count(l, "x_seconds", NULL), count);
	ck_assert_uint_eq(live_bucket(l, "x_seconds", 1), count);
	ck_assert_uint_eq(live_sum(l, "x_seconds", NULL), count * 3000000);
}

START_TEST(old_and_new_bounds_live_side_by_side)
{
	struct live_peer old[2], new[2];
	struct live l = { 0 };

	live_peer_start(&old[0], serve_old);
	live_peer_start(&old[1], serve_old);
	live_peer_start(&new[0], serve_new);
	live_peer_start(&new[1], serve_new);
	(void)live_peer_do(&old[0], 0);
	(void)live_peer_do(&old[1], 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_bucket(&l, "x_seconds", 2), 2000);
	(void)live_peer_do(&new[0], 0);
	look_at_new(&l, 1000);
	(void)live_peer_do(&old[0], 1); /* which nobody shows */
	look_at_new(&l, 1000);
	live_peer_end(&old[0]);
	(void)live_peer_do(&new[1], 0);
	(void)live_peer_do(&old[1], 1);
	(void)live_peer_do(&new[0], 1);
	look_at_new(&l, 3000);
	ck_assert_uint_eq(l.snap.n_live, 3);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("upgrade");
	TCase *tc = live_case(s, "upgrade", 60);

	tcase_add_test(tc, the_next_version_leaves_a_segment_in_use_alone);
	tcase_add_test(tc, the_next_version_sets_aside_what_nobody_uses);
	tcase_add_test(tc, a_step_back_waits_until_the_next_version_is_gone);
	tcase_add_test(tc, a_reader_refuses_the_next_version);
	tcase_add_test(tc, old_and_new_bounds_live_side_by_side);
	return live_main(s);
}
