/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments.h -- the segments of one directory, opened as they come and
 * dropped as they go.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_SEGMENTS_H
#define COLLECTOR_SEGMENTS_H

#include "collector/segment.h"
#include "collector/select.h"

#define SEGMENTS_MAX 1024	/* of one directory; further ones are bad */
#define SEGMENTS_BYTES_MAX (UINT64_C(1) << 30)	/* weight of all (weight.h) */

struct segments {
	struct segment_site site;
	const char *dir;		/* borrowed */
	int dir_err;
	struct segment **v;		/* by service, then instance */
	size_t n, cap;
	bool crowded;			/* more than SEGMENTS_MAX: said so */
};

void segments_init(struct segments *s, const char *dir, uid_t owner,
    const struct log *log);
void segments_close(struct segments *s);

/*
 * segments_scan -- bring the table up to date with the directory.
 *
 * Errors   none to the caller: dir_err says what is wrong with the directory.
 */
void segments_scan(struct segments *s);

/* segments_snapshot -- take a snapshot of each good one (sets shown); with
 * `only` of those it chooses, and no other is then shown. */
void segments_snapshot(struct segments *s, const struct selection *only);

/* segments_bad -- how many are bad. */
size_t segments_bad(const struct segments *s);

#endif
