/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_LABELS_H
#define EXPO_LABELS_H
/*
 * labels -- the text before the value of a line, and the lines before the
 * first sample of a family.
 */
#include "arena.h"

/* Length of a family's name without the `_total` of a counter. */
size_t expo_base_len(const char *name, uint8_t type);

/*
 * expo_put_head -- `name{service="x"`, `name{` or `name`.
 *
 * Input    name is the family's without `_total`; `brace` asks for the brace
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

/* `name`, as Prometheus shows it: a counter's with _total. */
struct expo_text expo_put_name(
    struct expo_arena *, const struct smx_family_info *);

#endif
