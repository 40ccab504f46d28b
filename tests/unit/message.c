/* SPDX-License-Identifier: Apache-2.0 */
#include "services/common/message.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/common/decimal.h"
#include "services/common/event_id.h"

static struct cdb_tick
full_tick(void)
{
	return (struct cdb_tick){
		.meta = { "e1", 7, "c1", "" },
		.source = "replay", .venue = "binance", .symbol = "BTCUSDT",
		.side = CDB_SELL, .ts_ms = 1723161255342,
		.price_e8 = INT64_MAX, .qty_e8 = 1, .bid_e8 = 5, .ask_e8 = 6,
		.trade_id = 3735683259,
		.candle = { "1m", 1, 3, 1 },
	};
}

START_TEST(a_tick_survives_json)
{
	struct cdb_tick tick = full_tick();
	struct cdb_tick back;
	char json[1024];
	char why[CDB_WHY_TEXT];
	size_t len = cdb_tick_write(&tick, json, sizeof(json));

	ck_assert_uint_gt(len, 0);
	ck_assert_uint_le(len, sizeof(json));
	ck_assert_int_eq(cdb_tick_read(json, len, &back, why), 0);
	ck_assert_str_eq(back.meta.event_id, "e1");
	ck_assert_uint_eq(back.meta.sequence_id, 7);
	ck_assert_str_eq(back.meta.correlation_id, "c1");
	ck_assert_str_eq(back.meta.causation_id, "");
	ck_assert_str_eq(back.source, "replay");
	ck_assert_str_eq(back.venue, "binance");
	ck_assert_str_eq(back.symbol, "BTCUSDT");
	ck_assert_int_eq(back.side, CDB_SELL);
	ck_assert_int_eq(back.ts_ms, tick.ts_ms);
	ck_assert_int_eq(back.price_e8, INT64_MAX);
	ck_assert_int_eq(back.qty_e8, 1);
	ck_assert_int_eq(back.bid_e8, 5);
	ck_assert_int_eq(back.ask_e8, 6);
	ck_assert_int_eq(back.trade_id, tick.trade_id);
	ck_assert_str_eq(back.candle.interval, "1m");
	ck_assert_int_eq(back.candle.open_e8, 1);
	ck_assert_int_eq(back.candle.high_e8, 3);
	ck_assert_int_eq(back.candle.low_e8, 1);
}
END_TEST

START_TEST(money_is_text_and_never_a_number)
{
	struct cdb_tick tick = full_tick();
	char json[1025];
	size_t len = cdb_tick_write(&tick, json, sizeof(json) - 1);

	json[len] = '\0';
	ck_assert_ptr_nonnull(strstr(json,
	    "\"price\":\"92233720368.54775807\""));
	ck_assert_ptr_nonnull(strstr(json, "\"trade_qty\":\"0.00000001\""));
	ck_assert_ptr_nonnull(strstr(json, "\"bid\":\"0.00000005\""));
}
END_TEST

START_TEST(too_small_a_buffer_shows_in_the_length)
{
	struct cdb_tick tick = full_tick();
	char json[1024];
	char small[16];
	size_t len = cdb_tick_write(&tick, json, sizeof(json));

	ck_assert_uint_eq(cdb_tick_write(&tick, small, sizeof(small)), len);
}
END_TEST

START_TEST(a_signal_survives_json)
{
	struct cdb_signal sig = {
		.meta = { "s1", 9, "c1", "e1" }, .strategy_id = "momentum",
		.symbol = "ETHUSDT", .side = CDB_BUY, .ts_ms = 1723161255627,
		.price_e8 = 6183763000000, .pct_change_e8 = 587021,
		.confidence_e8 = 58702, .reason = "a \"reason\"\n",
	};
	struct cdb_signal back;
	char json[1025];
	char why[CDB_WHY_TEXT];
	size_t len = cdb_signal_write(&sig, json, sizeof(json) - 1);

	ck_assert_int_eq(cdb_signal_read(json, len, &back, why), 0);
	ck_assert_str_eq(back.meta.event_id, "s1");
	ck_assert_str_eq(back.meta.causation_id, "e1");
	ck_assert_str_eq(back.strategy_id, "momentum");
	ck_assert_str_eq(back.symbol, "ETHUSDT");
	ck_assert_int_eq(back.side, CDB_BUY);
	ck_assert_int_eq(back.ts_ms, sig.ts_ms);
	ck_assert_int_eq(back.price_e8, sig.price_e8);
	ck_assert_int_eq(back.pct_change_e8, sig.pct_change_e8);
	ck_assert_int_eq(back.confidence_e8, sig.confidence_e8);
	ck_assert_str_eq(back.reason, sig.reason);
	json[len] = '\0';
	/* seconds as people write them, no binary remainder */
	ck_assert_ptr_nonnull(strstr(json, "\"timestamp\":1723161255.627,"));
	ck_assert_ptr_nonnull(strstr(json, "\"confidence\":0.00058702"));
}
END_TEST

#define TICK(fields) "{\"schema_version\":1,\"event_id\":\"e\"," \
	"\"correlation_id\":\"c\"," fields "}"
#define REST "\"source\":\"s\",\"symbol\":\"BTCUSDT\",\"ts_ms\":1," \
	"\"price\":\"1\",\"trade_qty\":\"1\",\"side\":\"buy\""

static const struct {
	const char *json;
	const char *why;	/* part of the reason */
} bad[] = {
	{ "", "no JSON" },
	{ "{", "no JSON" },
	{ "[1]", "no JSON object" },
	{ "{\"a\":1,\"a\":2}", "no JSON" },
	{ "{}", "is missing" },
	{ TICK(REST), "sequence_id" },
	{ TICK("\"sequence_id\":-1," REST), "sequence_id" },
	{ TICK("\"sequence_id\":1.5," REST), "sequence_id" },
	{ "{\"schema_version\":2,\"event_id\":\"e\",\"correlation_id\":"
	  "\"c\",\"sequence_id\":1," REST "}", "schema_version" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"btc\","
	       "\"ts_ms\":1,\"price\":\"1\",\"trade_qty\":\"1\","
	       "\"side\":\"buy\""), "symbol" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"BTCUSDT\","
	       "\"ts_ms\":1,\"price\":1,\"trade_qty\":\"1\","
	       "\"side\":\"buy\""), "price" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"BTCUSDT\","
	       "\"ts_ms\":1,\"price\":\"0\",\"trade_qty\":\"1\","
	       "\"side\":\"buy\""), "price" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"BTCUSDT\","
	       "\"ts_ms\":1,\"price\":\"1\",\"trade_qty\":\"-1\","
	       "\"side\":\"buy\""), "trade_qty" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"BTCUSDT\","
	       "\"ts_ms\":1,\"price\":\"1\",\"trade_qty\":\"1\","
	       "\"side\":\"BUY\""), "side" },
	{ TICK("\"sequence_id\":1,\"source\":\"s\",\"symbol\":\"BTCUSDT\","
	       "\"ts_ms\":\"1\",\"price\":\"1\",\"trade_qty\":\"1\","
	       "\"side\":\"buy\""), "ts_ms" },
};

START_TEST(refuses_bad_messages_and_says_why)	/* loop: bad */
{
	struct cdb_tick tick = { .ts_ms = 42 };
	char why[CDB_WHY_TEXT] = "";

	ck_assert_int_eq(cdb_tick_read(bad[_i].json, strlen(bad[_i].json),
	    &tick, why), -EBADMSG);
	ck_assert_msg(strstr(why, bad[_i].why), "why: %s", why);
	ck_assert_int_eq(tick.ts_ms, 42);
}
END_TEST

START_TEST(ignores_fields_it_does_not_know)
{
	const char *json = TICK("\"sequence_id\":1,\"new\":[{}]," REST);
	struct cdb_tick tick;
	char why[CDB_WHY_TEXT];

	ck_assert_int_eq(cdb_tick_read(json, strlen(json), &tick, why), 0);
	ck_assert_int_eq(tick.trade_id, -1);
}
END_TEST

START_TEST(refuses_ids_longer_than_their_room)
{
	char id[CDB_ID_TEXT + 1];
	char json[512];
	struct cdb_tick tick;
	char why[CDB_WHY_TEXT];

	memset(id, 'x', CDB_ID_TEXT);
	id[CDB_ID_TEXT] = '\0';
	snprintf(json, sizeof(json), "{\"schema_version\":1,\"event_id\":"
	    "\"%s\",\"correlation_id\":\"c\",\"sequence_id\":1," REST "}", id);
	ck_assert_int_eq(cdb_tick_read(json, strlen(json), &tick, why),
	    -EBADMSG);
}
END_TEST

START_TEST(event_ids_follow_from_seed_kind_and_cause)
{
	char a[CDB_EVENT_ID_TEXT];
	char b[CDB_EVENT_ID_TEXT];

	cdb_event_id(1, "tick", "x", a);
	cdb_event_id(1, "tick", "x", b);
	ck_assert_str_eq(a, b);
	ck_assert_uint_eq(strlen(a), 32);
	cdb_event_id(2, "tick", "x", b);
	ck_assert_str_ne(a, b);
	cdb_event_id(1, "signal", "x", b);
	ck_assert_str_ne(a, b);
	cdb_event_id(1, "tic", "kx", b);
	ck_assert_str_ne(a, b);
	/* printf '\0\0\0\0\0\0\0\1tick\0x' | sha256sum */
	ck_assert_str_eq(a, "858275e909a1fd95c2575eaebfbaed30");
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
	tcase_add_test(tc, a_tick_survives_json);
	tcase_add_test(tc, money_is_text_and_never_a_number);
	tcase_add_test(tc, too_small_a_buffer_shows_in_the_length);
	tcase_add_test(tc, a_signal_survives_json);
	tcase_add_loop_test(tc, refuses_bad_messages_and_says_why, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, ignores_fields_it_does_not_know);
	tcase_add_test(tc, refuses_ids_longer_than_their_room);
	tcase_add_test(tc, event_ids_follow_from_seed_kind_and_cause);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
