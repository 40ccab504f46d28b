/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/risk/state.h"
#include "tests/risk_bench.h"

struct kept {
	size_t n;
	char field[16][40];
	char value[16][4096];
};

static void
keep(void *arg, const char *field, const char *value)
{
	struct kept *k = arg;

	strcpy(k->field[k->n], field);
	strcpy(k->value[k->n++], value);
}

static struct bench *
busy_book(void)
{
	struct bench *b = bench_new(0);

	bench_tick_spread(b, T0, 100 * E8, E8);
	bench_tick_spread(b, T0 + 1, 101 * E8, E8);
	bench_signal(b, CDB_BUY, T0 + 1, 101 * E8);
	bench_fill(b, T0 + 2, 102 * E8);
	bench_signal(b, CDB_BUY, T0 + 3, 101 * E8);
	b->risk.halted = true;
	b->risk.cause = CDB_BY_SPREAD;
	return b;
}

static int
load(struct cdb_risk *risk, const struct kept *k)
{
	int err = 0;

	cdb_risk_load_begin(risk);
	for (int orders = 0; orders < 2; orders++)
		for (size_t i = 0; i < k->n && err == 0; i++)
			if ((strcmp(k->field[i], "orders") == 0) == orders)
				err = cdb_risk_load_field(risk, k->field[i],
				    k->value[i]);
	return err ? err : cdb_risk_load_end(risk);
}

START_TEST(the_book_comes_back_as_it_was)
{
	struct bench *b = busy_book();
	struct cdb_risk *other = calloc(1, sizeof(*other));
	struct kept k = { 0 };

	cdb_risk_save(&b->risk, keep, &k);
	other->limits = b->risk.limits;
	other->exchange = b->risk.exchange;
	other->seed = b->risk.seed;
	other->sink = b->risk.sink;
	ck_assert_int_eq(load(other, &k), 0);
	ck_assert_mem_eq(other, &b->risk, sizeof(*other));
	free(other);
	bench_free(b);
}
END_TEST

START_TEST(only_what_has_changed_is_saved_again)
{
	struct bench *b = busy_book();
	struct kept first = { 0 };
	struct kept second = { 0 };

	bench_hold(b, "ETHUSDT", 0, E8);
	cdb_risk_save(&b->risk, keep, &first);
	bench_tick(b, T0 + 5, 101 * E8);
	cdb_risk_save(&b->risk, keep, &second);
	ck_assert_uint_eq(first.n, 5);	/* config core orders, two symbols */
	ck_assert_uint_eq(second.n, 3);
	ck_assert_str_eq(second.field[2], "sym:BTCUSDT");
	bench_free(b);
}
END_TEST

START_TEST(a_state_of_other_rules_is_refused)
{
	struct bench *b = busy_book();
	struct kept k = { 0 };

	cdb_risk_save(&b->risk, keep, &k);
	b->risk.limits.exposure_e8++;
	ck_assert_int_eq(load(&b->risk, &k), -EXDEV);
	b->risk.limits.exposure_e8--;
	b->risk.exchange.latency_max_ms++;
	ck_assert_int_eq(load(&b->risk, &k), -EXDEV);
	b->risk.exchange.latency_max_ms--;
	b->risk.seed++;
	ck_assert_int_eq(load(&b->risk, &k), -EXDEV);
	bench_free(b);
}
END_TEST

/* Every cut of every field is noticed or harmless, and never read past. */
START_TEST(half_a_state_is_refused)
{
	struct bench *b = busy_book();
	struct kept k = { 0 };

	cdb_risk_save(&b->risk, keep, &k);
	for (size_t i = 0; i < k.n; i++) {
		struct kept *cut = malloc(sizeof(*cut));
		size_t len = strlen(k.value[i]);

		for (size_t n = 0; n + 1 < len; n += 1 + n / 16) {
			char *copy = strndup(k.value[i], n);

			*cut = k;
			strcpy(cut->value[i], copy);
			if (strcmp(k.field[i], "config") == 0 || n < len / 2)
				ck_assert_int_lt(load(&b->risk, cut), 0);
			else
				load(&b->risk, cut);
			free(copy);
		}
		free(cut);
	}
	bench_free(b);
}
END_TEST

START_TEST(no_state_is_the_beginning)
{
	struct bench *b = busy_book();
	struct kept k = { 0 };

	ck_assert_int_eq(load(&b->risk, &k), 0);
	ck_assert_int_eq(b->risk.cash_e8, 10000 * E8);
	ck_assert_uint_eq(b->risk.n_holdings, 0);
	bench_free(b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("risk_state");
	TCase *tc = tcase_create("state");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, the_book_comes_back_as_it_was);
	tcase_add_test(tc, only_what_has_changed_is_saved_again);
	tcase_add_test(tc, a_state_of_other_rules_is_refused);
	tcase_add_test(tc, half_a_state_is_refused);
	tcase_add_test(tc, no_state_is_the_beginning);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
