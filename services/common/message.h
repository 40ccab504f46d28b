/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h -- the messages on the bus as structs and as JSON.
 *
 * A message is one JSON object in the field CDB_FIELD_DATA of a stream entry.
 * Everything in it is a function of seed and input: wall-clock stamps travel
 * beside it, in CDB_FIELD_SENT and CDB_FIELD_ORIGIN, so that the digest of a
 * stream can take the whole of the data field.
 *
 * Thread   any; pure.
 */
#ifndef CDB_MESSAGE_H
#define CDB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CDB_SCHEMA_VERSION 1

#define CDB_TOPIC_TICKS		"market_data"
#define CDB_TOPIC_SIGNALS	"signals"

#define CDB_FIELD_DATA		"data"		/* the JSON */
#define CDB_FIELD_SENT		"sent_us"	/* CLOCK_REALTIME when sent */
#define CDB_FIELD_ORIGIN	"origin_us"	/* the first tick's sent_us */

#define CDB_ID_TEXT	65	/* bytes of an id, NUL included */
#define CDB_SYMBOL_TEXT	24
#define CDB_NAME_TEXT	32
#define CDB_REASON_TEXT	201
#define CDB_WHY_TEXT	96	/* bytes of the reason of a refusal */

enum cdb_side { CDB_BUY, CDB_SELL };

/* What every event carries. */
struct cdb_meta {
	char event_id[CDB_ID_TEXT];
	uint64_t sequence_id;			/* 1, 2, ... per topic */
	char correlation_id[CDB_ID_TEXT];	/* event_id of the first tick */
	char causation_id[CDB_ID_TEXT];		/* "" for a tick */
};

/* What a candle has beside its close, which is the tick's price. */
struct cdb_candle {
	char interval[8];	/* "1m"; "" when the tick is a trade */
	int64_t open_e8;
	int64_t high_e8;
	int64_t low_e8;
};

/* A message of the topic market_data. */
struct cdb_tick {
	struct cdb_meta meta;
	char source[CDB_NAME_TEXT];
	char venue[CDB_NAME_TEXT];	/* "" unknown */
	char symbol[CDB_SYMBOL_TEXT];
	enum cdb_side side;
	int64_t ts_ms;			/* event time */
	int64_t price_e8;		/* above 0 */
	int64_t qty_e8;			/* of the base asset, 0 or more */
	int64_t bid_e8;			/* 0 unknown; so is ask_e8 */
	int64_t ask_e8;
	int64_t trade_id;		/* -1 unknown */
	struct cdb_candle candle;
};

/* A message of the topic signals. */
struct cdb_signal {
	struct cdb_meta meta;
	char strategy_id[CDB_NAME_TEXT];
	char symbol[CDB_SYMBOL_TEXT];
	enum cdb_side side;
	int64_t ts_ms;			/* event time */
	int64_t price_e8;
	int64_t pct_change_e8;		/* percent */
	int64_t confidence_e8;		/* 0 .. 1 */
	char reason[CDB_REASON_TEXT];
};

/*
 * cdb_symbol_valid -- whether this is a symbol: A-Z and 0-9, 2 to 23 bytes.
 */
bool cdb_symbol_valid(const char *s);

/*
 * cdb_tick_write, cdb_signal_write -- the message as compact JSON.
 *
 * Writes at most cap bytes, without a NUL, and returns the length: more than
 * cap means that nothing useful was written; 0 means no memory.
 */
size_t cdb_tick_write(const struct cdb_tick *tick, char *dst, size_t cap);
size_t cdb_signal_write(const struct cdb_signal *sig, char *dst, size_t cap);

/*
 * cdb_tick_read, cdb_signal_read -- the struct of a message.
 *
 * Fields it does not know are ignored, so that senders may add some.
 * Errors   -EBADMSG not such a message; why says what is wrong with it.
 */
int cdb_tick_read(const char *json, size_t len, struct cdb_tick *out,
    char why[CDB_WHY_TEXT]);
int cdb_signal_read(const char *json, size_t len, struct cdb_signal *out,
    char why[CDB_WHY_TEXT]);

#endif
