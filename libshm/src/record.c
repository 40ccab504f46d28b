/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdbool.h>
#include <string.h>

#include "crc32.h"
#include "text.h"

/* Beyond 2^-1074 .. 2^1023 at schema 8 no double lies. */
#define NATIVE_LIMIT 281600

static uint64_t
padded(uint64_t size)
{
	return (size + 7) & ~UINT64_C(7);
}

const char *
smx__record_frame(const unsigned char *bytes, size_t left)
{
	const struct smx_record *r = (const struct smx_record *)bytes;

	if (r->size < sizeof(*r) || r->size % 8 != 0)
		return "impossible size";
	if (r->size > SMX_RECORD_MAX)
		return "larger than any record";
	if (r->size > left)
		return "ends past the tail";
	if (r->crc != smx__crc32(bytes + 8, r->size - 8))
		return "wrong CRC";
	return NULL;
}

static const char *
check_buckets(const struct smx_family_record *f, const struct smx_bucket *b)
{
	uint32_t n = f->n_buckets, n_explicit = 0;
	uint32_t known = SMX_BUCKET_EXPLICIT | SMX_BUCKET_POWER;

	for (uint32_t i = 0; i < n; i++) {
		if (i > 0 && b[i].upper <= b[i - 1].upper)
			return "bucket bounds do not ascend";
		if ((b[i].flags & ~known) != 0)
			return "unknown bucket flags";
		n_explicit += b[i].flags & SMX_BUCKET_EXPLICIT;
		if ((f->hist_flags & SMX_HIST_NATIVE) == 0)
			continue;
		if (i > 0 && b[i].native < b[i - 1].native)
			return "native indices descend";
		if (b[i].native != SMX_NATIVE_ZERO &&
		    (b[i].native > NATIVE_LIMIT || b[i].native < -NATIVE_LIMIT))
			return "native index beyond any number";
	}
	if (b[n - 1].upper != UINT64_MAX)
		return "no last bucket";
	/* the last bucket, +Inf, may carry the flag or not */
	if (n_explicit > SMX_MAX_EXPLICIT + 1)
		return "too many explicit bounds";
	return NULL;
}

static const char *
check_histogram(const struct smx_family_record *f)
{
	if (f->type != SMX_TYPE_HISTOGRAM)
		return f->n_buckets == 0 && f->hist_flags == 0 ?
		    NULL : "buckets without a histogram";
	if (f->n_buckets == 0 || f->n_buckets > SMX_MAX_BUCKETS)
		return "impossible number of buckets";
	if (f->hist_flags == 0 ||
	    (f->hist_flags & ~(SMX_HIST_EXPLICIT | SMX_HIST_NATIVE)) != 0)
		return "unknown kind of histogram";
	if ((f->hist_flags & SMX_HIST_NATIVE) != 0 &&
	    (f->schema < 0 || f->schema > 8))
		return "schema out of 0..8";
	return NULL;
}

static const char *
check_fixed(const struct smx_family_record *f)
{
	if (f->type < SMX_TYPE_COUNTER || f->type > SMX_TYPE_HISTOGRAM)
		return "unknown type";
	if (f->gauge_mode > SMX_GAUGE_EACH ||
	    (f->gauge_mode != 0 && f->type != SMX_TYPE_GAUGE))
		return "unknown gauge mode";
	if (f->exponent > SMX_MAX_EXPONENT || f->exponent < -SMX_MAX_EXPONENT)
		return "exponent out of -18..18";
	if (f->n_labels > SMX_MAX_LABELS)
		return "too many labels";
	if (f->name_len == 0 || f->name_len > SMX_MAX_NAME ||
	    f->unit_len > SMX_MAX_UNIT || f->help_len > SMX_MAX_HELP ||
	    f->labels_len > SMX_MAX_LABELS * (SMX_MAX_NAME + 1))
		return "impossible length of a string";
	return check_histogram(f);
}

/* The string at *at, len bytes and a NUL; moves *at behind it.  NULL if there
 * is a NUL too early or none at the end. */
static const char *
take_string(const char **at, size_t len)
{
	const char *s = *at;

	if (memchr(s, '\0', len + 1) != s + len)
		return NULL;
	*at = s + len + 1;
	return s;
}

/* Has the label stood before?  Labels are few. */
static bool
is_repeated(const char *labels, const char *label)
{
	for (; labels < label; labels += strlen(labels) + 1)
		if (strcmp(labels, label) == 0)
			return true;
	return false;
}

static const char *
check_labels(const struct smx_family_record *f, const char *labels)
{
	const char *at = labels, *end = labels + f->labels_len;
	size_t len;

	if (f->labels_len > 0 && end[-1] != '\0')
		return "label names without an end";
	for (uint32_t i = 0; i < f->n_labels; i++, at += len + 1) {
		if (at >= end)
			return "too few label names";
		len = strlen(at);
		if (len > SMX_MAX_NAME || !smx__label_valid(at, len))
			return "a label name that may not be";
		if (f->gauge_mode == SMX_GAUGE_EACH &&
		    strcmp(at, "process") == 0)
			return "the label `process` is added later";
		if (is_repeated(labels, at))
			return "a label name twice";
	}
	return at == end ? NULL : "too many label names";
}

/* Counters carry the suffix that both text formats ask for. */
static bool
is_total(const char *name, size_t len)
{
	return len > 6 && memcmp(name + len - 6, "_total", 6) == 0;
}

static const char *
take_strings(struct smx__family_parts *p, const char *at)
{
	const struct smx_family_record *f = p->fixed;

	p->name = take_string(&at, f->name_len);
	p->unit = p->name ? take_string(&at, f->unit_len) : NULL;
	p->help = p->unit ? take_string(&at, f->help_len) : NULL;
	p->labels = at;
	if (p->help == NULL)
		return "strings without an end";
	if (!smx__name_valid(p->name, f->name_len))
		return "a name that may not be";
	if (f->type == SMX_TYPE_COUNTER && !is_total(p->name, f->name_len))
		return "a counter whose name does not end in _total";
	if (!smx__unit_valid(p->unit, f->unit_len))
		return "a unit that may not be";
	if (!smx__text_valid(p->help, f->help_len))
		return "help that is not text";
	return check_labels(f, at);
}

const char *
smx__family_decode(const struct smx_record *r, struct smx__family_parts *p)
{
	const struct smx_family_record *f;
	const char *why;
	uint64_t bounds, size;

	if (r->size < sizeof(*f))
		return "too short for a family";
	f = p->fixed = (const struct smx_family_record *)r;
	why = r->flags == 0 ? check_fixed(f) : "unknown flags";
	if (why != NULL)
		return why;
	bounds = (uint64_t)f->n_buckets * sizeof(struct smx_bucket);
	size = sizeof(*f) + bounds + f->name_len + UINT64_C(1) + f->unit_len +
	    1 + f->help_len + 1 + f->labels_len;
	if (padded(size) != r->size)
		return "parts do not fill the family's record";
	p->buckets = f->n_buckets > 0 ?
	    (const struct smx_bucket *)(f + 1) : NULL;
	if (p->buckets != NULL)
		why = check_buckets(f, p->buckets);
	return why != NULL ? why :
	    take_strings(p, (const char *)(f + 1) + bounds);
}

const char *
smx__series_decode(const struct smx_record *r,
    const struct smx_series_record **fixed, const char **values)
{
	const struct smx_series_record *s;

	if (r->size < sizeof(*s))
		return "too short for a series";
	s = (const struct smx_series_record *)r;
	if (r->flags != 0)
		return "unknown flags";
	if (padded(sizeof(*s) + (uint64_t)s->values_len) != r->size)
		return "values do not fill the series' record";
	*fixed = s;
	*values = (const char *)(s + 1);
	return NULL;
}

const char *
smx__values_check(const char *values, size_t len, uint32_t n)
{
	const char *at = values, *end = values + len, *nul;

	for (uint32_t i = 0; i < n; i++, at = nul + 1) {
		nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
		if (nul == NULL)
			return "too few label values";
		if (nul - at > SMX_MAX_VALUE)
			return "a label value too long";
		if (!smx__text_valid(at, (size_t)(nul - at)))
			return "a label value that is not text";
	}
	return at == end ? NULL : "too many label values";
}

const char *
smx__retire_decode(const struct smx_record *r,
    const struct smx_retire_record **fixed)
{
	if (r->size != sizeof(**fixed))
		return "a retirement of another size";
	if (r->flags != 0)
		return "unknown flags";
	*fixed = (const struct smx_retire_record *)r;
	return NULL;
}

const char *
smx__exemplars_decode(
    const struct smx_record *r, const struct smx_exemplars_record **fixed)
{
	const struct smx_exemplars_record *e;

	if (r->size != sizeof(*e))
		return "exemplars of another size";
	e = (const struct smx_exemplars_record *)r;
	if (r->flags != 0)
		return "unknown flags";
	if (e->n == 0 || e->n > SMX_MAX_BUCKETS)
		return "a number of exemplars that cannot be";
	if (e->off < SMX_SINK || e->off % SMX_LINE != 0 ||
	    e->off > SMX_MAX_EXEMPLARS)
		return "exemplars in the sink or across others";
	*fixed = e;
	return NULL;
}
