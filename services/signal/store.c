/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's state in Redis: written bit by bit, read as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define STATE_KEY  "state:" CDB_SIGNAL_GROUP
#define WINDOW_KEY "window:" CDB_SIGNAL_GROUP ":%s"
#define LIST_CHUNK 256		/* points of one RPUSH */

/* RPUSH of the points [from, n) of the window, a chunk at a time. */
static void
points_add(struct cdb_signal_app *app, const struct cdb_symbol *s, size_t from)
{
	char key[64];
	char text[LIST_CHUNK][CDB_POINT_TEXT];
	const char *argv[2 + LIST_CHUNK] = { "RPUSH", key };

	snprintf(key, sizeof(key), WINDOW_KEY, s->name);
	while (from < s->window.n) {
		size_t n = 0;

		for (; n < LIST_CHUNK && from < s->window.n; n++, from++) {
			cdb_point_write(cdb_window_at(&s->window, from),
			    text[n]);
			argv[2 + n] = text[n];
		}
		cdb_bus_add(&app->service.bus, (int)(2 + n), argv, NULL);
	}
}

/* The list of this symbol follows its window. */
static void
symbol_save(struct cdb_signal_app *app, struct cdb_symbol *s)
{
	char text[CDB_SYMBOL_STATE];
	size_t drop;
	size_t append;

	cdb_window_changes(&s->window, &drop, &append);
	if (drop > 0)
		cdb_bus_addf(&app->service.bus,
		    "LTRIM " WINDOW_KEY " %lld -1", s->name,
		    (long long)drop);
	points_add(app, s, s->window.n - append);
	cdb_window_saved(&s->window);
	cdb_symbol_write(s, text);
	cdb_bus_addf(&app->service.bus, "HSET " STATE_KEY " sym:%s %s",
	    s->name, text);
	s->changed = false;
}

void
cdb_signal_save(struct cdb_signal_app *app)
{
	struct cdb_engine *e = &app->engine;

	for (size_t i = 0; i < e->n_symbols; i++)
		if (e->symbols[i].changed)
			symbol_save(app, &e->symbols[i]);
	cdb_bus_addf(&app->service.bus, "HSET " STATE_KEY
	    " ticks %llu signals %llu seq %llu now_ms %lld",
	    (unsigned long long)e->ticks, (unsigned long long)e->signals,
	    (unsigned long long)e->last_seq, (long long)e->now_ms);
}

/* The state in Redis contradicts itself: to go on would be to guess. */
static void
state_refuse(struct cdb_signal_app *app, const char *what)
{
	cdb_service_fail(&app->service, what);
}

/* LRANGE of one window; the symbols come in the order they were asked for. */
static void
on_window(void *arg, const redisReply *reply)
{
	struct cdb_symbol *s = arg;

	for (size_t i = 0; i < reply->elements; i++) {
		struct cdb_point p;

		if (reply->element[i]->type != REDIS_REPLY_STRING ||
		    cdb_point_read(&p, reply->element[i]->str) < 0 ||
		    cdb_window_push(&s->window, p) < 0)
			break;	/* found out by the number of points */
	}
	cdb_window_saved(&s->window);
}

static void
on_loaded(void *arg, const redisReply *reply)
{
	struct cdb_signal_app *app = arg;
	struct cdb_engine *e = &app->engine;

	(void)reply;
	for (size_t i = 0; i < e->n_symbols; i++) {
		struct cdb_symbol *s = &e->symbols[i];

		if (s->window.n != s->saved_n) {
			state_refuse(app, "the state in Redis is not whole: a "
			    "window has not as many ticks as it should");
			return;
		}
	}
	app->acked_ticks = e->ticks;
	app->acked_signals = e->signals;
	log_info(&app->service.log, "state loaded",
	    LOG_UINT("ticks", e->ticks), LOG_UINT("signals", e->signals),
	    LOG_UINT("symbols", e->n_symbols));
	cdb_bus_loaded(&app->service.bus);
}

static bool
field_load(struct cdb_signal_app *app, const char *field, const char *value)
{
	struct cdb_engine *e = &app->engine;
	struct cdb_symbol *s;

	if (strcmp(field, "ticks") == 0)
		e->ticks = strtoull(value, NULL, 10);
	else if (strcmp(field, "signals") == 0)
		e->signals = strtoull(value, NULL, 10);
	else if (strcmp(field, "seq") == 0)
		e->last_seq = strtoull(value, NULL, 10);
	else if (strcmp(field, "now_ms") == 0)
		e->now_ms = strtoll(value, NULL, 10);
	if (strncmp(field, "sym:", 4) != 0)
		return true;
	if (!cdb_symbol_valid(field + 4))
		return false;
	s = cdb_engine_symbol(e, field + 4);
	if (!s || cdb_symbol_read(s, value) < 0)
		return false;
	cdb_bus_query(&app->service.bus, on_window, s,
	    "LRANGE " WINDOW_KEY " 0 -1", s->name);
	return true;
}

void
cdb_signal_load(struct cdb_signal_app *app, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR) {
		cdb_bus_drop(&app->service.bus, reply->str);
		return;
	}
	cdb_engine_reset(&app->engine);
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		if (!field_load(app, reply->element[i]->str,
			reply->element[i + 1]->str)) {
			state_refuse(app,
			    "the state in Redis cannot be understood");
			return;
		}
	}
	/* answers come in order: behind this one all windows are there */
	cdb_bus_query(&app->service.bus, on_loaded, app, "PING");
}
