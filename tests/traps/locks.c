/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever may read the file may hold read locks on it: that costs a slot, or
 * patience, and never a count. */
#include "tests/segment_live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A reader that holds a read lock on n bytes, until the test ends. */
struct held {
	int64_t byte, n;
	int ready;
};

static int
hold_read_lock(void *arg)
{
	const struct held *h = arg;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
		.l_start = h->byte, .l_len = h->n };
	int fd = open(live_file("smx.t"), O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0);
	REQUIRE(write(h->ready, "x", 1) == 1);
	pause();
	return 0;
}

static void
start_reader(int64_t byte, int64_t n)
{
	struct held h = { .byte = byte, .n = n };
	int ready[2];
	char c;

	REQUIRE(pipe(ready) == 0);
	h.ready = ready[1];
	(void)live_start(hold_read_lock, &h);
	REQUIRE(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static int
count_once(void *arg)
{
	(void)arg;
	REQUIRE(smx_attach("t", NULL) == 0);
	smx_inc(smx_counter("x_total", "x"));
	return 0;
}

START_TEST(a_read_lock_on_a_lease_byte_costs_that_slot)
{
	struct live l = { 0 };

	ck_assert_int_eq(live_run(count_once, NULL), 0);
	start_reader(SMX_LOCK_SLOT0, 1);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	smx_set(smx_gauge("level", "x"), 7);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	/* and it is not taken for a process that lives */
	ck_assert_uint_eq(l.snap.n_live, 1);
	ck_assert_uint_eq(l.snap.live[0].slot, 1);
	live_close(&l);
}
END_TEST

START_TEST(read_locks_on_all_lease_bytes_cost_gauges_only)
{
	struct live l = { 0 };
	double v;

	ck_assert_int_eq(live_run(count_once, NULL), 0);
	start_reader(SMX_LOCK_SLOT0, SMX_MAX_SLOTS);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	smx_inc(smx_counter("x_total", "x"));
	smx_set(smx_gauge("level", "x"), 7);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 2);
	ck_assert(!live_gauge(&l, "level", NULL, &v));
	ck_assert_uint_eq(l.snap.n_live, 0);
	ck_assert_uint_eq(l.snap.state.crowd, 1);
	ck_assert_uint_eq(l.snap.state.no_slot, 1);
	live_close(&l);
}
END_TEST

START_TEST(a_read_lock_on_the_registration_byte_is_waited_for_as_asked)
{
	struct smx_options o = { .lock_ms = 100 };
	struct smx_desc d = { .name = "late_total", .help = "x" };
	struct smx_counter x, late;
	struct live l = { 0 };

	ck_assert_int_eq(smx_attach("t", &o), 0);
	x = smx_counter("x_total", "x");
	start_reader(SMX_LOCK_REGISTER, 1);
	ck_assert_int_eq(smx_counter_register(&late, &d, NULL), -ETIMEDOUT);
	smx_inc(late);
	smx_inc(x);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	ck_assert_ptr_null(live_family(&l, "late_total"));
	live_close(&l);
}
END_TEST

START_TEST(a_read_lock_on_a_lease_byte_is_no_life)
{
	struct smx_options o = { .flags = SMX_FRESH };

	ck_assert_int_eq(live_run(count_once, NULL), 0);
	start_reader(SMX_LOCK_SLOT0 + 5, 1);
	ck_assert_int_eq(smx_attach("t", &o), 0);
}
END_TEST

/* It looks like a process that found no slot. */
START_TEST(a_read_lock_on_the_common_byte_keeps_a_fresh_start_away)
{
	struct smx_options o = { .flags = SMX_FRESH };
	struct live l = { 0 };

	ck_assert_int_eq(live_run(count_once, NULL), 0);
	start_reader(SMX_LOCK_CROWD, 1);
	ck_assert_int_eq(smx_attach("t", &o), -EBUSY);
	ck_assert_int_eq(smx_attach("t", NULL), 0);
	live_look(&l, "smx.t");
	ck_assert_uint_eq(live_cell(&l, "x_total", NULL), 1);
	live_close(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("locks");
	TCase *tc = live_case(s, "locks", 60);

	tcase_add_test(tc, a_read_lock_on_a_lease_byte_costs_that_slot);
	tcase_add_test(tc, read_locks_on_all_lease_bytes_cost_gauges_only);
	tcase_add_test(tc,
	    a_read_lock_on_the_registration_byte_is_waited_for_as_asked);
	tcase_add_test(tc, a_read_lock_on_a_lease_byte_is_no_life);
	tcase_add_test(tc,
	    a_read_lock_on_the_common_byte_keeps_a_fresh_start_away);
	return live_main(s);
}
