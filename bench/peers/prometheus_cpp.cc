// SPDX-License-Identifier: Apache-2.0
// prometheus-cpp.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "peer.h"

using namespace prometheus;

static Family<Counter> *family;
static Counter *counter[2];
static Gauge *gauge;
static Histogram *histogram;

static void
inc(int, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		counter[0]->Increment();
}

static void
inc_diff(int thread, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		counter[thread]->Increment();
}

static void
inc_labels(int, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		family->Add({ { "method", "get" }, { "shard", "s000001" } })
		    .Increment();
}

static void
gauge_set(int, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		gauge->Set(bench_opaque(1.5));
}

static void
observe(int, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		histogram->Observe(peer_values[i % PEER_VALUES]);
}

static const struct bench_op ops[] = { { "inc", 1, inc },
	{ "inc_same", 2, inc }, { "inc_diff", 2, inc_diff },
	{ "inc_labels", 1, inc_labels }, { "gauge_set", 1, gauge_set },
	{ "observe", 1, observe }, { "observe_same", 2, observe } };

static std::string
shard(long i)
{
	char text[32];

	snprintf(text, sizeof(text), "s%06ld", i);
	return text;
}

static void
hot(void)
{
	Registry registry;
	Histogram::BucketBoundaries bounds(peer_bounds, peer_bounds + 11);

	family = &BuildCounter().Name("bench_total").Register(registry);
	for (long i = 0; i < 100; i++)
		family->Add({ { "method", "get" }, { "shard", shard(i) } });
	for (int i = 0; i < 2; i++)
		counter[i] = &family->Add(
		    { { "method", "get" }, { "shard", shard(i + 1) } });
	gauge = &BuildGauge().Name("bench").Register(registry).Add({});
	histogram = &BuildHistogram()
			 .Name("bench_seconds")
			 .Register(registry)
			 .Add({}, bounds);
	peer_hot("prometheus-cpp", ops, sizeof(ops) / sizeof(ops[0]));
}

static void
scrape(long n)
{
	Registry registry;
	TextSerializer serializer;
	std::vector<uint64_t> times;
	std::string page;

	for (long i = 0; i < n; i += 100) {
		auto &f =
		    BuildCounter()
			.Name("bench_requests_" + std::to_string(i) + "_total")
			.Help("Requests.")
			.Register(registry);

		for (long j = i; j < i + 100 && j < n; j++)
			f.Add({ { "method", "get" }, { "shard", shard(j) } })
			    .Increment(1234567.0 + 7919.0 * (double)j);
	}
	for (int i = 0; i < 9; i++) {
		std::ostringstream out;
		uint64_t t0 = peer_now_ns();

		serializer.Serialize(out, registry.Collect());
		page = out.str();
		times.push_back(peer_now_ns() - t0);
	}
	std::sort(times.begin(), times.end());
	printf("scrape\tprometheus-cpp\tcounters\t%ld\t%llu\t%llu\t%zu\n", n,
	    (unsigned long long)times[4], (unsigned long long)times[0],
	    page.size());
}

int
main(int argc, char **argv)
{
	peer_values_fill();
	if (argc > 3)
		scrape(atol(argv[3]));
	else
		hot();
}
