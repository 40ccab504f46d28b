/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self.h -- the collector's own series: about itself, and about each segment
 * as such.
 *
 * What is about a segment comes as a source of that service's name, so that
 * the encoder puts the same labels on it as on the service's own series; put
 * before those, it also keeps a service from giving out such names itself.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_SELF_H
#define COLLECTOR_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/made.h"
#include "collector/segments.h"
#include "collector/self_families.h"

/* Answers are counted by code; all others together. */
enum self_code {
	CODE_200, CODE_400, CODE_401, CODE_404, CODE_405, CODE_413, CODE_500,
	CODE_503, CODE_OTHER, N_CODES
};

/* What failed in the collector itself; label `cause`. */
enum self_error {
	ERROR_MEMORY,		/* no room for a page or a body */
	ERROR_RENDER,		/* a page that cannot be made */
	ERROR_BUSY,		/* more requests at once than allowed */
	N_ERRORS
};

/* Counted on the loop's thread; a job gets a copy. */
struct self_stats {
	uint64_t requests[N_CODES];
	uint64_t errors[N_ERRORS];
	uint64_t scrape_sum_ns;
	uint64_t scrape_buckets[SELF_BUCKETS];
	uint64_t turn_sum_ns;
	uint64_t turn_buckets[SELF_BUCKETS];
	unsigned in_flight;
	uint64_t disconnects;	/* clients gone before the answer */
};

void self_count_code(struct self_stats *stats, unsigned status);
void self_observe_scrape(struct self_stats *stats, uint64_t ns);
void self_observe_turn(struct self_stats *stats, uint64_t ns);

struct self {
	bool about_us;		/* not with --web.disable-exporter-metrics */
	uint64_t start_ns;	/* realtime */
	struct smx_family_info families[N_FAMILIES];
	struct made ours;	/* bare */
	struct made missing;	/* of a service without a segment: 0 live */
	struct made *services;	/* [i] is about segment i, if that is shown */
	size_t n_services;
	size_t hidden_at;	/* its place among the gauges of ours */
};

void self_init(struct self *self, bool about_us);
void self_free(struct self *self);

/*
 * self_fill -- all values of this moment.
 *
 * Errors   -ENOMEM: nothing of ours can be shown.
 */
int self_fill(struct self *self, const struct segments *segments,
    const struct self_stats *stats);

/*
 * self_set_hidden -- after self_fill(): how many families were left out of
 * the page these values go into, which is known once it is planned.
 */
void self_set_hidden(struct self *self, size_t n);

/* self_misses -- whether no segment of this service is shown. */
bool self_misses(const struct segments *segments, const char *service);

#endif
