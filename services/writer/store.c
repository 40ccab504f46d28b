/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "statements.h"

/* Behind the user's words, so that theirs win: a server that is stopped must
 * not stop us for ever.  Everything is durable when COMMIT has answered. */
#define CONNECT "connect_timeout=5 application_name=cdb-writer " \
	"tcp_user_timeout=10000 keepalives_idle=5"
#define SETTINGS "SET statement_timeout = '20s'; SET lock_timeout = '10s'; " \
	"SET synchronous_commit = on; SET client_min_messages = warning; " \
	"SET TIME ZONE 'UTC'"

static void
error_note(struct cdb_store *store, const char *what, const char *why)
{
	size_t len = strcspn(why, "\n");

	snprintf(store->error, sizeof(store->error), "%s: %.*s", what,
	    len < 180 ? (int)len : 180, why);
}

void
cdb_store_close(struct cdb_store *store)
{
	if (store->conn)
		PQfinish(store->conn);
	store->conn = NULL;
}

bool
cdb_store_run(struct cdb_store *store, const char *sql)
{
	PGresult *result = PQexec(store->conn, sql);
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (!ok)
		error_note(store, "the database", PQresultErrorMessage(result));
	PQclear(result);
	return ok;
}

/* libpq would print it, into the middle of our lines. */
static void
on_notice(void *arg, const char *message)
{
	const struct cdb_store *store = arg;

	log_warn(store->log, "the database says",
	    LOG_STRN("notice", message, strcspn(message, "\n")));
}

int
cdb_store_open(struct cdb_store *store)
{
	const char *keys[] = { "dbname", NULL };
	const char *values[] = { store->conninfo, NULL };
	char info[1024];
	int err;

	if (store->conn && PQstatus(store->conn) == CONNECTION_OK)
		return 0;
	cdb_store_close(store);
	snprintf(info, sizeof(info), CONNECT " %s", store->conninfo);
	values[0] = strstr(store->conninfo, "://") ? store->conninfo : info;
	store->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(store->conn) != CONNECTION_OK) {
		error_note(store, "cannot connect",
		    PQerrorMessage(store->conn));
		cdb_store_close(store);
		return -ENOTCONN;
	}
	PQsetNoticeProcessor(store->conn, on_notice, store);
	err = cdb_store_run(store, SETTINGS) ? cdb_store_migrate(store)
					     : -ENOTCONN;
	if (err < 0)
		cdb_store_close(store);
	return err;
}

/*
 * What a failed statement means.  Classes 22 (data) and 23 (constraints)
 * speak of the message; all others (no connection, disk full, shutting down)
 * of the moment.
 */
static bool
is_refusal(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state && (strncmp(state, "22", 2) == 0 ||
	    strncmp(state, "23", 2) == 0);
}

/* 0, -EBADMSG refused for what is in it, -EAGAIN. */
static int
statement_run(struct cdb_store *store, const char *sql, const char *array)
{
	PGresult *result = PQexecParams(store->conn, sql, 1, NULL, &array,
	    NULL, NULL, 0);
	int err = 0;

	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		err = is_refusal(result) ? -EBADMSG : -EAGAIN;
		error_note(store, err == -EBADMSG ? "message refused"
		    : "cannot write", PQresultErrorMessage(result));
	}
	PQclear(result);
	return err;
}

/* All statements of a channel, or none of them. */
static int
channel_run(struct cdb_store *store, size_t ch, const char *array)
{
	int err = 0;

	if (!cdb_store_run(store, "SAVEPOINT one"))
		return -EAGAIN;
	for (size_t i = 0; i < CDB_STATEMENTS && err == 0; i++)
		if (cdb_statements[ch][i])
			err = statement_run(store, cdb_statements[ch][i],
			    array);
	if (err == 0)
		return cdb_store_run(store, "RELEASE one") ? 0 : -EAGAIN;
	if (err == -EBADMSG)
		return cdb_store_run(store, "ROLLBACK TO one; RELEASE one")
		    ? -EBADMSG : -EAGAIN;
	return err;
}

/* Puts the message aside, with the error that was noted. */
static int
reject(struct cdb_store *store, size_t ch, const struct cdb_list *list,
    size_t i)
{
	static const char *const sql = "INSERT INTO rejected_messages "
	    "(stream, entry_id, error, data) VALUES ($1, $2, $3, $4::bytea) "
	    "ON CONFLICT DO NOTHING";
	const char *values[] = { cdb_channel_topic((enum cdb_channel)ch),
		list->items[i].id, store->error, cdb_item_data(list, i) };
	const int lens[] = { 0, 0, 0, (int)list->items[i].len };
	const int formats[] = { 0, 0, 0, 1 };
	PGresult *result = PQexecParams(store->conn, sql, 4, NULL, values,
	    lens, formats, 0);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	if (!ok)
		error_note(store, "cannot write",
		    PQresultErrorMessage(result));
	PQclear(result);
	store->refused[ch]++;
	return ok ? 0 : -EAGAIN;
}

/* One message by itself: written, or put aside. */
static int
one_write(struct cdb_store *store, size_t ch, const struct cdb_list *list,
    size_t i)
{
	const struct cdb_item *item = &list->items[i];
	struct cdb_batch single = { 0 };
	int err;

	if (item->bad) {
		error_note(store, "message refused", "no JSON object");
		return reject(store, ch, list, i);
	}
	cdb_batch_put(&single, (enum cdb_channel)ch, item->id,
	    cdb_item_data(list, i), item->len);
	err = channel_run(store, ch, cdb_list_array(&single.lists[ch]));
	cdb_batch_free(&single);
	if (err == 0)
		store->written[ch]++;
	return err == -EBADMSG ? reject(store, ch, list, i) : err;
}

static int
list_write(struct cdb_store *store, size_t ch, struct cdb_list *list)
{
	int err = -EBADMSG;

	if (list->n > list->n_bad)
		err = channel_run(store, ch, cdb_list_array(list));
	if (err == 0)
		store->written[ch] += list->n - list->n_bad;
	if (err != 0 && err != -EBADMSG)
		return err;
	/* one at a time: what is left of the list, or all of it */
	for (size_t i = 0; i < list->n; i++) {
		if (err == 0 && !list->items[i].bad)
			continue;
		if (one_write(store, ch, list, i) < 0)
			return -EAGAIN;
	}
	return 0;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int
batch_write(struct cdb_store *store, struct cdb_batch *batch)
{
	if (!cdb_store_run(store, "BEGIN"))
		return -EAGAIN;
	for (size_t ch = 0; ch < CDB_CHANNELS; ch++)
		if (batch->lists[ch].n > 0 &&
		    list_write(store, ch, &batch->lists[ch]) < 0)
			return -EAGAIN;
	/* COMMIT of a failed transaction answers ROLLBACK, not an error; we
	 * never get here with one, since every failure above returns */
	return cdb_store_run(store, "COMMIT") ? 0 : -EAGAIN;
}

int
cdb_store_write(struct cdb_store *store, struct cdb_batch *batch)
{
	uint64_t from = now_ns();
	int err = cdb_store_open(store);

	memset(store->written, 0, sizeof(store->written));
	memset(store->refused, 0, sizeof(store->refused));
	if (err < 0)
		return err;
	err = batch_write(store, batch);
	/* a connection that failed once is not asked about its state */
	if (err < 0)
		cdb_store_close(store);
	store->ns = now_ns() - from;
	return err;
}

int
cdb_store_samples(struct cdb_store *store, const char *array)
{
	static const char *const sql = "INSERT INTO metrics SELECT "
	    "to_timestamp((j->>'ts')::numeric), j->>'service', j->>'name', "
	    "j->'labels', (j->>'window_s')::integer, "
	    "(j->>'value')::double precision "
	    "FROM jsonb_array_elements($1::jsonb) AS j "
	    "ON CONFLICT DO NOTHING";

	if (cdb_store_open(store) < 0)
		return -EAGAIN;
	if (statement_run(store, sql, array) == 0)
		return 0;
	cdb_store_close(store);
	return -EAGAIN;
}
