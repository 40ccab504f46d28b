/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "labels.h"

/* MetricFamily */
#define FAMILY_NAME 1
#define FAMILY_HELP 2
#define FAMILY_TYPE 3
#define FAMILY_UNIT 5
/* LabelPair */
#define LABEL_NAME  1
#define LABEL_VALUE 2
/* Metric */
#define METRIC_LABEL 1

static size_t
label_body_len(const char *name, const char *value)
{
	return wire_field_len(strlen(name)) + wire_field_len(strlen(value));
}

size_t
expo_wire_label_len(const char *name, const char *value)
{
	return wire_field_len(label_body_len(name, value));
}

static char *
put_string(char *p, uint32_t field, const char *s, size_t n)
{
	p = wire_varint(p, wire_tag(field, WIRE_BYTES));
	p = wire_varint(p, n);
	memcpy(p, s, n);
	return p + n;
}

char *
expo_wire_label(char *p, const char *name, const char *value)
{
	p = wire_varint(p, wire_tag(METRIC_LABEL, WIRE_BYTES));
	p = wire_varint(p, label_body_len(name, value));
	p = put_string(p, LABEL_NAME, name, strlen(name));
	return put_string(p, LABEL_VALUE, value, strlen(value));
}

size_t
expo_wire_labels(
    const struct smx_family_info *f, const struct smx_series_info *s)
{
	const char *name = f->labels, *value = s->values;
	size_t len = 0;

	for (uint32_t i = 0; i < f->n_labels; i++) {
		len += expo_wire_label_len(name, value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
	}
	return len;
}

static void
put_pair(struct expo_arena *a, const char *name, const char *value)
{
	char *p = expo_arena_room(a, expo_wire_label_len(name, value));

	if (p != NULL)
		expo_arena_advance(
		    a, (size_t)(expo_wire_label(p, name, value) - p));
}

struct expo_text
expo_wire_source(struct expo_arena *a, const struct expo_source *s)
{
	size_t start = a->len;

	if (!s->bare) {
		put_pair(a, "service", s->service);
		if (s->instance != NULL && s->instance[0] != '\0')
			put_pair(a, "service_instance", s->instance);
	}
	return expo_arena_since(a, start);
}

static void
put_field(struct expo_arena *a, uint32_t field, const char *s, size_t n)
{
	char *p = expo_arena_room(a, n + 16);

	if (p != NULL)
		expo_arena_advance(a, (size_t)(put_string(p, field, s, n) - p));
}

struct expo_text
expo_wire_family(struct expo_arena *a, const struct smx_family_info *f)
{
	static const char types[] = { [SMX_TYPE_COUNTER] = 0,
		[SMX_TYPE_GAUGE] = 1,
		[SMX_TYPE_HISTOGRAM] = 4 };
	const char type[2] = { (char)wire_tag(FAMILY_TYPE, WIRE_VARINT),
		types[f->type] };
	size_t start = a->len;
	size_t base = expo_base_len(f->name, f->type);
	const char *suffix = expo_suffix(f->name, f->type);
	char name[SMX_MAX_NAME + 8];

	memcpy(name, f->name, base);
	strcpy(name + base, suffix);
	put_field(a, FAMILY_NAME, name, base + strlen(suffix));
	put_field(a, FAMILY_HELP, f->help, strlen(f->help));
	expo_arena_put(a, type, 2);
	if (expo_shows_unit(f))
		put_field(a, FAMILY_UNIT, f->unit, strlen(f->unit));
	return expo_arena_since(a, start);
}
