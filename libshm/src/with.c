/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with -- families whose label values are known at run time only.
 *
 * Each family has a cache from label values to handles: open addressing,
 * entries immutable once published, so that a look-up takes no lock.
 *
 * W1  An entry is filled, then its pointer store-released into the table;
 *     a table is filled, then store-released into the family.  Look-ups load
 *     both with acquire.
 * W2  Tables and entries are never freed: a look-up may still be in an old
 *     one.  Their number is bounded by the limit of series.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "register.h"
#include "text.h"

#define FIRST_ENTRIES 64u
#define RETRY_NS      UINT64_C(1000000000)

struct entry {
	struct smx__handle handle;
	size_t len;
	char values[];
};

struct slot {
	struct entry *entry;
	uint64_t hash;
};

struct cache {
	struct cache *older; /* W2 */
	size_t mask;
	size_t n;
	struct slot slots[];
};

struct smx__family {
	struct smx__definition def;
	struct cache *cache;
	uint32_t n_labels;
	uint32_t series_max;
	struct smx__handle other; /* guarded by the release of `overflowed` */
	int overflowed;
	uint64_t failed_ns; /* atomic; when registering last failed */
	struct smx__family *next;
};

/* A family for each definition, for ever: handles have no end. */
static struct smx__family *families;

static uint64_t
mix(uint64_t a, uint64_t b)
{
	smx__u128 m = (smx__u128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Eight bytes at a time, the length in the last: wyhash's way. */
static uint64_t
hash_value(const char *s, size_t len, uint64_t h)
{
	uint64_t word;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = mix(h ^ word, UINT64_C(0x9e3779b97f4a7c15));
	}
	word = (uint64_t)len << 56;
	if (len >= 4) {
		uint32_t lo, hi;

		memcpy(&lo, s, 4);
		memcpy(&hi, s + len - 4, 4);
		word ^= lo ^ (uint64_t)hi << 24;
	} else if (len > 0) {
		word ^= (uint64_t)(unsigned char)s[0] |
		    (uint64_t)(unsigned char)s[len / 2] << 8 |
		    (uint64_t)(unsigned char)s[len - 1] << 16;
	}
	return mix(h ^ word, UINT64_C(0xe7037ed1a0b428db));
}

struct values {
	const char *const *at;
	uint32_t n;
	uint64_t hash;
	size_t len[SMX_MAX_LABELS];
};

static void
measure(struct values *v, const char *const *values, uint32_t n)
{
	uint32_t i;

	v->at = values;
	v->n = n;
	v->hash = UINT64_C(0xa0761d6478bd642f);
	for (i = 0; i < n; i++) {
		v->len[i] = strlen(values[i]);
		v->hash = hash_value(values[i], v->len[i], v->hash);
	}
}

static bool
equal(const struct entry *e, const struct values *v)
{
	const char *at = e->values;
	uint32_t i;

	for (i = 0; i < v->n; i++) {
		if (strncmp(at, v->at[i], v->len[i] + 1) != 0)
			return false;
		at += v->len[i] + 1;
	}
	return true;
}

static const struct entry *
find(const struct smx__family *f, const struct values *v)
{
	const struct cache *c = __atomic_load_n(&f->cache, __ATOMIC_ACQUIRE);
	size_t i = (size_t)v->hash & c->mask;

	for (;; i = (i + 1) & c->mask) {
		const struct slot *s = &c->slots[i];
		const struct entry *e =
		    __atomic_load_n(&s->entry, __ATOMIC_ACQUIRE);

		if (e == NULL || (s->hash == v->hash && equal(e, v)))
			return e;
	}
}

static void
put(struct cache *c, uint64_t hash, struct entry *e)
{
	size_t i = (size_t)hash & c->mask;

	while (c->slots[i].entry != NULL)
		i = (i + 1) & c->mask;
	c->slots[i].hash = hash;
	__atomic_store_n(&c->slots[i].entry, e, __ATOMIC_RELEASE); /* W1 */
	c->n++;
}

static struct cache *
new_cache(size_t size, struct cache *older)
{
	struct cache *c = calloc(1, sizeof(*c) + size * sizeof(struct slot));
	size_t i;

	if (c == NULL)
		return NULL;
	c->mask = size - 1;
	c->older = older;
	for (i = 0; older && i <= older->mask; i++)
		if (older->slots[i].entry)
			put(c, older->slots[i].hash, older->slots[i].entry);
	return c;
}

static struct entry *
new_entry(const struct values *v, const struct smx__handle *h)
{
	size_t len = 0;
	struct entry *e;
	char *at;
	uint32_t i;

	for (i = 0; i < v->n; i++)
		len += v->len[i] + 1;
	e = malloc(sizeof(*e) + len);
	if (e == NULL)
		return NULL;
	e->handle = *h;
	e->len = len;
	for (i = 0, at = e->values; i < v->n; at += v->len[i] + 1, i++)
		memcpy(at, v->at[i], v->len[i] + 1);
	return e;
}

/* Without memory there is no cache, and look-ups are slow. */
static void
remember(struct smx__family *f, const struct values *v,
    const struct smx__handle *h)
{
	struct cache *c, *grown;
	struct entry *e;

	smx__enter(&smx__process);
	c = f->cache;
	if (find(f, v) != NULL)
		goto out; /* another thread was first */
	if (c->n * 2 > c->mask) {
		grown = new_cache((c->mask + 1) * 2, c);
		if (grown == NULL)
			goto out;
		__atomic_store_n(&f->cache, grown, __ATOMIC_RELEASE);
		c = grown;
	}
	e = new_entry(v, h);
	if (e)
		put(c, v->hash, e);
out:
	smx__leave(&smx__process);
}

/* The values in a row, as a series record has them. */
static int
join(const struct values *v, char *buf, size_t size, size_t *len)
{
	uint32_t i;

	*len = 0;
	for (i = 0; i < v->n; i++) {
		if (v->len[i] > SMX_MAX_VALUE || v->len[i] >= size - *len ||
		    !smx__text_valid(v->at[i], v->len[i]))
			return -EINVAL;
		memcpy(buf + *len, v->at[i], v->len[i] + 1);
		*len += v->len[i] + 1;
	}
	return 0;
}

/* The series that counts what has no series of its own. */
static struct smx__handle
take_other(struct smx__family *f)
{
	const char *names[SMX_MAX_LABELS];
	char joined[SMX_MAX_LABELS * sizeof("other")];
	struct smx__handle h = { 0 };
	struct values v;
	size_t len;
	uint32_t i;

	for (i = 0; i < f->n_labels; i++)
		names[i] = "other";
	measure(&v, names, f->n_labels);
	(void)join(&v, joined, sizeof(joined), &len);
	(void)smx__register_series(&h, &f->def, joined, len, 0, NULL);
	return h;
}

static struct smx__handle
overflow(struct smx__family *f)
{
	struct smx__process *p = &smx__process;
	struct smx__handle h = take_other(f);

	smx__enter(p);
	if (!f->overflowed && h.cell != 0) {
		f->other = h;
		/* release: look-ups that see the flag see the handle */
		__atomic_store_n(&f->overflowed, 1, __ATOMIC_RELEASE);
		if (p->state == SMX__ATTACHED)
			(void)__atomic_fetch_add(&p->header->overflowed, 1,
			    __ATOMIC_RELAXED);
	}
	smx__leave(p);
	return h;
}

/* After a failure, updates go to the sink for a while: a segment that is
 * full or held by a stopped sibling must not slow every update. */
static bool
failed_lately(const struct smx__family *f)
{
	uint64_t at = __atomic_load_n(&f->failed_ns, __ATOMIC_RELAXED);

	return at != 0 && smx__clock_ns() - at < RETRY_NS;
}

static struct smx__handle
miss(struct smx__family *f, const struct values *v)
{
	char joined[SMX_MAX_LABELS * (SMX_MAX_VALUE + 1)];
	struct smx__handle h = { 0 };
	size_t len;
	int rc;

	if (failed_lately(f))
		return h;
	if (join(v, joined, sizeof(joined), &len) < 0)
		return take_other(f);
	/* what an earlier life or a sibling has registered has its place */
	if (__atomic_load_n(&f->overflowed, __ATOMIC_ACQUIRE) &&
	    !smx__series_exists(&f->def, joined, len))
		return f->other;
	rc = smx__register_series(&h, &f->def, joined, len, f->series_max,
	    NULL);
	if (rc == -EDQUOT)
		return overflow(f);
	if (rc == 0)
		remember(f, v, &h);
	else
		__atomic_store_n(&f->failed_ns, smx__clock_ns(),
		    __ATOMIC_RELAXED);
	return h;
}

static struct smx__handle
lookup(struct smx__family *f, const char *const *values)
{
	struct smx__handle none = { 0 };
	const struct entry *e;
	struct values v;

	if (f == NULL)
		return none;
	measure(&v, values, f->n_labels);
	e = find(f, &v);
	return e ? e->handle : miss(f, &v);
}

/* The family of an equal definition, if this process has one. */
static struct smx__family *
known(const struct smx__definition *def)
{
	struct smx__family *f;

	for (f = families; f; f = f->next)
		if (strcmp(f->def.parts.name, def->parts.name) == 0 &&
		    smx__same_meaning(&f->def.parts, &def->parts))
			return f;
	return NULL;
}

static struct smx__family *
new_family(struct smx__definition *def, uint32_t series_max)
{
	struct smx__family *f = calloc(1, sizeof(*f));

	if (f)
		f->cache = new_cache(FIRST_ENTRIES, NULL);
	if (f == NULL || f->cache == NULL) {
		free(f);
		return NULL;
	}
	f->def = *def;
	memset(def, 0, sizeof(*def));
	f->n_labels = f->def.record->n_labels;
	f->series_max = series_max ? series_max
				   : smx__process.options.series_max;
	f->next = families;
	families = f;
	return f;
}

static int
register_family(struct smx__family **out, uint8_t type,
    const struct smx_desc *d, struct smx_error *err)
{
	struct smx__definition def;
	struct smx__handle ignored = { 0 };
	int rc = smx__define(&def, type, true, d, err);

	*out = NULL;
	if (rc < 0)
		smx__count_refusal();
	else
		rc = smx__register_series(&ignored, &def, NULL, 0, 0, err);
	if (rc < 0) {
		smx__definition_free(&def);
		return rc;
	}
	smx__enter(&smx__process);
	*out = known(&def);
	if (*out == NULL)
		*out = new_family(&def, d->series_max);
	smx__leave(&smx__process);
	smx__definition_free(&def);
	return *out ? 0 : -ENOMEM;
}

int
smx_counter_family(struct smx_counter_family *f, const struct smx_desc *d,
    struct smx_error *err)
{
	return register_family(&f->family, SMX_TYPE_COUNTER, d, err);
}

int
smx_gauge_family(struct smx_gauge_family *f, const struct smx_desc *d,
    struct smx_error *err)
{
	return register_family(&f->family, SMX_TYPE_GAUGE, d, err);
}

int
smx_histogram_family(struct smx_histogram_family *f, const struct smx_desc *d,
    struct smx_error *err)
{
	return register_family(&f->family, SMX_TYPE_HISTOGRAM, d, err);
}

struct smx_counter
smx_counter_with(struct smx_counter_family f, const char *const *values)
{
	struct smx_counter c = { lookup(f.family, values).cell };

	return c;
}

struct smx_gauge
smx_gauge_with(struct smx_gauge_family f, const char *const *values)
{
	struct smx_gauge g = { lookup(f.family, values).cell };

	return g;
}

struct smx_histogram
smx_histogram_with(struct smx_histogram_family f, const char *const *values)
{
	struct smx__handle got = lookup(f.family, values);
	struct smx_histogram h = { got.index, got.cell, got.exemplars };

	return h;
}
