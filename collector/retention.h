/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention.h -- segments of services that have stopped are shown for a while
 * and then no longer.
 *
 * The time counts from when nobody living was found in the segment.  Its last
 * values have then been put into at least one answer, however short the time
 * is.  The file stays (we write to nothing); whoever comes back to it is shown
 * again, with counters that go on.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 */
#ifndef COLLECTOR_RETENTION_H
#define COLLECTOR_RETENTION_H

#include "collector/segments.h"

/*
 * retention_apply -- after segments_snapshot(): what is too old is no longer
 * shown.
 *
 * `keep_ns` 0 keeps for ever; now_ns is monotonic.
 */
void retention_apply(struct segments *s, uint64_t keep_ns, uint64_t now_ns);

/* retention_told -- the values of `sel` are in an answer. */
void retention_told(struct segments *s, const struct selection *sel);

#endif
