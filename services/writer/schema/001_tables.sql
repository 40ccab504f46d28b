-- SPDX-License-Identifier: Apache-2.0
-- What the writer stores.  Every event is kept once: event_id is its name, and
-- the same event written again changes nothing.

CREATE TABLE signals (
	event_id	text PRIMARY KEY,
	symbol		text NOT NULL,
	signal_type	text NOT NULL CHECK (signal_type IN ('BUY', 'SELL')),
	price		numeric(18, 8) NOT NULL,
	confidence	numeric(9, 8),
	"timestamp"	timestamptz NOT NULL,
	source		text NOT NULL,
	metadata	jsonb NOT NULL
);
CREATE INDEX signals_symbol_time ON signals (symbol, "timestamp");

CREATE TABLE orders (
	event_id	text PRIMARY KEY,
	order_id	text NOT NULL UNIQUE,
	signal_id	text,			-- none for a stop-loss
	symbol		text NOT NULL,
	side		text NOT NULL CHECK (side IN ('BUY', 'SELL')),
	order_type	text NOT NULL,
	price		numeric(18, 8) NOT NULL,
	size		numeric(18, 8) NOT NULL CHECK (size > 0),
	approved	boolean NOT NULL,
	rejection_reason text,
	status		text NOT NULL CHECK (status IN
			('SUBMITTED', 'FILLED', 'REJECTED', 'ERROR')),
	filled_size	numeric(18, 8) NOT NULL DEFAULT 0,
	avg_fill_price	numeric(18, 8),
	created_at	timestamptz NOT NULL,
	submitted_at	timestamptz NOT NULL,
	filled_at	timestamptz
);
CREATE INDEX orders_signal ON orders (signal_id);

-- One row for each result; size is what was filled, 0 for a rejection.
CREATE TABLE trades (
	event_id	text PRIMARY KEY,
	order_id	text NOT NULL UNIQUE,
	symbol		text NOT NULL,
	side		text NOT NULL CHECK (side IN ('BUY', 'SELL')),
	price		numeric(18, 8) NOT NULL,	-- of the order
	size		numeric(18, 8) NOT NULL CHECK (size >= 0),
	status		text NOT NULL CHECK (status IN
			('FILLED', 'REJECTED', 'ERROR')),
	execution_price	numeric(18, 8),
	slippage_bps	numeric(14, 4) NOT NULL,
	fees		numeric(18, 8) NOT NULL,
	exchange	text NOT NULL,
	attempts	integer NOT NULL,
	error_message	text,
	executed_at	timestamptz NOT NULL
);
CREATE INDEX trades_symbol_time ON trades (symbol, executed_at);

CREATE TABLE positions (
	symbol		text PRIMARY KEY,
	side		text NOT NULL CHECK (side IN ('LONG', 'FLAT')),
	size		numeric(18, 8) NOT NULL CHECK (size >= 0),
	cost		numeric(18, 8) NOT NULL,
	entry_price	numeric(18, 8) NOT NULL,
	current_price	numeric(18, 8) NOT NULL,
	realized_pnl	numeric(18, 8) NOT NULL,
	unrealized_pnl	numeric(18, 8) NOT NULL,
	stop_loss	numeric(18, 8),
	event_id	text NOT NULL,
	sequence_id	bigint NOT NULL,	-- of the event; the latest stays
	updated_at	timestamptz NOT NULL
);

CREATE TABLE portfolio_snapshots (
	event_id	text PRIMARY KEY,
	sequence_id	bigint NOT NULL,
	"timestamp"	timestamptz NOT NULL,
	cash		numeric(18, 8) NOT NULL,
	equity		numeric(18, 8) NOT NULL,
	exposure	numeric(18, 8) NOT NULL,
	drawdown	numeric(18, 8) NOT NULL,
	realized_pnl	numeric(18, 8) NOT NULL,
	fees		numeric(18, 8) NOT NULL,
	position	jsonb
);

CREATE TABLE risk_events (
	event_id	text PRIMARY KEY,
	timestamp_ms	bigint NOT NULL,
	symbol		text NOT NULL,
	decision	text NOT NULL CHECK (decision IN
			('APPROVED', 'TRIMMED', 'BLOCKED')),
	reason_code	text NOT NULL,
	contract_version integer NOT NULL,
	payload		jsonb NOT NULL
);
CREATE INDEX risk_events_reason ON risk_events (decision, reason_code);

CREATE TABLE metrics (
	ts		timestamptz NOT NULL,
	service		text NOT NULL,
	name		text NOT NULL,
	labels		jsonb NOT NULL,
	window_s	integer NOT NULL,
	value		double precision NOT NULL,
	UNIQUE (ts, service, name, labels, window_s)
);

CREATE TABLE health_checks (
	event_id	text PRIMARY KEY,
	ts		timestamptz NOT NULL,
	service		text NOT NULL,
	status		text NOT NULL,
	latency_ms	numeric(14, 3) NOT NULL,
	detail		text
);
CREATE INDEX health_checks_service_time ON health_checks (service, ts);

-- Messages that no table takes, as they came: nothing is lost, and what is
-- wrong with one does not stop the others.
CREATE TABLE rejected_messages (
	stream		text NOT NULL,
	entry_id	text NOT NULL,
	error		text NOT NULL,
	data		bytea NOT NULL,
	rejected_at	timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (stream, entry_id)
);
