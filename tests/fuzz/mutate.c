/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/mutate.h"

#include <string.h>

#include "tests/fuzz/records.h"

struct place {
	uint16_t off, size;
};

#define PLACE(s, field)                                                        \
	{                                                                      \
		offsetof(struct s, field), sizeof(((struct s *)0)->field)      \
	}
#define N(array) (sizeof(array) / sizeof((array)[0]))

static const struct place family_places[] = {
	PLACE(smx_family_record, type), PLACE(smx_family_record, gauge_mode),
	PLACE(smx_family_record, exponent), PLACE(smx_family_record, n_labels),
	PLACE(smx_family_record, hist_flags), PLACE(smx_family_record, schema),
	PLACE(smx_family_record, zero_exp2),
	PLACE(smx_family_record, n_buckets),
	PLACE(smx_family_record, name_len), PLACE(smx_family_record, unit_len),
	PLACE(smx_family_record, help_len),
	PLACE(smx_family_record, labels_len),
};

static const struct place series_places[] = {
	PLACE(smx_series_record, family), PLACE(smx_series_record, created_ns),
	PLACE(smx_series_record, cell), PLACE(smx_series_record, n_cells),
	PLACE(smx_series_record, values_len),
};

static const struct place record_places[] = {
	PLACE(smx_record, size), PLACE(smx_record, kind),
	PLACE(smx_record, flags), PLACE(smx_retire_record, family),
};

static const struct place exemplars_places[] = {
	PLACE(smx_exemplars_record, cell), PLACE(smx_exemplars_record, n),
	PLACE(smx_exemplars_record, off),
};

static const struct place header_places[] = {
	PLACE(smx_header, header_size), PLACE(smx_header, size),
	PLACE(smx_header, features), PLACE(smx_header, slot_off),
	PLACE(smx_header, lane_tab_off), PLACE(smx_header, dir_off),
	PLACE(smx_header, dir_size), PLACE(smx_header, gauge_off),
	PLACE(smx_header, gauge_stride), PLACE(smx_header, gauge_size),
	PLACE(smx_header, lane_off), PLACE(smx_header, lane_stride),
	PLACE(smx_header, lane_size), PLACE(smx_header, exemplar_off),
	PLACE(smx_header, exemplar_size), PLACE(smx_header, slot_cap),
	PLACE(smx_header, lane_cap), PLACE(smx_header, dir_tail),
	PLACE(smx_header, cells_reserved), PLACE(smx_header, gauges_reserved),
	PLACE(smx_header, refused), PLACE(smx_header, exemplars_committed),
};

/* Little-endian, as the format is. */
static void
change(unsigned char *bytes, struct place p, uint64_t *state)
{
	uint64_t old = 0, value;

	memcpy(&old, bytes + p.off, p.size);
	switch (fuzz_below(state, 3)) {
	case 0:
		value = old + 1 + fuzz_below(state, 16);
		break;
	case 1:
		value = old - 1 - fuzz_below(state, 16);
		break;
	default:
		value = fuzz_number(state);
	}
	memcpy(bytes + p.off, &value, p.size);
}

void
fuzz_mutate_header(uint8_t *bytes, uint64_t *state)
{
	change(
	    bytes, header_places[fuzz_below(state, N(header_places))], state);
}

static struct fuzz_record *
pick(struct fuzz_records *all, uint64_t *state)
{
	return &all->v[fuzz_below(state, all->n)];
}

/* One of that kind, or NULL. */
static struct fuzz_record *
pick_kind(struct fuzz_records *all, uint32_t kind, uint64_t *state)
{
	uint32_t first = fuzz_below(state, all->n);

	for (uint32_t i = 0; i < all->n; i++) {
		struct fuzz_record *r = &all->v[(first + i) % all->n];

		if (fuzz_is(r, kind))
			return r;
	}
	return NULL;
}

static void
change_number(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *r = pick(all, state);
	const struct place *places = record_places;
	uint32_t n = N(record_places);

	if (fuzz_is(r, SMX_RECORD_FAMILY)) {
		places = family_places;
		n = N(family_places);
	} else if (fuzz_is(r, SMX_RECORD_SERIES)) {
		places = series_places;
		n = N(series_places);
	} else if (fuzz_is(r, SMX_RECORD_EXEMPLARS)) {
		places = exemplars_places;
		n = N(exemplars_places);
	}
	change(r->bytes, places[fuzz_below(state, n)], state);
}

/* What names and values are made of, and what they may not hold. */
static const char *const texts[] = { "_total", "_sum", "_bucket", "_count",
	"_created", "a", "Z", "0", "_", ":", "le", "quantile", "process",
	"service", "__name__", "\"", "\\", "\n", "\t", "\x7f", "\xc3\xa9",
	"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc2\x9b", "\xed\xa0\x80", "\xff",
	"seconds", "bytes",
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };

static void
change_text(struct fuzz_records *all, uint64_t *state)
{
	static const enum fuzz_part parts[] = { PART_NAME, PART_UNIT, PART_HELP,
		PART_LABELS };
	struct fuzz_record *r = pick(all, state);
	enum fuzz_part part = fuzz_is(r, SMX_RECORD_SERIES)
				  ? PART_VALUES
				  : parts[fuzz_below(state, N(parts))];
	uint32_t len = fuzz_part_len(r, part);
	uint32_t at = fuzz_below(state, len + 1), cut;
	const char *text = texts[fuzz_below(state, N(texts))];

	cut = fuzz_below(state, 2) * fuzz_below(state, len - at + 1);
	fuzz_splice(r, part, at, cut, text,
	    fuzz_below(state, 4) == 0 ? 0 : (uint32_t)strlen(text));
}

/* One label more or less, with its value in all series. */
static void
change_labels(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *f = pick_kind(all, SMX_RECORD_FAMILY, state);
	char name[3] = "a";

	if (f == NULL || fuzz_family_of(f)->n_labels > SMX_MAX_LABELS)
		return;
	name[0] = (char)('a' + fuzz_family_of(f)->n_labels);
	fuzz_splice(f, PART_LABELS, fuzz_part_len(f, PART_LABELS), 0, name, 2);
	fuzz_family_of(f)->n_labels++;
	for (uint32_t i = 0; i < all->n; i++) {
		struct fuzz_record *s = &all->v[i];

		if (fuzz_is(s, SMX_RECORD_SERIES) &&
		    fuzz_series_of(s)->family == f->id)
			fuzz_splice(s, PART_VALUES,
			    fuzz_part_len(s, PART_VALUES), 0, name, 2);
	}
}

static uint64_t
upper_at(struct fuzz_record *f, uint32_t i)
{
	struct smx_bucket b;

	memcpy(&b, f->bytes + fuzz_part_off(f, PART_BUCKETS) + i * sizeof(b),
	    sizeof(b));
	return b.upper;
}

/* A bucket between two others, so that the bounds still ascend. */
static void
insert_bucket(struct fuzz_record *f, uint32_t n, uint64_t *state)
{
	uint32_t at = fuzz_below(state, n);
	uint64_t below = at > 0 ? upper_at(f, at - 1) : 0;
	uint64_t gap = upper_at(f, at) - below;
	struct smx_bucket b = { .native = (int32_t)fuzz_below(state, 64) - 32,
		.flags = fuzz_below(state, 4) };

	if (gap < 2)
		return;
	b.upper = below + 1 + fuzz_next(state) % (gap - 1);
	if (fuzz_below(state, 4) == 0)
		b.native = SMX_NATIVE_ZERO;
	fuzz_splice(
	    f, PART_BUCKETS, at * (uint32_t)sizeof(b), 0, &b, sizeof(b));
}

static const struct place bucket_places[] = {
	PLACE(smx_bucket, upper), PLACE(smx_bucket, native),
	PLACE(smx_bucket, flags),
};

static void
change_bucket(struct fuzz_record *f, uint32_t n, uint64_t *state)
{
	struct place p = bucket_places[fuzz_below(state, N(bucket_places))];

	change(f->bytes + fuzz_part_off(f, PART_BUCKETS) +
		   fuzz_below(state, n) * sizeof(struct smx_bucket),
	    p, state);
}

/* Its series have as many cells as it asks for. */
static void
fit_series(struct fuzz_records *all, struct fuzz_record *f)
{
	for (uint32_t i = 0; i < all->n; i++) {
		struct fuzz_record *s = &all->v[i];

		if (fuzz_is(s, SMX_RECORD_SERIES) &&
		    fuzz_series_of(s)->family == f->id)
			fuzz_series_of(s)->n_cells =
			    SMX_HIST_BUCKET + fuzz_family_of(f)->n_buckets;
	}
}

static void
change_buckets(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *f = pick_kind(all, SMX_RECORD_FAMILY, state);
	uint32_t size = sizeof(struct smx_bucket), n;

	if (f == NULL)
		return;
	n = fuzz_part_len(f, PART_BUCKETS) / size;
	if (n == 0)
		return;
	switch (fuzz_below(state, 3)) {
	case 0:
		fuzz_splice(f, PART_BUCKETS, fuzz_below(state, n) * size, size,
		    NULL, 0);
		break;
	case 1:
		insert_bucket(f, n, state);
		break;
	default:
		change_bucket(f, n, state);
		return;
	}
	fit_series(all, f);
}

/* The first cell that no series of the area has, or nearly. */
static uint32_t
free_cell(struct fuzz_records *all)
{
	uint32_t end = SMX_SINK;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct smx_series_record *s = fuzz_series_of(&all->v[i]);

		if (fuzz_is(&all->v[i], SMX_RECORD_SERIES) &&
		    s->cell < SMX_MAX_LANE && s->n_cells < SMX_MAX_BUCKETS &&
		    s->cell + s->n_cells * 8 > end)
			end = s->cell + s->n_cells * 8;
	}
	return end;
}

static void
add_series(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *f = pick_kind(all, SMX_RECORD_FAMILY, state);
	struct fuzz_record *r;
	uint32_t cell = free_cell(all), at;
	uint64_t id;

	if (f == NULL)
		return;
	id = f->id;
	at = (uint32_t)(f - all->v) + 1;
	r = fuzz_records_insert(all, at + fuzz_below(state, all->n - at + 1));
	if (r == NULL)
		return;
	f = &all->v[at - 1];
	fuzz_record_head(r)->kind = SMX_RECORD_SERIES;
	r->len = sizeof(struct smx_series_record);
	*fuzz_series_of(
	    r) = (struct smx_series_record){ .record.kind = SMX_RECORD_SERIES,
		.family = id,
		.cell = cell,
		.created_ns = fuzz_next(state) >> 2,
		.n_cells = fuzz_family_of(f)->type == SMX_TYPE_HISTOGRAM
			       ? SMX_HIST_BUCKET + fuzz_family_of(f)->n_buckets
			       : 1 };
	for (uint32_t i = 0; i < fuzz_family_of(f)->n_labels; i++) {
		char value[2] = { (char)('a' + fuzz_below(state, 26)), '\0' };

		fuzz_splice(r, PART_VALUES, 2 * i, 0, value, 2);
	}
}

static void
add_retirement(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *f = pick_kind(all, SMX_RECORD_FAMILY, state);
	struct fuzz_record *r;
	struct smx_retire_record t = { .record.kind = SMX_RECORD_RETIRE };

	if (f == NULL)
		return;
	t.family = f->id;
	r = fuzz_records_insert(all, all->n);
	if (r == NULL)
		return;
	memcpy(r->bytes, &t, sizeof(t));
	r->len = sizeof(t);
}

/* A record again, elsewhere: twins, and definitions that replace others. */
static void
add_copy(struct fuzz_records *all, uint64_t *state)
{
	uint32_t from = fuzz_below(state, all->n);
	uint32_t to = fuzz_below(state, all->n + 1);
	struct fuzz_record *r = fuzz_records_insert(all, to);
	uint64_t id;

	if (r == NULL)
		return;
	id = r->id;
	*r = all->v[from < to ? from : from + 1];
	r->id = id;
}

static void
move_record(struct fuzz_records *all, uint64_t *state)
{
	static struct fuzz_record kept;
	struct fuzz_record *a = pick(all, state), *b = pick(all, state);

	kept = *a;
	*a = *b;
	*b = kept;
}

static void
change_raw(struct fuzz_records *all, uint64_t *state)
{
	struct fuzz_record *r = pick(all, state);

	r->len = (uint32_t)LLVMFuzzerMutate(r->bytes, r->len, RECORD_ROOM - 8);
	if (r->len < sizeof(struct smx_record))
		r->len = sizeof(struct smx_record);
}

static void
mutate_records(struct fuzz_records *all, uint64_t *state)
{
	static void (*const ways[])(struct fuzz_records *, uint64_t *) = {
		change_number,
		change_number,
		change_text,
		change_text,
		change_labels,
		change_buckets,
		change_buckets,
		add_series,
		add_series,
		add_retirement,
		add_copy,
		move_record,
		change_raw,
	};
	uint32_t way = fuzz_below(state, N(ways) + 1);

	if (way < N(ways))
		ways[way](all, state);
	else
		fuzz_records_remove(all, fuzz_below(state, all->n));
}

size_t
fuzz_mutate_directory(uint8_t *bytes, size_t size, size_t max, uint64_t *state)
{
	struct fuzz_records *all = fuzz_records_read(bytes, size);

	if (all->n == 0)
		return LLVMFuzzerMutate(bytes, size, max);
	for (uint32_t k = fuzz_below(state, 3) + 1; k > 0 && all->n > 0; k--)
		mutate_records(all, state);
	return fuzz_records_write(all, bytes, max);
}
