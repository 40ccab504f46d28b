/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retention.h -- segments of services that have stopped are shown for a while
 * and then no longer.
 *
 * The time counts from when somebody had taken an answer with its last values
 * in it: all of it, for one who left in the middle has stored nothing.  So no
 * time is too short for the first scraper, and a time longer than their
 * interval is long enough for all of them.  The file stays (we write to
 * nothing); whoever comes back to it is shown again, with counters that go on.
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
 * `turn` is that of the answer being made, and rises; `keep_ns` 0 keeps for
 * ever; now_ns is monotonic.
 */
void retention_apply(struct segments *s, uint64_t turn, uint64_t keep_ns,
    uint64_t now_ns);

/* retention_told -- the answer of this turn, to `sel`, has been taken. */
void retention_told(struct segments *s, uint64_t turn,
    const struct selection *sel, uint64_t now_ns);

#endif
