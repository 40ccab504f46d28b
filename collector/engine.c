/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/engine.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/page.h"
#include "collector/retention.h"

#define TEXT_PLAIN	"text/plain; charset=utf-8"

/* Serials of our own sources; those of segments count up from 1. */
#define SERIAL_OURS	(UINT64_C(1) << 62)
#define SERIAL_MISSING	(UINT64_C(2) << 62)	/* + index of expected */
#define SERIAL_SERVICE	(UINT64_C(3) << 62)	/* + serial of the segment */

bool
ask_equal(const struct ask *a, const struct ask *b)
{
	return a->kind == b->kind && a->format == b->format &&
	    a->gzip == b->gzip && a->tls == b->tls &&
	    strcmp(a->host, b->host) == 0 && select_equal(&a->sel, &b->sel);
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
}

void
engine_close(struct engine *e)
{
	plans_free(&e->plans);
	self_free(&e->self);
	segments_close(&e->segments);
	libdeflate_free_compressor(e->deflate);
	free(e->sources);
	free(e->keys);
	free(e->snaps);
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

/* Room for the sources of all segments and of our own about them. */
static int
reserve_sources(struct engine *e)
{
	size_t cap = 2 * e->segments.n + e->n_expected + 1;
	struct expo_source *sources;
	struct plan_key *keys;
	const struct smx_snapshot **snaps;

	e->n = 0;
	if (cap <= e->cap)
		return 0;
	sources = realloc(e->sources, cap * sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	e->sources = sources;
	keys = realloc(e->keys, cap * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	e->keys = keys;
	snaps = realloc(e->snaps, cap * sizeof(*snaps));
	if (!snaps)
		return -ENOMEM;
	e->snaps = snaps;
	e->cap = cap;
	return 0;
}

static void
add_source(struct engine *e, const struct expo_source *source,
    uint64_t serial, bool grows, const struct smx_snapshot *snap)
{
	e->sources[e->n] = *source;
	e->keys[e->n] = (struct plan_key){ serial,
		source->catalog->generation, grows };
	e->snaps[e->n++] = snap;
}

static void
add_made(struct engine *e, const struct made *m, const char *service,
    const char *instance, uint64_t serial)
{
	const struct expo_source source = { .catalog = &m->catalog,
		.service = service, .instance = instance, .bare = !service };

	add_source(e, &source, serial, false, &m->snap);
}

/* What is ours goes first: it wins over services that use such names. */
static void
add_own(struct engine *e)
{
	if (e->self.about_us)
		add_made(e, &e->self.ours, NULL, NULL, SERIAL_OURS);
	for (size_t i = 0; i < e->segments.n; i++) {
		const struct segment *g = e->segments.v[i];

		if (g->shown)
			add_made(e, &e->self.services[i], g->service,
			    g->instance, SERIAL_SERVICE + g->serial);
	}
	for (size_t i = 0; i < e->n_expected; i++)
		if (self_misses(&e->segments, e->expected[i]))
			add_made(e, &e->self.missing, e->expected[i], "",
			    SERIAL_MISSING + i);
}

static int
choose_sources(struct engine *e, const struct ask *ask,
    const struct self_stats *stats)
{
	int err = reserve_sources(e);

	if (err == 0 && !ask->sel.alone)
		err = self_fill(&e->self, &e->segments, stats);
	if (err < 0)
		return err;
	if (!ask->sel.alone)
		add_own(e);
	for (size_t i = 0; i < e->segments.n; i++) {
		const struct segment *g = e->segments.v[i];

		if (g->shown && select_matches(&ask->sel, g->service,
		    g->instance))
			add_source(e, &(struct expo_source){
			    .catalog = smx_view_catalog(g->view),
			    .service = g->service, .instance = g->instance },
			    g->serial, true, &g->snap);
	}
	return 0;
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
		const struct expo_source *s = &e->sources[losses[i].source];
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
    const struct self_stats *stats, const struct expo_page **page)
{
	const struct expo_loss *losses;
	bool fresh;
	int err = choose_sources(e, ask, stats);

	if (err == 0)
		err = plans_get(&e->plans, &ask->sel, e->sources, e->keys, e->n, page,
		    &fresh);
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
	size_t cap = expo_page_bound(page, format, e->snaps);
	int err = body_reserve(b, cap);

	if (err == 0)
		b->len = expo_render(b->bytes, cap, page, format, e->snaps);
	/* the second was never seen: the bound is one */
	return err < 0 || b->len > cap ? -ENOMEM : 0;
}

/* The body compressed, or as it was when that fails or does not pay. */
static void
compress(struct engine *e, struct answer *a)
{
	struct body *plain = a->body;

	if (!a->spare || gzip_body(&e->deflate, plain, a->spare) < 0)
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
	int err;

	if (format == EXPO_OPENMETRICS && e->created)
		format = EXPO_OPENMETRICS_CREATED;
	if (ask->sel.alone && !check_service(e, ask->sel.include, a))
		return;
	err = plan_page(e, ask, stats, &page);
	if (err < 0) {
		set_failed(a, err == -ENOMEM ? ERROR_MEMORY : ERROR_RENDER,
		    err == -ENOMEM ? "out of memory\n" :
		    "too much for one page\n");
		return;
	}
	if (render(e, page, format, a->body) < 0) {
		set_failed(a, ERROR_MEMORY, "out of memory\n");
		return;
	}
	a->status = 200;
	a->content_type = expo_content_type(ask->format);
	retention_told(&e->segments, &ask->sel);
	if (ask->gzip)
		compress(e, a);
}

static void
answer_index(struct engine *e, struct answer *a)
{
	a->status = 200;
	a->content_type = "text/html; charset=utf-8";
	if (page_index(a->body, &e->segments, e->expected, e->n_expected,
	    e->metrics_path) < 0)
		set_failed(a, ERROR_MEMORY, "out of memory\n");
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

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
engine_answer(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, struct answer *a)
{
	uint64_t start = now_ns();

	*a = (struct answer){ .body = a->body, .spare = a->spare };
	engine_scan(e);
	segments_snapshot(&e->segments, ask->sel.alone ? &ask->sel : NULL);
	retention_apply(&e->segments, e->keep_ns, start);
	if (ask->kind == ASK_INDEX)
		answer_index(e, a);
	else if (ask->kind == ASK_SD)
		answer_sd(e, ask, a);
	else
		answer_metrics(e, ask, stats, a);
	a->duration_ns = now_ns() - start;
}
