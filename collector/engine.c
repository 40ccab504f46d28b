/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/retention.h"
#include "collector/state.h"

#define TEXT_PLAIN	"text/plain; charset=utf-8"

static bool
window_equal(const struct ask_window *a, const struct ask_window *b)
{
	return a->first == b->first && a->limit == b->limit &&
	    strcmp(a->plan, b->plan) == 0 && strcmp(a->family, b->family) == 0;
}

bool
ask_equal(const struct ask *a, const struct ask *b)
{
	return a->kind == b->kind && a->format == b->format &&
	    a->gzip == b->gzip && a->tls == b->tls &&
	    strcmp(a->host, b->host) == 0 &&
	    window_equal(&a->window, &b->window) &&
	    select_equal(&a->sel, &b->sel);
}

bool
ask_is_page(const struct ask *ask)
{
	return ask->kind == ASK_STATE || ask->kind == ASK_SERIES;
}

void
engine_init(struct engine *e, const struct engine_options *opt)
{
	*e = (struct engine){ .log = opt->log,
		.metrics_path = opt->metrics_path, .keep_ns = opt->keep_ns,
		.created = opt->created,
		.expected = opt->expected, .n_expected = opt->n_expected };
	segments_init(&e->segments, opt->dir, opt->owner, opt->log);
	/* large arrays grow in place, and go back when they are freed */
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	self_init(&e->self, opt->about_us);
	e->sources = (struct sources){ .segments = &e->segments,
		.self = &e->self, .expected = opt->expected,
		.n_expected = opt->n_expected };
}

void
engine_close(struct engine *e)
{
	plans_free(&e->plans);
	self_free(&e->self);
	segments_close(&e->segments);
	deliveries_free(e->taken);
	libdeflate_free_compressor(e->deflate);
	sources_free(&e->sources);
}

/* Each thread that reads segments says so once. */
static void
prepare_thread(const struct log *log)
{
	static _Thread_local bool done;
	int err;

	if (done)
		return;
	done = true;
	err = smx_view_thread_init();
	if (err < 0)
		log_warn(log, "a segment that shrinks may end this process",
		    LOG_ERR(err));
}

void
engine_scan(struct engine *e)
{
	prepare_thread(e->log);
	segments_scan(&e->segments);
	e->looked_ns = 0;	/* snapshots may be gone, catalogs have grown */
}

static void
set_text(struct answer *a, unsigned status, const char *text)
{
	a->content_type = TEXT_PLAIN;
	a->status = body_set_text(a->body, text, strlen(text)) < 0 ? 0 :
	    status;
}

static void
set_failed(struct answer *a, enum self_error error, const char *text)
{
	set_text(a, 500, text);
	a->failed = true;
	a->error = error;
}

static void
set_error(struct answer *a, int err)
{
	set_failed(a, err == -ENOMEM ? ERROR_MEMORY : ERROR_RENDER,
	    err == -ENOMEM ? "out of memory\n" : "too much for one page\n");
}

static uint64_t
hash(uint64_t h, const char *text)
{
	do {
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return h;
}

/* Whether this has not been said before. */
static bool
is_news(struct told *told, uint64_t h)
{
	for (size_t i = 0; i < told->n; i++)
		if (told->v[i] == h)
			return false;
	if (told->n == ENGINE_TOLD_MAX)
		return false;
	told->v[told->n++] = h;
	return true;
}

static void
tell_losses(struct engine *e, const struct expo_page *page)
{
	const struct expo_loss *losses;
	size_t n = expo_page_losses(page, &losses);

	for (size_t i = 0; i < n; i++) {
		const struct expo_source *s = &e->sources.v[losses[i].source];
		const char *service = s->service ? s->service : "";
		const char *instance = s->instance ? s->instance : "";
		uint64_t h = hash(hash(hash(hash(UINT64_C(0xcbf29ce484222325),
		    service), instance), losses[i].family), losses[i].winner);

		if (is_news(&e->told, h))
			log_warn(e->log, "family left out",
			    LOG_STR("of", service),
			    LOG_STR("instance", instance),
			    LOG_STR("family", losses[i].family),
			    LOG_STR("winner", losses[i].winner),
			    LOG_STR("reason",
			    expo_reason_text(losses[i].reason)));
	}
}

/* Plan the page, and enter what it had to leave out into our own series. */
static int
plan_page(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, const struct expo_page **page,
    uint64_t *id)
{
	const struct expo_loss *losses;
	bool fresh;
	int err = sources_choose(&e->sources, &ask->sel, stats);

	if (err == 0)
		err = plans_get(&e->plans, &ask->sel, e->sources.v,
		    e->sources.keys, e->sources.n, page, id, &fresh);
	if (err < 0)
		return err;
	if (fresh)
		tell_losses(e, *page);
	if (!ask->sel.alone)
		self_set_hidden(&e->self, expo_page_losses(*page, &losses));
	return 0;
}

static int
render(struct engine *e, const struct expo_page *page,
    enum expo_format format, struct body *b)
{
	size_t cap = expo_page_bound(page, format, e->sources.snaps);
	int err = body_reserve(b, cap);

	if (err == 0)
		b->len = expo_render(b->bytes, cap, page, format, e->sources.snaps);
	/* the second was never seen: the bound is one */
	return err < 0 || b->len > cap ? -ENOMEM : 0;
}

/* The body compressed, or as it was when that fails or does not pay. */
static void
compress(struct engine *e, struct answer *a, size_t member)
{
	struct body *plain = a->body;

	if (!a->spare || gzip_body(&e->deflate, plain, a->spare, member) < 0)
		return;
	a->body = a->spare;
	a->spare = plain;
	a->gzip = true;
}

/*
 * /metrics/{service}: known if it can be read, or somebody waits for it.
 * True: go on with whatever there is of it.
 */
static bool
check_service(struct engine *e, const char *name, struct answer *a)
{
	const struct segment *bad = NULL;
	char text[640];

	for (size_t i = 0; i < e->segments.n; i++) {
		const struct segment *g = e->segments.v[i];

		if (!select_names(name, g->service, g->instance))
			continue;
		if (g->shown)
			return true;
		bad = g->bad ? g : bad;
	}
	if (bad) {
		snprintf(text, sizeof(text), "%s cannot be read: %s\n",
		    bad->file, bad->reason);
		set_text(a, 503, text);
		return false;
	}
	for (size_t i = 0; i < e->n_expected; i++)
		if (strcmp(e->expected[i], name) == 0)
			return true;
	snprintf(text, sizeof(text), "no segment of a service \"%.128s\" in "
	    "%.200s\n", name, e->segments.dir);
	set_text(a, 404, text);
	return false;
}

static void
answer_metrics(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, struct answer *a)
{
	enum expo_format format = ask->format;
	const struct expo_page *page;
	uint64_t id;
	int err;

	if (format == EXPO_OPENMETRICS && e->created)
		format = EXPO_OPENMETRICS_CREATED;
	if (ask->sel.alone && !check_service(e, ask->sel.include, a))
		return;
	err = plan_page(e, ask, stats, &page, &id);
	if (err == 0)
		err = render(e, page, format, a->body);
	if (err < 0) {
		set_error(a, err);
		return;
	}
	a->status = 200;
	a->content_type = expo_content_type(ask->format);
	if (ask->gzip)
		compress(e, a, GZIP_MEMBER);
}

static void
answer_sd(struct engine *e, const struct ask *ask, struct answer *a)
{
	a->status = 200;
	a->content_type = "application/json";
	if (sd_write(a->body, &e->segments, ask->host,
	    ask->tls ? "https" : "http", e->metrics_path) < 0)
		set_failed(a, ERROR_MEMORY, "out of memory\n");
}

static int
write_state(struct engine *e, const struct expo_page *page, const char *plan,
    struct body *body)
{
	struct state s = { .segments = &e->segments, .sources = e->sources.v,
		.expected = e->expected, .n_expected = e->n_expected,
		.metrics_path = e->metrics_path, .plan = plan,
		.start_ns = e->self.start_ns, .time_ns = e->looked_at_ns,
		.uptime_ns = e->looked_ns };

	s.n_losses = expo_page_losses(page, &s.losses);
	return state_write(body, &s);
}

static int
write_series(struct engine *e, const struct expo_page *page, const char *plan,
    const struct ask_window *w, struct body *body)
{
	const struct expo_window window = { .plan = plan, .family = w->family,
		.first = w->first, .limit = w->limit,
		.values_only = strcmp(w->plan, plan) == 0,
		.time_ns = e->looked_at_ns, .uptime_ns = e->looked_ns };
	int err = body_reserve(body, EXPO_JSON_MAX);

	if (err == 0)
		body->len = expo_json(body->bytes, page, e->sources.v, &window,
		    e->sources.snaps);
	return err;
}

static void
answer_page(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, struct answer *a)
{
	const struct expo_page *page;
	char plan[ENGINE_PLAN];
	uint64_t id;
	int err = plan_page(e, ask, stats, &page, &id);

	if (err == 0) {
		/* two lives of the collector have no plan in common */
		snprintf(plan, sizeof(plan), "%" PRIx64 "-%" PRIx64,
		    e->self.start_ns, id);
		err = ask->kind == ASK_STATE ?
		    write_state(e, page, plan, a->body) :
		    write_series(e, page, plan, &ask->window, a->body);
	}
	if (err < 0) {
		set_error(a, err);
		return;
	}
	a->status = 200;
	a->content_type = "application/json";
	if (ask->gzip)
		compress(e, a, GZIP_WHOLE);
}

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
look(struct engine *e, const struct ask *ask, uint64_t now)
{
	if (ask_is_page(ask) && e->looked_ns > 0 &&
	    now - e->looked_ns < ENGINE_LOOK_NS)
		return;
	engine_scan(e);
	segments_snapshot(&e->segments, ask->sel.alone ? &ask->sel : NULL);
	if (ask->sel.alone)
		return;
	e->looked_ns = now;
	e->looked_at_ns = clock_ns(CLOCK_REALTIME);
}

static void
look_at_taken(struct engine *e, uint64_t now)
{
	for (const struct delivery *d = e->taken; d; d = d->next)
		retention_told(&e->segments, d->turn, &d->sel, now);
	deliveries_free(e->taken);
	e->taken = NULL;
}

void
engine_answer(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, struct answer *a)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);

	*a = (struct answer){ .turn = ++e->turn, .body = a->body,
		.spare = a->spare };
	look(e, ask, start);
	look_at_taken(e, start);
	retention_apply(&e->segments, a->turn, e->keep_ns, start);
	if (ask_is_page(ask))
		answer_page(e, ask, stats, a);
	else if (ask->kind == ASK_SD)
		answer_sd(e, ask, a);
	else
		answer_metrics(e, ask, stats, a);
	a->looked_ns = e->looked_ns;
	a->duration_ns = clock_ns(CLOCK_MONOTONIC) - start;
}
