/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trade.h -- orders, what became of them, and alerts, as structs and JSON.
 *
 * As message.h: everything in the JSON is a function of seed and input.
 *
 * Thread   any; pure.
 */
#ifndef CDB_TRADE_H
#define CDB_TRADE_H

#include "message.h"

#define CDB_TOPIC_ORDERS	"orders"
#define CDB_TOPIC_RESULTS	"order_results"
#define CDB_TOPIC_RISK		"risk_events"
#define CDB_TOPIC_PORTFOLIO	"portfolio"
#define CDB_TOPIC_ALERTS	"alerts"
#define CDB_TOPIC_HEALTH	"health"

/* A message of the topic orders; its event_id is the order_id. */
struct cdb_order {
	struct cdb_meta meta;
	char signal_id[CDB_ID_TEXT];	/* "" for an order without a signal */
	char strategy_id[CDB_NAME_TEXT];
	char symbol[CDB_SYMBOL_TEXT];
	enum cdb_side side;
	int64_t ts_ms;			/* event time */
	int64_t qty_e8;			/* of the base asset, above 0 */
	int64_t price_e8;		/* when it was decided */
	int64_t stop_loss_e8;		/* fraction; 0 for none */
	char reason[CDB_REASON_TEXT];
};

enum cdb_fate { CDB_FILLED, CDB_REJECTED, CDB_ERROR };

/* A message of the topic order_results: one for each order. */
struct cdb_result {
	struct cdb_meta meta;		/* sequence_id is the order's */
	char order_id[CDB_ID_TEXT];
	char symbol[CDB_SYMBOL_TEXT];
	enum cdb_side side;
	enum cdb_fate fate;
	int64_t ts_ms;		/* event time at which it takes effect */
	int64_t order_ts_ms;
	int64_t qty_e8;		/* ordered */
	int64_t filled_e8;	/* 0 unless FILLED */
	int64_t order_price_e8;
	int64_t price_e8;	/* of the fill; the order's unless FILLED */
	int64_t fee_e8;		/* quote */
	int64_t slippage_bps_e4;	/* 1e-4 basis points, against us > 0 */
	unsigned attempts;
	char error[CDB_WHY_TEXT];	/* "" when FILLED */
};

enum cdb_level { CDB_INFO, CDB_WARNING, CDB_CRITICAL };

/* A message of the topic alerts. */
struct cdb_alert {
	struct cdb_meta meta;
	enum cdb_level level;
	char code[CDB_NAME_TEXT];	/* "CIRCUIT_BREAKER" */
	char symbol[CDB_SYMBOL_TEXT];	/* "" none */
	int64_t ts_ms;
	char message[CDB_REASON_TEXT];
};

/* cdb_fate_name, cdb_level_name -- "FILLED", "CRITICAL", ... */
const char *cdb_fate_name(enum cdb_fate fate);
const char *cdb_level_name(enum cdb_level level);

/* As cdb_tick_write() and cdb_tick_read(). */
size_t cdb_order_write(const struct cdb_order *order, char *dst, size_t cap);
size_t cdb_result_write(const struct cdb_result *result, char *dst,
    size_t cap);
size_t cdb_alert_write(const struct cdb_alert *alert, char *dst, size_t cap);
int cdb_order_read(const char *json, size_t len, struct cdb_order *out,
    char why[CDB_WHY_TEXT]);
int cdb_result_read(const char *json, size_t len, struct cdb_result *out,
    char why[CDB_WHY_TEXT]);
int cdb_alert_read(const char *json, size_t len, struct cdb_alert *out,
    char why[CDB_WHY_TEXT]);

#endif
