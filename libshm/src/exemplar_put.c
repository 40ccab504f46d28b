/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exemplar_put -- the writing side of exemplars: their region in this
 * process, and the one call of hot.h.
 *
 * All threads and processes of a service share the slots.  A slot is locked
 * by its owner word, and nobody waits: whoever finds it locked goes without
 * his exemplar.  A slot that a killed process has locked is taken from it
 * once its process slot has another generation.
 */
#include "exemplar_put.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "exemplar.h"
#include "fail.h"
#include "index.h"
#include "register.h"

/* What smx__exemplar_put() looks at without the lock.  The base is stored
 * last and loaded first. */
static uintptr_t region; /* 0: none now */
static uint64_t self;	 /* the owner word of this process */
static const struct smx_slot *processes;
static uint32_t n_processes;

struct text {
	size_t len;
	union {
		char bytes[SMX_EXEMPLAR_TEXT];
		uint64_t words[SMX_EXEMPLAR_TEXT / 8];
	};
};

static bool
append(struct text *t, const char *s)
{
	size_t n = s ? strlen(s) + 1 : SIZE_MAX;

	if (n > sizeof(t->bytes) - t->len)
		return false;
	memcpy(t->bytes + t->len, s, n);
	t->len += n;
	return true;
}

static bool
gather(struct text *t, const struct smx_label *l)
{
	memset(t, 0, sizeof(*t));
	for (; l->name; l++)
		if (!append(t, l->name) || !append(t, l->value))
			return false;
	return smx__exemplar_labels(t->bytes, t->len) > 0;
}

/* Its slot has been taken by another process since: it is dead. */
static bool
is_dead(uint64_t owner)
{
	uint64_t slot = (owner >> 32) - 1;

	return slot >= n_processes ||
	    __atomic_load_n(&processes[slot].generation, __ATOMIC_ACQUIRE) !=
		(uint32_t)owner;
}

static bool
lock(struct smx_exemplar_slot *s, uint64_t me)
{
	uint64_t seen = __atomic_load_n(&s->owner, __ATOMIC_RELAXED);

	if (seen != SMX_OWNER_NONE && !is_dead(seen))
		return false;
	/* acquire: pairs with the release of whoever had it before */
	return __atomic_compare_exchange_n(&s->owner, &seen, me, 0,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* The release stores come after that of the odd seq, and the last of them,
 * the even one, after all; pairs with the acquire loads of the reader. */
static void
fill(struct smx_exemplar_slot *s, uint64_t value, const struct text *t)
{
	uint64_t seq = __atomic_load_n(&s->seq, __ATOMIC_RELAXED);
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	seq = (seq + 1) | 1; /* it is odd if its writer was killed */
	__atomic_store_n(&s->seq, seq, __ATOMIC_RELAXED);
	__atomic_store_n(&s->value, value, __ATOMIC_RELEASE);
	__atomic_store_n(&s->time_ns, (uint64_t)now.tv_sec * 1000000000u +
	    (uint64_t)now.tv_nsec, __ATOMIC_RELEASE);
	__atomic_store_n(&s->len, t->len, __ATOMIC_RELEASE);
	for (size_t i = 0; i * 8 < t->len; i++)
		__atomic_store_n(&s->text[i], t->words[i], __ATOMIC_RELEASE);
	__atomic_store_n(&s->seq, seq + 1, __ATOMIC_RELEASE);
}

void
smx__exemplar_put(struct smx_histogram h, uint64_t value,
    const struct smx_label *labels)
{
	/* acquire: pairs with smx__exemplars_publish() */
	uintptr_t base = __atomic_load_n(&region, __ATOMIC_ACQUIRE);
	struct smx_exemplar_slot *s;
	struct text text;
	uint64_t i;

	if (base == 0 || h.exemplars == 0 || h.index == NULL || value >> 63 ||
	    !gather(&text, labels))
		return;
	i = smx__index_slots(h.index)[smx__bucket_of(h.index, value)];
	s = (struct smx_exemplar_slot *)(base + h.exemplars) + i;
	if (!lock(s, self))
		return;
	fill(s, value, &text);
	__atomic_store_n(&s->owner, SMX_OWNER_NONE, __ATOMIC_RELEASE);
}

/* Bytes of the region up to the end of these slots. */
static uint64_t
end_of(const struct smx__exemplars_key *k)
{
	return k->off + (uint64_t)k->n * sizeof(struct smx_exemplar_slot);
}

int
smx__exemplars_commit(struct smx__process *p, int fd, uint64_t end,
    struct smx_error *err)
{
	const struct smx_header *g = &p->geometry;
	int rc = 0;

	if (end > g->exemplar_size)
		return smx__fail(err, -ENOSPC, "no room for more exemplars "
		    "(raise smx_options.exemplars)");
	if (p->exemplars.reserved == NULL)
		rc = smx__area_reserve(&p->exemplars, g->exemplar_off,
		    g->exemplar_size);
	if (rc < 0)
		return smx__fail(err, rc, "reserve exemplars:");
	return smx__area_commit(&p->exemplars, fd, end,
	    &p->header->exemplars_committed, err);
}

void
smx__exemplars_publish(const struct smx__process *p)
{
	if (p->exemplars.base == NULL || p->slot == SMX__NO_SLOT)
		return;
	self = (uint64_t)(p->slot + 1) << 32 | p->generation;
	processes = p->slots;
	n_processes = p->geometry.slot_cap;
	__atomic_store_n(&region, (uintptr_t)p->exemplars.base,
	    __ATOMIC_RELEASE);
}

static int
add(struct smx__process *p, int fd, const struct smx__family_key *f,
    uint32_t cell)
{
	struct smx_exemplars_record r = { .cell = cell,
		.n = smx__exemplar_slots(f->parts.buckets,
		    f->record->n_buckets, NULL),
		.off = p->keys.exemplars_end };
	const struct smx__exemplars_key key = { r.cell, r.n, r.off };
	int rc = smx__exemplars_commit(p, fd, end_of(&key), NULL);

	if (rc < 0)
		return rc;
	smx__record_seal(&r.record, SMX_RECORD_EXEMPLARS, sizeof(r));
	return smx__append(p, fd, &r.record, NULL);
}

void
smx__exemplars_get(struct smx__process *p, int fd,
    const struct smx__family_key *f, uint32_t cell)
{
	const struct smx__exemplars_key *e = smx__keys_exemplars(&p->keys, cell);
	int rc = 0;

	if (e == NULL) {
		rc = add(p, fd, f, cell);
		e = smx__keys_exemplars(&p->keys, cell);
	} else if (end_of(e) > p->exemplars_need) {
		rc = smx__exemplars_commit(p, fd, end_of(e), NULL);
	}
	if (rc < 0 || e == NULL) {
		(void)__atomic_fetch_add(&p->header->refused, 1,
		    __ATOMIC_RELAXED);
		return;
	}
	if (end_of(e) > p->exemplars_need)
		p->exemplars_need = end_of(e);
	smx__exemplars_publish(p);
}

uint32_t
smx__exemplars_of(const struct smx__process *p, uint32_t cell)
{
	const struct smx__exemplars_key *e = smx__keys_exemplars(&p->keys, cell);

	return e && end_of(e) <= p->exemplars_need ? (uint32_t)e->off : 0;
}

void
smx__exemplars_let_go(struct smx__process *p)
{
	__atomic_store_n(&region, 0, __ATOMIC_RELAXED);
	if (p->exemplars.reserved)
		(void)smx__area_sink(&p->exemplars);
}
