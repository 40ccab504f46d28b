/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_LABELS_H
#define EXPO_LABELS_H
/*
 * labels -- the text before the value of a line, and the lines before the
 * first sample of a family.
 */
#include "arena.h"

/* A gauge that is named `…_info` is one: always 1, all it says is in its
 * labels.  OpenMetrics has a type for that, elsewhere it is a gauge. */
bool expo_is_info(const char *name, uint8_t type);

/* Length of a family's name without what OpenMetrics leaves out of it: the
 * `_total` of a counter, the `_info` of an info. */
size_t expo_base_len(const char *name, uint8_t type);

/* What a sample has behind that: `_total`, `_info` or nothing. */
const char *expo_suffix(const char *name, uint8_t type);

/*
 * expo_put_head -- `name{service="x"`, `name{` or `name`.
 *
 * Input    name is the family's up to expo_base_len(); `brace` asks for the brace
 *          even if the line has no label yet.
 */
struct expo_text expo_put_head(struct expo_arena *, const struct expo_source *,
    const struct smx_family_info *, const char *suffix, bool brace);

/* Labels of a series, `,a="b"} `, or ` ` if the line has none at all. */
struct expo_text expo_put_series(struct expo_arena *,
    const struct expo_source *, const struct smx_family_info *,
    const struct smx_series_info *);

/* HELP, TYPE and UNIT of one text format. */
struct expo_text expo_put_header(
    struct expo_arena *, const struct smx_family_info *, bool openmetrics);

/* OpenMetrics wants the unit to be the end of the family name. */
bool expo_shows_unit(const struct smx_family_info *);

/* `name`, as Prometheus shows it: with the suffix. */
struct expo_text expo_put_name(
    struct expo_arena *, const struct smx_family_info *);

#endif
