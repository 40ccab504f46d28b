/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/self_families.h"

#include <string.h>

#define MS UINT64_C(1000000)

const struct smx_bucket self_time_bounds[SELF_BUCKETS] = {
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
	[F_TURN] = { "smx_collector_loop_busy_seconds", "",
	    "Time that a turn of the event loop took, waiting left out.",
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

void
self_families_fill(struct smx_family_info families[N_FAMILIES])
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
	for (uint32_t i = F_SCRAPE; i <= F_TURN; i++) {
		families[i].buckets = self_time_bounds;
		families[i].n_buckets = SELF_BUCKETS;
		families[i].hist_flags = SMX_HIST_EXPLICIT;
	}
}
