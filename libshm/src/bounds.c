/* SPDX-License-Identifier: Apache-2.0 */
#include "bounds.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exact.h"
#include "fail.h"

#define SCHEMA_DEFAULT 3
#define SCHEMA_MAX     8

/* smx_histogram_latency(): 10 us to 2.5 s */
static const double latency[] = {
	10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6,
	1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 200e-3, 300e-3, 500e-3,
	1, 2.5,
};

#define N_LATENCY ((uint32_t)(sizeof(latency) / sizeof(latency[0])))

/* What a description asks for, its defaults filled in. */
struct plan {
	const double *bounds;
	uint32_t n_bounds;
	int exponent;
	int native;
	unsigned schema;
	int lo, hi; /* the native range is 2^lo .. 2^hi */
};

/*
 * All that can come together: schema 8 over the 63 octaves of a value, the
 * zero bucket, the explicit bounds and the bucket above them.
 */
#define N_MOST ((63u << SCHEMA_MAX) + 2 + SMX_MAX_EXPLICIT + 1)

static_assert(N_MOST <= SMX_MAX_BUCKETS, "a family record holds them");

/* Buckets on their way, up to N_MOST. */
struct list {
	struct smx_bucket *at;
	uint32_t n;
};

/* The shortest text that reads back as v; returns its places after the point.
 * That is the number the caller wrote, whatever a double made of it. */
static int
shortest(double v, char text[32])
{
	int places;

	for (places = 0; places <= 16; places++) {
		(void)snprintf(text, 32, "%.*e", places, v);
		if (strtod(text, NULL) == v)
			break;
	}
	return places;
}

/* v > 0 as digits x 10^*exp10, without trailing zeros: 0.005 is 5, -3. */
static uint64_t
decimal(double v, int *exp10)
{
	char text[32];
	int places = shortest(v, text);
	uint64_t digits = 0;
	const char *p;

	/* whatever the locale puts between the digits */
	for (p = text; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits = digits * 10 + (uint64_t)(*p - '0');
	*exp10 = atoi(p + 1) - places;
	for (; digits % 10 == 0; digits /= 10)
		++*exp10;
	return digits;
}

/* v x 10^exponent, if that is an integer below 2^63: 0, else -EINVAL */
static int
whole_cells(double v, int exponent, uint64_t *cells)
{
	int exp10 = 0;
	uint64_t n = v > 0 ? decimal(v, &exp10) : 0;

	exp10 = v > 0 ? exp10 + exponent : 0;
	if (exp10 < 0)
		return -EINVAL;
	for (; exp10 > 0; exp10--)
		if (__builtin_mul_overflow(n, UINT64_C(10), &n))
			return -EINVAL;
	if (n >> 63)
		return -EINVAL;
	*cells = n;
	return 0;
}

static int
bound_refused(const struct plan *p, uint32_t i, const char *why,
    struct smx_error *err)
{
	char text[32];

	return smx__fail(err, -EINVAL, "bounds[%u] is %.*g: %s", i,
	    shortest(p->bounds[i], text) + 1, p->bounds[i], why);
}

static int
explicit_bounds(uint64_t *out, const struct plan *p, struct smx_error *err)
{
	if (p->n_bounds > SMX_MAX_EXPLICIT)
		return smx__fail(err, -EINVAL, "n_bounds is %u: at most %u",
		    p->n_bounds, SMX_MAX_EXPLICIT);
	for (uint32_t i = 0; i < p->n_bounds; i++) {
		double v = p->bounds[i];

		if (!isfinite(v) || v < 0)
			return bound_refused(p, i, "must be finite and not "
			    "negative (+Inf is implied)", err);
		if (whole_cells(v, p->exponent, &out[i]) < 0)
			return bound_refused(p, i, "not a whole number of "
			    "10^-exponent below 2^63", err);
		if (i > 0 && out[i] <= out[i - 1])
			return bound_refused(p, i, "not above the bound "
			    "before it", err);
	}
	return 0;
}

static void
list_add(struct list *l, uint64_t upper, int32_t native, uint32_t flags)
{
	assert(l->n < N_MOST);
	l->at[l->n].upper = upper;
	l->at[l->n].native = native;
	l->at[l->n].flags = flags;
	l->n++;
}

/*
 * All native bounds below 2^63; returns the index of the bucket above them.
 * Values of 2^63 and more are never counted, so what lies above the last of
 * these bounds is in that one bucket even if the range was to go on.
 */
static int32_t
native_bounds(struct list *l, const struct plan *p)
{
	int32_t first = p->lo * (1 << p->schema);
	int32_t last = p->hi * (1 << p->schema);
	int32_t k;

	for (k = first; k <= last; k++) {
		uint64_t upper = smx__exact_floor(k, p->schema, p->exponent);
		uint32_t flags = k % (1 << p->schema) ? 0 : SMX_BUCKET_POWER;

		if (upper == SMX__EXACT_OVER)
			break;
		if (l->n > 0 && l->at[l->n - 1].upper == upper)
			l->at[l->n - 1].flags |= flags;
		else
			list_add(l, upper, k == first ? SMX_NATIVE_ZERO : k,
			    flags);
	}
	return k;
}

/* The union of both, and the bucket above all bounds. */
static void
merge(struct list *out, const uint64_t *explicit, uint32_t n,
    const struct list *native, int32_t above)
{
	uint32_t i = 0;
	uint32_t j = 0;

	while (i < n || j < native->n) {
		const struct smx_bucket *b =
		    j < native->n ? &native->at[j] : NULL;
		int is_explicit =
		    b == NULL || (i < n && explicit[i] <= b->upper);
		int is_native =
		    b != NULL && (!is_explicit || explicit[i] == b->upper);

		list_add(out, is_explicit ? explicit[i] : b->upper,
		    b ? b->native : above,
		    (is_explicit ? SMX_BUCKET_EXPLICIT : 0) |
		    (is_native ? b->flags : 0));
		i += (uint32_t)is_explicit;
		j += (uint32_t)is_native;
	}
	list_add(out, UINT64_MAX, above, 0);
}

static int
native_plan(struct plan *p, const struct smx_desc *d, struct smx_error *err)
{
	double min = d->native_min != 0 ? d->native_min : 0x1p-20;
	double max = d->native_max != 0 ? d->native_max : 0x1p4;
	double part;

	if (d->schema < -1 || d->schema > SCHEMA_MAX)
		return smx__fail(err, -EINVAL,
		    "schema is %d: must be 1..8, or -1 for schema 0",
		    d->schema);
	if (!isfinite(min) || min < 0 || !isfinite(max) || max <= min)
		return smx__fail(err, -EINVAL,
		    "native_min %g, native_max %g: must be positive, finite "
		    "and ascending", min, max);
	p->native = 1;
	p->schema = SCHEMA_DEFAULT;
	if (d->schema != 0)
		p->schema = d->schema < 0 ? 0 : (unsigned)d->schema;
	/* outwards to powers of two; frexp gives [1/2, 1) x 2^exp */
	(void)frexp(min, &p->lo);
	p->lo--;
	part = frexp(max, &p->hi);
	if (part == 0.5)
		p->hi--;
	if (smx__exact_floor(p->lo, 0, p->exponent) == SMX__EXACT_OVER)
		return smx__fail(err, -EINVAL,
		    "native_min is %g: 2^63 cells of 10^%d or more", min,
		    -p->exponent);
	if (smx__exact_floor(p->hi, 0, p->exponent) == 0)
		return smx__fail(err, -EINVAL,
		    "native_max is %g: less than one cell of 10^%d", max,
		    -p->exponent);
	return 0;
}

static int
plan_make(struct plan *p, const struct smx_desc *d, struct smx_error *err)
{
	int latency_default = d->n_bounds == 0 && !d->native;

	if (d->exponent < -SMX_MAX_EXPONENT || d->exponent > SMX_MAX_EXPONENT)
		return smx__fail(err, -EINVAL,
		    "exponent is %d: must be -%d..%d", d->exponent,
		    SMX_MAX_EXPONENT, SMX_MAX_EXPONENT);
	if (d->n_bounds > 0 && d->bounds == NULL)
		return smx__fail(err, -EINVAL, "n_bounds is %u, bounds is NULL",
		    d->n_bounds);
	p->exponent = d->exponent;
	p->native = 0;
	p->schema = 0;
	p->lo = p->hi = 0;
	p->bounds = latency_default ? latency : d->bounds;
	p->n_bounds = latency_default ? N_LATENCY : d->n_bounds;
	if (d->native || latency_default)
		return native_plan(p, d, err);
	return 0;
}

static int
lists_alloc(struct list *native, struct list *all, struct smx_error *err)
{
	size_t size = N_MOST * sizeof(struct smx_bucket);

	native->n = all->n = 0;
	native->at = malloc(size);
	all->at = malloc(size);
	if (native->at == NULL || all->at == NULL)
		return smx__fail(err, -ENOMEM, "bounds of a histogram:");
	return 0;
}

int
smx__bounds_make(struct smx__bounds *b, const struct smx_desc *d,
    struct smx_error *err)
{
	uint64_t explicit[SMX_MAX_EXPLICIT];
	struct list native = { 0 };
	struct list all = { 0 };
	struct smx_bucket *shrunk;
	struct plan p;
	int32_t above = 0;
	int ret;

	ret = plan_make(&p, d, err);
	if (ret < 0)
		return ret;
	ret = explicit_bounds(explicit, &p, err);
	if (ret < 0)
		return ret;
	ret = lists_alloc(&native, &all, err);
	if (ret < 0)
		goto out;
	if (p.native)
		above = native_bounds(&native, &p);
	merge(&all, explicit, p.n_bounds, &native, above);
	/* on failure the big block serves as well */
	shrunk = realloc(all.at, all.n * sizeof(all.at[0]));
	b->buckets = shrunk != NULL ? shrunk : all.at;
	b->n = all.n;
	b->flags = (uint8_t)((p.n_bounds ? SMX_HIST_EXPLICIT : 0) |
	    (p.native ? SMX_HIST_NATIVE : 0));
	b->schema = (int8_t)p.schema;
	b->zero_exp2 = (int16_t)p.lo;
	all.at = NULL;
	ret = 0;
out:
	free(native.at);
	free(all.at);
	return ret;
}

void
smx__bounds_free(struct smx__bounds *b)
{
	free(b->buckets);
	b->buckets = NULL;
	b->n = 0;
}
