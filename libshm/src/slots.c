/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process slots that are alive, and their gauges.  A row counts if the lease
 * is held before and after, and the generation is even and the same (I6):
 *
 *   lease  generation  committed  gauges  generation  lease
 *
 * Acquire loads throughout, so that each look comes after the one before it;
 * they pair with the release stores of the writer that takes a slot over:
 * whoever sees one of its gauges sees the odd generation before it as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>

#include "fail.h"
#include "guard.h"
#include "load.h"
#include "view_private.h"

/* The kernel goes through all locks of a file for each question about one, and
 * whoever may write to the file can hold any number of them.  This is the CPU
 * time that the questions of one snapshot may take; 65536 slots of a file
 * without such a crowd take a sixth of it. */
#define LEASES_NS UINT64_C(500000000)
#define LEASES_UNWATCHED 16 /* questions between two looks at the clock */

/* One row being read. */
struct row {
	const struct smx_slot *slot;
	const uint64_t *cells;
	const struct smx__spans *spans;
	uint64_t *to;
	uint32_t n; /* cells */
	uint64_t limit; /* bytes */
	struct smx_live live;
	bool whole;
};

/* Is a write lock on the byte held by anybody?  A read lock, which anybody
 * who may read the file can take, does not count. */
static int
is_leased(const struct smx_view *v, uint32_t slot)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_SLOT0 + slot, .l_len = 1 };

	if (fcntl(v->fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

static void
read_gauges(struct row *r, uint64_t committed)
{
	uint32_t last;

	if (committed > r->limit)
		committed = r->limit;
	for (uint32_t i = 0; i < r->n; i++)
		r->to[i] = 0;
	for (size_t i = 0; i < r->spans->n; i++) {
		const struct smx__span *s = &r->spans->list[i];

		last = s->end < committed / 8 ? s->end :
						(uint32_t)(committed / 8);
		for (uint32_t k = s->first; k < last; k++)
			r->to[k] = smx__load_acquire(&r->cells[k]);
	}
}

static int
read_row(void *arg)
{
	struct row *r = arg;
	uint32_t generation = smx__load_acquire_u32(&r->slot->generation);
	uint64_t committed;

	if (generation == 0 || generation % 2 != 0)
		return 0;
	r->live.pid = smx__load_acquire_u32(&r->slot->pid);
	r->live.start_ns = smx__load_acquire(&r->slot->start_ns);
	committed = smx__load_acquire(&r->slot->gauge_committed);
	read_gauges(r, committed);
	r->whole = smx__load_relaxed_u32(&r->slot->generation) == generation;
	return 0;
}

/* Room for one more row. */
static int
make_room(struct smx_snapshot *s, const struct smx_view *v)
{
	uint64_t n = v->dir.catalog.n_gauges;
	uint64_t rows = (uint64_t)s->n_live + 1, cells = rows * n;
	int err;

	if (cells * 8 > v->dir.arena.limit)
		return -E2BIG;
	if (cells > s->cap_gauges)
		cells += cells / 2;
	err = smx__view_grow(&s->gauges, &s->cap_gauges, (size_t)cells,
	    sizeof(*s->gauges));
	if (err == 0 && rows > s->cap_live)
		err = smx__view_grow(&s->live, &s->cap_live, rows * 2,
		    sizeof(*s->live));
	return err;
}

static int
fill_row(struct smx_snapshot *s, struct smx_view *v, uint32_t slot, bool *whole)
{
	const struct smx_header *h = &v->header;
	uint64_t off = h->gauge_off + slot * h->gauge_stride;
	struct row r = { .n = v->dir.catalog.n_gauges,
		.limit = h->gauge_size, .spans = &v->spans };
	int err = make_room(s, v);

	if (err == 0)
		err = smx__spans_find(&v->spans, v->fd, off, 8, r.n);
	if (err == 0 && v->spans.n > 0)
		err = smx__view_map(v, off + (uint64_t)r.n * 8);
	if (err < 0)
		return err;
	r.slot = (const struct smx_slot *)(const void *)(v->base +
	    h->slot_off) + slot;
	r.cells = (const uint64_t *)(const void *)(v->base + off);
	r.to = r.n > 0 ? s->gauges + (size_t)s->n_live * r.n : NULL;
	r.live.slot = slot;
	err = smx__guard_run(v->base, v->mapped, read_row, &r);
	*whole = r.whole;
	s->live[s->n_live] = r.live;
	return err;
}

static int
add_slot(struct smx_snapshot *s, struct smx_view *v, uint32_t slot)
{
	bool whole = false;
	int held = is_leased(v, slot), err;

	if (held <= 0)
		return held;
	err = fill_row(s, v, slot, &whole);
	if (err < 0 || !whole)
		return err;
	held = is_leased(v, slot);
	if (held > 0)
		s->n_live++;
	return held < 0 ? held : 0;
}

/* Processes that found no slot hold a read lock on one common byte.  Asked
 * for with F_WRLCK, which only asking needs no writable descriptor for. */
static int
has_crowd(const struct smx_view *v)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = SMX_LOCK_CROWD, .l_len = 1 };

	if (fcntl(v->fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}

/* Of this thread: others that run do not make a file a bad one. */
static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int
smx__snapshot_slots(struct smx_snapshot *s, struct smx_view *v,
    uint32_t n_claimed, struct smx_error *error)
{
	uint64_t end = cpu_ns() + LEASES_NS;
	int err = 0, crowd;

	s->n_live = 0;
	for (uint32_t i = 0; i < n_claimed && err == 0; i++) {
		if (i % LEASES_UNWATCHED == 0 && cpu_ns() > end)
			return smx__view_fail(v, -E2BIG, "slots: so many locks "
			    "that asking who lives takes too long", error);
		err = add_slot(s, v, v->claimed[i]);
	}
	crowd = err == 0 ? has_crowd(v) : err;
	if (crowd < 0)
		return smx__view_fail(v, crowd, "slots", error);
	s->state.crowd = (uint32_t)crowd;
	s->state.slots_live = s->n_live;
	return 0;
}
