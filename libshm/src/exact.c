/* SPDX-License-Identifier: Apache-2.0 */
#include "exact.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* n^256 with n < 2^64 beside 10^(18 x 256): both sides stay below 32,768
 * bits as long as B is between 1/2 and 2^64; some limbs of room above. */
#define LIMBS 544

__extension__ typedef unsigned __int128 u128;

struct big {
	uint32_t n; /* limbs in use; the highest is not zero */
	uint64_t limb[LIMBS];
};

static void
big_set(struct big *a, uint64_t v)
{
	a->n = v != 0;
	a->limb[0] = v;
}

static void
big_trim(struct big *a)
{
	while (a->n > 0 && a->limb[a->n - 1] == 0)
		a->n--;
}

/* out += a x m, from limb `at` on; out is long enough and zeroed above */
static void
big_addmul(struct big *out, const struct big *a, uint64_t m, uint32_t at)
{
	uint64_t carry = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		u128 t = (u128)a->limb[i] * m + out->limb[at + i] + carry;

		out->limb[at + i] = (uint64_t)t;
		carry = (uint64_t)(t >> 64);
	}
	out->limb[at + a->n] = carry;
}

/* out = a x b; out is neither of them */
static void
big_mul(struct big *out, const struct big *a, const struct big *b)
{
	assert(a->n + b->n < LIMBS);
	out->n = a->n + b->n;
	memset(out->limb, 0, (out->n + 1) * sizeof(out->limb[0]));
	for (uint32_t i = 0; i < b->n; i++)
		big_addmul(out, a, b->limb[i], i);
	big_trim(out);
}

/* a = v^(2^times) */
static void
big_squares(struct big *a, uint64_t v, unsigned times)
{
	struct big square;

	big_set(a, v);
	for (unsigned i = 0; i < times; i++) {
		big_mul(&square, a, a);
		a->n = square.n;
		memcpy(a->limb, square.limb, a->n * sizeof(a->limb[0]));
	}
}

static void
big_shift(struct big *a, uint32_t bits)
{
	uint32_t limbs = bits / 64;
	uint32_t rest = bits % 64;

	assert(a->n + limbs + 1 < LIMBS);
	memmove(a->limb + limbs, a->limb, a->n * sizeof(a->limb[0]));
	memset(a->limb, 0, limbs * sizeof(a->limb[0]));
	a->n += limbs;
	a->limb[a->n] = 0;
	if (rest == 0)
		return;
	a->n++;
	for (uint32_t i = a->n - 1; i > 0; i--)
		a->limb[i] = a->limb[i] << rest | a->limb[i - 1] >> (64 - rest);
	a->limb[0] <<= rest;
	big_trim(a);
}

static int
big_cmp(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint32_t i = a->n; i-- > 0;)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

static uint64_t
power_of_ten(int exponent)
{
	uint64_t p = 1;

	for (int i = 0; i < exponent; i++)
		p *= 10;
	return p;
}

/*
 * n ? 2^(k/S) x 10^e with S = 2^schema is n^S ? 2^k x 10^(eS), where a
 * negative k or e moves its factor to the side of n.
 */
int
smx__exact_cmp(uint64_t n, int32_t k, unsigned schema, int exponent)
{
	struct big ten, left, right;

	for (; schema > 0 && k % 2 == 0; schema--)
		k /= 2;
	big_squares(&ten, power_of_ten(exponent < 0 ? -exponent : exponent),
	    schema);
	if (exponent < 0) {
		struct big power;

		big_squares(&power, n, schema);
		big_mul(&left, &power, &ten);
		big_set(&right, 1);
	} else {
		big_squares(&left, n, schema);
		right = ten;
	}
	if (k < 0)
		big_shift(&left, (uint32_t)-k);
	else
		big_shift(&right, (uint32_t)k);
	return big_cmp(&left, &right);
}

/* The integer beside an estimate that is a few units off at most. */
static uint64_t
settle(uint64_t n, int32_t k, unsigned schema, int exponent)
{
	while (n > 0 && smx__exact_cmp(n, k, schema, exponent) > 0)
		n--;
	while (smx__exact_cmp(n + 1, k, schema, exponent) <= 0)
		n++;
	return n >> 63 ? SMX__EXACT_OVER : n;
}

uint64_t
smx__exact_floor(int32_t k, unsigned schema, int exponent)
{
	/* log2 of B, to tell what is far out before anything overflows */
	long double log2b = ldexpl((long double)k, -(int)schema) +
	    (long double)exponent * 3.32192809488736234787L;
	int32_t whole = k >> schema;
	long double part = ldexpl((long double)k, -(int)schema) - whole;
	long double b, off;

	if (log2b < -0.5L)
		return 0;
	if (log2b > 63.5L)
		return SMX__EXACT_OVER;
	b = ldexpl(exp2l(part), whole);
	if (exponent < 0)
		b /= (long double)power_of_ten(-exponent);
	else
		b *= (long double)power_of_ten(exponent);
	/* four roundings and exp2l: within 16 epsilon; nearer, ask exactly */
	off = b - floorl(b);
	off = off < 0.5L ? off : 1 - off;
	if (off > b * 16 * LDBL_EPSILON)
		return b < 0x1p63L ? (uint64_t)b : SMX__EXACT_OVER;
	return settle((uint64_t)b, k, schema, exponent);
}
