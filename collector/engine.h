/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h -- segments in, answers out: all the work that is not the loop's.
 *
 * Thread   one job at a time, on any thread: views, snapshots and pages
 *          belong to the job that runs (scrape.h sees to that), so nothing
 *          in here needs a lock.
 */
#ifndef COLLECTOR_ENGINE_H
#define COLLECTOR_ENGINE_H

#include "collector/deliveries.h"
#include "collector/expo/json.h"
#include "collector/gzip.h"
#include "collector/plans.h"
#include "collector/sd.h"
#include "collector/segments.h"
#include "collector/select.h"
#include "collector/self.h"
#include "collector/sources.h"

#define ENGINE_TOLD_MAX 256	/* hidden families named in the log */
#define ENGINE_LOOK_NS	UINT64_C(1000000000)	/* for pages: one a second */
#define ENGINE_PLAN	40	/* bytes of a plan's name, the NUL included */

enum ask_kind {
	ASK_METRICS,
	ASK_SD,		/* the targets for http_sd_configs */
	ASK_STATE,	/* of the services, for the page at / */
	ASK_SERIES,	/* names and values, for the same */
};

/* Which part of a page (json.h). */
struct ask_window {
	uint32_t first, limit;
	char plan[ENGINE_PLAN];		/* whose names are known; "": none */
	char family[SMX_MAX_NAME + 1];	/* "": all */
};

/* What somebody wants; equal asks get the same answer. */
struct ask {
	enum ask_kind kind;
	enum expo_format format;
	bool gzip;
	struct selection sel;
	char host[SD_HOST];		/* of ASK_SD: the address asked */
	bool tls;
	struct ask_window window;	/* of ASK_SERIES */
};

bool ask_equal(const struct ask *a, const struct ask *b);

/* ask_is_page -- whether the page at / asks: it does not need the newest. */
bool ask_is_page(const struct ask *ask);

struct answer {
	unsigned status;		/* 0: no memory for any text */
	const char *content_type;	/* static */
	bool gzip;
	bool failed;			/* count it as error */
	enum self_error error;
	uint64_t duration_ns;
	uint64_t looked_ns;		/* monotonic: so old are the values */
	uint64_t turn;			/* its number */
	struct body *body;		/* given by the caller, filled here */
	struct body *spare;		/* given with ask->gzip: for the job */
};

/* Names of families already named as hidden; hashes are enough for a log. */
struct told {
	uint64_t v[ENGINE_TOLD_MAX];
	size_t n;
};

struct engine {
	const struct log *log;
	const char *metrics_path;
	uint64_t keep_ns;		/* the dead; 0: for ever */
	bool created;			/* `_created` in OpenMetrics */
	uint64_t turn;			/* of the last answer */
	struct delivery *taken;		/* by clients, not yet looked at; set
					 * between two jobs */
	const char *const *expected;	/* services somebody waits for */
	size_t n_expected;
	struct segments segments;
	struct self self;
	struct plans plans;
	struct told told;
	struct libdeflate_compressor *deflate;	/* made when first needed */
	/* of the snapshots that all segments have now; 0: not all of them */
	uint64_t looked_ns, looked_at_ns;	/* monotonic, since 1970 */
	struct sources sources;		/* of the answer being made */
};

struct engine_options {
	const char *dir;
	uid_t owner;
	bool about_us, created;
	const char *const *expected;	/* services */
	size_t n_expected;
	const char *metrics_path;
	uint64_t keep_ns;
	const struct log *log;
};

/* Everything in the options is borrowed until engine_close(). */
void engine_init(struct engine *e, const struct engine_options *opt);
void engine_close(struct engine *e);

/* engine_scan -- look at the directory. */
void engine_scan(struct engine *e);

/*
 * engine_answer -- look at the directory, read the values, write the answer.
 *
 * What only pages ask for is answered from what was read less than
 * ENGINE_LOOK_NS ago, and never counts as seen by a scrape (retention.h).
 *
 * Owner    the caller, of answer->body and answer->spare, which he gave and
 *          which may have changed places; all else in *answer is set here.
 */
void engine_answer(struct engine *e, const struct ask *ask,
    const struct self_stats *stats, struct answer *answer);

#endif
