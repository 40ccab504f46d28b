/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/self.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/process.h"

/* Numbers of the families below, in their order. */
enum {
	F_BUILD_INFO, F_SCRAPE, F_REQUESTS, F_IN_FLIGHT, F_DISCONNECTS,
	F_ERRORS, F_SEGMENTS, F_SEGMENTS_BAD, F_SEGMENT_ERRORS, F_HIDDEN,
	F_DIRECTORY_UP,
	F_CPU, F_OPEN_FDS, F_MAX_FDS, F_VIRTUAL, F_VIRTUAL_MAX, F_RESIDENT,
	F_START, F_THREADS,
	S_LIVE, S_SLOTS, S_LANES, S_LANES_USED, S_DIR, S_DIR_USED, S_CELLS,
	S_CELLS_USED, S_GAUGES, S_GAUGES_USED, S_SERIES, S_SIZE, S_CREATED,
	S_REFUSED, S_DROPPED, S_NO_SLOT, S_NO_LANE, S_REDEFINED, S_OVERFLOWED,
	S_ADOPTED, S_APPROXIMATE,
	N_FAMILIES
};
_Static_assert(N_FAMILIES <= SELF_FAMILIES, "room for all families");

#define MS UINT64_C(1000000)

static const struct smx_bucket scrape_bounds[SELF_BUCKETS] = {
	{ 1 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 5 * MS / 2, 0, SMX_BUCKET_EXPLICIT },
	{ 5 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 10 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 25 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 50 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 100 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 250 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 500 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 1000 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ 2500 * MS, 0, SMX_BUCKET_EXPLICIT },
	{ UINT64_MAX, 0, 0 },
};

/* A family as the table below writes it. */
struct row {
	const char *name, *labels, *help;
	uint8_t type;
	int8_t exponent;
};

#define GAUGE	SMX_TYPE_GAUGE
#define COUNTER	SMX_TYPE_COUNTER

static const struct row rows[N_FAMILIES] = {
	[F_BUILD_INFO] = { "smx_collector_build_info", "version\0",
	    "Always 1; the version of this collector.", GAUGE, 0 },
	[F_SCRAPE] = { "smx_collector_scrape_duration_seconds", "",
	    "Time to read the segments and to write a page.",
	    SMX_TYPE_HISTOGRAM, 9 },
	[F_REQUESTS] = { "smx_collector_requests_total", "code\0",
	    "HTTP requests answered, by status code.", COUNTER, 0 },
	[F_IN_FLIGHT] = { "smx_collector_requests_in_flight", "",
	    "HTTP requests being answered.", GAUGE, 0 },
	[F_DISCONNECTS] = { "smx_collector_disconnects_total", "",
	    "Clients that left before they had their answer.", COUNTER, 0 },
	[F_ERRORS] = { "smx_collector_errors_total", "cause\0",
	    "Requests that failed in the collector itself, by cause.",
	    COUNTER, 0 },
	[F_SEGMENTS] = { "smx_collector_segments", "",
	    "Segments that are read.", GAUGE, 0 },
	[F_SEGMENTS_BAD] = { "smx_collector_bad_segments", "",
	    "Segments left out because something is wrong with them.",
	    GAUGE, 0 },
	[F_SEGMENT_ERRORS] = { "smx_collector_segment_errors_total", "cause\0",
	    "Times a segment was found bad, by cause.", COUNTER, 0 },
	[F_HIDDEN] = { "smx_collector_hidden_families", "",
	    "Families left out of this page because another service has "
	    "one of that name but another type.", GAUGE, 0 },
	[F_DIRECTORY_UP] = { "smx_collector_directory_up", "",
	    "Whether the directory of the segments can be read.", GAUGE, 0 },
	[F_CPU] = { "process_cpu_seconds_total", "",
	    "Total user and system CPU time spent in seconds.", COUNTER, 6 },
	[F_OPEN_FDS] = { "process_open_fds", "",
	    "Number of open file descriptors.", GAUGE, 0 },
	[F_MAX_FDS] = { "process_max_fds", "",
	    "Maximum number of open file descriptors.", GAUGE, 0 },
	[F_VIRTUAL] = { "process_virtual_memory_bytes", "",
	    "Virtual memory size in bytes.", GAUGE, 0 },
	[F_VIRTUAL_MAX] = { "process_virtual_memory_max_bytes", "",
	    "Maximum amount of virtual memory available in bytes.", GAUGE, 0 },
	[F_RESIDENT] = { "process_resident_memory_bytes", "",
	    "Resident memory size in bytes.", GAUGE, 0 },
	[F_START] = { "process_start_time_seconds", "",
	    "Start time of the process since unix epoch in seconds.",
	    GAUGE, 0 },
	[F_THREADS] = { "process_threads", "",
	    "Number of threads of the process.", GAUGE, 0 },
	[S_LIVE] = { "smx_service_live_processes", NULL,
	    "Processes of the service that are alive; 0 for an expected "
	    "service without a segment.", GAUGE, 0 },
	[S_SLOTS] = { "smx_service_process_slots", NULL,
	    "Processes that the segment has room for.", GAUGE, 0 },
	[S_LANES] = { "smx_service_lanes", NULL,
	    "Lanes (one for each thread that counts) of the segment.",
	    GAUGE, 0 },
	[S_LANES_USED] = { "smx_service_lanes_in_use", NULL,
	    "Lanes owned by a thread, the shared one included.", GAUGE, 0 },
	[S_DIR] = { "smx_service_directory_bytes", NULL,
	    "Room for descriptions of metrics.", GAUGE, 0 },
	[S_DIR_USED] = { "smx_service_directory_used_bytes", NULL,
	    "Room for descriptions of metrics that is taken.", GAUGE, 0 },
	[S_CELLS] = { "smx_service_lane_bytes", NULL,
	    "Room for counters and histograms in each lane.", GAUGE, 0 },
	[S_CELLS_USED] = { "smx_service_lane_used_bytes", NULL,
	    "Room for counters and histograms that is taken.", GAUGE, 0 },
	[S_GAUGES] = { "smx_service_gauges_bytes", NULL,
	    "Room for gauges of each process.", GAUGE, 0 },
	[S_GAUGES_USED] = { "smx_service_gauges_used_bytes", NULL,
	    "Room for gauges that is taken.", GAUGE, 0 },
	[S_SERIES] = { "smx_service_series", NULL,
	    "Series described in the segment.", GAUGE, 0 },
	[S_SIZE] = { "smx_service_segment_bytes", NULL,
	    "Size of the segment's (sparse) file.", GAUGE, 0 },
	[S_CREATED] = { "smx_service_segment_created_timestamp_seconds", NULL,
	    "When the segment was made.", GAUGE, 0 },
	[S_REFUSED] = { "smx_service_refused_registrations_total", NULL,
	    "Registrations of metrics that were refused.", COUNTER, 0 },
	[S_DROPPED] = { "smx_service_dropped_observations_total", NULL,
	    "Observations dropped because they were negative.", COUNTER, 0 },
	[S_NO_SLOT] = { "smx_service_slot_shortages_total", NULL,
	    "Processes that found no free slot.", COUNTER, 0 },
	[S_NO_LANE] = { "smx_service_lane_shortages_total", NULL,
	    "Threads that found no free lane.", COUNTER, 0 },
	[S_REDEFINED] = { "smx_service_redefined_families_total", NULL,
	    "Families replaced by another definition.", COUNTER, 0 },
	[S_OVERFLOWED] = { "smx_service_overflowed_families_total", NULL,
	    "Families that reached their limit of series.", COUNTER, 0 },
	[S_ADOPTED] = { "smx_service_adopted_lanes_total", NULL,
	    "Lanes of dead threads and processes given back.", COUNTER, 0 },
	[S_APPROXIMATE] = { "smx_service_approximate_snapshots_total", NULL,
	    "Histograms read while they moved, so that sum and buckets may "
	    "be a few observations apart.", COUNTER, 0 },
};

static const struct {
	unsigned status;
	const char *name;
} codes[N_CODES] = {
	{ 200, "200" }, { 400, "400" }, { 404, "404" }, { 405, "405" },
	{ 413, "413" }, { 500, "500" }, { 503, "503" }, { 0, "other" },
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

void
self_observe_scrape(struct self_stats *stats, uint64_t ns)
{
	unsigned i = 0;

	while (ns > scrape_bounds[i].upper)
		i++;
	stats->scrape_buckets[i]++;
	stats->scrape_sum_ns += ns;
}

/* OpenMetrics' UNIT: what the name ends in, if that is a base unit. */
static const char *
unit_of(const char *name)
{
	static const char *const units[] = { "seconds", "bytes" };
	size_t n = strlen(name);

	if (n > 6 && strcmp(name + n - 6, "_total") == 0)
		n -= 6;
	for (unsigned i = 0; i < 2; i++) {
		size_t len = strlen(units[i]);

		if (n > len && memcmp(name + n - len, units[i], len) == 0)
			return units[i];
	}
	return "";
}

static uint32_t
count_labels(const char *labels)
{
	uint32_t n = 0;

	for (; *labels; labels += strlen(labels) + 1)
		n++;
	return n;
}

/* The families, with these labels for those about a service. */
static void
fill_families(struct smx_family_info *families, const char *service_labels)
{
	for (unsigned i = 0; i < N_FAMILIES; i++) {
		const struct row *r = &rows[i];

		families[i] = (struct smx_family_info){
			.name = r->name, .unit = unit_of(r->name),
			.help = r->help, .type = r->type,
			.exponent = r->exponent,
			.labels = r->labels ? r->labels : service_labels,
		};
		families[i].n_labels = count_labels(families[i].labels);
	}
	families[F_SCRAPE].buckets = scrape_bounds;
	families[F_SCRAPE].n_buckets = SELF_BUCKETS;
	families[F_SCRAPE].hist_flags = SMX_HIST_EXPLICIT;
}

void
self_init(struct self *self, bool about_us, const char *const *expected,
    size_t n_expected)
{
	struct timespec ts;

	*self = (struct self){ .about_us = about_us, .expected = expected,
		.n_expected = n_expected };
	clock_gettime(CLOCK_REALTIME, &ts);
	self->start_ns = (uint64_t)ts.tv_sec * 1000000000u +
	    (uint64_t)ts.tv_nsec;
	fill_families(self->plain_families, "service\0");
	fill_families(self->instance_families, "service\0service_instance\0");
	made_init(&self->plain, self->plain_families, N_FAMILIES,
	    self->start_ns);
	made_init(&self->instances, self->instance_families, N_FAMILIES,
	    self->start_ns);
}

void
self_free(struct self *self)
{
	made_free(&self->plain);
	made_free(&self->instances);
}

static void
fill_collector(struct self *self, const struct segments *segs,
    const struct self_stats *stats)
{
	struct made *m = &self->plain;
	const char *label[1];

	label[0] = COLLECTOR_VERSION;
	made_gauge(m, F_BUILD_INFO, label, 1);
	made_histogram(m, F_SCRAPE, NULL, stats->scrape_sum_ns,
	    stats->scrape_buckets);
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
		made_counter(m, F_SEGMENT_ERRORS, label, segs->errors[i]);
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
fill_segment(struct made *m, const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;
	const char *const label[] = { g->service, g->instance };

	made_gauge(m, S_LIVE, label, t->slots_live + t->crowd);
	made_gauge(m, S_SLOTS, label, t->slots);
	made_gauge(m, S_LANES, label, t->lanes);
	made_gauge(m, S_LANES_USED, label, t->lanes_owned);
	made_gauge(m, S_DIR, label, (double)t->dir_bytes);
	made_gauge(m, S_DIR_USED, label, (double)t->dir_bytes_used);
	made_gauge(m, S_CELLS, label, (double)t->lane_bytes);
	made_gauge(m, S_CELLS_USED, label, (double)t->lane_bytes_used);
	made_gauge(m, S_GAUGES, label, (double)t->gauge_bytes);
	made_gauge(m, S_GAUGES_USED, label, (double)t->gauge_bytes_used);
	made_gauge(m, S_SERIES, label, g->snap.catalog->n_series);
	made_gauge(m, S_SIZE, label, (double)t->size);
	made_gauge(m, S_CREATED, label,
	    round((double)t->created_ns / 1e6) / 1e3);
	made_counter(m, S_REFUSED, label, t->refused);
	made_counter(m, S_DROPPED, label, t->dropped);
	made_counter(m, S_NO_SLOT, label, t->no_slot);
	made_counter(m, S_NO_LANE, label, t->no_lane);
	made_counter(m, S_REDEFINED, label, t->redefined);
	made_counter(m, S_OVERFLOWED, label, t->overflowed);
	made_counter(m, S_ADOPTED, label, t->adopted);
	made_counter(m, S_APPROXIMATE, label, g->approximate);
}

/* Services that somebody waits for, but that have no segment to show. */
static void
fill_missing(struct self *self, const struct segments *segs)
{
	for (size_t i = 0; i < self->n_expected; i++) {
		const char *const label[] = { self->expected[i] };
		bool there = false;

		for (size_t k = 0; k < segs->n && !there; k++)
			there = segs->v[k]->shown && strcmp(label[0],
			    segs->v[k]->service) == 0;
		if (!there)
			made_gauge(&self->plain, S_LIVE, label, 0);
	}
}

int
self_fill(struct self *self, const struct segments *segs,
    const struct self_stats *stats)
{
	int err, err2;

	made_begin(&self->plain);
	made_begin(&self->instances);
	if (self->about_us) {
		fill_collector(self, segs, stats);
		fill_process(&self->plain, self->start_ns);
	}
	for (size_t i = 0; i < segs->n; i++) {
		const struct segment *g = segs->v[i];

		if (g->shown)
			fill_segment(g->instance[0] ? &self->instances :
			    &self->plain, g);
	}
	fill_missing(self, segs);
	err = made_end(&self->plain);
	err2 = made_end(&self->instances);
	return err ? err : err2;
}

void
self_set_hidden(struct self *self, size_t n)
{
	if (self->about_us)
		made_gauge_set(&self->plain, self->hidden_at, (double)n);
}
