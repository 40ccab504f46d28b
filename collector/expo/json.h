/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_JSON_H
#define EXPO_JSON_H
/*
 * json -- a part of a page as JSON: what /api/v1/series answers (docs/PAGE.md).
 *
 * Values are strings: every digit of a counter, which a double would not hold.
 * An answer is bounded: it ends before EXPO_JSON_MAX bytes or after `limit`
 * series, and says where to go on.
 *
 * Thread   as expo.h.
 */
#include "expo.h"

#define EXPO_JSON_MAX ((size_t)4 << 20)

struct expo_window {
	const char *plan;   /* names the page: same plan, same series */
	const char *family; /* this one alone; "": all */
	uint64_t first;	    /* series to pass over */
	uint64_t limit;	    /* series at most, >= 1 */
	bool values_only;   /* the names are known: they belong to the plan */
	uint64_t time_ns;   /* of the snapshots, since 1970 */
	uint64_t uptime_ns; /* the same by a clock that is never set */
};

/*
 * expo_json -- write the series of a window.
 *
 * sources  those that the page was made of; names and snapshots as there.
 * dst      has room for EXPO_JSON_MAX bytes.
 * Return   the bytes written: at least one series is among them unless the
 *          window is past the end.
 */
size_t expo_json(char *dst, const struct expo_page *,
    const struct expo_source *sources, const struct expo_window *,
    const struct smx_snapshot *const *snapshots);

#endif
