/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments.h -- the segments of one directory, opened as they come and
 * dropped as they go.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 * Trust    none: whatever is wrong with a file concerns this file only.  It
 *          is then bad: named in the log once per change, counted, not shown.
 */
#ifndef COLLECTOR_SEGMENTS_H
#define COLLECTOR_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "runtime/log.h"
#include "smx/view.h"

#define SEGMENTS_MAX 1024	/* of one directory; further ones are bad */
#define SEGMENT_NAME 65		/* service or instance, the NUL included */

/* Why a segment is bad: the label `cause` of the collector's own series. */
enum segment_cause {
	CAUSE_CREATING,		/* its writer never finished it */
	CAUSE_VERSION,		/* another layout, or not ours */
	CAUSE_CORRUPT,
	CAUSE_OWNER,
	CAUSE_NAME,
	CAUSE_BUDGET,
	CAUSE_CUT,		/* shrank while it was mapped */
	CAUSE_IO,
	N_CAUSES
};

struct segment {
	char file[256];
	char service[SEGMENT_NAME];
	char instance[SEGMENT_NAME];	/* "" : none */
	struct smx_view *view;		/* NULL: bad, or not yet there */
	struct smx_snapshot snap;
	bool shown;			/* snap is of this job */
	uint64_t serial;		/* of this opening: never reused */
	uint64_t approximate;		/* histograms, over all snapshots */
	struct stat st;			/* as it was when opened or tried */
	bool bad;
	enum segment_cause cause;
	char reason[256];		/* why it is bad */
	uint64_t tried_ns;		/* monotonic */
	uint64_t first_ns;		/* first seen in its present state */
	bool seen;			/* during a scan */
};

struct segments {
	const char *dir;		/* borrowed */
	const struct log *log;		/* borrowed */
	uid_t owner;			/* trusted besides us and root */
	int dirfd;			/* -1: the directory is not there */
	int dir_err;
	bool open_to_all;		/* world-writable: owners are looked at */
	struct segment **v;		/* by service, then instance */
	size_t n, cap;
	bool crowded;			/* more than SEGMENTS_MAX: said so */
	uint64_t next_serial;
	uint64_t errors[N_CAUSES];
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

/* segments_snapshot -- take a snapshot of each good one (sets shown). */
void segments_snapshot(struct segments *s);

/* segments_bad -- how many are bad. */
size_t segments_bad(const struct segments *s);

const char *segment_cause_name(enum segment_cause cause);

/*
 * segment_parse_name -- "smx.<service>[@<instance>]" into its parts.
 *
 * Errors   -EINVAL the parts are not [a-z0-9_-]{1,64}.
 */
int segment_parse_name(const char *file, char service[SEGMENT_NAME],
    char instance[SEGMENT_NAME]);

#endif
