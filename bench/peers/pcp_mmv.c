/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCP memory-mapped values.  MMV has no histograms: a value per bucket and
 * one for the sum stand in.  Its updates are not atomic.  Nothing is scraped:
 * pmcd reads the file.
 */
#include <pcp/pmapi.h>
#include <pcp/mmv_stats.h>

#include "peer.h"

enum { INDOM_SHARDS = 1, INDOM_LE, N_SHARDS = 100, N_LE = 13, SUM = 12 };

static void *map;
static pmAtomValue *counter[2], *gauge, *bucket[N_LE];

static void
inc(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		mmv_inc(map, counter[0]);
}

static void
inc_diff(int thread, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		mmv_inc(map, counter[thread]);
}

static void
inc_labels(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		mmv_stats_inc(map, "requests", "s000001");
}

static void
gauge_set(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		mmv_set_value(map, gauge, bench_opaque(1.5));
}

static void
observe(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		double v = peer_values[i % PEER_VALUES];
		int le = 0;

		while (le < 11 && v > peer_bounds[le])
			le++;
		mmv_inc(map, bucket[le]);
		mmv_inc_value(map, bucket[SUM], v);
	}
}

static const struct bench_op ops[] = { { "inc", 1, inc },
	{ "inc_same", 2, inc }, { "inc_diff", 2, inc_diff },
	{ "inc_labels", 1, inc_labels }, { "gauge_set", 1, gauge_set },
	{ "observe", 1, observe }, { "observe_same", 2, observe } };

static void
instances_add(mmv_registry_t *r, unsigned indom, const char *form, int n)
{
	/* the library keeps the pointers */
	static char names[N_SHARDS + N_LE][16];
	static int used;

	for (int i = 0; i < n; i++) {
		char *name = names[used++];

		snprintf(name, sizeof(names[0]), form, i);
		mmv_stats_add_instance(r, indom, i, name);
	}
}

static pmAtomValue *
lookup(const char *metric, const char *form, int i)
{
	char name[16];

	snprintf(name, sizeof(name), form, i);
	return mmv_lookup_value_desc(map, metric, name);
}

int
main(void)
{
	pmUnits unit = MMV_UNITS(0, 0, 1, 0, 0, PM_COUNT_ONE);
	mmv_registry_t *r = mmv_stats_registry("smx_bench_peers", 322, 0);

	if (!r)
		return 1;
	peer_values_fill();
	mmv_stats_add_indom(r, INDOM_SHARDS, "shards", "shards");
	instances_add(r, INDOM_SHARDS, "s%06d", N_SHARDS);
	mmv_stats_add_indom(r, INDOM_LE, "le", "le");
	instances_add(r, INDOM_LE, "b%02d", N_LE);
	mmv_stats_add_metric(r, "requests", 1, MMV_TYPE_U64, MMV_SEM_COUNTER,
	    unit, INDOM_SHARDS, "requests", "requests");
	mmv_stats_add_metric(r, "gauge", 2, MMV_TYPE_DOUBLE, MMV_SEM_INSTANT,
	    unit, INDOM_SHARDS, "gauge", "gauge");
	mmv_stats_add_metric(r, "latency", 3, MMV_TYPE_U64, MMV_SEM_COUNTER,
	    unit, INDOM_LE, "latency", "latency");
	mmv_stats_add_metric(r, "sum", 4, MMV_TYPE_DOUBLE, MMV_SEM_COUNTER,
	    unit, INDOM_LE, "sum", "sum");
	map = mmv_stats_start(r);
	if (!map)
		return 1;
	counter[0] = lookup("requests", "s%06d", 1);
	counter[1] = lookup("requests", "s%06d", 2);
	gauge = lookup("gauge", "s%06d", 1);
	for (int i = 0; i < N_LE; i++)
		bucket[i] = lookup(i == SUM ? "sum" : "latency", "b%02d", i);
	if (!counter[0] || !counter[1] || !gauge || !bucket[SUM])
		return 1;
	peer_hot("pcp-mmv", ops, sizeof(ops) / sizeof(ops[0]));
	mmv_stats_free(r);
	return 0;
}
