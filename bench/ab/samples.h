/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_AB_SAMPLES_H
#define BENCH_AB_SAMPLES_H
/*
 * samples -- every request of a load, kept exactly.
 *
 * A percentile is a value that was measured: the smallest one that at least
 * this part of the requests did not exceed (nearest rank).
 *
 * Unit     nanoseconds.
 * Thread   one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sample {
	uint64_t due_ns;  /* when it should have been sent, from 0 */
	uint64_t sent_ns; /* when it was; the difference is our lateness */
	uint64_t done_ns; /* when the answer was complete */
	uint32_t target;
	uint32_t fault; /* 0: answered with 2xx or 3xx */
};

struct samples {
	struct sample *all; /* owned */
	size_t n;
	size_t cap;
};

/* What is looked at: the user's latency runs from when the request was due. */
enum sample_span { SPAN_LATENCY, SPAN_SERVICE, SPAN_LATENESS };

#define SAMPLES_ALL UINT32_MAX /* of every target */

/* samples_open -- room for `cap`; -ENOMEM.  The caller closes it. */
int samples_open(struct samples *s, size_t cap);
void samples_close(struct samples *s);

/* samples_add -- keep one more; beyond the room it is an error of ours. */
void samples_add(struct samples *s, struct sample one);

/*
 * samples_pool -- add those of another run that were due from `lead_ns` on.
 *
 * What came before is the lead-in, which nobody looks at.  The end of the
 * lead-in becomes `at_ns` of the pool.  Makes room.  Errors   -ENOMEM.
 */
int samples_pool(struct samples *pool, const struct samples *run,
    uint64_t lead_ns, uint64_t at_ns);

/*
 * samples_sorted -- the spans of one target in ascending order.
 *
 * Owner    the caller frees *out.  Returns their number, or -ENOMEM.
 */
int64_t samples_sorted(const struct samples *s, uint32_t target,
    enum sample_span span, uint64_t **out);

/* samples_quantile -- nearest rank in n > 0 ascending values; q in [0, 1]. */
uint64_t samples_quantile(const uint64_t *sorted, size_t n, double q);

/*
 * samples_write_curve -- [[q, ns], ...] as JSON, ever denser towards the end,
 * as far as the number of values supports it.
 */
void samples_write_curve(FILE *out, const uint64_t *sorted, size_t n);

/*
 * samples_write_timeline -- [[second, requests, median ns, max ns], ...] as
 * JSON, by the time the requests were due, in steps of step_ns.  Sorts them.
 * Errors   -ENOMEM.
 */
int samples_write_timeline(FILE *out, struct samples *s, uint64_t step_ns);

#endif
