/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow -- updates that have no lane: the first of a thread, those in the
 * overflow lane, and those that go nowhere.
 */
#include <errno.h>
#include <string.h>

#include "process.h"

/* A thread in the overflow lane asks for a lane of its own now and then. */
#define OVERFLOW_RETRY 4096u

static __thread uint32_t in_overflow;

/* Under the lock. */
static int
claim(struct smx__process *p)
{
	int rc;

	if (p->state == SMX__FORKED) {
		rc = smx__attach_child(p, NULL);
		if (rc < 0)
			return rc;
	}
	if (p->state != SMX__ATTACHED)
		return -ENOTCONN;
	rc = smx__lane_claim(p);
	if (rc < 0)
		smx__lane = smx__overflow | SMX__SLOW;
	return rc;
}

static bool
wants_lane(uintptr_t lane)
{
	if ((lane & SMX__ENDED) == SMX__ENDED)
		return false;
	return SMX__BASE(lane) == 0 || ++in_overflow % OVERFLOW_RETRY == 0;
}

/*
 * Give this thread a lane if it may have one now.  A registration under way
 * in another thread is not waited for: the overflow lane is there.  Never
 * from a signal handler that interrupted the library (smx__inside).
 */
static void
find_lane(void)
{
	struct smx__process *p = &smx__process;
	enum smx__state state = __atomic_load_n(&p->state, __ATOMIC_ACQUIRE);
	int saved = errno; /* an update does not touch it */

	if (smx__inside || !wants_lane(smx__lane))
		return;
	if (state == SMX__ATTACHED && smx__try_enter(p) < 0)
		return;
	if (state == SMX__FORKED)
		smx__enter(p);
	if (state == SMX__ATTACHED || state == SMX__FORKED) {
		(void)claim(p);
		smx__leave(p);
	}
	errno = saved;
}

/* The base to add to; 0: nowhere.  *shared tells how. */
static uintptr_t
base_now(bool *shared)
{
	find_lane();
	*shared = (smx__lane & SMX__SLOW) != 0;
	if (!*shared)
		return smx__lane;
	/* acquire: pairs with publish() in attach.c */
	return __atomic_load_n(&smx__overflow, __ATOMIC_ACQUIRE);
}

/* Relaxed: a counter publishes nothing but itself. */
static void
add(uint64_t *cell, uint64_t n, bool shared)
{
	if (shared)
		(void)__atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
	else
		smx__cell_add(cell, n);
}

void
smx__add_slow(uint32_t cell, uint64_t n)
{
	bool shared;
	uintptr_t base = base_now(&shared);

	if (base)
		add((uint64_t *)(base + cell), n, shared);
}

void
smx__observe_slow(struct smx_histogram h, uint64_t value)
{
	struct smx__process *p = &smx__process;
	bool shared;
	uintptr_t base = base_now(&shared);
	uint64_t *cell = (uint64_t *)(base + h.cell);

	if (base == 0 || h.index == NULL)
		return;
	if (value >> 63) {
		(void)__atomic_fetch_add(&p->header->dropped, 1,
		    __ATOMIC_RELAXED);
		return;
	}
	if (!shared) {
		smx_observe(h, value);
		return;
	}
	/* the overflow lane keeps no begin and end: many write it at once */
	add(cell + SMX_HIST_SUM, value, true);
	add(cell + SMX_HIST_BUCKET + smx__bucket_of(h.index, value), 1, true);
}

/* Whether this process has gauges now; a forked child attaches for them. */
static bool
find_gauges(void)
{
	find_lane();
	return (__atomic_load_n(&smx__gauges, __ATOMIC_ACQUIRE) & SMX__SLOW) ==
	    0;
}

void
smx__gauge_set_slow(uint32_t cell, double value)
{
	struct smx_gauge g = { cell };

	if (find_gauges())
		smx_set(g, value);
}

void
smx__gauge_add_slow(uint32_t cell, double delta)
{
	struct smx_gauge g = { cell };

	if (find_gauges())
		smx_gauge_add(g, delta);
}

int
smx_thread_attach(void)
{
	struct smx__process *p = &smx__process;
	int rc = 0;

	smx__enter(p);
	if ((smx__lane & SMX__ENDED) == SMX__ENDED)
		rc = -ENOSPC;
	else if ((smx__lane & SMX__SLOW) || !smx__thread_has_lane(p))
		rc = claim(p);
	smx__leave(p);
	return rc;
}
