/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SCRAPE_SERVICE_H
#define BENCH_SCRAPE_SERVICE_H
/*
 * scrape_service -- a process with many series, for what reads them: families
 * of 100 series with two labels, all updated in each of its lanes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct service {
	bool histograms;
	uint32_t n;
	uint32_t lanes; /* at least 1 */
	pid_t pid;
	int to, from; /* pipes */
};

/* service_start -- in a new directory, which SMX_DIR then names; returns when
 * all values stand in the segment.  Ends the program on any error. */
void service_start(struct service *);

/* service_grow -- have it register one more series, and update it. */
void service_grow(struct service *);

/* What a thread saw that updated one counter after the other. */
struct service_pace {
	double median_ns; /* of an update */
	double worst_us;  /* the longest that a thousand took */
};

/* service_pace_begin -- have it update for a second; what it saw then comes
 * from service_pace_end(), which waits for it. */
void service_pace_begin(struct service *);
void service_pace_end(struct service *, struct service_pace *);

/* service_stop -- the process and its directory are gone then. */
void service_stop(struct service *);

/* The directory; of the last one started. */
extern char service_dir[];

/* die -- end the program: "bench-scrape: what[: error]". */
_Noreturn void die(const char *what);
_Noreturn void die_error(const char *what, int err);

#endif
