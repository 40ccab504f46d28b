/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h -- the ticks to publish, in the order of their event time.
 *
 * Either recorded files, merged by event time (equal times: in the order the
 * files were given), or the seeded market.  The state of a feed is a list of
 * named texts that goes to Redis with the ticks; loading it makes the feed go
 * on exactly where it was.
 *
 * Thread   one; files are read with blocking calls.
 */
#ifndef CDB_FEED_H
#define CDB_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "market.h"
#include "source.h"

#define CDB_SOURCES_MAX 64
#define CDB_FEED_FIELD	16	/* bytes of a state field's name */

/* Totals since the beginning of the replay, across all lives. */
struct cdb_feed_counts {
	uint64_t published;
	uint64_t bad;		/* rows of no use */
	uint64_t gaps;		/* jumps of the exchange's ids */
	uint64_t missing;	/* ids jumped over */
	uint64_t duplicates;	/* rows dropped */
	uint64_t late;		/* rows with an id below the highest */
};

struct cdb_feed {
	uint64_t seed;
	bool from_files;
	bool done;		/* everything has been taken */
	uint64_t seq;		/* sequence_id of the last tick taken */
	int64_t last_ts_ms;	/* its event time */
	struct cdb_market market;
	size_t n_sources;
	struct cdb_source *sources;	/* owned */
	/* what this feed is made of; a state of another one is refused */
	char config[65];
};

/*
 * cdb_feed_open_files -- replay these files.
 *
 * Owner    the caller from 0 until cdb_feed_close(); paths are borrowed.
 * Errors   -E2BIG more than CDB_SOURCES_MAX; -ENOMEM; else as
 *          cdb_source_open().  *which is the path at fault, why says more.
 */
int cdb_feed_open_files(struct cdb_feed *feed, const char *const *paths,
    size_t n, const char *symbol, uint64_t seed, cdb_source_bad_fn *bad,
    void *arg, const char **which, char why[CDB_WHY_TEXT]);

/* cdb_feed_open_market -- make a market; as cdb_market_init(). */
void cdb_feed_open_market(struct cdb_feed *feed, uint64_t seed,
    uint32_t rate, uint64_t limit);

void cdb_feed_close(struct cdb_feed *feed);

/*
 * cdb_feed_peek -- the event time of the next tick.
 *
 * Returns 1, or 0 when there is none: then `done` is set.
 * Errors   -errno of reading a file.
 */
int cdb_feed_peek(struct cdb_feed *feed, int64_t *ts_ms);

/* cdb_feed_take -- the tick that cdb_feed_peek() has just found. */
int cdb_feed_take(struct cdb_feed *feed, struct cdb_tick *tick);

/* cdb_feed_count -- the totals now. */
void cdb_feed_count(const struct cdb_feed *feed,
    struct cdb_feed_counts *out);

/*
 * cdb_feed_save -- call put() with each field of the state.
 *
 * The strings live during the call only.
 */
void cdb_feed_save(const struct cdb_feed *feed,
    void (*put)(void *arg, const char *field, const char *value), void *arg);

/*
 * cdb_feed_load -- go on from a state; get() gives a field's text or NULL.
 *
 * A state without fields is the beginning.
 * Errors   -EINVAL the state cannot be read; -EXDEV it belongs to other data,
 *          another seed or rate; -ESPIPE a file is shorter than it was; else
 *          as cdb_source_seek().
 */
int cdb_feed_load(struct cdb_feed *feed,
    const char *(*get)(void *arg, const char *field), void *arg);

#endif
