/* SPDX-License-Identifier: Apache-2.0 */
#include "ticks.h"

#include <pthread.h>
#include <time.h>

uint64_t smx__ticks_mult;

uint64_t
smx__clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	    (uint64_t)ts.tv_nsec;
}

#if defined(__x86_64__)
#include <cpuid.h>

#define SPAN_NS	 UINT64_C(1200000)
#define ATTEMPTS 16

/* The same moment on both clocks. */
struct moment {
	uint64_t ticks, ns;
};

static int
tsc_invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d >> 8 & 1);
}

/* Of a few tries the one with the least time around the clock's reading: an
 * interrupt, or the host taking the CPU away, spoils single ones. */
static struct moment
moment_now(void)
{
	struct moment best = { 0, 0 };
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t before = __builtin_ia32_rdtsc();
		uint64_t ns = smx__clock_ns();
		uint64_t width = __builtin_ia32_rdtsc() - before;

		if (width < best_width) {
			best_width = width;
			best.ticks = before + width / 2;
			best.ns = ns;
		}
	}
	return best;
}

static void
calibrate(void)
{
	struct moment a, b;
	uint64_t mult;

	if (!tsc_invariant())
		return;
	a = moment_now();
	while (smx__clock_ns() - a.ns < SPAN_NS)
		__builtin_ia32_pause();
	b = moment_now();
	/* a counter that stands still or is absurdly slow is none */
	if (b.ticks <= a.ticks || (b.ns - a.ns) / (b.ticks - a.ticks) > 1000)
		return;
	mult = (uint64_t)(((smx__u128)(b.ns - a.ns) << 32) /
	    (b.ticks - a.ticks));
	/* relaxed: the value stands for itself; ticks.h names the rest */
	__atomic_store_n(&smx__ticks_mult, mult, __ATOMIC_RELAXED);
}
#else
static void
calibrate(void)
{
}
#endif

void
smx__ticks_calibrate(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, calibrate);
}
