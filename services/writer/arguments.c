/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "app.h"
#include "runtime/number.h"

static bool
take_postgres(void *arg, const char *value)
{
	struct cdb_writer_app *app = arg;

	app->store.conninfo = value;
	return value[0] != '\0' && strlen(value) < 700 &&
	    cdb_conninfo_show(value, app->postgres);
}

static bool
take_schema(void *arg, const char *value)
{
	struct cdb_writer_app *app = arg;

	app->store.schema = value;
	return value[0] != '\0' && strlen(value) < 900;
}

static bool
take_sample(void *arg, const char *value)
{
	struct cdb_writer_app *app = arg;

	return number_parse(value, 0, 86400, &app->sample_s) == 0;
}

static bool
take_keep(void *arg, const char *value)
{
	struct cdb_writer_app *app = arg;

	return number_parse(value, 0, 36500, &app->keep_days) == 0;
}

const struct cdb_option cdb_writer_options[] = {
	{ "--postgres", "CONNINFO", "a libpq connection string",
	    "where PostgreSQL listens [dbname=cdb]", take_postgres },
	{ "--schema", "FOLDER", "a folder with NNN_name.sql",
	    "migrations, applied at start [services/writer/schema]",
	    take_schema },
	{ "--sample-s", "N", "seconds from 0 to 86400",
	    "between rows of the table metrics, 0 for none [60]",
	    take_sample },
	{ "--keep-days", "N", "days from 0 to 36500",
	    "of metrics, health_checks and rejected_messages, 0 for ever [30]",
	    take_keep },
};

const size_t cdb_writer_n_options =
    sizeof(cdb_writer_options) / sizeof(cdb_writer_options[0]);
