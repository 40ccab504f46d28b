-- SPDX-License-Identifier: Apache-2.0
-- Profit and loss from the trades alone, to be compared with what risk says.

CREATE VIEW cash_flow AS
SELECT symbol,
       coalesce(sum(size) FILTER (WHERE side = 'BUY'), 0) -
       coalesce(sum(size) FILTER (WHERE side = 'SELL'), 0) AS held,
       coalesce(sum(execution_price * size) FILTER (WHERE side = 'SELL'), 0) -
       coalesce(sum(execution_price * size) FILTER (WHERE side = 'BUY'), 0) -
       sum(fees) AS cash
FROM trades
WHERE status = 'FILLED'
GROUP BY symbol;

-- Orders against what became of them; all differences are 0 once the streams
-- have been worked off.
CREATE VIEW conservation AS
SELECT (SELECT count(*) FROM signals) AS signals,
       (SELECT count(*) FROM risk_events WHERE decision = 'BLOCKED') AS blocked,
       (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM orders WHERE signal_id IS NULL) AS stop_orders,
       (SELECT count(*) FROM trades WHERE status = 'FILLED') AS filled,
       (SELECT count(*) FROM trades WHERE status <> 'FILLED') AS rejected,
       (SELECT count(*) FROM orders WHERE status = 'SUBMITTED') AS pending;
