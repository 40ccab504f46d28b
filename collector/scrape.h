/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrape.h -- requests in line for the engine, one job at a time on libuv's
 * thread pool.
 *
 *   request --> line --> job (pool thread: engine_answer) --> replies
 *
 * A job answers everybody who asked for the same before it began: their
 * answer is at least as new as their question.  Pages are content with one that
 * is less than a second old (recent.h).
 *
 * The memory of answers is kept (body.h) and bounded: while SCRAPER_LARGE_MAX
 * large ones are being sent the line waits, and whoever takes longer than
 * SCRAPER_SLOW_MS over one is then cut off.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_SCRAPE_H
#define COLLECTOR_SCRAPE_H

#include <uv.h>

#include "collector/engine.h"
#include "collector/recent.h"
#include "collector/turns.h"
#include "runtime/httpd.h"

#define SCRAPER_LARGE_MAX	4
#define SCRAPER_SLOW_MS		2000
#define SCRAPER_TICK_MS		500
#define SCRAPER_GUESSES		64	/* a power of two */
#define SCRAPER_NICE		5

struct waiter;

struct scraper {
	uv_loop_t *loop;
	struct engine *engine;		/* the job's while busy */
	struct self_stats *stats;	/* the loop's */
	struct httpd *http;		/* set by main once it is open */
	unsigned waiting_max;		/* 0: no limit */
	unsigned n_waiting;		/* in line, not in the job */
	struct waiter *first, **last;
	bool scan_wanted;
	bool busy;
	bool scanned;			/* at least once: ready */
	uint64_t last_scan_ms;		/* uv_now of the last job's end */
	/* the job */
	uv_work_t work;
	uv_timer_t tick;
	struct turns turns;
	struct recent recent;
	struct bodies bodies;
	size_t guesses[SCRAPER_GUESSES];	/* bytes of such an answer */
	struct deliveries deliveries;
	struct waiter *served;		/* NULL: only a scan */
	struct self_stats stats_then;
	struct answer answer;
	void (*idle)(void *ctx);	/* set while closing */
	void *idle_ctx;
};

void scraper_init(struct scraper *s, uv_loop_t *loop, struct engine *engine,
    struct self_stats *stats, unsigned waiting_max);

/* scraper_ask -- req is answered by and by; `ask` is copied. */
void scraper_ask(struct scraper *s, const struct ask *ask,
    struct httpd_request *req);

/* scraper_done -- a client is done with the answer of `turn` (0: with none
 * of ours): he has taken the whole of it, or not. */
void scraper_done(struct scraper *s, uint64_t turn, bool whole);

/* scraper_scan -- look at the directory soon. */
void scraper_scan(struct scraper *s);

/* scraper_free -- after the loop has ended. */
void scraper_free(struct scraper *s);

/* scraper_drain -- `idle` comes (perhaps at once) when no job runs or waits;
 * no further scan is then begun.  The loop is then left alone. */
void scraper_drain(struct scraper *s, void (*idle)(void *ctx), void *ctx);

#endif
