/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot -- a process takes the slot of one that is dead, or a fresh one, and
 * puts what it finds there in order.  All under the registration lock.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "lock.h"
#include "process.h"

static uint64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int
lease_any(struct smx__process *p, int fd)
{
	uint32_t s;
	int rc;

	for (s = 0; s < p->geometry.slot_cap; s++) {
		rc = smx__lock_write(fd, SMX_LOCK_SLOT0 + s);
		if (rc == 0)
			p->slot = s;
		if (rc != -EAGAIN)
			return rc;
	}
	return -EAGAIN;
}

/* Map what earlier owners committed of the gauge area, and unset it all. */
static int
clear_gauges(struct smx__process *p, int fd, struct smx_slot *slot,
    struct smx_error *err)
{
	const struct smx_header *g = &p->geometry;
	uint64_t n = __atomic_load_n(&slot->gauge_committed, __ATOMIC_RELAXED);
	uint64_t i;
	int rc;

	if (n > g->gauge_size)
		n = g->gauge_size;
	if (n < SMX_SINK)
		n = SMX_SINK;
	rc = smx__area_reserve(&p->gauges,
	    g->gauge_off + p->slot * g->gauge_stride, g->gauge_size);
	if (rc < 0)
		return smx__fail(err, rc, "reserve a gauge area:");
	rc = smx__area_commit(&p->gauges, fd, n, &slot->gauge_committed, err);
	if (rc < 0)
		return rc;
	/* release: whoever sees one of these sees the odd generation; pairs
	 * with the reader's acquire loads of gauges */
	for (i = 0; i < n; i += 8)
		__atomic_store_n((uint64_t *)(p->gauges.base + i), 0,
		    __ATOMIC_RELEASE);
	return 0;
}

/*
 * The generation is odd while the slot is nobody's (I6): readers look at it
 * before and after the gauges.  It is a new one even where a killed takeover
 * has left an odd one: lanes may be that one's, and a sibling that judged them
 * dead must not meet us under the same name (L1; tests/model/claim.pml).
 */
static int
take_over(struct smx__process *p, int fd, struct smx_error *err)
{
	struct smx_slot *slot = &p->slots[p->slot];
	uint32_t odd =
	    (__atomic_load_n(&slot->generation, __ATOMIC_RELAXED) + 1) | 1;
	int rc;

	/* relaxed: the release stores below come after it */
	__atomic_store_n(&slot->generation, odd, __ATOMIC_RELAXED);
	rc = smx__lane_sweep_slot(p, fd, odd);
	if (rc == 0)
		rc = clear_gauges(p, fd, slot, err);
	if (rc < 0)
		return smx__fail(err, rc, "take slot %u over:", p->slot);
	__atomic_store_n(&slot->pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
	__atomic_store_n(&slot->start_ns, wall_ns(), __ATOMIC_RELEASE);
	p->generation = odd + 1;
	/* release: pairs with the reader's first, acquire, look */
	__atomic_store_n(&slot->generation, p->generation, __ATOMIC_RELEASE);
	return 0;
}

/* Nobody reads the gauges of a process without a slot. */
static int
private_gauges(struct smx__process *p)
{
	void *at;
	int rc = smx__area_reserve(&p->gauges, 0, p->geometry.gauge_size);

	if (rc < 0)
		return rc;
	at = mmap(p->gauges.reserved, p->gauges.reserved_size,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0);
	p->gauges.mapped = p->gauges.size;
	return at == MAP_FAILED ? -errno : 0;
}

static int
join_crowd(struct smx__process *p, int fd, struct smx_error *err)
{
	int rc = smx__lock_read(fd, SMX_LOCK_CROWD);

	if (rc == 0)
		rc = private_gauges(p);
	if (rc < 0)
		return smx__fail(err, rc, "join without a slot:");
	p->slot = SMX__NO_SLOT;
	(void)__atomic_fetch_add(&p->header->no_slot, 1, __ATOMIC_RELAXED);
	return 0;
}

int
smx__slot_take(struct smx__process *p, int fd, struct smx_error *err)
{
	int rc = lease_any(p, fd);

	if (rc == 0)
		return take_over(p, fd, err);
	if (rc == -EAGAIN)
		return join_crowd(p, fd, err);
	return smx__fail(err, rc, "lease:");
}
