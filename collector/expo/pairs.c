/* SPDX-License-Identifier: Apache-2.0 */
#include "pairs.h"

#include "field.h"

/* Metric, LabelPair */
#define METRIC_LABEL 1
#define LABEL_NAME   1
#define LABEL_VALUE  2

static void
make(struct expo_pair *pair, const char *name)
{
	size_t len = strlen(name);
	char *p = pair->bytes;

	pair->name = name;
	pair->n = 0;
	if (len + EXPO_PAIR_FRAME > sizeof(pair->bytes) - EXPO_WIDE)
		return;
	memset(pair->bytes, 0, sizeof(pair->bytes));
	p = wire_varint(p, wire_tag(METRIC_LABEL, WIRE_BYTES));
	p++;
	p = wire_varint(p, wire_tag(LABEL_NAME, WIRE_BYTES));
	p = wire_varint(p, len);
	memcpy(p, name, len);
	p = wire_varint(p + len, wire_tag(LABEL_VALUE, WIRE_BYTES));
	p++;
	pair->n = (uint32_t)(p - pair->bytes);
}

void
expo_pairs_make(struct expo_pairs *pairs, const struct smx_family_info *f)
{
	const char *name = f->labels;

	pairs->n = f->n_labels;
	for (uint32_t i = 0; i < f->n_labels; i++) {
		make(&pairs->v[i], name);
		name += strlen(name) + 1;
	}
}

char *
expo_pair_put_large(char *p, const struct expo_pair *pair, const char *value)
{
	size_t n = strlen(pair->name), v = strlen(value);

	p = wire_varint(p, wire_tag(METRIC_LABEL, WIRE_BYTES));
	p = wire_varint(p, wire_field_len(n) + wire_field_len(v));
	p = wire_varint(p, wire_tag(LABEL_NAME, WIRE_BYTES));
	p = wire_varint(p, n);
	memcpy(p, pair->name, n);
	p = wire_varint(p + n, wire_tag(LABEL_VALUE, WIRE_BYTES));
	p = wire_varint(p, v);
	memcpy(p, value, v);
	return p + v;
}

void
expo_pairs_put(struct expo_sink *s, const struct expo_pairs *pairs,
    const char *values, size_t len)
{
	char *p;

	if (!expo_sink_has(s, len)) {
		for (uint32_t i = 0; i < pairs->n; i++) {
			field_label(s, METRIC_LABEL, pairs->v[i].name, values);
			values += strlen(values) + 1;
		}
		return;
	}
	p = s->dst + s->len;
	for (uint32_t i = 0; i < pairs->n; i++)
		p = expo_pair_put(p, &pairs->v[i], &values);
	s->len = (size_t)(p - s->dst);
}
