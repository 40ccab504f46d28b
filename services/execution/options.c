/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/number.h"
#include "services/common/decimal.h"

#define DAY_MS 86400000

static struct cdb_execution_options *
opt(void *arg)
{
	return arg;
}

static bool
take_speed(void *arg, const char *value)
{
	char *end;

	if (strcmp(value, "max") == 0) {
		opt(arg)->speed = 0;
		return true;
	}
	opt(arg)->speed = strtod(value, &end);
	return end != value && *end == '\0' && opt(arg)->speed >= 1e-6 &&
	    opt(arg)->speed <= 1e9;
}

static bool
take_limit(void *arg, const char *value)
{
	return number_parse(value, 1, 100000000,
	    &opt(arg)->stream_limit) == 0;
}

static bool
take_group(void *arg, const char *value)
{
	return cdb_names_take(&opt(arg)->groups, value);
}

/* "50-200" or "0". */
static bool
take_latency(void *arg, const char *value)
{
	struct cdb_exchange_rules *r = &opt(arg)->rules;
	char low[16];
	const char *dash = strchr(value, '-');
	size_t len = dash ? (size_t)(dash - value) : strlen(value);

	if (len >= sizeof(low))
		return false;
	memcpy(low, value, len);
	low[len] = '\0';
	return number_parse(low, 0, DAY_MS, &r->latency_min_ms) == 0 &&
	    number_parse(dash ? dash + 1 : low, 0, DAY_MS,
		&r->latency_max_ms) == 0 &&
	    r->latency_min_ms <= r->latency_max_ms;
}

static bool
fraction(const char *value, int64_t *out)
{
	return cdb_dec_parse(value, strlen(value), out) == 0 && *out >= 0 &&
	    *out <= CDB_DEC_ONE;
}

static bool
take_reject(void *arg, const char *value)
{
	return fraction(value, &opt(arg)->rules.reject_rate_e8);
}

static bool
take_error(void *arg, const char *value)
{
	return fraction(value, &opt(arg)->rules.error_rate_e8);
}

static bool
take_slippage(void *arg, const char *value)
{
	return fraction(value, &opt(arg)->rules.slippage_e8);
}

static bool
take_cap(void *arg, const char *value)
{
	return fraction(value, &opt(arg)->rules.slippage_cap_e8);
}

static bool
take_fee(void *arg, const char *value)
{
	return fraction(value, &opt(arg)->rules.fee_e8);
}

static bool
take_retries(void *arg, const char *value)
{
	return number_parse(value, 0, 100, &opt(arg)->rules.retries) == 0;
}

static bool
take_retry(void *arg, const char *value)
{
	return number_parse(value, 0, DAY_MS, &opt(arg)->rules.retry_ms) == 0;
}

static bool
take_timeout(void *arg, const char *value)
{
	return number_parse(value, 0, DAY_MS,
	    &opt(arg)->rules.timeout_ms) == 0;
}

#define FRACTION "a fraction from 0 to 1"
#define MILLIS	 "milliseconds, at most a day"

const struct cdb_option cdb_execution_options[] = {
	{ "--speed", "N", "a number above 0, or max",
	    "of the replay; max does not wait for results [1]", take_speed },
	{ "--latency-ms", "LO-HI", "two numbers of milliseconds, or one",
	    "simulated latency of an attempt [50-200]", take_latency },
	{ "--reject-rate", "P", FRACTION,
	    "attempts refused for good [0.03]", take_reject },
	{ "--error-rate", "P", FRACTION,
	    "attempts that fail for the moment [0.02]", take_error },
	{ "--slippage", "F", FRACTION,
	    "of the price, times min(quantity / 10, 2) [0.0002]",
	    take_slippage },
	{ "--slippage-cap", "F", FRACTION,
	    "of the price, the most there is [0.001]", take_cap },
	{ "--fee", "F", FRACTION, "of the notional [0.0006]", take_fee },
	{ "--retries", "N", "a whole number from 0 to 100",
	    "after an error [3]", take_retries },
	{ "--retry-ms", "MS", MILLIS, "pause before a retry [2000]",
	    take_retry },
	{ "--timeout-ms", "MS", MILLIS, "of an attempt [10000]",
	    take_timeout },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of order_results at which to pause [500000]",
	    take_limit },
	{ "--group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every result, may be repeated",
	    take_group },
};
const size_t cdb_execution_n_options =
    sizeof(cdb_execution_options) / sizeof(cdb_execution_options[0]);
