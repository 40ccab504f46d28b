/* SPDX-License-Identifier: Apache-2.0 */
#include "labels.h"

#include <string.h>

#include "escape.h"

static const char *const type_names[] = {
	[SMX_TYPE_COUNTER] = "counter",
	[SMX_TYPE_GAUGE] = "gauge",
	[SMX_TYPE_HISTOGRAM] = "histogram",
};

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && memcmp(name + n - k, suffix, k) == 0;
}

bool
expo_is_info(const char *name, uint8_t type)
{
	return type == SMX_TYPE_GAUGE && ends_in(name, "_info");
}

const char *
expo_suffix(const char *name, uint8_t type)
{
	if (type == SMX_TYPE_COUNTER)
		return "_total";
	return expo_is_info(name, type) ? "_info" : "";
}

size_t
expo_base_len(const char *name, uint8_t type)
{
	const char *suffix = expo_suffix(name, type);

	return strlen(name) - (ends_in(name, suffix) ? strlen(suffix) : 0);
}

/* before + name="value"; `before` is a character or none. */
static void
put_label(struct expo_arena *a, const char *before, const char *name,
    const char *value)
{
	size_t n = strlen(name);
	char *start = expo_arena_room(a, n + 2 * strlen(value) + 4);
	char *p = start;

	if (p == NULL)
		return;
	if (before[0] != '\0')
		*p++ = before[0];
	memcpy(p, name, n);
	p += n;
	*p++ = '=';
	*p++ = '"';
	p += expo_escape(p, value, true);
	*p++ = '"';
	expo_arena_advance(a, (size_t)(p - start));
}

static void
put_base(struct expo_arena *a, const struct smx_family_info *f)
{
	expo_arena_put(a, f->name, expo_base_len(f->name, f->type));
}

struct expo_text
expo_put_head(struct expo_arena *a, const struct expo_source *s,
    const struct smx_family_info *f, const char *suffix, bool brace)
{
	size_t start = a->len;

	put_base(a, f);
	expo_arena_str(a, suffix);
	if (s->bare) {
		if (brace || f->n_labels > 0)
			expo_arena_put(a, "{", 1);
		return expo_arena_since(a, start);
	}
	put_label(a, "{", "service", s->service);
	if (s->instance != NULL && s->instance[0] != '\0')
		put_label(a, ",", "service_instance", s->instance);
	return expo_arena_since(a, start);
}

struct expo_text
expo_put_series(struct expo_arena *a, const struct expo_source *s,
    const struct smx_family_info *f, const struct smx_series_info *series)
{
	const char *name = f->labels, *value = series->values;
	const char *before = s->bare ? "" : ",";
	size_t start = a->len;

	for (uint32_t i = 0; i < f->n_labels; i++) {
		put_label(a, before, name, value);
		name += strlen(name) + 1;
		value += strlen(value) + 1;
		before = ",";
	}
	expo_arena_str(a, before[0] != '\0' ? "} " : " ");
	return expo_arena_since(a, start);
}

struct expo_text
expo_put_name(struct expo_arena *a, const struct smx_family_info *f)
{
	size_t start = a->len;

	put_base(a, f);
	expo_arena_str(a, expo_suffix(f->name, f->type));
	return expo_arena_since(a, start);
}

bool
expo_shows_unit(const struct smx_family_info *f)
{
	size_t name = expo_base_len(f->name, f->type);
	size_t unit = strlen(f->unit);

	return unit > 0 && name > unit + 1 && f->name[name - unit - 1] == '_' &&
	       memcmp(f->name + name - unit, f->unit, unit) == 0;
}

static void
put_meta(struct expo_arena *a, const char *keyword,
    const struct smx_family_info *f, bool openmetrics)
{
	expo_arena_str(a, keyword);
	if (openmetrics)
		put_base(a, f);
	else
		expo_put_name(a, f);
	expo_arena_put(a, " ", 1);
}

struct expo_text
expo_put_header(
    struct expo_arena *a, const struct smx_family_info *f, bool openmetrics)
{
	size_t start = a->len;

	put_meta(a, "# HELP ", f, openmetrics);
	expo_arena_escape(a, f->help, openmetrics);
	expo_arena_put(a, "\n", 1);
	put_meta(a, "# TYPE ", f, openmetrics);
	expo_arena_str(a, openmetrics && expo_is_info(f->name, f->type) ?
		"info" : type_names[f->type]);
	expo_arena_put(a, "\n", 1);
	if (openmetrics && expo_shows_unit(f)) {
		put_meta(a, "# UNIT ", f, true);
		expo_arena_str(a, f->unit);
		expo_arena_put(a, "\n", 1);
	}
	return expo_arena_since(a, start);
}
