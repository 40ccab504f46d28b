/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-load: signals at a controlled rate, into a running system.
 *
 * They come from outside, so they have no tick: risk decides them as they
 * come.  Their time is that of the latest tick, so that they are not stale;
 * without ticks it is the wall clock.  BUY and SELL alternate per symbol, so
 * that positions open and close.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/addr.h"
#include "runtime/number.h"
#include "services/common/clock.h"
#include "services/common/decimal.h"
#include "services/common/event_id.h"
#include "services/common/message.h"
#include "services/common/operator.h"
#include "services/common/password.h"
#include "version.h"

#define SYMBOLS	     4
#define JSON_MAX     2048
#define PIPELINE_MAX 500	/* commands sent before their answers are read */

struct load {
	struct addr redis;
	char password[CDB_PASSWORD_TEXT];	/* empty: none */
	int64_t signals;
	int64_t rate;		/* per second; 0: as fast as it goes */
	int64_t symbols;
	uint64_t seed;
	redisContext *ctx;
	int64_t ts_ms;		/* of the signals; 0: the wall clock's */
	int64_t price_e8;
};

static void
usage(void)
{
	printf("usage: cdb-load [options]\n"
	    "Publishes signals at a controlled rate, and says how it went.\n\n"
	    "  --redis ADDRESS   where Redis listens [127.0.0.1:6379]\n"
	    "  --redis-password-file FILE\n"
	    "                    log in to Redis as the user " CDB_OPERATOR
	    "\n"
	    "  --signals N       how many [1000]\n"
	    "  --rate R          of them per second, or max [100]\n"
	    "  --symbols N       over so many symbols, 1 to %d [1]\n"
	    "  --seed N          what their ids follow from [the time]\n"
	    "  --help\n  --version\n", SYMBOLS);
}

static bool
take(struct load *l, const char *name, const char *value)
{
	int64_t seed;

	if (strcmp(name, "--redis") == 0)
		return addr_parse(value, &l->redis) == 0;
	if (strcmp(name, "--redis-password-file") == 0)
		return cdb_password_read(value, l->password);
	if (strcmp(name, "--signals") == 0)
		return number_parse(value, 1, 100000000, &l->signals) == 0;
	if (strcmp(name, "--symbols") == 0)
		return number_parse(value, 1, SYMBOLS, &l->symbols) == 0;
	if (strcmp(name, "--rate") == 0 && strcmp(value, "max") == 0) {
		l->rate = 0;
		return true;
	}
	if (strcmp(name, "--rate") == 0)
		return number_parse(value, 1, 10000000, &l->rate) == 0;
	if (strcmp(name, "--seed") != 0 ||
	    number_parse(value, 0, INT64_MAX, &seed) < 0)
		return false;
	l->seed = (uint64_t)seed;
	return true;
}

/* -1 to go on, else the exit status. */
static int
parse(struct load *l, int argc, char **argv)
{
	int i = 1;

	while (i < argc) {
		if (strcmp(argv[i], "--help") == 0) {
			usage();
			return 0;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("cdb-load %s\n", CDB_VERSION);
			return 0;
		}
		if (i + 1 == argc || !take(l, argv[i], argv[i + 1])) {
			fprintf(stderr, "cdb-load: %s: not an option, or not "
			    "a value of it (see --help)\n", argv[i]);
			return 2;
		}
		i += 2;
	}
	return -1;
}

static int
fail(struct load *l, const char *what)
{
	fprintf(stderr, "cdb-load: %s%s%s\n", what,
	    l->ctx && l->ctx->err ? ": " : "",
	    l->ctx && l->ctx->err ? l->ctx->errstr : "");
	return 1;
}

/* The data of the latest entry of a stream, NULL for none. */
static const redisReply *
latest(const redisReply *reply)
{
	const redisReply *fields;

	if (!reply || reply->type != REDIS_REPLY_ARRAY ||
	    reply->elements != 1 || reply->element[0]->elements != 2)
		return NULL;
	fields = reply->element[0]->element[1];
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (strcmp(fields->element[i]->str, CDB_FIELD_DATA) == 0)
			return fields->element[i + 1];
	return NULL;
}

/* Event time and price to go by. */
static void
look_around(struct load *l)
{
	redisReply *reply = redisCommand(l->ctx, "XREVRANGE " CDB_TOPIC_TICKS
	    " + - COUNT 1");
	const redisReply *data = latest(reply);
	char why[CDB_WHY_TEXT];
	struct cdb_tick tick;

	l->price_e8 = 100 * CDB_DEC_ONE;
	if (data && cdb_tick_read(data->str, (size_t)data->len, &tick,
		why) == 0) {
		l->ts_ms = tick.ts_ms;
		l->price_e8 = tick.price_e8;
	}
	if (reply)
		freeReplyObject(reply);
}

static void
signal_make(const struct load *l, int64_t i, struct cdb_signal *sig)
{
	char cause[48];

	memset(sig, 0, sizeof(*sig));
	snprintf(cause, sizeof(cause), "load:%" PRId64, i);
	cdb_event_id(l->seed, "signal", cause, sig->meta.event_id);
	strcpy(sig->meta.correlation_id, sig->meta.event_id);
	sig->meta.sequence_id = (uint64_t)i + 1;
	strcpy(sig->strategy_id, "load");
	snprintf(sig->symbol, sizeof(sig->symbol), "LOAD%d",
	    (int)(i % l->symbols));
	sig->side = i / l->symbols % 2 ? CDB_SELL : CDB_BUY;
	sig->ts_ms = l->ts_ms ? l->ts_ms : cdb_wall_us() / 1000;
	sig->price_e8 = l->price_e8;
	sig->confidence_e8 = CDB_DEC_ONE / 2;
	strcpy(sig->reason, "load");
}

static int
signal_send(struct load *l, int64_t i)
{
	struct cdb_signal sig;
	char json[JSON_MAX];
	char now[24];
	size_t len;

	signal_make(l, i, &sig);
	len = cdb_signal_write(&sig, json, sizeof(json));
	snprintf(now, sizeof(now), "%" PRId64, cdb_wall_us());
	if (len == 0 || len > sizeof(json))
		return -ENOMEM;
	return redisAppendCommand(l->ctx, "XADD " CDB_TOPIC_SIGNALS " * "
	    CDB_FIELD_DATA " %b " CDB_FIELD_SENT " %s " CDB_FIELD_ORIGIN
	    " %s", json, len, now, now) == REDIS_OK ? 0 : -EIO;
}

/* The answers of n commands. */
static int
answers_take(struct load *l, int64_t n)
{
	for (; n > 0; n--) {
		redisReply *reply;
		bool ok;

		if (redisGetReply(l->ctx, (void **)&reply) != REDIS_OK)
			return -EIO;
		ok = reply->type != REDIS_REPLY_ERROR;
		if (!ok)
			fprintf(stderr, "cdb-load: %s\n", reply->str);
		freeReplyObject(reply);
		if (!ok)
			return -EIO;
	}
	return 0;
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
sleep_until(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	    EINTR)
		;
}

/* How many of them may have been sent by now. */
static int64_t
allowed(const struct load *l, int64_t from_ns)
{
	int64_t n = l->signals;

	if (l->rate)
		n = (int64_t)((__int128_t)(now_ns() - from_ns) * l->rate /
		    1000000000) + 1;
	return n < l->signals ? n : l->signals;
}

static int
run(struct load *l)
{
	int64_t from_ns = now_ns();
	int64_t sent = 0;
	double took;

	while (sent < l->signals) {
		int64_t may = allowed(l, from_ns);
		int64_t n = 0;

		for (; sent + n < may && n < PIPELINE_MAX; n++)
			if (signal_send(l, sent + n) < 0)
				return fail(l, "cannot send");
		if (answers_take(l, n) < 0)
			return fail(l, "Redis did not take a signal");
		sent += n;
		if (n == 0)
			sleep_until(from_ns + (int64_t)((__int128_t)sent *
			    1000000000 / l->rate));
	}
	took = (double)(now_ns() - from_ns) / 1e9;
	printf("{\"signals\":%" PRId64 ",\"seconds\":%.3f,"
	    "\"per_second\":%.1f}\n", sent, took, (double)sent / took);
	return 0;
}

int
main(int argc, char **argv)
{
	struct load l = { .signals = 1000, .rate = 100, .symbols = 1,
		.seed = (uint64_t)cdb_wall_us() };
	int status;

	addr_parse("127.0.0.1:6379", &l.redis);
	status = parse(&l, argc, argv);
	if (status >= 0)
		return status;
	l.ctx = cdb_operator_connect(&l.redis, l.password);
	if (!l.ctx || l.ctx->err) {
		status = fail(&l, "cannot connect to Redis");
	} else {
		look_around(&l);
		status = run(&l);
	}
	if (l.ctx)
		redisFree(l.ctx);
	return status;
}
