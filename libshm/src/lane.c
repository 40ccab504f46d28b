/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane -- threads claim lanes and give them back; lanes of the dead are
 * adopted.  All under the lock of the process.
 *
 * L1  The owner word changes only by compare-and-swap from the value that
 *     was judged, or by its owner.  (slot, generation) of a dead owner never
 *     lives again, so a judgement "dead" stays true.
 * L2  A lane keeps its values for ever: its next owner goes on from them.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "fail.h"
#include "lock.h"
#include "process.h"

#define SWEEP_NS UINT64_C(1000000000)

__thread uintptr_t smx__lane = SMX__SLOW;

static pthread_key_t key;

static uint64_t
owner_word(uint32_t slot, uint32_t generation)
{
	return ((uint64_t)slot + 1) << 32 | generation;
}

static bool
cas_owner(struct smx_lane *lane, uint64_t from, uint64_t to)
{
	/* acquire: the values that the last owner left; release: so that the
	 * next one finds ours */
	return __atomic_compare_exchange_n(&lane->owner, &from, to, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/*
 * A killed owner may have left begin ahead of end in a histogram: for ever
 * unequal, were it not mended before the lane is used again (I7).
 */
static void
mend_histogram(const struct smx__series_key *s, void *arg)
{
	const struct smx__area *a = arg;
	uint64_t *cell = (uint64_t *)(a->base + s->cell);
	uint64_t begin;

	if (s->family->record->type != SMX_TYPE_HISTOGRAM ||
	    s->cell + SMX_HIST_BUCKET * 8 > a->mapped)
		return;
	begin = __atomic_load_n(cell + SMX_HIST_BEGIN, __ATOMIC_RELAXED);
	__atomic_store_n(cell + SMX_HIST_END, begin, __ATOMIC_RELEASE);
}

static int
map_lane(struct smx__process *p, int fd, uint32_t i, uint64_t need,
    struct smx__area *a, struct smx_error *err)
{
	const struct smx_header *g = &p->geometry;
	int rc = smx__area_reserve(a, g->lane_off + i * g->lane_stride,
	    g->lane_size);

	if (rc < 0)
		return smx__fail(err, rc, "reserve lane %u:", i);
	rc = smx__area_commit(a, fd, need, &p->lanes[i].committed, err);
	if (rc < 0)
		smx__area_release(a);
	return rc;
}

/* Lane i is ours by its owner word, and its last owner is dead. */
static int
adopt(struct smx__process *p, int fd, uint32_t i)
{
	uint64_t n = __atomic_load_n(&p->lanes[i].committed, __ATOMIC_RELAXED);
	struct smx__area a = { 0 };
	int rc;

	if (n == 0 || n > p->geometry.lane_size)
		return n == 0 ? 0 : -EBADMSG;
	rc = map_lane(p, fd, i, n, &a, NULL);
	if (rc < 0)
		return rc;
	smx__keys_each_series(&p->keys, mend_histogram, &a);
	smx__area_release(&a);
	(void)__atomic_fetch_add(&p->header->adopted, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * Take lane i from its dead owner.  Ours first, then mended: two that sweep
 * at once never both write, nor one into a lane that the other uses.
 */
static bool
take_from_dead(struct smx__process *p, int fd, uint32_t i, uint64_t owner,
    uint64_t mine)
{
	struct smx_lane *lane = &p->lanes[i];

	if (!cas_owner(lane, owner, mine))
		return false;
	if (adopt(p, fd, i) == 0)
		return true;
	/* the dead one's again, for a later sweep */
	__atomic_store_n(&lane->owner, owner, __ATOMIC_RELEASE);
	return false;
}

static void
set_free(struct smx__process *p, uint32_t i)
{
	/* release: the next owner acquires our last values by its CAS */
	__atomic_store_n(&p->lanes[i].owner, SMX_OWNER_NONE,
	    __ATOMIC_RELEASE);
}

int
smx__lane_sweep_slot(struct smx__process *p, int fd, uint32_t generation)
{
	uint64_t mine = owner_word(p->slot, generation);
	uint32_t i;
	int rc = smx__keys_refresh(&p->keys, fd, &p->geometry, p->header, NULL);

	for (i = 1; i < p->geometry.lane_cap && rc == 0; i++) {
		uint64_t owner = __atomic_load_n(&p->lanes[i].owner,
		    __ATOMIC_RELAXED);

		if (owner >> 32 == mine >> 32 &&
		    take_from_dead(p, fd, i, owner, mine))
			set_free(p, i);
	}
	return rc;
}

/* Whoever takes a slot sweeps its lanes before its generation is even again
 * (slot.c): while the lease is held, the lane is its holder's business. */
static bool
owner_dead(struct smx__process *p, int fd, uint64_t owner)
{
	uint64_t slot = (owner >> 32) - 1;

	if (slot >= p->geometry.slot_cap)
		return true; /* no such process */
	if (slot == p->slot)
		return false; /* swept when we took it */
	return smx__lock_held(fd, SMX_LOCK_SLOT0 + (int64_t)slot, 1) == 0;
}

static bool
take_free(struct smx__process *p, uint32_t *lane)
{
	uint64_t mine = owner_word(p->slot, p->generation);
	uint32_t cap = p->geometry.lane_cap;
	uint32_t n, i = p->lane_hint;

	for (n = 1; n < cap; n++, i++) {
		if (i == 0 || i >= cap)
			i = 1;
		if (__atomic_load_n(&p->lanes[i].owner, __ATOMIC_RELAXED) ==
			SMX_OWNER_NONE &&
		    cas_owner(&p->lanes[i], SMX_OWNER_NONE, mine)) {
			*lane = i;
			return true;
		}
	}
	return false;
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Set all lanes of the dead free: looking is limited to once a second. */
static bool
sweep(struct smx__process *p, int fd)
{
	uint64_t mine = owner_word(p->slot, p->generation);
	uint64_t now = now_ns();
	bool any = false;
	uint32_t i;

	if (p->swept_ns != 0 && now - p->swept_ns < SWEEP_NS)
		return false;
	p->swept_ns = now;
	if (smx__keys_refresh(&p->keys, fd, &p->geometry, p->header, NULL) < 0)
		return false;
	for (i = 1; i < p->geometry.lane_cap; i++) {
		uint64_t owner = __atomic_load_n(&p->lanes[i].owner,
		    __ATOMIC_ACQUIRE);

		if (owner == SMX_OWNER_NONE || !owner_dead(p, fd, owner) ||
		    !take_from_dead(p, fd, i, owner, mine))
			continue;
		set_free(p, i);
		any = true;
	}
	return any;
}

static int
give_to_thread(struct smx__process *p, int fd, uint32_t i)
{
	struct smx__lane_ref *ref = calloc(1, sizeof(*ref));
	uint64_t need = p->need > SMX_SINK ? p->need : SMX_SINK;
	int rc = ref ? map_lane(p, fd, i, need, &ref->area, NULL) : -ENOMEM;

	if (rc == 0)
		rc = -pthread_setspecific(key, ref);
	if (rc < 0) {
		if (ref)
			smx__area_release(&ref->area);
		free(ref);
		return rc;
	}
	ref->number = i;
	ref->next = p->own;
	p->own = ref;
	p->lane_hint = i + 1;
	__atomic_store_n(&p->lanes[i].tid, (uint64_t)syscall(SYS_gettid),
	    __ATOMIC_RELAXED);
	smx__lane = (uintptr_t)ref->area.base;
	return 0;
}

int
smx__lane_claim(struct smx__process *p)
{
	uint32_t i;
	int fd, rc = -ENOSPC;

	if (p->slot == SMX__NO_SLOT)
		return -ENOSPC;
	fd = smx__reopen(p, NULL);
	if (fd < 0)
		return fd;
	if (take_free(p, &i) || (sweep(p, fd) && take_free(p, &i))) {
		rc = give_to_thread(p, fd, i);
		if (rc < 0)
			set_free(p, i);
	}
	close(fd);
	if (rc < 0 && SMX__BASE(smx__lane) == 0) /* the thread's first try */
		(void)__atomic_fetch_add(&p->header->no_lane, 1,
		    __ATOMIC_RELAXED);
	return rc;
}

void
smx__lane_return(struct smx__process *p, struct smx__lane_ref *ref)
{
	struct smx__lane_ref **at = &p->own;

	while (*at && *at != ref)
		at = &(*at)->next;
	if (*at == NULL)
		return; /* a lane from before a fork or detach */
	*at = ref->next;
	set_free(p, ref->number);
	/* the next thread takes this one again: memory follows the peak of
	 * threads, not their number over time */
	if (ref->number < p->lane_hint)
		p->lane_hint = ref->number;
	smx__area_release(&ref->area);
	free(ref);
}

int
smx__lanes_commit(struct smx__process *p, int fd, uint64_t need,
    struct smx_error *err)
{
	struct smx__lane_ref *ref;
	int rc = smx__area_commit(&p->overflow, fd, need,
	    &p->lanes[0].committed, err);

	for (ref = p->own; ref && rc == 0; ref = ref->next)
		rc = smx__area_commit(&ref->area, fd, need,
		    &p->lanes[ref->number].committed, err);
	return rc;
}

/* After this destructor has run, updates of the thread go to overflow: a
 * lane claimed now would never be given back. */
static void
thread_ends(void *arg)
{
	struct smx__process *p = &smx__process;

	smx__enter(p);
	smx__lane = __atomic_load_n(&smx__overflow, __ATOMIC_RELAXED) |
	    SMX__ENDED;
	smx__lane_return(p, arg);
	smx__leave(p);
}

/* Not if it had one before a detach: that is a sink by now. */
bool
smx__thread_has_lane(const struct smx__process *p)
{
	const struct smx__lane_ref *mine = pthread_getspecific(key);
	const struct smx__lane_ref *ref;

	for (ref = p->own; ref; ref = ref->next)
		if (ref == mine)
			return true;
	return false;
}

int
smx__thread_key_create(void)
{
	return -pthread_key_create(&key, thread_ends);
}

void
smx__thread_forget(void)
{
	(void)pthread_setspecific(key, NULL);
}
