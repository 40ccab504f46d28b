/* SPDX-License-Identifier: Apache-2.0 */
#include "services/feed/csv.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KLINE "1499040000000,0.01634790,0.80000000,0.01575800,0.01577100," \
	"148976.11427815,1499644799999,2434.19055334,308,1756.87402397," \
	"28.46694368,0"

static const struct {
	const char *line;
	enum cdb_csv_format format;
	struct cdb_csv_row row;
} good[] = {
	{ "3735683259,61837.63000000,0.02000000,1236.75260000,1723161255342,"
	  "True,True", CDB_CSV_TRADES,
	  { .id = 3735683259, .ts_ms = 1723161255342,
	    .price_e8 = 6183763000000, .qty_e8 = 2000000, .sell = true } },
	{ "5266583935,61800.30,0.006,370.8018,1723161256322,false",
	  CDB_CSV_TRADES,
	  { .id = 5266583935, .ts_ms = 1723161256322,
	    .price_e8 = 6180030000000, .qty_e8 = 600000 } },
	/* microseconds, as in spot files from 2025 on */
	{ "1,2.5,3,7.5,1735689600123456,false,true", CDB_CSV_TRADES,
	  { .id = 1, .ts_ms = 1735689600123, .price_e8 = 250000000,
	    .qty_e8 = 300000000 } },
	{ "26129,0.01633102,4.70443515,27781,27781,1498793709153,true,true",
	  CDB_CSV_AGG,
	  { .id = 26129, .ts_ms = 1498793709153, .price_e8 = 1633102,
	    .qty_e8 = 470443515, .sell = true } },
	{ "26130,0.01633102,4.70443515,27782,27783,1498793709153,False",
	  CDB_CSV_AGG,
	  { .id = 26130, .ts_ms = 1498793709153, .price_e8 = 1633102,
	    .qty_e8 = 470443515 } },
	{ KLINE, CDB_CSV_KLINES,
	  { .id = -1, .ts_ms = 1499644799999, .span_ms = 604800000,
	    .price_e8 = 1577100, .qty_e8 = 14897611427815,
	    .open_e8 = 1634790, .high_e8 = 80000000, .low_e8 = 1575800,
	    .sell = true } },
	{ "60000,353.1,353.1,353.09,353.1,7.4806436", CDB_CSV_LEAN,
	  { .id = -1, .ts_ms = 60000, .price_e8 = 35310000000,
	    .qty_e8 = 748064360, .open_e8 = 35310000000,
	    .high_e8 = 35310000000, .low_e8 = 35309000000 } },
	{ " 1 , 2 , 3 , 6 , 1723161255342 , TRUE ", CDB_CSV_TRADES,
	  { .id = 1, .ts_ms = 1723161255342, .price_e8 = 200000000,
	    .qty_e8 = 300000000, .sell = true } },
};

START_TEST(knows_every_format)			/* loop: good */
{
	ck_assert_int_eq(cdb_csv_detect(good[_i].line,
	    strlen(good[_i].line)), good[_i].format);
}
END_TEST

START_TEST(reads_every_format)			/* loop: good */
{
	const struct cdb_csv_row *want = &good[_i].row;
	struct cdb_csv_row row;
	const char *why;

	ck_assert_int_eq(cdb_csv_parse(good[_i].format, good[_i].line,
	    strlen(good[_i].line), &row, &why), 0);
	ck_assert_int_eq(row.id, want->id);
	ck_assert_int_eq(row.ts_ms, want->ts_ms);
	ck_assert_int_eq(row.span_ms, want->span_ms);
	ck_assert_int_eq(row.price_e8, want->price_e8);
	ck_assert_int_eq(row.qty_e8, want->qty_e8);
	ck_assert_int_eq(row.open_e8, want->open_e8);
	ck_assert_int_eq(row.high_e8, want->high_e8);
	ck_assert_int_eq(row.low_e8, want->low_e8);
	ck_assert_int_eq(row.sell, want->sell);
}
END_TEST

static const struct {
	enum cdb_csv_format format;
	const char *line;
	const char *why;	/* part of the reason */
} bad[] = {
	{ CDB_CSV_TRADES, "", "number of fields" },
	{ CDB_CSV_TRADES, "1,2,3,6,1723161255342", "number of fields" },
	{ CDB_CSV_TRADES, "1,2,3,6,1723161255342,true,true,true",
	  "number of fields" },
	{ CDB_CSV_TRADES, "-1,2,3,6,1723161255342,true", "id" },
	{ CDB_CSV_TRADES, "x,2,3,6,1723161255342,true", "id" },
	{ CDB_CSV_TRADES, "9223372036854775808,2,3,6,1723161255342,true",
	  "id" },
	{ CDB_CSV_TRADES, "1,0,3,6,1723161255342,true", "price" },
	{ CDB_CSV_TRADES, "1,-2,3,6,1723161255342,true", "price" },
	{ CDB_CSV_TRADES, "1,2e3,3,6,1723161255342,true", "price" },
	{ CDB_CSV_TRADES, "1,,3,6,1723161255342,true", "price" },
	{ CDB_CSV_TRADES, "1,2,-3,6,1723161255342,true", "quantity" },
	{ CDB_CSV_TRADES, "1,2,nan,6,1723161255342,true", "quantity" },
	{ CDB_CSV_TRADES, "1,2,3,6,1723161255,true", "time" },
	{ CDB_CSV_TRADES, "1,2,3,6,1723161255342000000,true", "time" },
	{ CDB_CSV_TRADES, "1,2,3,6,17231612553.2,true", "time" },
	{ CDB_CSV_TRADES, "1,2,3,6,1723161255342,yes", "isBuyerMaker" },
	{ CDB_CSV_AGG, "1,2,3,4,5,1723161255342", "number of fields" },
	{ CDB_CSV_AGG, "1,2,3,4,5,1723161255342,1", "isBuyerMaker" },
	{ CDB_CSV_KLINES, "1,2,3,4,5,6", "number of fields" },
	{ CDB_CSV_KLINES, "1499040000000,1,2,3,1,5,1499040059999,7,8,9,10,0",
	  "outside" },
	{ CDB_CSV_KLINES, "1499040060000,1,2,1,1,5,1499040059999,7,8,9,10,0",
	  "closes before" },
	{ CDB_CSV_LEAN, "86400000,1,1,1,1,1", "millisecond of a day" },
	{ CDB_CSV_LEAN, "0,3,2,1,2,1", "outside" },
	{ CDB_CSV_LEAN, "0,2,3,1,4,1", "outside" },
	{ CDB_CSV_LEAN, "0,2,3,1,0,1", "price" },
	{ CDB_CSV_UNKNOWN, "0,2,3,1,0,1", "unknown format" },
};

START_TEST(refuses_bad_rows_and_says_why)	/* loop: bad */
{
	struct cdb_csv_row row = { .id = 42 };
	const char *why = NULL;

	ck_assert_int_eq(cdb_csv_parse(bad[_i].format, bad[_i].line,
	    strlen(bad[_i].line), &row, &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why, bad[_i].why));
	ck_assert_int_eq(row.id, 42);
}
END_TEST

START_TEST(looks_at_no_byte_past_the_line)
{
	const char *line = "1,2,3,6,1723161255342,true,true";
	struct cdb_csv_row row;
	const char *why;

	/* each shorter prefix is a shorter row, never a peek behind it */
	for (size_t len = 0; len < strlen(line); len++) {
		char *copy = malloc(len + 1);
		int err;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, line, len);
		err = cdb_csv_parse(CDB_CSV_TRADES, copy, len, &row, &why);
		ck_assert(err == 0 || err == -EBADMSG);
		ck_assert_int_eq(err == 0, len >= 26);
		free(copy);
	}
}
END_TEST

START_TEST(a_header_starts_with_a_name)
{
	ck_assert(cdb_csv_is_header("id,price,qty", 12));
	ck_assert(cdb_csv_is_header(" agg_trade_id,price", 19));
	ck_assert(!cdb_csv_is_header("1,2", 3));
	ck_assert(!cdb_csv_is_header("", 0));
	ck_assert(!cdb_csv_is_header(",price", 6));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("csv");
	TCase *tc = tcase_create("csv");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, knows_every_format, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, reads_every_format, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(tc, refuses_bad_rows_and_says_why, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, looks_at_no_byte_past_the_line);
	tcase_add_test(tc, a_header_starts_with_a_name);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
