/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/scrape.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct waiter {
	struct waiter *next;
	struct httpd_request *req;
	struct ask ask;
};

static void start_next(struct scraper *s);

static bool
is_full(const struct scraper *s)
{
	return s->bodies.n_large >= SCRAPER_LARGE_MAX;
}

static void
on_tick(uv_timer_t *timer)
{
	struct scraper *s = timer->data;

	recent_drop(&s->recent, uv_hrtime());
	bodies_tick(&s->bodies, uv_now(s->loop));
	if (s->first && !s->busy && is_full(s) && s->http)
		httpd_cut_slow(s->http, BODY_LARGE, SCRAPER_SLOW_MS);
}

/* Called while libmicrohttpd works: no more than the start of a job. */
static void
on_returned(void *ctx)
{
	start_next(ctx);
}

void
scraper_init(struct scraper *s, uv_loop_t *loop, struct engine *engine,
    struct self_stats *stats, unsigned waiting_max)
{
	*s = (struct scraper){ .loop = loop, .engine = engine, .stats = stats,
		.waiting_max = waiting_max };
	s->last = &s->first;
	s->work.data = s;
	bodies_init(&s->bodies, on_returned, s);
	uv_timer_init(loop, &s->tick);
	s->tick.data = s;
	uv_timer_start(&s->tick, on_tick, SCRAPER_TICK_MS, SCRAPER_TICK_MS);
	turns_open(&s->turns, loop, stats);
}

void
scraper_free(struct scraper *s)
{
	recent_drop(&s->recent, UINT64_MAX);
	bodies_close(&s->bodies);
	deliveries_close(&s->deliveries);
}

/* Where processors are short, a scrape of many milliseconds gives way to the
 * turns of the loop, which has all the other clients.  nice() is of the calling
 * thread in Linux. */
static void
go_behind_the_loop(void)
{
	static _Thread_local bool done;

	if (!done)
		(void)!nice(SCRAPER_NICE);
	done = true;
}

static void
on_work(uv_work_t *work)
{
	struct scraper *s = work->data;

	go_behind_the_loop();
	if (s->served)
		engine_answer(s->engine, &s->served->ask, &s->stats_then,
		    &s->answer);
	else
		engine_scan(s->engine);
}

static void
reply(struct httpd_request *req, const struct answer *a)
{
	static const struct httpd_header headers[] = {
		{ "Vary", "Accept, Accept-Encoding" },
		{ "Cache-Control", "no-store" },
		{ "Content-Encoding", "gzip" },
	};

	if (a->status == 0) {
		httpd_reply_text(req, 500, "out of memory\n");
		return;
	}
	httpd_reply(req, &(struct httpd_reply){
	    .status = a->status, .content_type = a->content_type,
	    .headers = headers, .n_headers = a->gzip ? 3 : 2, .tag = a->turn,
	    .body = a->body->bytes, .body_len = a->body->len,
	    .free_body = body_unref, .free_ctx = body_ref(a->body) });
}

/* What answers of its kind are long: where it is remembered. */
static size_t *
guess_of(struct scraper *s, const struct ask *ask)
{
	uint32_t h = (uint32_t)ask->format * 7 + (uint32_t)ask->kind * 31;

	for (const char *at = ask->sel.include; *at; at++)
		h = (h ^ (unsigned char)*at) * 16777619u;
	for (const char *at = ask->sel.exclude; *at; at++)
		h = (h ^ (unsigned char)*at) * 16777619u;
	return &s->guesses[(h ^ h >> 16) % SCRAPER_GUESSES];
}

static void
give_back(struct scraper *s)
{
	struct body *body = s->answer.body, *spare = s->answer.spare;

	s->answer.body = s->answer.spare = NULL;
	body_unref(spare);
	body_unref(body);
}

/* Memory for the answer to those served; false: they got an error. */
static bool
take_bodies(struct scraper *s)
{
	const struct ask *ask = &s->served->ask;
	size_t likely = *guess_of(s, ask);

	s->answer.body = body_take(&s->bodies, likely);
	s->answer.spare = ask->gzip ? body_take(&s->bodies, likely) : NULL;
	return s->answer.body != NULL;
}

static void
refuse_all(struct scraper *s)
{
	struct waiter *w;

	give_back(s);
	while ((w = s->served) != NULL) {
		s->served = w->next;
		s->stats->errors[ERROR_MEMORY]++;
		httpd_reply_text(w->req, 500, "out of memory\n");
		free(w);
	}
}

/* Only who keeps segments for a time has to know whether they were seen. */
static void
begin_delivery(struct scraper *s)
{
	const struct ask *ask = &s->served->ask;
	unsigned n = 0;

	if (s->engine->keep_ns == 0 || ask->kind != ASK_METRICS ||
	    s->answer.status != 200)
		return;
	for (const struct waiter *w = s->served; w; w = w->next)
		n++;
	deliveries_begin(&s->deliveries, s->answer.turn, &ask->sel, n);
}

void
scraper_done(struct scraper *s, uint64_t turn, bool whole)
{
	deliveries_end(&s->deliveries, turn, whole);
}

static void
reply_all(struct scraper *s)
{
	struct waiter *w;

	*guess_of(s, &s->served->ask) = s->answer.body->len +
	    (s->answer.spare ? s->answer.spare->len : 0);
	body_send(s->answer.body);
	recent_put(&s->recent, &s->served->ask, &s->answer);
	begin_delivery(s);
	while ((w = s->served) != NULL) {
		s->served = w->next;
		reply(w->req, &s->answer);
		if (s->answer.failed)
			s->stats->errors[s->answer.error]++;
		free(w);
	}
	give_back(s);
}

static void
on_done(uv_work_t *work, int status)
{
	struct scraper *s = work->data;

	(void)status;		/* jobs are not cancelled */
	s->busy = false;
	s->scanned = true;
	s->last_scan_ms = uv_now(s->loop);
	if (s->served) {
		if (s->served->ask.kind == ASK_METRICS)
			self_observe_scrape(s->stats, s->answer.duration_ns);
		reply_all(s);
	}
	start_next(s);
}

/* Take the first of the line, and all who asked for the same. */
static struct waiter *
take_equal(struct scraper *s)
{
	struct waiter *list = NULL, **end = &list, **at = &s->first;

	while (*at) {
		struct waiter *w = *at;

		if (list && !ask_equal(&list->ask, &w->ask)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		s->n_waiting--;
		w->next = NULL;
		*end = w;
		end = &w->next;
	}
	s->last = at;
	return list;
}

static void
end(struct scraper *s)
{
	if (uv_is_closing((uv_handle_t *)&s->tick))
		return;
	uv_close((uv_handle_t *)&s->tick, NULL);
	turns_close(&s->turns);
	s->idle(s->idle_ctx);
}

static void
start_next(struct scraper *s)
{
	if (s->busy)
		return;
	s->served = is_full(s) ? NULL : take_equal(s);
	if (s->served && !take_bodies(s))
		refuse_all(s);
	if (!s->served && (!s->scan_wanted || s->idle)) {
		if (s->idle && !s->first)
			end(s);
		return;
	}
	s->scan_wanted = false;	/* every job begins with a scan */
	s->busy = true;
	s->stats_then = *s->stats;
	if (s->served)
		s->engine->taken = deliveries_collect(&s->deliveries);
	uv_queue_work(s->loop, &s->work, on_work, on_done);
}

static void
refuse_busy(struct scraper *s, struct httpd_request *req)
{
	s->stats->errors[ERROR_BUSY]++;
	httpd_reply_text(req, 503, "too many requests at once "
	    "(--web.max-requests)\n");
}

/* Those who ask and leave must not take the places of those who wait. */
static void
drop_the_gone(struct scraper *s)
{
	struct waiter **at = &s->first;

	while (*at) {
		struct waiter *w = *at;

		if (!httpd_client_left(w->req)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		s->n_waiting--;
		refuse_busy(s, w->req);
		free(w);
	}
	s->last = at;
}

void
scraper_ask(struct scraper *s, const struct ask *ask,
    struct httpd_request *req)
{
	const struct answer *recent = recent_get(&s->recent, ask, uv_hrtime());
	struct waiter *w;

	if (recent) {
		reply(req, recent);
		return;
	}
	if (s->waiting_max && s->n_waiting >= s->waiting_max)
		drop_the_gone(s);
	if (s->waiting_max && s->n_waiting >= s->waiting_max) {
		refuse_busy(s, req);
		return;
	}
	w = malloc(sizeof(*w));
	if (!w) {
		s->stats->errors[ERROR_MEMORY]++;
		httpd_reply_text(req, 500, "out of memory\n");
		return;
	}
	w->next = NULL;
	w->req = req;
	w->ask = *ask;
	*s->last = w;
	s->last = &w->next;
	s->n_waiting++;
	start_next(s);
}

void
scraper_scan(struct scraper *s)
{
	s->scan_wanted = true;
	start_next(s);
}

void
scraper_drain(struct scraper *s, void (*idle)(void *ctx), void *ctx)
{
	s->idle = idle;
	s->idle_ctx = ctx;
	start_next(s);
}
