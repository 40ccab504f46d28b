-- SPDX-License-Identifier: Apache-2.0
-- Who may do what; run by the owner of the tables, as often as one likes.
-- Roles belong to the whole server and cannot log in: grant them to logins.
DO $$ BEGIN
	CREATE ROLE cdb_write NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
	CREATE ROLE cdb_read NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, cdb_write, cdb_read;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO cdb_write, cdb_read;

-- ON CONFLICT and WHERE look at what is there, hence SELECT.
GRANT SELECT, INSERT ON signals, orders, trades, positions,
	portfolio_snapshots, risk_events, metrics, health_checks,
	rejected_messages TO cdb_write;
GRANT SELECT ON schema_migrations TO cdb_write;
-- An order meets its result, a position its successor; nothing else changes.
GRANT UPDATE (status, filled_size, avg_fill_price, rejection_reason, filled_at)
	ON orders TO cdb_write;
GRANT UPDATE ON positions TO cdb_write;
-- --keep-days
GRANT DELETE ON metrics, health_checks, rejected_messages TO cdb_write;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO cdb_read;
