/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages and rows damaged at random: refused or read, never worse.  What
 * is read must be what is written again.
 */
#include "services/common/message.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/feed/csv.h"

#define ROUNDS 30000

static uint64_t state;

static uint64_t
any(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A copy of exactly len bytes, so that a sanitizer sees any step beyond. */
static char *
damaged(const char *text, size_t *len)
{
	char *copy;
	size_t n = strlen(text);

	if (any() % 4 == 0)
		n = any() % (n + 1);
	copy = malloc(n + 1);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	for (uint64_t hits = any() % 4; hits > 0 && n > 0; hits--)
		copy[any() % n] = (char)(any() % 3 ? "0123456789\",:{}[]-.e"
		    [any() % 20] : (char)any());
	copy = realloc(copy, n ? n : 1);
	ck_assert_ptr_nonnull(copy);
	*len = n;
	return copy;
}

static const char tick_json[] = "{\"schema_version\":1,\"event_id\":\"e1\","
	"\"sequence_id\":7,\"correlation_id\":\"c1\",\"source\":\"replay\","
	"\"venue\":\"binance\",\"symbol\":\"BTCUSDT\",\"ts_ms\":1723161255342,"
	"\"price\":\"61837.63\",\"trade_qty\":\"0.02\",\"side\":\"sell\","
	"\"bid\":\"1\",\"ask\":\"2\",\"interval\":\"1m\",\"open\":\"1\","
	"\"high\":\"3\",\"low\":\"1\",\"close\":\"2\",\"volume\":\"4\","
	"\"trade_id\":3735683259}";

/* Equal texts of both ticks: padding and unset bytes play no part. */
static void
must_be_equal(const struct cdb_tick *a, const struct cdb_tick *b)
{
	char text_a[2048];
	char text_b[2048];
	size_t len = cdb_tick_write(a, text_a, sizeof(text_a));

	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, sizeof(text_a));
	ck_assert_uint_eq(cdb_tick_write(b, text_b, sizeof(text_b)), len);
	ck_assert_int_eq(memcmp(text_a, text_b, len), 0);
}

START_TEST(damaged_ticks_are_refused_or_read_back)
{
	unsigned read = 0;

	state = 0x5eed;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct cdb_tick tick;
		struct cdb_tick back;
		char why[CDB_WHY_TEXT];
		char text[2048];
		size_t len;
		char *json = damaged(tick_json, &len);
		int err = cdb_tick_read(json, len, &tick, why);

		free(json);
		if (err < 0) {
			ck_assert_int_eq(err, -EBADMSG);
			ck_assert_str_ne(why, "");
			continue;
		}
		read++;
		len = cdb_tick_write(&tick, text, sizeof(text));
		ck_assert_uint_le(len, sizeof(text));
		ck_assert_int_eq(cdb_tick_read(text, len, &back, why), 0);
		must_be_equal(&tick, &back);
	}
	ck_assert_uint_gt(read, ROUNDS / 10);
}
END_TEST

static const char *const rows[] = {
	"3735683259,61837.63000000,0.02000000,1236.75260000,1723161255342,"
	"True,True",
	"26129,0.01633102,4.70443515,27781,27781,1498793709153,true,true",
	"1499040000000,0.01634790,0.80000000,0.01575800,0.01577100,"
	"148976.11427815,1499644799999,2434.19055334,308,1756.87402397,"
	"28.46694368,17928899.62484339",
	"60000,353.1,353.1,353.09,353.1,7.4806436",
};

START_TEST(damaged_rows_are_refused_or_make_sense)
{
	state = 0xfeed;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct cdb_csv_row row;
		const char *why;
		size_t len;
		char *line = damaged(rows[i % 4], &len);
		enum cdb_csv_format format = cdb_csv_detect(line, len);

		cdb_csv_is_header(line, len);
		if (cdb_csv_parse(format, line, len, &row, &why) == 0) {
			ck_assert_int_gt(row.price_e8, 0);
			ck_assert_int_ge(row.qty_e8, 0);
			ck_assert_int_ge(row.ts_ms, 0);
			ck_assert_int_ge(row.id, -1);
		}
		free(line);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("message");
	TCase *tc = tcase_create("message");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, damaged_ticks_are_refused_or_read_back);
	tcase_add_test(tc, damaged_rows_are_refused_or_make_sense);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
