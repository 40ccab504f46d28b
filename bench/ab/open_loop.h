/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_AB_OPEN_LOOP_H
#define BENCH_AB_OPEN_LOOP_H
/*
 * open_loop -- HTTP requests at fixed times, whatever the server does.
 *
 * Request i is due within [i, i + 1) / rate.  Where the server is slow or
 * stands still, requests become due all the same, and their latency runs from
 * that time: a stall of a second at 1,000 requests a second is seen by a
 * thousand requests, not by one (no coordinated omission).
 *
 * With a seed each is due at a random point of its slot.  Without, all are due
 * at the slots' beginnings: in step with anything else that is periodic, so
 * that every request meets a tick of the server, or none does, as it happens.
 */
#include <netinet/in.h>
#include <stdint.h>

#include "samples.h"

/* Why a request counts as an error. */
enum load_fault {
	FAULT_NONE,
	FAULT_STATUS,	  /* an answer, but not 2xx or 3xx */
	FAULT_CONNECTION, /* refused, reset, closed, or not HTTP */
	FAULT_UNANSWERED  /* no answer until the grace was over */
};

#define LOAD_TARGETS_MAX 16

struct load_target {
	struct sockaddr_in addr;
	char request[512]; /* the bytes to send */
};

struct load {
	struct load_target target[LOAD_TARGETS_MAX];
	uint32_t n_targets; /* each gets one of n_targets requests */
	double rate;	    /* requests per second, all together */
	uint64_t seed;	    /* 0: due at i / rate */
	double seconds;
	double grace_s;	      /* for answers after the last request */
	uint32_t connections; /* the most at a time, to each target */
	uint64_t spin_ns;     /* waited for awake before a request is due */
};

/* load_due_ns -- when request i is due, from the time 0; ascends with i. */
uint64_t load_due_ns(const struct load *load, uint64_t i);

/*
 * load_target_of -- where request i goes: each n_targets successive ones go to
 * all of them, in an order of the seed, in turn without one.
 */
uint32_t load_target_of(const struct load *load, uint64_t i);

/*
 * load_run -- run it; every request that was due is a sample.
 *
 * One without an answer has the time until the run was over: a lower bound,
 * and never left out.  `samples` must have room for rate * seconds + 1.
 * `start_ns` receives CLOCK_REALTIME of the time 0.
 * Errors   -errno of epoll_create1; -ENOMEM.
 */
int load_run(
    const struct load *load, struct samples *samples, uint64_t *start_ns);

#endif
