/* SPDX-License-Identifier: Apache-2.0 */
/* cdb-signal: ticks in, signals out.  Wiring only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "runtime/number.h"
#include "services/common/clock.h"
#include "services/common/decimal.h"

#define LIMIT_DEFAULT 500000
#define QUIET_MS      10	/* that ticks without a signal may wait */

static const struct cdb_rules rules[] = {
	[CDB_DEFAULT] = { 900000, 3 * CDB_DEC_ONE, 100000 * CDB_DEC_ONE,
	    60000 },
	[CDB_REPLAY] = { 10000, CDB_DEC_ONE / 200, 0, 1000 },
	[CDB_DEMO] = { 60000, CDB_DEC_ONE / 2, 10000 * CDB_DEC_ONE, 15000 },
};

static bool
take_limit(void *arg, const char *value)
{
	struct cdb_signal_app *app = arg;

	return number_parse(value, 1, 100000000, &app->stream_limit) == 0;
}

static bool
take_cooldown(void *arg, const char *value)
{
	struct cdb_signal_app *app = arg;

	return number_parse(value, 0, 86400000, &app->cooldown_ms) == 0;
}

static bool
take_group(void *arg, const char *value)
{
	struct cdb_signal_app *app = arg;

	return cdb_names_take(&app->groups, value);
}

static const struct cdb_option options[] = {
	{ "--cooldown-ms", "N", "a whole number from 0 to 86400000",
	    "between signals of one symbol and side [as the profile has it]",
	    take_cooldown },
	{ "--stream-limit", "N", "a whole number from 1 to 100000000",
	    "entries of signals at which to pause [500000]", take_limit },
	{ "--group", "NAME", "a name, at most 8 times",
	    "consumer group that must see every signal, may be repeated",
	    take_group },
};

static void
message_refuse(struct cdb_signal_app *app, size_t which, const char *id,
    const char *why)
{
	app->step.bad++;
	cdb_intake_refuse(&app->intake, which, id, why);
}

static void
output_keep(struct cdb_signal_app *app, const struct cdb_signal *sig,
    int64_t origin_us)
{
	struct cdb_output *out = &app->step.out[app->step.n_out++];

	strcpy(out->symbol, sig->symbol);
	out->origin_us = origin_us;
	out->len = cdb_signal_write(sig, out->json, sizeof(out->json));
	if (out->len == 0 || out->len > sizeof(out->json))
		abort();	/* no memory: Redis still has everything */
}

/* Ticks come as 1, 2, 3, ...: anything else is odd, and worth a line. */
static void
sequence_check(struct cdb_signal_app *app, const struct cdb_tick *tick)
{
	uint64_t want = app->engine.last_seq + 1;

	if (tick->meta.sequence_id != want)
		app->step.gap = true;
	if (app->engine.last_seq && tick->meta.sequence_id != want) {
		cdb_metrics_error(&app->service.m, "sequence");
		log_warn(&app->service.log, "ticks are not in sequence",
		    LOG_UINT("wanted", want),
		    LOG_UINT("got", tick->meta.sequence_id));
	}
	app->engine.last_seq = tick->meta.sequence_id;
}

/* Decided about at once; one read brings no more than there is room for. */
static void
on_entry(void *arg, size_t which, const struct cdb_entry *e)
{
	struct cdb_signal_app *app = arg;
	struct cdb_tick tick;
	struct cdb_signal sig;
	char why[CDB_WHY_TEXT] = "it has no data";
	int outcome;

	if (!e->data || cdb_tick_read(e->data, e->len, &tick, why) < 0) {
		message_refuse(app, which, e->id, why);
		return;
	}
	sequence_check(app, &tick);
	app->step.ticks++;
	outcome = cdb_engine_tick(&app->engine, &tick, &sig);
	if (outcome < 0) {
		message_refuse(app, which, e->id, strerror(-outcome));
		return;
	}
	cdb_intake_ack(&app->intake, which, e->id);
	if (outcome == CDB_LOW_VOLUME)
		app->step.low_volume++;
	else if (outcome == CDB_COOLING)
		app->step.cooling++;
	else if (outcome == CDB_SIGNAL)
		output_keep(app, &sig, e->sent_us);
}

static void
signal_add(struct cdb_signal_app *app, const struct cdb_output *out)
{
	char sent[24];
	char origin[24];

	snprintf(sent, sizeof(sent), "%" PRId64, cdb_wall_us());
	snprintf(origin, sizeof(origin), "%" PRId64, out->origin_us);
	cdb_bus_addf(&app->service.bus,
	    "XADD " CDB_TOPIC_SIGNALS " * " CDB_FIELD_DATA " %b "
	    CDB_FIELD_SENT " %s " CDB_FIELD_ORIGIN " %s", out->json, out->len,
	    sent, origin);
}

static void
step_forget(struct cdb_signal_app *app)
{
	struct cdb_step *step = &app->step;

	step->ticks = step->bad = step->low_volume = step->cooling = 0;
	step->gap = false;
	step->n_out = 0;
}

static void
step_count(struct cdb_signal_app *app)
{
	const struct cdb_step *step = &app->step;
	int64_t now_us = cdb_wall_us();

	smx_add(app->metrics.ticks, step->ticks);
	smx_add(app->service.m.parse_errors, step->bad);
	smx_add(app->metrics.suppressed_volume, step->low_volume);
	smx_add(app->metrics.suppressed_cooldown, step->cooling);
	for (size_t i = 0; i < step->n_out; i++) {
		cdb_signal_metrics_generated(&app->metrics,
		    step->out[i].symbol);
		cdb_metrics_span(&app->service.m,
		    app->metrics.tick_to_signal, step->out[i].origin_us,
		    now_us);
	}
	app->acked_ticks = app->engine.ticks;
	app->acked_signals = app->engine.signals;
	cdb_keeper_added(&app->output, step->n_out);
	step_forget(app);
}

static void
last_take(struct cdb_signal_app *app, const char *id)
{
	snprintf(app->told.id, sizeof(app->told.id), "%s", id);
}

static void
on_answer(void *arg, const redisReply *reply)
{
	struct cdb_signal_app *app = arg;

	/* the signals are the first in it, see transact() */
	if (app->committing && app->step.n_out > 0)
		last_take(app, reply->element[app->step.n_out - 1]->str);
	if (app->committing)
		step_count(app);
	cdb_intake_take(&app->intake, app->reading, reply);
}

/* One transaction: the outcome of what is finished, and the next ticks. */
static void
transact(struct cdb_signal_app *app, bool read)
{
	struct cdb_bus *bus = &app->service.bus;

	cdb_bus_begin(bus);
	if (app->committing) {
		for (size_t i = 0; i < app->step.n_out; i++)
			signal_add(app, &app->step.out[i]);
		cdb_signal_save(app);
		cdb_intake_add_acks(&app->intake);
		cdb_quiet_reset(&app->quiet);
	}
	app->reading = cdb_intake_add_read(&app->intake, read);
	cdb_bus_commit(bus, on_answer, app);
}

static void
on_told(void *arg, const redisReply *reply)
{
	struct cdb_signal_app *app = arg;

	if (reply->type == REDIS_REPLY_ERROR)
		cdb_bus_drop(&app->service.bus, reply->str);
}

/* W1, W2: no transaction is under way, and nothing waits for one. */
static void
progress_tell(struct cdb_signal_app *app)
{
	char text[CDB_WATERMARK_TEXT];

	if (app->step.n_out > 0 || app->step.gap ||
	    app->engine.last_seq == app->told.seq)
		return;
	app->told.seq = app->engine.last_seq;
	cdb_watermark_write(&app->told, text);
	cdb_bus_query(&app->service.bus, on_told, app,
	    "PUBLISH " CDB_WATERMARK_CHANNEL " %s", text);
}

/* XINFO STREAM: an earlier life's last signal; an error when it made none. */
static void
on_signals(void *arg, const redisReply *reply)
{
	const char *id = cdb_info_text(reply, "last-generated-id");

	last_take(arg, id ? id : "0-0");
}

static void
on_state(void *arg, const redisReply *reply)
{
	cdb_signal_load(arg, reply);
}

static void
app_load(void *arg)
{
	struct cdb_signal_app *app = arg;

	cdb_groups_make(&app->service.bus, CDB_TOPIC_SIGNALS,
	    app->groups.name, app->groups.n);
	cdb_keeper_load(&app->output);
	app->told.seq = 0;
	cdb_bus_query(&app->service.bus, on_signals, app,
	    "XINFO STREAM " CDB_TOPIC_SIGNALS);
	step_forget(app);
	cdb_intake_load(&app->intake);
	cdb_bus_query(&app->service.bus, on_state, app,
	    "HGETALL state:" CDB_SIGNAL_GROUP);
}

static void
app_idle(void *arg)
{
	struct cdb_signal_app *app = arg;
	bool read;

	progress_tell(app);
	/* what is read next comes on top of what is written */
	app->intake.streams[0].wanted = !cdb_keeper_full(&app->output,
	    app->step.n_out);
	read = cdb_intake_can_read(&app->intake);
	app->committing = app->step.n_out > 0 ||
	    cdb_quiet_over(&app->quiet, cdb_intake_acks(&app->intake));
	if (app->committing || read)
		transact(app, read);
	else
		cdb_intake_wait(&app->intake);
}

static void
app_down(void *arg)
{
	struct cdb_signal_app *app = arg;

	cdb_quiet_reset(&app->quiet);
	step_forget(app);
	cdb_intake_reset(&app->intake);
	cdb_keeper_reset(&app->input);
	cdb_keeper_reset(&app->output);
}

static void
on_watched(void *arg)
{
	struct cdb_signal_app *app = arg;

	smx_set(app->service.m.consumer_lag, (double)app->input.backlog);
}

static void
on_kept(void *arg)
{
	struct cdb_signal_app *app = arg;

	if (!app->intake.streams[0].wanted &&
	    !cdb_keeper_full(&app->output, 0))
		cdb_bus_kick(&app->service.bus);
}

static void
app_second(void *arg)
{
	struct cdb_signal_app *app = arg;

	cdb_keeper_round(&app->input);
	cdb_keeper_round(&app->output);
}

static void
app_metrics(void *arg)
{
	struct cdb_signal_app *app = arg;

	cdb_signal_metrics_register(&app->metrics);
}

static void
app_status(void *arg, json_t *out)
{
	struct cdb_signal_app *app = arg;

	json_object_set_new(out, "state",
	    json_string(app->intake.streams[0].wanted ? "running"
							: "paused"));
	json_object_set_new(out, "event_ts_ms",
	    json_integer(app->engine.ticks ? app->engine.now_ms : 0));
	json_object_set_new(out, "counters",
	    json_pack("{s:I, s:I, s:I}",
		"ticks", (json_int_t)app->acked_ticks,
		"signals", (json_int_t)app->acked_signals,
		"symbols", (json_int_t)app->engine.n_symbols));
	json_object_set_new(out, "stream",
	    json_pack("{s:I, s:I, s:I}",
		"backlog", (json_int_t)app->input.backlog,
		"signals_length", (json_int_t)app->output.length,
		"signals_limit", (json_int_t)app->output.limit));
}

static void
app_close(void *arg)
{
	struct cdb_signal_app *app = arg;

	cdb_quiet_close(&app->quiet);
}

static const struct cdb_service_ops ops = { app_metrics, app_load, app_idle,
	app_down, app_second, app_status, app_close };

static void
app_init(struct cdb_signal_app *app)
{
	struct cdb_service *s = &app->service;

	app->engine.rules = rules[s->opt.profile];
	if (app->cooldown_ms >= 0)
		app->engine.rules.cooldown_ms = app->cooldown_ms;
	app->engine.seed = s->opt.seed;
	cdb_engine_reset(&app->engine);
	cdb_quiet_init(&app->quiet, s->loop, &s->bus, QUIET_MS);
	cdb_intake_init(&app->intake, &s->bus, CDB_SIGNAL_GROUP, on_entry,
	    app);
	cdb_intake_stream(&app->intake, CDB_TOPIC_TICKS);
	app->intake.eager = true;
	/* the feed trims its stream; here it is only looked at */
	app->input = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_TICKS, .limit = UINT64_MAX,
		.done = on_watched, .arg = app };
	app->output = (struct cdb_keeper){ .bus = &s->bus,
		.stream = CDB_TOPIC_SIGNALS, .done = on_kept, .arg = app,
		.limit = (uint64_t)app->stream_limit };
}

int
main(int argc, char **argv)
{
	static struct cdb_signal_app app = {
		.service = { .name = "signal", .topic = CDB_TOPIC_TICKS,
			.ops = &ops, .arg = &app,
			.opt = { .listen = "127.0.0.1:8001" } },
		.stream_limit = LIMIT_DEFAULT, .cooldown_ms = -1,
	};
	struct cdb_usage usage = { "cdb-signal",
		"Reads ticks from the bus and publishes signals.", options,
		sizeof(options) / sizeof(options[0]), &app };
	int status = cdb_options_parse(argc, argv, &usage, &app.service.opt);

	if (status >= 0)
		return status;
	if (cdb_service_init(&app.service) < 0) {
		fprintf(stderr, "cdb-signal: no event loop\n");
		return 1;
	}
	app_init(&app);
	status = cdb_service_run(&app.service);
	cdb_intake_free(&app.intake);
	cdb_engine_reset(&app.engine);
	return status;
}
