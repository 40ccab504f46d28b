/* SPDX-License-Identifier: Apache-2.0 */
#include "ladder.h"

#include <math.h>
#include <string.h>

#include "number.h"

static bool
same_bounds(const struct smx_family_info *a, const struct smx_family_info *b)
{
	return a->n_buckets == b->n_buckets && a->exponent == b->exponent &&
	       a->hist_flags == b->hist_flags && a->schema == b->schema &&
	       a->zero_exp2 == b->zero_exp2 &&
	       memcmp(a->buckets, b->buckets,
		   a->n_buckets * sizeof(*a->buckets)) == 0;
}

static bool
is_rung(const struct smx_family_info *f, const struct smx_bucket *b)
{
	uint32_t wanted = f->hist_flags & SMX_HIST_EXPLICIT
			      ? SMX_BUCKET_EXPLICIT
			      : SMX_BUCKET_POWER;

	return (b->flags & wanted) != 0 && b->upper != UINT64_MAX;
}

/* The power of two that a bucket's integer bound is the floor of.  Buckets
 * that became one have the lowest index: round it up to a power. */
static double
power_of(const struct smx_family_info *f, const struct smx_bucket *b)
{
	int64_t per_power = INT64_C(1) << f->schema;

	if (b->native == SMX_NATIVE_ZERO)
		return ldexp(1, f->zero_exp2);
	return ldexp(1, (int)((b->native + per_power - 1) >> f->schema));
}

static struct expo_text
put_le(struct expo_arena *a, const struct smx_family_info *f,
    const struct smx_bucket *b, double upper)
{
	char number[EXPO_NUMBER_ROOM + 2];
	size_t start = a->len;
	size_t n;

	if (f->hist_flags & SMX_HIST_EXPLICIT && isfinite(upper))
		n = expo_decimal(number, b->upper, f->exponent);
	else
		n = expo_double(number, upper);
	n = expo_canonical(number, n);
	expo_arena_str(a, ",le=\"");
	expo_arena_put(a, number, n);
	expo_arena_str(a, "\"} ");
	return expo_arena_since(a, start);
}

static void
add_rung(struct expo_ladders *l, struct expo_arena *a,
    const struct smx_family_info *f, uint32_t bucket, double upper)
{
	struct expo_rung rung = { .bucket = bucket, .upper = upper };

	if (a->err == 0)
		a->err =
		    expo_grow(&l->rungs, &l->cap, l->n + 1, sizeof(*l->rungs));
	if (a->err != 0)
		return;
	rung.le = put_le(a, f, &f->buckets[bucket], upper);
	l->rungs[l->n++] = rung;
}

static struct expo_ladder
make_ladder(struct expo_ladders *l, struct expo_arena *a,
    const struct smx_family_info *f)
{
	struct expo_ladder ladder = { .first = (uint32_t)l->n };
	double last = -INFINITY;

	for (uint32_t i = 0; i < f->n_buckets; i++) {
		const struct smx_bucket *b = &f->buckets[i];
		double upper;

		if (!is_rung(f, b))
			continue;
		upper = f->hist_flags & SMX_HIST_EXPLICIT
			    ? expo_value(b->upper, f->exponent)
			    : power_of(f, b);
		if (upper > last && isfinite(upper)) {
			add_rung(l, a, f, i, upper);
			last = upper;
		} else if (upper == last && a->err == 0) {
			/* one bound to Prometheus, two to us */
			l->rungs[l->n - 1].bucket = i;
		}
	}
	add_rung(l, a, f, f->n_buckets - 1, INFINITY);
	ladder.n = (uint32_t)l->n - ladder.first;
	return ladder;
}

struct expo_ladder
expo_ladder_of(struct expo_ladders *l, struct expo_arena *a,
    const struct smx_family_info *f)
{
	size_t n = l->made < EXPO_LADDERS_KEPT ? l->made : EXPO_LADDERS_KEPT;
	size_t slot = l->made % EXPO_LADDERS_KEPT;

	for (size_t i = 0; i < n; i++)
		if (same_bounds(l->kept[i].family, f))
			return l->kept[i].ladder;
	l->kept[slot].family = f;
	l->kept[slot].ladder = make_ladder(l, a, f);
	l->made++;
	return l->kept[slot].ladder;
}
