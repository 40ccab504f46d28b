/* SPDX-License-Identifier: Apache-2.0 */
#include "chunks.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNKS_MAX 512

uint64_t
bench_env(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? strtoull(s, NULL, 10) : otherwise;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	    (uint64_t)ts.tv_nsec;
}

/* Keep the calling thread on the last (0) or last but one (1) CPU that the
 * process may use: the first is where interrupts like to go. */
static void
pin(int thread)
{
	static cpu_set_t allowed;
	static int known;
	cpu_set_t one;
	int cpu = CPU_SETSIZE;

	if (!known)
		known = sched_getaffinity(0, sizeof(allowed), &allowed) == 0;
	for (int left = thread; left >= 0 && cpu > 0;)
		if (CPU_ISSET((size_t)--cpu, &allowed))
			left--;
	if (!known || cpu < 0 || !CPU_ISSET((size_t)cpu, &allowed))
		return;
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static void
relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* The second thread: a chunk each time `go` rises, until it is UINT64_MAX. */
struct partner {
	const struct bench_op *op;
	uint64_t n;
	uint64_t go, done;
	pthread_t id;
};

static void *
partner_main(void *arg)
{
	struct partner *p = arg;
	uint64_t seen = 0;
	uint64_t go;

	pin(1);
	for (;;) {
		/* acquire: pairs with the releases of partner_go() */
		while ((go = __atomic_load_n(&p->go, __ATOMIC_ACQUIRE)) == seen)
			relax();
		if (go == UINT64_MAX)
			return NULL;
		seen = go;
		p->op->run(1, p->n);
		__atomic_store_n(&p->done, go, __ATOMIC_RELEASE);
	}
}

static uint64_t
chunk_alone(const struct bench_op *op, uint64_t n)
{
	uint64_t start = now_ns();

	op->run(0, n);
	return now_ns() - start;
}

static uint64_t
chunk_together(struct partner *p, uint64_t round)
{
	uint64_t start = now_ns();

	__atomic_store_n(&p->go, round, __ATOMIC_RELEASE);
	p->op->run(0, p->n);
	while (__atomic_load_n(&p->done, __ATOMIC_ACQUIRE) != round)
		relax();
	return now_ns() - start;
}

static uint64_t
operations_in(const struct bench_op *op, uint64_t chunk_ns)
{
	uint64_t n = 16;
	uint64_t took;

	for (;; n *= 2) {
		took = chunk_alone(op, n);
		if (took > chunk_ns / 4 || n > UINT64_C(1) << 40)
			break;
	}
	n = (uint64_t)((double)n * (double)chunk_ns / (double)(took | 1));
	return n > 16 ? n : 16;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
run_chunks(const struct bench_op *op, uint64_t n, double *ns, size_t chunks)
{
	struct partner p = { .op = op, .n = n };

	if (op->threads > 1 &&
	    pthread_create(&p.id, NULL, partner_main, &p) != 0)
		return 0;
	for (size_t i = 0; i < chunks; i++)
		ns[i] = (double)(op->threads > 1 ? chunk_together(&p, i + 1)
						 : chunk_alone(op, n)) /
		    (double)n;
	if (op->threads > 1) {
		__atomic_store_n(&p.go, UINT64_MAX, __ATOMIC_RELEASE);
		(void)pthread_join(p.id, NULL);
	}
	return 1;
}

int
bench_chunks(const struct bench_op *op, struct bench_times *t)
{
	const char *only = getenv("BENCH_ONLY");
	size_t chunks = (size_t)bench_env("BENCH_CHUNKS", 21);
	uint64_t chunk_ns = bench_env("BENCH_CHUNK_US", 1500) * 1000;
	uint64_t fixed = bench_env("BENCH_FIXED", 0);
	double ns[CHUNKS_MAX];

	if (only != NULL && strstr(op->name, only) == NULL)
		return 0;
	if (fixed != 0) {
		if (op->threads == 1)
			op->run(0, fixed);
		return 0;
	}
	if (chunks < 1 || chunks > CHUNKS_MAX)
		chunks = chunks < 1 ? 1 : CHUNKS_MAX;
	pin(0);
	if (!run_chunks(op, operations_in(op, chunk_ns), ns, chunks))
		return 0;
	qsort(ns, chunks, sizeof(ns[0]), compare);
	t->min_ns = ns[0];
	t->median_ns = (ns[chunks / 2] + ns[(chunks - 1) / 2]) / 2;
	return 1;
}
