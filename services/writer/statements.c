/* SPDX-License-Identifier: Apache-2.0 */
#include "statements.h"

#define EACH "FROM jsonb_array_elements($1::jsonb) AS j "
#define SEEN "ON CONFLICT (event_id) DO NOTHING"
#define AT(field) "to_timestamp((j->>'" field "')::numeric)"
#define AT_MS(field) "to_timestamp((j->>'" field "')::numeric / 1000)"

/* Orders and results come on two streams, in whatever order: whoever comes
 * second brings them together. */
#define MEET \
	"UPDATE orders o SET status = t.status, filled_size = t.size, " \
	"avg_fill_price = t.execution_price, " \
	"rejection_reason = t.error_message, filled_at = " \
	"CASE WHEN t.status = 'FILLED' THEN t.executed_at END " \
	"FROM trades t WHERE t.order_id = o.order_id AND " \
	"o.status = 'SUBMITTED' AND o.order_id IN " \
	"(SELECT j->>'order_id' " EACH ")"

const char *const cdb_statements[CDB_CHANNELS][CDB_STATEMENTS] = {
	[CDB_CH_SIGNALS] = {
		"INSERT INTO signals SELECT j->>'event_id', j->>'symbol', "
		"j->>'side', (j->>'price')::numeric, "
		"(j->>'confidence')::numeric, " AT("timestamp") ", "
		"j->>'strategy_id', j " EACH SEEN,
	},
	[CDB_CH_ORDERS] = {
		"INSERT INTO orders (event_id, order_id, signal_id, symbol, "
		"side, order_type, price, size, approved, status, created_at, "
		"submitted_at) SELECT j->>'event_id', j->>'order_id', "
		"j->>'signal_id', j->>'symbol', j->>'side', j->>'type', "
		"(j->>'price')::numeric, (j->>'quantity')::numeric, true, "
		"'SUBMITTED', " AT("timestamp") ", " AT("timestamp") " "
		EACH SEEN,
		MEET,
	},
	[CDB_CH_RESULTS] = {
		"INSERT INTO trades SELECT j->>'event_id', j->>'order_id', "
		"j->>'symbol', j->>'side', (j->>'order_price')::numeric, "
		"(j->>'filled_quantity')::numeric, j->>'status', "
		"CASE WHEN j->>'status' = 'FILLED' "
		"THEN (j->>'price')::numeric END, "
		"(j->>'slippage_bps')::numeric, (j->>'fee')::numeric, "
		"'paper', (j->>'attempts')::integer, j->>'error_message', "
		AT("timestamp") " " EACH SEEN,
		MEET,
	},
	[CDB_CH_RISK] = {
		"INSERT INTO risk_events SELECT j->>'event_id', "
		"(j->>'timestamp_ms')::bigint, j->>'symbol', j->>'decision', "
		"j->>'reason_code', (j->>'contract_version')::integer, j "
		EACH SEEN,
	},
	[CDB_CH_PORTFOLIO] = {
		"INSERT INTO portfolio_snapshots SELECT j->>'event_id', "
		"(j->>'sequence_id')::bigint, " AT_MS("timestamp_ms") ", "
		"(j->>'cash')::numeric, (j->>'equity')::numeric, "
		"(j->>'exposure')::numeric, (j->>'drawdown')::numeric, "
		"(j->>'realized_pnl')::numeric, (j->>'fees')::numeric, "
		"j->'position' " EACH SEEN,
		"INSERT INTO positions SELECT DISTINCT ON (p->>'symbol') "
		"p->>'symbol', p->>'side', (p->>'size')::numeric, "
		"(p->>'cost')::numeric, (p->>'entry_price')::numeric, "
		"(p->>'current_price')::numeric, "
		"(p->>'realized_pnl')::numeric, "
		"(p->>'unrealized_pnl')::numeric, "
		"nullif((p->>'stop_loss')::numeric, 0), j->>'event_id', "
		"(j->>'sequence_id')::bigint, " AT_MS("timestamp_ms") " "
		EACH ", LATERAL (SELECT j->'position') AS q(p) "
		"WHERE p IS NOT NULL "
		"ORDER BY p->>'symbol', (j->>'sequence_id')::bigint DESC "
		"ON CONFLICT (symbol) DO UPDATE SET side = EXCLUDED.side, "
		"size = EXCLUDED.size, cost = EXCLUDED.cost, "
		"entry_price = EXCLUDED.entry_price, "
		"current_price = EXCLUDED.current_price, "
		"realized_pnl = EXCLUDED.realized_pnl, "
		"unrealized_pnl = EXCLUDED.unrealized_pnl, "
		"stop_loss = EXCLUDED.stop_loss, "
		"event_id = EXCLUDED.event_id, "
		"sequence_id = EXCLUDED.sequence_id, "
		"updated_at = EXCLUDED.updated_at "
		"WHERE positions.sequence_id < EXCLUDED.sequence_id",
	},
	[CDB_CH_HEALTH] = {
		"INSERT INTO health_checks SELECT j->>'event_id', "
		AT_MS("timestamp_ms") ", j->>'service', j->>'status', "
		"(j->>'latency_ms')::numeric, j->>'detail' " EACH SEEN,
	},
};
