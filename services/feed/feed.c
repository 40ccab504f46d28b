/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds one fact about the feed to the digest of what it is made of. */
static void
config_add(struct sha256_ctx *ctx, const char *text)
{
	sha256_update(ctx, strlen(text) + 1, (const uint8_t *)text);
}

static void
config_end(struct sha256_ctx *ctx, char dst[65])
{
	uint8_t sum[32];

	sha256_digest(ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(dst + 2 * i, 3, "%02x", sum[i]);
}

/* Names and sizes, not folders: a replay may move to another machine. */
static void
files_config(struct cdb_feed *feed)
{
	struct sha256_ctx ctx;
	char text[400];

	sha256_init(&ctx);
	snprintf(text, sizeof(text), "files %" PRIu64, feed->seed);
	config_add(&ctx, text);
	for (size_t i = 0; i < feed->n_sources; i++) {
		const struct cdb_source *src = &feed->sources[i];
		const char *slash = strrchr(src->path, '/');

		snprintf(text, sizeof(text), "%s %s %" PRId64,
		    slash ? slash + 1 : src->path, src->name.symbol,
		    src->size);
		config_add(&ctx, text);
	}
	config_end(&ctx, feed->config);
}

int
cdb_feed_open_files(struct cdb_feed *feed, const char *const *paths,
    size_t n, const char *symbol, uint64_t seed, cdb_source_bad_fn *bad,
    void *arg, const char **which, char why[CDB_WHY_TEXT])
{
	int err;

	memset(feed, 0, sizeof(*feed));
	feed->seed = seed;
	feed->from_files = true;
	*which = paths[0];
	snprintf(why, CDB_WHY_TEXT, "at most %d files", CDB_SOURCES_MAX);
	if (n > CDB_SOURCES_MAX)
		return -E2BIG;
	feed->sources = calloc(n, sizeof(*feed->sources));
	snprintf(why, CDB_WHY_TEXT, "out of memory");
	if (!feed->sources)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		*which = paths[i];
		err = cdb_source_open(&feed->sources[i], paths[i], symbol,
		    seed, (unsigned)i, bad, arg, why);
		if (err < 0)
			goto out;
		feed->n_sources++;
	}
	files_config(feed);
	return 0;
out:
	cdb_feed_close(feed);
	return err;
}

void
cdb_feed_open_market(struct cdb_feed *feed, uint64_t seed, uint32_t rate,
    uint64_t limit)
{
	struct sha256_ctx ctx;
	char text[80];

	memset(feed, 0, sizeof(*feed));
	feed->seed = seed;
	cdb_market_init(&feed->market, seed, rate, limit);
	snprintf(text, sizeof(text), "market %" PRIu64 " %" PRIu32, seed,
	    rate);
	sha256_init(&ctx);
	config_add(&ctx, text);
	config_end(&ctx, feed->config);
}

void
cdb_feed_close(struct cdb_feed *feed)
{
	for (size_t i = 0; i < feed->n_sources; i++)
		cdb_source_close(&feed->sources[i]);
	free(feed->sources);
	feed->sources = NULL;
	feed->n_sources = 0;
}

/*
 * The source whose next tick is the earliest, the first of several; *which
 * stays n_sources when all have ended.
 */
static int
earliest(struct cdb_feed *feed, size_t *which, int64_t *ts_ms)
{
	*which = feed->n_sources;
	*ts_ms = 0;
	for (size_t i = 0; i < feed->n_sources; i++) {
		int64_t ts = 0;
		int got = cdb_source_peek(&feed->sources[i], &ts);

		if (got < 0)
			return got;
		if (got && (*which == feed->n_sources || ts < *ts_ms)) {
			*which = i;
			*ts_ms = ts;
		}
	}
	return *which < feed->n_sources;
}

int
cdb_feed_peek(struct cdb_feed *feed, int64_t *ts_ms)
{
	size_t which;
	int got = feed->from_files ? earliest(feed, &which, ts_ms)
				   : cdb_market_peek(&feed->market, ts_ms);

	if (got == 0)
		feed->done = true;
	return got;
}

int
cdb_feed_take(struct cdb_feed *feed, struct cdb_tick *tick)
{
	size_t which;
	int64_t ts;

	if (feed->from_files) {
		int got = earliest(feed, &which, &ts);

		if (got <= 0)
			return got < 0 ? got : -ENODATA;
		cdb_source_take(&feed->sources[which], tick);
	} else {
		cdb_market_take(&feed->market, tick);
	}
	tick->meta.sequence_id = ++feed->seq;
	feed->last_ts_ms = tick->ts_ms;
	return 0;
}

void
cdb_feed_count(const struct cdb_feed *feed, struct cdb_feed_counts *out)
{
	memset(out, 0, sizeof(*out));
	out->published = feed->seq;
	for (size_t i = 0; i < feed->n_sources; i++) {
		const struct cdb_source_pos *pos = &feed->sources[i].pos;

		out->bad += pos->bad;
		out->gaps += pos->gaps;
		out->missing += pos->missing;
		out->duplicates += pos->duplicates;
		out->late += pos->late;
	}
}

void
cdb_feed_save(const struct cdb_feed *feed,
    void (*put)(void *arg, const char *field, const char *value), void *arg)
{
	char field[CDB_FEED_FIELD];
	char text[CDB_SOURCE_POS_TEXT];

	put(arg, "config", feed->config);
	put(arg, "done", feed->done ? "1" : "0");
	snprintf(text, sizeof(text), "%" PRIu64, feed->seq);
	put(arg, "seq", text);
	snprintf(text, sizeof(text), "%" PRId64, feed->last_ts_ms);
	put(arg, "ts_ms", text);
	if (!feed->from_files) {
		snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64,
		    feed->market.n, feed->market.ts_us);
		put(arg, "market", text);
	}
	for (size_t i = 0; i < feed->n_sources; i++) {
		snprintf(field, sizeof(field), "src%u", (unsigned)i);
		cdb_source_pos_write(&feed->sources[i].pos, text);
		put(arg, field, text);
	}
}

/* Where a new replay starts. */
static int
rewind_all(struct cdb_feed *feed)
{
	struct cdb_source_pos start = { .last_id = -1 };

	feed->done = false;
	feed->seq = 0;
	feed->last_ts_ms = 0;
	cdb_market_init(&feed->market, feed->seed, feed->market.rate,
	    feed->market.limit);
	for (size_t i = 0; i < feed->n_sources; i++) {
		int err = cdb_source_seek(&feed->sources[i], &start);

		if (err < 0)
			return err;
	}
	return 0;
}

static int
sources_load(struct cdb_feed *feed,
    const char *(*get)(void *arg, const char *field), void *arg)
{
	for (size_t i = 0; i < feed->n_sources; i++) {
		struct cdb_source_pos pos;
		char field[CDB_FEED_FIELD];
		const char *text;
		int err;

		snprintf(field, sizeof(field), "src%u", (unsigned)i);
		text = get(arg, field);
		if (!text || cdb_source_pos_read(&pos, text) < 0)
			return -EINVAL;
		err = cdb_source_seek(&feed->sources[i], &pos);
		if (err < 0)
			return err;
	}
	return 0;
}

static int
market_load(struct cdb_feed *feed, const char *text)
{
	if (!text || sscanf(text, "%" SCNu64 " %" SCNd64, &feed->market.n,
		&feed->market.ts_us) != 2)
		return -EINVAL;
	return 0;
}

int
cdb_feed_load(struct cdb_feed *feed,
    const char *(*get)(void *arg, const char *field), void *arg)
{
	const char *config = get(arg, "config");
	const char *seq = get(arg, "seq");
	const char *ts = get(arg, "ts_ms");

	if (!config)
		return rewind_all(feed);
	if (strcmp(config, feed->config) != 0)
		return -EXDEV;
	/* `done` is found out again: a market's limit may have been raised */
	feed->done = false;
	if (!seq || sscanf(seq, "%" SCNu64, &feed->seq) != 1 ||
	    !ts || sscanf(ts, "%" SCNd64, &feed->last_ts_ms) != 1)
		return -EINVAL;
	return feed->from_files ? sources_load(feed, get, arg)
				: market_load(feed, get(arg, "market"));
}
