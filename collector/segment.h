/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.h -- one file of the directory that is, or ought to be, a segment.
 *
 * Thread   one at a time: it belongs to whichever job runs (engine.h).
 * Trust    none: whatever is wrong with a file concerns this file only.  It
 *          is then bad: named in the log once per change, counted, not shown.
 */
#ifndef COLLECTOR_SEGMENT_H
#define COLLECTOR_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "collector/weight.h"
#include "runtime/log.h"
#include "smx/view.h"

#define SEGMENT_NAME 65		/* service or instance, the NUL included */
#define SEGMENT_BYTES_MAX (UINT64_C(512) << 20)	/* weight of one (weight.h) */

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

/* For how long nobody living has been in it (retention.h). */
struct segment_age {
	uint64_t serial;		/* of the opening this is about */
	uint64_t turn;			/* from which on its values are its
					 * last; 0: it lives */
	bool told;			/* somebody has them */
	uint64_t told_ns;		/* since; monotonic */
	bool gone;			/* no longer shown: said so */
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
	struct weight weight;
	uint64_t weighed;		/* generation of the catalog then */
	uint64_t bytes;			/* with the processes it has now */
	unsigned costly;		/* times refused for its cost, till
					 * it was shown again */
	struct segment_age age;
};

/* What all segments of a directory have in common. */
struct segment_site {
	const struct log *log;		/* borrowed */
	uid_t owner;			/* trusted besides us and root */
	int dirfd;			/* -1: the directory is not there */
	int fd_max;			/* descriptors from it on are kept for
					 * clients, logs and the like */
	bool open_to_all;		/* world-writable: owners are looked at */
	uint64_t next_serial;
	uint64_t errors[N_CAUSES];	/* times a segment was found bad */
};

/* segment_create -- for a file just found; NULL: no memory. */
struct segment *segment_create(const char *file);
void segment_destroy(struct segment *g);

/*
 * segment_update -- look at the file, which is now as *st says: open it, read
 * what was added to its directory, or drop what is no longer behind its name.
 *
 * Sets seen.
 */
void segment_update(struct segment *g, struct segment_site *site,
    const struct stat *st);

/* segment_refuse -- it is bad, for the reason err, which is `why`. */
void segment_refuse(struct segment *g, struct segment_site *site, int err,
    const char *why);

/* segment_snapshot -- take the values; sets shown. */
void segment_snapshot(struct segment *g, struct segment_site *site);

const char *segment_cause_name(enum segment_cause cause);

/*
 * segment_parse_name -- "smx.<service>[@<instance>]" into its parts.
 *
 * Errors   -EINVAL the parts are not [a-z0-9_-]{1,64}.
 */
int segment_parse_name(const char *file, char service[SEGMENT_NAME],
    char instance[SEGMENT_NAME]);

#endif
