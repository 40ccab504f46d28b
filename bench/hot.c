/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-hot -- what an update costs, beside the least that it could.
 *
 * Rows, tab-separated: hot smx <operation> <threads> <ns median> <ns best>.
 * With two threads ns is wall time by operations of each.  See chunks.h for
 * what the environment decides.
 *
 *   loop	   nothing: what the loop around the others takes
 *   volatile	   ++ of a volatile integer		    limit of inc
 *   store_double  a plain store of a double		    limit of gauge_set
 *   inc, inc_same, inc_diff  one counter; two threads on one, on two
 *   inc_label, inc_labels  one label value, two, looked up each time
 *   gauge_set, gauge_add
 *   observe	   65,536 log-uniform values, more than a branch predictor
 *		   learns, in 11 explicit bounds; _native, _both: the latency
 *		   defaults; _fixed: one value; _same: two threads
 *   exemplar      observe, with an order id that is kept; _off: by a
 *		   histogram that keeps none
 *   ticks, observe_since  the clock, and a measurement with it
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/chunks.h"
#include "smx/writer.h"

#define N_VALUES 65536u
#define N_SHARDS 100

static uint64_t values[N_VALUES]; /* ns */
static struct smx_counter counter[2];
static struct smx_counter_family family, family_one;
static struct smx_gauge gauge;
static struct smx_histogram explicit_h, native_h, both_h, kept_h;
static volatile uint64_t bare_counter; /* here it is what is measured */
static double bare_gauge;
static uint64_t last_ticks;
static volatile sig_atomic_t interrupted;

static void
run_loop(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		bench_barrier();
}

static void
run_volatile(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++)
		bare_counter++;
}

static void
run_store_double(int thread, uint64_t n)
{
	double value = 0.5;

	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		value = bench_opaque(value);
		bare_gauge = value;
		bench_barrier();
	}
}

static void
run_inc(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_inc(counter[0]);
		bench_barrier();
	}
}

static void
run_inc_diff(int thread, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		smx_inc(counter[thread]);
		bench_barrier();
	}
}

static void
run_inc_label(int thread, uint64_t n)
{
	static const char *const labels[] = { "s000001" };

	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_inc(smx_counter_with(family_one, labels));
		bench_barrier();
	}
}

static void
run_inc_labels(int thread, uint64_t n)
{
	static const char *const labels[] = { "get", "s000001" };

	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_inc(smx_counter_with(family, labels));
		bench_barrier();
	}
}

static void
run_gauge_set(int thread, uint64_t n)
{
	double value = 0.5;

	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		value = bench_opaque(value);
		smx_set(gauge, value);
		bench_barrier();
	}
}

static void
run_gauge_add(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_gauge_add(gauge, 1);
		bench_barrier();
	}
}

static void
run_observe(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe(explicit_h, values[i % N_VALUES]);
		bench_barrier();
	}
}

static void
run_observe_native(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe(native_h, values[i % N_VALUES]);
		bench_barrier();
	}
}

static void
run_observe_both(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe(both_h, values[i % N_VALUES]);
		bench_barrier();
	}
}

static void
run_observe_fixed(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe(explicit_h, 30000000);
		bench_barrier();
	}
}

static void
run_exemplar(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe_exemplar(kept_h, values[i % N_VALUES], "order_id",
		    "20260105-000123456");
		bench_barrier();
	}
}

static void
run_exemplar_off(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		smx_observe_exemplar(explicit_h, values[i % N_VALUES],
		    "order_id", "20260105-000123456");
		bench_barrier();
	}
}

static void
run_ticks(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		last_ticks = smx_ticks();
		bench_barrier();
	}
}

static void
run_observe_since(int thread, uint64_t n)
{
	(void)thread;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t start = smx_ticks();

		bench_barrier();
		smx_observe_since(both_h, start);
	}
}

static const struct bench_op ops[] = {
	{ "loop", 1, run_loop },
	{ "volatile", 1, run_volatile },
	{ "inc", 1, run_inc },
	{ "inc_same", 2, run_inc },
	{ "inc_diff", 2, run_inc_diff },
	{ "inc_label", 1, run_inc_label },
	{ "inc_labels", 1, run_inc_labels },
	{ "store_double", 1, run_store_double },
	{ "gauge_set", 1, run_gauge_set },
	{ "gauge_add", 1, run_gauge_add },
	{ "observe", 1, run_observe },
	{ "observe_native", 1, run_observe_native },
	{ "observe_both", 1, run_observe_both },
	{ "observe_fixed", 1, run_observe_fixed },
	{ "observe_same", 2, run_observe },
	{ "exemplar", 1, run_exemplar },
	{ "exemplar_off", 1, run_exemplar_off },
	{ "ticks", 1, run_ticks },
	{ "observe_since", 1, run_observe_since },
};

/* Log-uniform in [1 ms, 12 s), from a fixed seed (splitmix64). */
static void
fill_values(void)
{
	uint64_t state = 0;

	for (uint32_t i = 0; i < N_VALUES; i++) {
		uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		x ^= x >> 31;
		values[i] = (uint64_t)(1e6 *
		    pow(12000, (double)(x >> 11) * 0x1p-53));
	}
}

static int
register_histograms(struct smx_error *err)
{
	static const double bounds[] = {
		0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10
	};
	struct smx_desc d = {
		.name = "bench_explicit_seconds", .help = "Explicit bounds.",
		.unit = "seconds", .exponent = 9,
		.bounds = bounds, .n_bounds = 11,
	};
	int ret = smx_histogram_register(&explicit_h, &d, err);

	if (ret < 0)
		return ret;
	d.name = "bench_kept_seconds";
	d.help = "Explicit bounds, with exemplars.";
	d.exemplars = 1;
	ret = smx_histogram_register(&kept_h, &d, err);
	if (ret < 0)
		return ret;
	d.exemplars = 0;
	d.name = "bench_native_seconds";
	d.help = "Native buckets.";
	d.n_bounds = 0;
	d.native = 1;
	ret = smx_histogram_register(&native_h, &d, err);
	if (ret < 0)
		return ret;
	d.name = "bench_both_seconds";
	d.help = "Explicit bounds and native buckets.";
	d.native = 0;
	return smx_histogram_register(&both_h, &d, err);
}

static int
register_all(struct smx_error *err)
{
	static const char *const names[] = { "method", "shard", NULL };
	struct smx_desc c = {
		.name = "bench_requests_total", .help = "Requests.",
		.label_names = names,
	};
	struct smx_desc g = { .name = "bench_depth", .help = "Depth." };
	int ret = smx_counter_family(&family, &c, err);

	c.name = "bench_shards_total";
	c.label_names = names + 1;
	if (ret == 0)
		ret = smx_counter_family(&family_one, &c, err);
	for (int i = 0; ret == 0 && i < N_SHARDS; i++) {
		char shard[16];
		const char *const labels[] = { "get", shard };

		(void)snprintf(shard, sizeof(shard), "s%06d", i);
		counter[i % 2] = smx_counter_with(family, labels);
		(void)smx_counter_with(family_one, labels + 1);
	}
	if (ret == 0)
		ret = smx_gauge_register(&gauge, &g, err);
	return ret < 0 ? ret : register_histograms(err);
}

static void
run_all(void)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct bench_times t;

		if (interrupted)
			return;
		if (!bench_chunks(&ops[i], &t))
			continue;
		printf("hot\tsmx\t%s\t%d\t%.4f\t%.4f\n", ops[i].name,
		    ops[i].threads, t.median_ns, t.min_ns);
		(void)fflush(stdout);
	}
}

static int
run_in(const char *dir)
{
	struct smx_options options = { .dir = dir };
	struct smx_error err = { 0 };
	char path[64];
	int ret = smx_attach_error("bench", &options, &err);

	if (ret == 0)
		ret = register_all(&err);
	if (ret == 0)
		run_all();
	else
		(void)fprintf(stderr, "bench-hot: %s\n", err.msg);
	(void)snprintf(path, sizeof(path), "%s/smx.bench", dir);
	(void)unlink(path);
	return ret;
}

/* Between two operations is soon enough, and the folder goes as usual. */
static void
on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

int
main(int argc, char **argv)
{
	char dir[] = "/dev/shm/smx-bench-XXXXXX";
	struct sigaction stop = { .sa_handler = on_signal };
	int ret;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "hot") != 0)) {
		(void)fprintf(stderr, "usage: bench-hot [hot]\n");
		return 2;
	}
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	fill_values();
	if (mkdtemp(dir) == NULL) {
		perror("bench-hot: /dev/shm");
		return 1;
	}
	ret = run_in(dir);
	(void)rmdir(dir);
	return ret < 0 || interrupted;
}
