/* SPDX-License-Identifier: Apache-2.0 */
#include "exemplar.h"

#include "escape.h"
#include "field.h"

/* Exemplar */
#define EXEMPLAR_LABEL 1
#define EXEMPLAR_VALUE 2
#define EXEMPLAR_TIME  3

static const struct smx_exemplar *
lower_bound(const struct smx_snapshot *s, uint32_t series)
{
	uint32_t lo = 0, hi = s->n_exemplars;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->exemplars[mid].series < series)
			lo = mid + 1;
		else
			hi = mid;
	}
	return s->exemplars + lo;
}

struct expo_exemplars
expo_exemplars_of(const struct smx_snapshot *s, uint32_t series)
{
	struct expo_exemplars e = { NULL, NULL };
	const struct smx_exemplar *end;

	if (s->n_exemplars == 0)
		return e;
	end = s->exemplars + s->n_exemplars;
	e.at = e.end = lower_bound(s, series);
	while (e.end < end && e.end->series == series)
		e.end++;
	return e;
}

const struct smx_exemplar *
expo_exemplars_take(struct expo_exemplars *e, uint32_t bucket)
{
	const struct smx_exemplar *newest = NULL;

	for (; e->at < e->end && e->at->bucket <= bucket; e->at++)
		if (newest == NULL || e->at->time_ns > newest->time_ns)
			newest = e->at;
	return newest;
}

/* Goes over name and value of each label. */
static const char *
next(const char *s)
{
	return s + strlen(s) + 1;
}

static void
put_text_label(struct expo_sink *s, const char *name, const char *value)
{
	char escaped[2 * SMX_EXEMPLAR_TEXT];

	expo_sink_put(s, name, strlen(name));
	expo_sink_put(s, "=\"", 2);
	expo_sink_put(s, escaped, expo_escape(escaped, value, true));
	expo_sink_put(s, "\"", 1);
}

void
expo_exemplar_text(
    struct expo_sink *s, const struct smx_exemplar *e, int exponent)
{
	const char *name = e->text;
	char number[EXPO_NUMBER_ROOM];

	expo_sink_put(s, " # {", 4);
	for (uint32_t i = 0; i < e->n_labels; i++, name = next(next(name))) {
		if (i > 0)
			expo_sink_put(s, ",", 1);
		put_text_label(s, name, next(name));
	}
	expo_sink_put(s, "} ", 2);
	expo_sink_put(s, number, expo_decimal(number, e->value, exponent));
	expo_sink_put(s, " ", 1);
	expo_sink_put(s, number, expo_time(number, e->time_ns));
}

/* The labels, the value, the time. */
static size_t
body_len(const struct smx_exemplar *e)
{
	size_t n = 9 + wire_field_len(field_time_len(e->time_ns));
	const char *name = e->text;

	for (uint32_t i = 0; i < e->n_labels; i++, name = next(next(name)))
		n += expo_wire_label_len(name, next(name));
	return n;
}

size_t
expo_exemplar_wire_len(const struct smx_exemplar *e)
{
	return e == NULL ? 0 : wire_field_len(body_len(e));
}

void
expo_exemplar_wire(struct expo_sink *s, uint32_t field,
    const struct smx_exemplar *e, int exponent)
{
	const char *name = e->text;

	field_length(s, field, body_len(e));
	for (uint32_t i = 0; i < e->n_labels; i++, name = next(next(name)))
		field_label(s, EXEMPLAR_LABEL, name, next(name));
	field_double(s, EXEMPLAR_VALUE, expo_value(e->value, exponent));
	field_time(s, EXEMPLAR_TIME, e->time_ns);
}
