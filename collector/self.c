/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/self.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/process.h"

static const struct {
	unsigned status;
	const char *name;
} codes[N_CODES] = {
	{ 200, "200" }, { 400, "400" }, { 401, "401" }, { 404, "404" },
	{ 405, "405" }, { 413, "413" }, { 500, "500" }, { 503, "503" }, { 0, "other" },
};

static const char *const error_names[N_ERRORS] = {
	"memory", "render", "busy"
};

void
self_count_code(struct self_stats *stats, unsigned status)
{
	unsigned i = 0;

	if (status == 0) {
		stats->disconnects++;
		return;
	}
	while (i < CODE_OTHER && codes[i].status != status)
		i++;
	stats->requests[i]++;
}

static size_t
bucket_of(uint64_t ns)
{
	size_t i = 0;

	while (ns > self_time_bounds[i].upper)
		i++;
	return i;
}

void
self_observe_scrape(struct self_stats *stats, uint64_t ns)
{
	stats->scrape_buckets[bucket_of(ns)]++;
	stats->scrape_sum_ns += ns;
}

void
self_observe_turn(struct self_stats *stats, uint64_t ns)
{
	stats->turn_buckets[bucket_of(ns)]++;
	stats->turn_sum_ns += ns;
}

void
self_init(struct self *self, bool about_us)
{
	struct timespec ts;

	*self = (struct self){ .about_us = about_us };
	clock_gettime(CLOCK_REALTIME, &ts);
	self->start_ns = (uint64_t)ts.tv_sec * 1000000000u +
	    (uint64_t)ts.tv_nsec;
	self_families_fill(self->families);
	made_init(&self->ours, self->families, N_OURS, self->start_ns);
	made_init(&self->missing, self->families + S_LIVE, 1, self->start_ns);
}

void
self_free(struct self *self)
{
	made_free(&self->ours);
	made_free(&self->missing);
	for (size_t i = 0; i < self->n_services; i++)
		made_free(&self->services[i]);
	free(self->services);
}

static void
fill_collector(struct self *self, const struct segments *segs,
    const struct self_stats *stats)
{
	struct made *m = &self->ours;
	const char *label[1];

	label[0] = COLLECTOR_VERSION;
	made_gauge(m, F_BUILD_INFO, label, 1);
	made_histogram(m, F_SCRAPE, NULL, stats->scrape_sum_ns,
	    stats->scrape_buckets);
	made_histogram(m, F_TURN, NULL, stats->turn_sum_ns,
	    stats->turn_buckets);
	for (unsigned i = 0; i < N_CODES; i++) {
		label[0] = codes[i].name;
		made_counter(m, F_REQUESTS, label, stats->requests[i]);
	}
	made_gauge(m, F_IN_FLIGHT, NULL, stats->in_flight);
	made_counter(m, F_DISCONNECTS, NULL, stats->disconnects);
	for (unsigned i = 0; i < N_ERRORS; i++) {
		label[0] = error_names[i];
		made_counter(m, F_ERRORS, label, stats->errors[i]);
	}
	made_gauge(m, F_SEGMENTS_BAD, NULL, (double)segments_bad(segs));
	made_gauge(m, F_SEGMENTS, NULL,
	    (double)(segs->n - segments_bad(segs)));
	for (unsigned i = 0; i < N_CAUSES; i++) {
		label[0] = segment_cause_name((enum segment_cause)i);
		made_counter(m, F_SEGMENT_ERRORS, label, segs->site.errors[i]);
	}
	self->hidden_at = made_gauge(m, F_HIDDEN, NULL, 0);
	made_gauge(m, F_DIRECTORY_UP, NULL, segs->dir_err == 0);
}

static void
gauge_if_known(struct made *m, uint32_t family, double value)
{
	if (value >= 0)
		made_gauge(m, family, NULL, value);
}

static void
fill_process(struct made *m, uint64_t start_ns)
{
	struct process_facts f;

	process_facts_read(&f);
	made_counter(m, F_CPU, NULL, f.cpu_us);
	gauge_if_known(m, F_OPEN_FDS, f.open_fds);
	gauge_if_known(m, F_MAX_FDS, f.max_fds);
	gauge_if_known(m, F_VIRTUAL, f.virtual_bytes);
	gauge_if_known(m, F_VIRTUAL_MAX, f.virtual_max_bytes);
	gauge_if_known(m, F_RESIDENT, f.resident_bytes);
	gauge_if_known(m, F_START, round((double)start_ns / 1e7) / 100);
	gauge_if_known(m, F_THREADS, f.threads);
}

static void
fill_service(struct made *m, const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;
	const struct {
		unsigned family;
		double value;
	} gauges[] = {
		{ S_LIVE, t->slots_live + t->crowd },
		{ S_SLOTS, t->slots },
		{ S_LANES, t->lanes },
		{ S_LANES_USED, t->lanes_owned },
		{ S_DIR, (double)t->dir_bytes },
		{ S_DIR_USED, (double)t->dir_bytes_used },
		{ S_CELLS, (double)t->lane_bytes },
		{ S_CELLS_USED, (double)t->lane_bytes_used },
		{ S_GAUGES, (double)t->gauge_bytes },
		{ S_GAUGES_USED, (double)t->gauge_bytes_used },
		{ S_SERIES, g->snap.catalog->n_series },
		{ S_SIZE, (double)t->size },
		{ S_CREATED, round((double)t->created_ns / 1e6) / 1e3 },
	};
	const struct {
		unsigned family;
		uint64_t value;
	} counters[] = {
		{ S_REFUSED, t->refused },
		{ S_DROPPED, t->dropped },
		{ S_NO_SLOT, t->no_slot },
		{ S_NO_LANE, t->no_lane },
		{ S_REDEFINED, t->redefined },
		{ S_OVERFLOWED, t->overflowed },
		{ S_ADOPTED, t->adopted },
		{ S_APPROXIMATE, g->approximate },
	};

	made_begin(m);
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		made_gauge(m, OF_SERVICE(gauges[i].family), NULL,
		    gauges[i].value);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		made_counter(m, OF_SERVICE(counters[i].family), NULL,
		    counters[i].value);
}

static int
reserve_services(struct self *self, size_t n)
{
	struct made *v;

	if (n <= self->n_services)
		return 0;
	v = realloc(self->services, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	self->services = v;
	for (; self->n_services < n; self->n_services++)
		made_init(&v[self->n_services], self->families + N_OURS,
		    N_FAMILIES - N_OURS, self->start_ns);
	/* they may have moved, and point into themselves */
	for (size_t i = 0; i < n; i++)
		v[i].snap.catalog = &v[i].catalog;
	return 0;
}

static int
fill_ours(struct self *self, const struct segments *segs,
    const struct self_stats *stats)
{
	made_begin(&self->ours);
	if (self->about_us) {
		fill_collector(self, segs, stats);
		fill_process(&self->ours, self->start_ns);
	}
	return made_end(&self->ours);
}

int
self_fill(struct self *self, const struct segments *segs,
    const struct self_stats *stats)
{
	int err = reserve_services(self, segs->n);

	for (size_t i = 0; i < segs->n && err == 0; i++) {
		if (!segs->v[i]->shown)
			continue;
		fill_service(&self->services[i], segs->v[i]);
		err = made_end(&self->services[i]);
	}
	if (err < 0)
		return err;
	made_begin(&self->missing);
	made_gauge(&self->missing, 0, NULL, 0);
	err = made_end(&self->missing);
	return err < 0 ? err : fill_ours(self, segs, stats);
}

bool
self_misses(const struct segments *segs, const char *service)
{
	for (size_t i = 0; i < segs->n; i++)
		if (segs->v[i]->shown &&
		    strcmp(segs->v[i]->service, service) == 0)
			return false;
	return true;
}

void
self_set_hidden(struct self *self, size_t n)
{
	if (self->about_us)
		made_gauge_set(&self->ours, self->hidden_at, (double)n);
}
