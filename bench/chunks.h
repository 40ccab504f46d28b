/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CHUNKS_H
#define BENCH_CHUNKS_H
/*
 * chunks -- time an operation in many short chunks, on one thread or two.
 *
 * A chunk is as many operations as take about BENCH_CHUNK_US (1500) on one
 * thread; BENCH_CHUNKS of them (21) are timed.  The best chunk is what the
 * code costs, the distance of the median from it is what the machine adds.
 * BENCH_ONLY leaves out operations whose name does not contain it.
 * BENCH_FIXED=N runs each single-threaded operation N times and times
 * nothing: for callgrind, perf and strace.
 */
#include <stdint.h>

struct bench_op {
	const char *name;
	int threads; /* 1 or 2 */
	/* thread is 0 or 1; runs the operation n times */
	void (*run)(int thread, uint64_t n);
};

struct bench_times {
	double median_ns, min_ns; /* per operation of one thread */
};

/* bench_chunks -- 1 if *t was filled, 0 if the operation is not to be timed.
 * Not for more than one thread at a time. */
int bench_chunks(const struct bench_op *, struct bench_times *t);

/* The value of a numeric variable of the environment. */
uint64_t bench_env(const char *name, uint64_t otherwise);

/* Have the compiler forget what it knows of memory: as if the operation were
 * called from a program that does other things in between. */
static inline void
bench_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/*
 * A value that the compiler knows nothing of, in a register: what a gauge is
 * given.  A conversion from an integer in its place would be what is
 * measured: it alone takes as long as the rest (0.36 beside 0.27 ns).
 */
static inline double
bench_opaque(double value)
{
#if defined(__x86_64__)
	__asm__ volatile("" : "+x"(value));
#else
	__asm__ volatile("" : "+m"(value));
#endif
	return value;
}

#endif
