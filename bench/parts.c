/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-parts -- the hot parts of the trading pipeline alone: no bus, no loop.
 *
 * Rows, tab-separated: part <operation> <ns median> <ns best>, of ROUNDS
 * rounds over the same seeded ticks, in time of the processor.
 *
 *   serialise_tick, parse_tick   a message of market_data
 *   decide_signal   a tick through the signal engine
 *   decide_order    a tick through the book of the risk manager
 *   serialise_signal, parse_signal
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/common/decimal.h"
#include "services/common/message.h"
#include "services/risk/risk.h"
#include "services/signal/signal.h"

#define N_TICKS	 4096u
#define ROUNDS	 31
#define JSON_MAX 2048u

static struct cdb_tick ticks[N_TICKS];
static char json[N_TICKS][JSON_MAX];
static size_t lens[N_TICKS];
static struct cdb_engine engine;
static struct cdb_risk risk;
static struct cdb_signal sig;
static char signal_json[JSON_MAX];
static size_t signal_len;

static void
fail(const char *what)
{
	fprintf(stderr, "bench-parts: %s\n", what);
	exit(1);
}

/* A price that wanders by up to 0.01 % a tick; six symbols, 100 ms apart. */
static void
ticks_make(void)
{
	static const char *const symbols[] = { "BTCUSDT", "ETHUSDT", "SOLUSDT",
		"BNBUSDT", "XRPUSDT", "ADAUSDT" };
	uint64_t dice = 7;
	int64_t price = 60000 * CDB_DEC_ONE;

	for (unsigned i = 0; i < N_TICKS; i++) {
		struct cdb_tick *t = &ticks[i];

		dice = dice * 6364136223846793005u + 1442695040888963407u;
		price += (int64_t)(dice >> 33) % (12 * CDB_DEC_ONE) -
		    6 * CDB_DEC_ONE;
		snprintf(t->meta.event_id, sizeof(t->meta.event_id), "%032x",
		    i);
		strcpy(t->meta.correlation_id, t->meta.event_id);
		t->meta.sequence_id = i + 1;
		strcpy(t->source, "bench");
		strcpy(t->symbol, symbols[i % 6]);
		t->ts_ms = INT64_C(1700000000000) + i * INT64_C(100);
		t->price_e8 = price;
		t->qty_e8 = CDB_DEC_ONE / 50;
		t->side = dice & 1 ? CDB_BUY : CDB_SELL;
		t->trade_id = i;
	}
}

static void
serialise_tick(unsigned i)
{
	lens[i] = cdb_tick_write(&ticks[i], json[i], JSON_MAX);
	if (lens[i] == 0 || lens[i] > JSON_MAX)
		fail("a tick cannot be written");
}

static void
parse_tick(unsigned i)
{
	struct cdb_tick tick;
	char why[CDB_WHY_TEXT];

	if (cdb_tick_read(json[i], lens[i], &tick, why) < 0)
		fail(why);
}

static void
decide_signal(unsigned i)
{
	struct cdb_signal out;
	int outcome;

	if (i == 0)
		cdb_engine_reset(&engine);
	outcome = cdb_engine_tick(&engine, &ticks[i], &out);
	if (outcome < 0)
		fail("a tick does not fit into the engine");
	if (outcome == CDB_SIGNAL)
		sig = out;
}

static void
decide_order(unsigned i)
{
	if (i == 0)
		cdb_risk_reset(&risk);
	if (cdb_risk_tick(&risk, &ticks[i]) < 0)
		fail("a tick does not fit into the book");
}

static void
serialise_signal(unsigned i)
{
	(void)i;
	signal_len = cdb_signal_write(&sig, signal_json, JSON_MAX);
}

static void
parse_signal(unsigned i)
{
	struct cdb_signal out;
	char why[CDB_WHY_TEXT];

	(void)i;
	if (cdb_signal_read(signal_json, signal_len, &out, why) < 0)
		fail(why);
}

static void
ignore_order(void *arg, const struct cdb_order *order)
{
	(void)arg;
	(void)order;
}

static void
ignore_decision(void *arg, const struct cdb_decision *decision)
{
	(void)arg;
	(void)decision;
}

static void
ignore_alert(void *arg, const struct cdb_alert *alert)
{
	(void)arg;
	(void)alert;
}

static void
ignore_portfolio(void *arg, const struct cdb_portfolio *portfolio)
{
	(void)arg;
	(void)portfolio;
}

static double
round_ns(void (*part)(unsigned i))
{
	struct timespec from;
	struct timespec to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (unsigned i = 0; i < N_TICKS; i++)
		part(i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 +
	    (double)(to.tv_nsec - from.tv_nsec)) / N_TICKS;
}

static int
less(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *name, void (*part)(unsigned i))
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(part);
	qsort(ns, ROUNDS, sizeof(ns[0]), less);
	printf("part\t%s\t%.0f\t%.0f\n", name, ns[ROUNDS / 2], ns[0]);
}

int
main(void)
{
	ticks_make();
	engine.rules = (struct cdb_rules){ 10000, CDB_DEC_ONE / 200, 0, 1000 };
	risk.limits = cdb_limits_of[1];
	risk.sink = (struct cdb_risk_sink){ ignore_order, ignore_decision,
		ignore_alert, ignore_portfolio, NULL };
	printf("part\twhat\tns median\tns best\n");
	measure("serialise_tick", serialise_tick);
	measure("parse_tick", parse_tick);
	measure("decide_signal", decide_signal);
	measure("decide_order", decide_order);
	measure("serialise_signal", serialise_signal);
	measure("parse_signal", parse_signal);
	cdb_engine_reset(&engine);
	return 0;
}
