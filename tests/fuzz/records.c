/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/records.h"

#include <string.h>

#include "libshm/src/crc32.h"

/* Never an offset: those are multiples of 8. */
#define ID_NEW UINT64_C(0x8000000000000001)

struct smx_record *
fuzz_record_head(struct fuzz_record *r)
{
	return (void *)r->bytes;
}

struct smx_family_record *
fuzz_family_of(struct fuzz_record *r)
{
	return (void *)r->bytes;
}

struct smx_series_record *
fuzz_series_of(struct fuzz_record *r)
{
	return (void *)r->bytes;
}

static uint32_t
fixed_size(uint32_t kind)
{
	switch (kind) {
	case SMX_RECORD_FAMILY:
		return sizeof(struct smx_family_record);
	case SMX_RECORD_SERIES:
		return sizeof(struct smx_series_record);
	case SMX_RECORD_RETIRE:
		return sizeof(struct smx_retire_record);
	case SMX_RECORD_EXEMPLARS:
		return sizeof(struct smx_exemplars_record);
	default:
		return sizeof(struct smx_record);
	}
}

bool
fuzz_is(const struct fuzz_record *r, uint32_t kind)
{
	const struct smx_record *head = (const void *)r->bytes;

	return head->kind == kind && r->len >= fixed_size(kind);
}

/* Without its NUL, where it has one. */
static uint32_t
counted_len(struct fuzz_record *r, enum fuzz_part part)
{
	const struct smx_family_record *f = fuzz_family_of(r);

	switch (part) {
	case PART_BUCKETS:
		return f->n_buckets > RECORD_ROOM
			   ? RECORD_ROOM
			   : f->n_buckets * (uint32_t)sizeof(struct smx_bucket);
	case PART_NAME:
		return f->name_len;
	case PART_UNIT:
		return f->unit_len;
	case PART_HELP:
		return f->help_len > RECORD_ROOM ? RECORD_ROOM : f->help_len;
	case PART_LABELS:
		return f->labels_len > RECORD_ROOM ? RECORD_ROOM
						   : f->labels_len;
	default:
		return fuzz_series_of(r)->values_len > RECORD_ROOM
			   ? RECORD_ROOM
			   : fuzz_series_of(r)->values_len;
	}
}

static bool
has_part(const struct fuzz_record *r, enum fuzz_part part)
{
	return fuzz_is(
	    r, part == PART_VALUES ? SMX_RECORD_SERIES : SMX_RECORD_FAMILY);
}

uint32_t
fuzz_part_off(struct fuzz_record *r, enum fuzz_part part)
{
	uint32_t at = fixed_size(fuzz_record_head(r)->kind);

	if (part == PART_VALUES)
		return at;
	for (enum fuzz_part p = PART_BUCKETS; p < part; p++)
		at += counted_len(r, p) + (p > PART_BUCKETS);
	return at;
}

/* As far as it lies in the record. */
uint32_t
fuzz_part_len(struct fuzz_record *r, enum fuzz_part part)
{
	uint32_t off, len;

	if (!has_part(r, part))
		return 0;
	off = fuzz_part_off(r, part);
	len = counted_len(r, part);
	return off >= r->len ? 0 : len < r->len - off ? len : r->len - off;
}

static uint32_t
unpadded_len(struct fuzz_record *r, uint32_t size)
{
	enum fuzz_part last =
	    fuzz_is(r, SMX_RECORD_SERIES) ? PART_VALUES : PART_LABELS;
	uint32_t len;

	if (!has_part(r, last))
		return size;
	len = fuzz_part_off(r, last) + counted_len(r, last);
	return len < size && size - len < 8 ? len : size;
}

struct fuzz_records *
fuzz_records_read(const unsigned char *bytes, size_t n)
{
	static struct fuzz_records all;
	struct smx_record head;
	struct fuzz_record *r;

	all.n = 0;
	for (size_t at = 0; n - at >= sizeof(head) && all.n < RECORDS_MAX;
	     at += head.size) {
		memcpy(&head, bytes + at, sizeof(head));
		if (head.size < sizeof(head) || head.size % 8 != 0 ||
		    head.size > n - at)
			break;
		if (head.size > RECORD_ROOM)
			continue;
		r = &all.v[all.n++];
		memset(r, 0, sizeof(*r));
		memcpy(r->bytes, bytes + at, head.size);
		r->id = at;
		r->len = head.size;
		r->len = unpadded_len(r, head.size);
	}
	return &all;
}

static uint64_t *
reference(struct fuzz_record *r)
{
	struct smx_retire_record *t = (void *)r->bytes;

	if (fuzz_is(r, SMX_RECORD_SERIES))
		return &fuzz_series_of(r)->family;
	return fuzz_is(r, SMX_RECORD_RETIRE) ? &t->family : NULL;
}

static uint32_t
padded(uint32_t n)
{
	return (n + 7) / 8 * 8;
}

/* Those that name a family by its id, from now on by where it will be. */
static void
resolve(struct fuzz_records *all)
{
	uint64_t off[RECORDS_MAX], at = 0, *ref;
	uint32_t k;

	for (uint32_t i = 0; i < all->n; i++) {
		off[i] = at;
		at += padded(all->v[i].len);
	}
	for (uint32_t i = 0; i < all->n; i++) {
		ref = reference(&all->v[i]);
		for (k = 0; ref != NULL && k < all->n; k++)
			if (all->v[k].id == *ref)
				break;
		if (ref != NULL && k < all->n)
			*ref = off[k];
	}
}

size_t
fuzz_records_write(struct fuzz_records *all, unsigned char *bytes, size_t max)
{
	struct smx_record *head;
	size_t at = 0;

	resolve(all);
	for (uint32_t i = 0; i < all->n; i++) {
		head = fuzz_record_head(&all->v[i]);
		head->size = padded(all->v[i].len);
		if (head->size > max - at)
			break;
		head->crc = smx__crc32(all->v[i].bytes + 8, head->size - 8);
		memcpy(bytes + at, all->v[i].bytes, head->size);
		at += head->size;
	}
	return at;
}

struct fuzz_record *
fuzz_records_insert(struct fuzz_records *all, uint32_t at)
{
	static uint64_t last;
	struct fuzz_record *r = &all->v[at];

	if (all->n == RECORDS_MAX)
		return NULL;
	memmove(r + 1, r, (all->n - at) * sizeof(*r));
	memset(r, 0, sizeof(*r));
	r->id = ID_NEW + 2 * last++;
	r->len = sizeof(struct smx_record);
	all->n++;
	return r;
}

void
fuzz_records_remove(struct fuzz_records *all, uint32_t at)
{
	struct fuzz_record *r = &all->v[at];

	memmove(r, r + 1, (all->n - at - 1) * sizeof(*r));
	all->n--;
}

static void
count(struct fuzz_record *r, enum fuzz_part part, uint32_t cut, uint32_t n)
{
	struct smx_family_record *f = fuzz_family_of(r);
	uint32_t size = sizeof(struct smx_bucket);

	switch (part) {
	case PART_BUCKETS:
		f->n_buckets += n / size - cut / size;
		break;
	case PART_NAME:
		f->name_len = (uint16_t)(f->name_len + n - cut);
		break;
	case PART_UNIT:
		f->unit_len = (uint16_t)(f->unit_len + n - cut);
		break;
	case PART_HELP:
		f->help_len += n - cut;
		break;
	case PART_LABELS:
		f->labels_len += n - cut;
		break;
	default:
		fuzz_series_of(r)->values_len += n - cut;
	}
}

void
fuzz_splice(struct fuzz_record *r, enum fuzz_part part, uint32_t at,
    uint32_t cut, const void *put, uint32_t n)
{
	uint32_t off, len = fuzz_part_len(r, part);
	unsigned char *to;

	if (!has_part(r, part) || at > len || cut > len - at ||
	    n > RECORD_ROOM - 8 - r->len)
		return;
	off = fuzz_part_off(r, part) + at;
	if (off + cut > r->len)
		return;
	to = r->bytes + off;
	memmove(to + n, to + cut, r->len - off - cut);
	if (n > 0)
		memcpy(to, put, n);
	r->len = r->len - cut + n;
	memset(r->bytes + r->len, 0, RECORD_ROOM - r->len);
	count(r, part, cut, n);
}

void
fuzz_seal_directory(unsigned char *bytes, size_t n)
{
	struct smx_record head;

	for (size_t at = 0; n - at >= sizeof(head); at += head.size) {
		memcpy(&head, bytes + at, sizeof(head));
		if (head.size < sizeof(head) || head.size % 8 != 0 ||
		    head.size > n - at)
			return;
		head.crc = smx__crc32(bytes + at + 8, head.size - 8);
		memcpy(bytes + at, &head, sizeof(head));
	}
}

void
fuzz_seal_header(unsigned char *bytes)
{
	uint32_t crc =
	    smx__crc32(bytes + 8, offsetof(struct smx_header, crc) - 8);

	memcpy(bytes + offsetof(struct smx_header, crc), &crc, 4);
}
