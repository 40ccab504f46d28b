/* SPDX-License-Identifier: Apache-2.0 */
#include "define.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "crc32.h"
#include "fail.h"
#include "text.h"

static size_t
padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

void
smx__record_seal(struct smx_record *r, uint32_t kind, size_t size)
{
	r->kind = kind;
	r->flags = 0;
	r->size = (uint32_t)size;
	r->crc = smx__crc32((const uint8_t *)r + 8, size - 8);
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

/* Label i of the description, in either of its two forms. */
static const char *
label_name(const struct smx_desc *d, bool dynamic, uint32_t i)
{
	if (dynamic)
		return d->label_names ? d->label_names[i] : NULL;
	return d->labels ? d->labels[i].name : NULL;
}

struct lengths {
	size_t name, unit, help, labels;
	uint32_t n_labels;
};

static int
measure(struct lengths *l, bool dynamic, const struct smx_desc *d,
    struct smx_error *err)
{
	const char *s;

	if (d->name == NULL || d->help == NULL || *d->help == '\0')
		return smx__fail(err, -EINVAL, "`%s`: name and help are needed",
		    or_empty(d->name));
	memset(l, 0, sizeof(*l));
	l->name = strlen(d->name);
	l->unit = strlen(or_empty(d->unit));
	l->help = strlen(d->help);
	while ((s = label_name(d, dynamic, l->n_labels)) != NULL) {
		if (++l->n_labels > SMX_MAX_LABELS)
			return smx__fail(err, -EINVAL, "`%.80s`: more than %u "
			    "labels", d->name, SMX_MAX_LABELS);
		l->labels += strlen(s) + 1;
	}
	if (l->name > SMX_MAX_NAME || l->unit > SMX_MAX_UNIT ||
	    l->help > SMX_MAX_HELP ||
	    l->labels > SMX_MAX_LABELS * (SMX_MAX_NAME + 1))
		return smx__fail(err, -EINVAL, "`%.80s`: name, unit, help or "
		    "a label name is too long", d->name);
	return 0;
}

static char *
put_string(char *at, const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(at, s, n);
	return at + n;
}

static int
encode(struct smx__definition *def, uint8_t type, bool dynamic,
    const struct smx_desc *d, const struct smx__bounds *b,
    const struct lengths *l)
{
	size_t buckets = b->n * sizeof(struct smx_bucket);
	size_t size = padded(sizeof(struct smx_family_record) + buckets +
	    l->name + l->unit + l->help + 3 + l->labels);
	struct smx_family_record *f = calloc(1, size);
	char *at;
	uint32_t i;

	if (f == NULL)
		return -ENOMEM;
	f->type = type;
	f->gauge_mode = type == SMX_TYPE_GAUGE ? (uint8_t)d->gauge_mode : 0;
	f->exponent = (int8_t)(type == SMX_TYPE_GAUGE ? 0 : d->exponent);
	f->n_labels = (uint8_t)l->n_labels;
	f->hist_flags = b->flags;
	f->schema = b->schema;
	f->zero_exp2 = b->zero_exp2;
	f->n_buckets = b->n;
	f->name_len = (uint16_t)l->name;
	f->unit_len = (uint16_t)l->unit;
	f->help_len = (uint32_t)l->help;
	f->labels_len = (uint32_t)l->labels;
	if (buckets)
		memcpy(f + 1, b->buckets, buckets);
	at = put_string((char *)(f + 1) + buckets, d->name);
	at = put_string(at, or_empty(d->unit));
	at = put_string(at, d->help);
	for (i = 0; i < l->n_labels; i++)
		at = put_string(at, label_name(d, dynamic, i));
	smx__record_seal(&f->record, SMX_RECORD_FAMILY, size);
	def->record = f;
	return 0;
}

static int
encode_values(struct smx__definition *def, const struct smx_desc *d,
    uint32_t n, struct smx_error *err)
{
	const char *why;
	size_t size = 0;
	uint32_t i;
	char *at;

	for (i = 0; i < n; i++)
		size += strlen(or_empty(d->labels[i].value)) + 1;
	if (n == 0)
		return 0;
	def->values = at = malloc(size);
	if (at == NULL)
		return smx__fail(err, -ENOMEM, "`%s`:", d->name);
	for (i = 0; i < n; i++)
		at = put_string(at, or_empty(d->labels[i].value));
	def->values_len = size;
	why = smx__values_check(def->values, size, n);
	return why ? smx__fail(err, -EINVAL, "`%s`: label values: %s", d->name,
	    why) : 0;
}

/* OpenMetrics: the unit is the last part of the name, before _total. */
static bool
unit_ends_name(const struct smx__family_parts *p)
{
	size_t unit = p->fixed->unit_len;
	size_t name = p->fixed->name_len;

	if (p->fixed->type == SMX_TYPE_COUNTER)
		name -= strlen("_total");
	return unit == 0 || (name > unit + 1 &&
	    p->name[name - unit - 1] == '_' &&
	    memcmp(p->name + name - unit, p->unit, unit) == 0);
}

static int
check_numbers(uint8_t type, const struct smx_desc *d, struct smx_error *err)
{
	if (d->exponent > SMX_MAX_EXPONENT || d->exponent < -SMX_MAX_EXPONENT)
		return smx__fail(err, -EINVAL, "`%.80s`: exponent %d is not in "
		    "-18..18", or_empty(d->name), d->exponent);
	if (type == SMX_TYPE_GAUGE &&
	    (d->gauge_mode < SMX_SUM || d->gauge_mode > SMX_EACH))
		return smx__fail(err, -EINVAL, "`%.80s`: gauge mode %d",
		    or_empty(d->name), d->gauge_mode);
	return 0;
}

static int
define(struct smx__definition *def, uint8_t type, bool dynamic,
    const struct smx_desc *d, const struct smx__bounds *b,
    struct smx_error *err)
{
	struct lengths l;
	const char *why;
	int rc = measure(&l, dynamic, d, err);

	if (rc == 0)
		rc = check_numbers(type, d, err);
	if (rc < 0)
		return rc;
	if (encode(def, type, dynamic, d, b, &l) < 0)
		return smx__fail(err, -ENOMEM, "`%s`:", d->name);
	/* what a reader would refuse must not be published */
	why = smx__family_decode(&def->record->record, &def->parts);
	if (why)
		return smx__fail(err, -EINVAL, "`%s`: %s", d->name, why);
	if (!unit_ends_name(&def->parts))
		return smx__fail(err, -EINVAL, "`%s` does not end in its unit "
		    "`%s`", d->name, d->unit);
	def->exemplars = type == SMX_TYPE_HISTOGRAM && d->exemplars;
	def->n_cells = type == SMX_TYPE_HISTOGRAM ? SMX_HIST_BUCKET + b->n : 1;
	return dynamic ? 0 : encode_values(def, d, l.n_labels, err);
}

int
smx__define(struct smx__definition *def, uint8_t type, bool dynamic,
    const struct smx_desc *d, struct smx_error *err)
{
	struct smx__bounds b = { 0 };
	int rc = 0;

	memset(def, 0, sizeof(*def));
	if (d == NULL)
		return smx__fail(err, -EINVAL, "no description");
	if (type == SMX_TYPE_HISTOGRAM)
		rc = smx__bounds_make(&b, d, err);
	if (rc == 0)
		rc = define(def, type, dynamic, d, &b, err);
	smx__bounds_free(&b);
	if (rc < 0)
		smx__definition_free(def);
	return rc;
}

void
smx__definition_free(struct smx__definition *def)
{
	free(def->record);
	free(def->values);
	memset(def, 0, sizeof(*def));
}

static bool
same_bytes(const void *a, size_t na, const void *b, size_t nb)
{
	return na == nb && (na == 0 || memcmp(a, b, na) == 0);
}

bool
smx__same_meaning(const struct smx__family_parts *a,
    const struct smx__family_parts *b)
{
	const struct smx_family_record *x = a->fixed, *y = b->fixed;

	return x->type == y->type && x->gauge_mode == y->gauge_mode &&
	    x->exponent == y->exponent && x->hist_flags == y->hist_flags &&
	    x->schema == y->schema && x->zero_exp2 == y->zero_exp2 &&
	    same_bytes(a->unit, x->unit_len, b->unit, y->unit_len) &&
	    same_bytes(a->labels, x->labels_len, b->labels, y->labels_len) &&
	    same_bytes(a->buckets, x->n_buckets * sizeof(struct smx_bucket),
		b->buckets, y->n_buckets * sizeof(struct smx_bucket));
}

struct smx_series_record *
smx__series_encode(uint64_t family, uint32_t cell, uint32_t n_cells,
    uint64_t created_ns, const char *values, size_t values_len)
{
	size_t size = padded(sizeof(struct smx_series_record) + values_len);
	struct smx_series_record *s = calloc(1, size);

	if (s == NULL)
		return NULL;
	s->family = family;
	s->cell = cell;
	s->n_cells = n_cells;
	s->created_ns = created_ns;
	s->values_len = (uint32_t)values_len;
	if (values_len)
		memcpy(s + 1, values, values_len);
	smx__record_seal(&s->record, SMX_RECORD_SERIES, size);
	return s;
}
