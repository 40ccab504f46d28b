/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/ledger.h"

static struct cdb_ledger l;

static void
begin(void)
{
	cdb_ledger_reset(&l, "0-0", 0);
}

static void
end(void)
{
	cdb_ledger_free(&l);
}

/* Entries 1-0, 2-0, ... n-0, not from the pending list. */
static void
read_to(int n)
{
	char id[CDB_STREAM_ID_TEXT];

	for (int i = 1; i <= n; i++) {
		snprintf(id, sizeof(id), "%d-0", i);
		cdb_ledger_add(&l, id, false);
	}
}

START_TEST(the_place_follows_what_is_finished_in_order)
{
	read_to(3);
	cdb_ledger_finish(&l, "1-0");
	cdb_ledger_finish(&l, "2-0");
	cdb_ledger_settle(&l);
	ck_assert(l.moved);
	ck_assert_str_eq(l.place, "2-0");
	ck_assert_int_eq(l.read, 2);
	ck_assert_uint_eq(l.holds.n, 0);
	ck_assert_uint_eq(l.acks.n, 0);
	ck_assert_uint_eq(l.n, 1);
}
END_TEST

START_TEST(what_the_place_passes_unfinished_is_held)
{
	read_to(4);
	cdb_ledger_finish(&l, "3-0");
	cdb_ledger_settle(&l);
	ck_assert_str_eq(l.place, "3-0");
	ck_assert_int_eq(l.read, 3);
	ck_assert_uint_eq(l.holds.n, 2);
	ck_assert_str_eq(l.holds.at[0], "1-0");
	ck_assert_str_eq(l.holds.at[1], "2-0");
	ck_assert_uint_eq(l.n, 3);
}
END_TEST

START_TEST(what_was_held_is_acknowledged_and_moves_nothing)
{
	read_to(3);
	cdb_ledger_finish(&l, "3-0");
	cdb_ledger_settle(&l);
	cdb_ledger_finish(&l, "1-0");
	cdb_ledger_settle(&l);
	ck_assert(!l.moved);
	ck_assert_uint_eq(l.holds.n, 0);
	ck_assert_uint_eq(l.acks.n, 1);
	ck_assert_str_eq(l.acks.at[0], "1-0");
	ck_assert_int_eq(l.read, 3);
	ck_assert_uint_eq(l.n, 1);
}
END_TEST

START_TEST(a_held_one_is_not_counted_as_read_again)
{
	cdb_ledger_reset(&l, "9-0", 9);
	cdb_ledger_add(&l, "4-0", true);
	cdb_ledger_add(&l, "10-0", false);
	cdb_ledger_finish(&l, "10-0");
	cdb_ledger_settle(&l);
	ck_assert_str_eq(l.place, "10-0");
	ck_assert_int_eq(l.read, 10);
	ck_assert_uint_eq(l.holds.n, 0);
}
END_TEST

START_TEST(an_unknown_count_stays_unknown)
{
	cdb_ledger_reset(&l, "9-0", -1);
	cdb_ledger_add(&l, "10-0", false);
	cdb_ledger_finish(&l, "10-0");
	cdb_ledger_settle(&l);
	ck_assert_int_eq(l.read, -1);
}
END_TEST

/*
 * L1 under any order, and after a death at any time: what Redis would then
 * give again (its pending list, and what lies behind the place) is what has
 * not been settled as finished.
 */
#define N 200

struct redis {
	int place;
	bool pending[N + 1];
};

static void
tell(struct redis *r)
{
	cdb_ledger_settle(&l);
	if (l.moved) {
		ck_assert_int_gt(atoi(l.place), r->place);
		r->place = atoi(l.place);
	}
	for (size_t i = 0; i < l.holds.n; i++)
		r->pending[atoi(l.holds.at[i])] = true;
	for (size_t i = 0; i < l.acks.n; i++) {
		ck_assert(r->pending[atoi(l.acks.at[i])]);
		r->pending[atoi(l.acks.at[i])] = false;
	}
	ck_assert_int_eq(l.read, r->place);
}

static void
check_again(const struct redis *r, const bool *finished)
{
	for (int i = 1; i <= N; i++)
		ck_assert_int_eq(r->pending[i] || i > r->place,
		    !finished[i]);
}

START_TEST(nothing_is_lost_or_given_twice_in_any_order)
{
	struct redis r = { 0, { false } };
	bool finished[N + 1] = { false };
	char id[CDB_STREAM_ID_TEXT];
	int read = 0;
	int left = N;

	srand((unsigned)_i);
	while (left > 0) {
		for (int n = rand() % 9; n > 0 && read < N; n--) {
			snprintf(id, sizeof(id), "%d-0", ++read);
			cdb_ledger_add(&l, id, false);
		}
		for (int n = rand() % 9; n > 0 && read > 0; n--) {
			int one = 1 + rand() % read;

			if (finished[one])
				continue;
			snprintf(id, sizeof(id), "%d-0", one);
			cdb_ledger_finish(&l, id);
			finished[one] = true;
			left--;
		}
		tell(&r);
		check_again(&r, finished);
	}
	ck_assert_uint_eq(l.n, 0);
	ck_assert_int_eq(r.place, N);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tc = tcase_create("ledger");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, the_place_follows_what_is_finished_in_order);
	tcase_add_test(tc, what_the_place_passes_unfinished_is_held);
	tcase_add_test(tc, what_was_held_is_acknowledged_and_moves_nothing);
	tcase_add_test(tc, a_held_one_is_not_counted_as_read_again);
	tcase_add_test(tc, an_unknown_count_stays_unknown);
	tcase_add_loop_test(tc, nothing_is_lost_or_given_twice_in_any_order,
	    0, 50);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
