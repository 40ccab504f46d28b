/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the risk manager. */
#include "app.h"
#include "runtime/number.h"

static bool
take_limit(void *arg, const char *value)
{
	struct cdb_risk_app *app = arg;

	return number_parse(value, 1, 100000000, &app->stream_limit) == 0;
}

static bool
take_orders(void *arg, const char *value)
{
	struct cdb_risk_app *app = arg;

	return number_parse(value, 0, CDB_RISK_ORDERS,
	    &app->orders_minute) == 0;
}

static bool
take_group(void *arg, const char *value)
{
	struct cdb_risk_app *app = arg;

	return cdb_names_take(&app->groups, value);
}

static bool
take_alert_group(void *arg, const char *value)
{
	struct cdb_risk_app *app = arg;

	return cdb_names_take(&app->alert_groups, value);
}

const struct cdb_option cdb_risk_options[] = {
	{ "--orders-per-minute", "N", "a whole number from 0 to 60",
	    "above it the circuit breaker opens, 0 for no limit [60]",
	    take_orders },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of an output at which to pause [500000]", take_limit },
	{ "--group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every order, decision and "
	    "portfolio, may be repeated", take_group },
	{ "--alert-group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every alert, may be repeated",
	    take_alert_group },
};

const size_t cdb_risk_n_options =
    sizeof(cdb_risk_options) / sizeof(cdb_risk_options[0]);
