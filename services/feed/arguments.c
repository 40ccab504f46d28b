/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of cdb-feed, and opening the data it names. */
#include "app.h"

#include <stdlib.h>

#include "runtime/number.h"

static bool
take_data(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	if (app->n_paths == CDB_SOURCES_MAX)
		return false;
	app->paths[app->n_paths++] = value;
	return value[0] != '\0';
}

static bool
take_speed(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;
	char *end;

	if (strcmp(value, "max") == 0) {
		app->pace.speed = 0;
		return true;
	}
	app->pace.speed = strtod(value, &end);
	return *end == '\0' && app->pace.speed >= 1e-6 &&
	    app->pace.speed <= 1e9;
}

static bool
take_symbol(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	app->symbol = value;
	return cdb_symbol_valid(value);
}

static bool
take_rate(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	return number_parse(value, 1, 1000000, &app->rate) == 0;
}

static bool
take_ticks(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	return number_parse(value, 0, INT64_MAX, &app->ticks) == 0;
}

static bool
take_limit(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	return number_parse(value, 1, 100000000, &app->stream_limit) == 0;
}

static bool
take_group(void *arg, const char *value)
{
	struct cdb_feed_app *app = arg;

	return cdb_names_take(&app->groups, value);
}

static const struct cdb_option options[] = {
	{ "--data", "FILE", "a file, at most 64 times",
	    "recorded file to replay, may be repeated [a seeded market]",
	    take_data },
	{ "--speed", "N", "a number above 0, or max",
	    "times recorded speed, or max [1]", take_speed },
	{ "--symbol", "NAME", "a symbol like BTCUSDT",
	    "where the file name tells none", take_symbol },
	{ "--rate", "N", "a whole number from 1 to 1000000",
	    "ticks per second of the seeded market [100]", take_rate },
	{ "--ticks", "N", "a whole number from 0 on",
	    "length of the seeded market [0, endless]", take_ticks },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of market_data at which to pause [50000]", take_limit },
	{ "--group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every tick, may be repeated",
	    take_group },
};

static void
on_bad_row(void *arg, const char *path, uint64_t line, const char *why)
{
	struct cdb_feed_app *app = arg;
	uint64_t held_back;

	if (log_rate_pass(&app->bad_rate, uv_hrtime() / 1000000, &held_back))
		log_warn(&app->service.log, "bad row skipped",
		    LOG_STR("file", path), LOG_UINT("line", line),
		    LOG_STR("reason", why), LOG_UINT("held_back", held_back));
}

int
cdb_feed_data(struct cdb_feed_app *app)
{
	const char *which;
	char why[CDB_WHY_TEXT];
	uint64_t seed = app->service.opt.seed;

	if (app->n_paths == 0) {
		cdb_feed_open_market(&app->feed, seed, (uint32_t)app->rate,
		    (uint64_t)app->ticks);
		return -1;
	}
	if (cdb_feed_open_files(&app->feed, app->paths, app->n_paths,
		app->symbol, seed, on_bad_row, app, &which, why) == 0)
		return -1;
	log_error(&app->service.log, "cannot replay",
	    LOG_STR("file", which), LOG_STR("reason", why));
	return 2;
}

int
cdb_feed_arguments(struct cdb_feed_app *app, int argc, char **argv)
{
	struct cdb_usage usage = { "cdb-feed",
		"Replays recorded market data, or makes some, to the bus.",
		options, sizeof(options) / sizeof(options[0]), app };

	return cdb_options_parse(argc, argv, &usage, &app->service.opt);
}
