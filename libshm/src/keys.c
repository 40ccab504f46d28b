/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "table.h"

int
smx__keys_create(struct smx__keys *k)
{
	memset(k, 0, sizeof(*k));
	k->cells_end = k->gauges_end = k->exemplars_end = SMX_SINK;
	if (smx__table_create(&k->families) == 0 &&
	    smx__table_create(&k->series) == 0)
		return 0;
	smx__table_destroy(&k->families);
	return -ENOMEM;
}

static void
free_all(struct smx__table *t, void (*release)(struct smx__key *))
{
	size_t i;

	for (i = 0; t->buckets && i <= t->mask; i++)
		while (t->buckets[i]) {
			struct smx__key *key = t->buckets[i];

			t->buckets[i] = key->next;
			release(key);
		}
	smx__table_destroy(t);
}

static void
free_family(struct smx__key *key)
{
	struct smx__family_key *f = (struct smx__family_key *)key;

	free(f->record);
	free(f);
}

static void
free_series(struct smx__key *key)
{
	free((struct smx__series_key *)key);
}

void
smx__keys_destroy(struct smx__keys *k)
{
	free_all(&k->families, free_family);
	free(k->by_offset);
	free(k->exemplars);
	free_all(&k->series, free_series);
	memset(k, 0, sizeof(*k));
}

struct smx__family_key *
smx__keys_namesake(const struct smx__keys *k, const char *name, size_t len,
    const struct smx__family_key *after)
{
	uint64_t hash = smx__hash(name, len, 0);
	struct smx__key *key = after ? smx__table_next(&after->key, hash)
				     : smx__table_find(&k->families, hash);

	for (; key; key = smx__table_next(key, hash)) {
		struct smx__family_key *f = (struct smx__family_key *)key;

		if (f->record->name_len == len &&
		    memcmp(f->parts.name, name, len) == 0)
			return f;
	}
	return NULL;
}

struct smx__family_key *
smx__keys_family(const struct smx__keys *k, const char *name, size_t len)
{
	struct smx__family_key *f = smx__keys_namesake(k, name, len, NULL);

	while (f && f->retired)
		f = smx__keys_namesake(k, name, len, f);
	return f;
}

static uint64_t
series_hash(const struct smx__family_key *f, const char *values, size_t len)
{
	return smx__hash(values, len, f->offset + 1);
}

struct smx__series_key *
smx__keys_series(const struct smx__keys *k, const struct smx__family_key *f,
    const char *values, size_t len)
{
	uint64_t hash = series_hash(f, values, len);
	struct smx__key *key = smx__table_find(&k->series, hash);

	for (; key; key = smx__table_next(key, hash)) {
		struct smx__series_key *s = (struct smx__series_key *)key;

		if (s->family == f && s->values_len == len &&
		    (len == 0 || memcmp(s->values, values, len) == 0))
			return s;
	}
	return NULL;
}

void
smx__keys_each_series(const struct smx__keys *k,
    void (*visit)(const struct smx__series_key *, void *), void *arg)
{
	const struct smx__key *key;
	size_t i;

	for (i = 0; i <= k->series.mask; i++)
		for (key = k->series.buckets[i]; key; key = key->next)
			visit((const struct smx__series_key *)key, arg);
}

/* Few histograms have any, and this is asked when one is registered. */
const struct smx__exemplars_key *
smx__keys_exemplars(const struct smx__keys *k, uint32_t cell)
{
	size_t i;

	for (i = 0; i < k->n_exemplars; i++)
		if (k->exemplars[i].cell == cell)
			return &k->exemplars[i];
	return NULL;
}

static struct smx__family_key *
family_at(const struct smx__keys *k, uint64_t offset)
{
	size_t lo = 0, hi = k->n_families;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (k->by_offset[mid]->offset == offset)
			return k->by_offset[mid];
		if (k->by_offset[mid]->offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static int
remember(struct smx__keys *k, struct smx__family_key *f)
{
	if (k->n_families == k->cap_families) {
		size_t cap = k->cap_families ? 2 * k->cap_families : 64;
		void *grown = realloc(k->by_offset, cap * sizeof(f));

		if (grown == NULL)
			return -ENOMEM;
		k->by_offset = grown;
		k->cap_families = cap;
	}
	if (smx__table_add(&k->families, &f->key) < 0)
		return -ENOMEM;
	k->by_offset[k->n_families++] = f;
	return 0;
}

/* As in the reader: the retirement may be lost with a killed writer. */
static void
retire_namesake(struct smx__keys *k, const struct smx__family_key *f)
{
	struct smx__family_key *old = smx__keys_family(k, f->parts.name,
	    f->record->name_len);

	if (old)
		old->retired = true;
}

static int
add_family(struct smx__keys *k, const struct smx_record *r, uint64_t offset)
{
	struct smx__family_key *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->offset = offset;
	f->record = malloc(r->size);
	if (f->record == NULL)
		goto no_memory;
	memcpy(f->record, r, r->size);
	if (smx__family_decode(&f->record->record, &f->parts) != NULL) {
		free_family(&f->key);
		return -EBADMSG;
	}
	f->key.hash = smx__hash(f->parts.name, f->record->name_len, 0);
	retire_namesake(k, f);
	if (remember(k, f) < 0)
		goto no_memory;
	return 0;
no_memory:
	free_family(&f->key);
	return -ENOMEM;
}

static void
raise_end(uint64_t *end, uint64_t to)
{
	if (*end < to)
		*end = to;
}

static int
add_series(struct smx__keys *k, const struct smx_record *r)
{
	const struct smx_series_record *fixed;
	const char *values;
	struct smx__series_key *s;

	if (smx__series_decode(r, &fixed, &values) != NULL)
		return -EBADMSG;
	s = calloc(1, sizeof(*s) + fixed->values_len);
	if (s == NULL)
		return -ENOMEM;
	s->family = family_at(k, fixed->family);
	if (s->family == NULL) {
		free(s);
		return -EBADMSG;
	}
	s->cell = fixed->cell;
	s->n_cells = fixed->n_cells;
	s->values_len = fixed->values_len;
	memcpy(s->values, values, fixed->values_len);
	s->key.hash = series_hash(s->family, s->values, s->values_len);
	if (smx__table_add(&k->series, &s->key) < 0) {
		free(s);
		return -ENOMEM;
	}
	s->family->n_series++;
	raise_end(s->family->record->type == SMX_TYPE_GAUGE ? &k->gauges_end
							    : &k->cells_end,
	    s->cell + s->n_cells * UINT64_C(8));
	return 0;
}

static int
retire(struct smx__keys *k, const struct smx_record *r)
{
	const struct smx_retire_record *fixed;
	struct smx__family_key *f;

	if (smx__retire_decode(r, &fixed) != NULL)
		return -EBADMSG;
	f = family_at(k, fixed->family);
	if (f)
		f->retired = true;
	return 0;
}

static int
add_exemplars(struct smx__keys *k, const struct smx_record *r)
{
	const struct smx_exemplars_record *fixed;

	if (smx__exemplars_decode(r, &fixed) != NULL)
		return -EBADMSG;
	if (k->n_exemplars == k->cap_exemplars) {
		size_t cap = k->cap_exemplars ? 2 * k->cap_exemplars : 16;
		void *grown =
		    realloc(k->exemplars, cap * sizeof(*k->exemplars));

		if (grown == NULL)
			return -ENOMEM;
		k->exemplars = grown;
		k->cap_exemplars = cap;
	}
	k->exemplars[k->n_exemplars++] =
	    (struct smx__exemplars_key){ fixed->cell, fixed->n, fixed->off };
	raise_end(&k->exemplars_end,
	    fixed->off + fixed->n * (uint64_t)sizeof(struct smx_exemplar_slot));
	return 0;
}

static int
add_record(struct smx__keys *k, const struct smx_record *r, uint64_t offset)
{
	switch (r->kind) {
	case SMX_RECORD_FAMILY:
		return add_family(k, r, offset);
	case SMX_RECORD_SERIES:
		return add_series(k, r);
	case SMX_RECORD_RETIRE:
		return retire(k, r);
	case SMX_RECORD_EXEMPLARS:
		return add_exemplars(k, r);
	default:
		return 0; /* of a later library */
	}
}

static int
add_records(struct smx__keys *k, const unsigned char *bytes, size_t size)
{
	size_t at = 0;
	int rc;

	while (at < size) {
		const struct smx_record *r;

		if (size - at < sizeof(*r) ||
		    smx__record_frame(bytes + at, size - at) != NULL)
			return -EBADMSG;
		r = (const struct smx_record *)(bytes + at);
		rc = add_record(k, r, k->read_to);
		if (rc < 0)
			return rc;
		at += r->size;
		k->read_to += r->size;
	}
	return 0;
}

int
smx__keys_add(struct smx__keys *k, const struct smx_record *r,
    struct smx_error *err)
{
	int rc = add_records(k, (const unsigned char *)r, r->size);

	return rc < 0 ? smx__fail(err, rc, "directory:") : 0;
}

int
smx__keys_refresh(struct smx__keys *k, int fd,
    const struct smx_header *geometry, const struct smx_header *shared,
    struct smx_error *err)
{
	uint64_t tail = __atomic_load_n(&shared->dir_tail, __ATOMIC_ACQUIRE);
	unsigned char *bytes;
	size_t size;
	ssize_t n;
	int rc;

	if (tail == k->read_to)
		return 0;
	if (tail < k->read_to || tail > geometry->dir_size)
		return smx__fail(err, -EBADMSG, "the directory's tail lies");
	size = (size_t)(tail - k->read_to);
	bytes = malloc(size);
	if (bytes == NULL)
		return smx__fail(err, -ENOMEM, "directory:");
	n = pread(fd, bytes, size, (off_t)(geometry->dir_off + k->read_to));
	if (n == (ssize_t)size)
		rc = add_records(k, bytes, size);
	else
		rc = n < 0 ? -errno : -EBADMSG;
	free(bytes);
	return rc < 0 ? smx__fail(err, rc, "directory:") : 0;
}
