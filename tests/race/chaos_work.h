/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CHAOS_WORK_H
#define TESTS_CHAOS_WORK_H
/*
 * chaos_work -- what a thread of race/chaos does, and the ledger of it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LINES	4 /* of lives, one after the other; all lines at once */
#define THREADS 4
#define COMMON	60 /* keys of each kind that all share */
#define OWN	5  /* keys of each line's own */
#define KEYS	(COMMON + LINES * OWN)

/* In memory that outlives all: a kill from outside may fall between begun and
 * done, once for each thread. */
struct sums {
	uint64_t count[KEYS], labelled[KEYS];
	uint64_t n[KEYS], sum[KEYS];
};

struct ledger {
	struct sums begun, done;
	uint64_t lives, forks, ends, killed;
	uint64_t lives_left;
	bool kill;
};

extern struct ledger *ledger;

uint64_t chaos_note(uint64_t *p, uint64_t n); /* add; what was there */

/* What one thread does; its key is common to all, or of its line. */
struct work {
	unsigned line, steps;
	uint64_t seed;
	bool may_fork;
};

/* Of a thread; `arg` is its struct work. */
void *chaos_work(void *arg);

/* One update of key k, noted before and after it. */
void chaos_count(unsigned k, uint64_t v);
void chaos_observe(unsigned k, uint64_t v);
void chaos_count_labelled(unsigned k);

/* It ends well, or is killed. */
void chaos_wait_for(pid_t);

/* Ends this process between updates, in one of the ways there are. */
void chaos_die(uint64_t r);

#endif
