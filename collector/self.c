/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/self.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
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
	N_OURS,
	S_LIVE = N_OURS, S_SLOTS, S_LANES, S_LANES_USED, S_DIR, S_DIR_USED, S_CELLS,
	S_CELLS_USED, S_GAUGES, S_GAUGES_USED, S_SERIES, S_SIZE, S_CREATED,
	S_REFUSED, S_DROPPED, S_NO_SLOT, S_NO_LANE, S_REDEFINED, S_OVERFLOWED,
	S_ADOPTED, S_APPROXIMATE,
	N_FAMILIES
};
_Static_assert(N_FAMILIES <= SELF_FAMILIES, "room for all families");
/* Within those about a service. */
#define OF_SERVICE(family) ((uint32_t)(family) - N_OURS)

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
	[S_LIVE] = { "smx_service_live_processes", "",
	    "Processes of the service that are alive; 0 for an expected "
	    "service without a segment.", GAUGE, 0 },
	[S_SLOTS] = { "smx_service_process_slots", "",
	    "Processes that the segment has room for.", GAUGE, 0 },
	[S_LANES] = { "smx_service_lanes", "",
	    "Lanes (one for each thread that counts) of the segment.",
	    GAUGE, 0 },
	[S_LANES_USED] = { "smx_service_lanes_in_use", "",
	    "Lanes owned by a thread.", GAUGE, 0 },
	[S_DIR] = { "smx_service_directory_bytes", "",
	    "Room for descriptions of metrics.", GAUGE, 0 },
	[S_DIR_USED] = { "smx_service_directory_used_bytes", "",
	    "Room for descriptions of metrics that is taken.", GAUGE, 0 },
	[S_CELLS] = { "smx_service_lane_bytes", "",
	    "Room for counters and histograms in each lane.", GAUGE, 0 },
	[S_CELLS_USED] = { "smx_service_lane_used_bytes", "",
	    "Room for counters and histograms that is taken.", GAUGE, 0 },
	[S_GAUGES] = { "smx_service_gauges_bytes", "",
	    "Room for gauges of each process.", GAUGE, 0 },
	[S_GAUGES_USED] = { "smx_service_gauges_used_bytes", "",
	    "Room for gauges that is taken.", GAUGE, 0 },
	[S_SERIES] = { "smx_service_series", "",
	    "Series described in the segment.", GAUGE, 0 },
	[S_SIZE] = { "smx_service_segment_bytes", "",
	    "Size of the segment's (sparse) file.", GAUGE, 0 },
	[S_CREATED] = { "smx_service_segment_created_timestamp_seconds", "",
	    "When the segment was made.", GAUGE, 0 },
	[S_REFUSED] = { "smx_service_refused_registrations_total", "",
	    "Registrations of metrics that were refused.", COUNTER, 0 },
	[S_DROPPED] = { "smx_service_dropped_observations_total", "",
	    "Observations dropped because they were negative.", COUNTER, 0 },
	[S_NO_SLOT] = { "smx_service_slot_shortages_total", "",
	    "Processes that found no free slot.", COUNTER, 0 },
	[S_NO_LANE] = { "smx_service_lane_shortages_total", "",
	    "Threads that found no free lane.", COUNTER, 0 },
	[S_REDEFINED] = { "smx_service_redefined_families_total", "",
	    "Families replaced by another definition.", COUNTER, 0 },
	[S_OVERFLOWED] = { "smx_service_overflowed_families_total", "",
	    "Families that reached their limit of series.", COUNTER, 0 },
	[S_ADOPTED] = { "smx_service_adopted_lanes_total", "",
	    "Lanes of dead threads and processes given back.", COUNTER, 0 },
	[S_APPROXIMATE] = { "smx_service_approximate_snapshots_total", "",
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

static void
fill_families(struct smx_family_info *families)
{
	for (unsigned i = 0; i < N_FAMILIES; i++) {
		const struct row *r = &rows[i];

		families[i] = (struct smx_family_info){
			.name = r->name, .unit = unit_of(r->name),
			.help = r->help, .type = r->type,
			.exponent = r->exponent, .labels = r->labels,
			.n_labels = count_labels(r->labels),
		};
	}
	families[F_SCRAPE].buckets = scrape_bounds;
	families[F_SCRAPE].n_buckets = SELF_BUCKETS;
	families[F_SCRAPE].hist_flags = SMX_HIST_EXPLICIT;
}

void
self_init(struct self *self, bool about_us)
{
	struct timespec ts;

	*self = (struct self){ .about_us = about_us };
	clock_gettime(CLOCK_REALTIME, &ts);
	self->start_ns = (uint64_t)ts.tv_sec * 1000000000u +
	    (uint64_t)ts.tv_nsec;
	fill_families(self->families);
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
