/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h -- /api/v1/state: services, their capacity and their troubles, for
 * the page at / (docs/PAGE.md).
 *
 * Thread   the job's (engine.h).
 */
#ifndef COLLECTOR_STATE_H
#define COLLECTOR_STATE_H

#include "collector/body.h"
#include "collector/expo/expo.h"
#include "collector/segments.h"

#define STATE_LOSSES_MAX	100	/* hidden families that are listed */
#define STATE_PROCESSES_MAX	64	/* of a service that are listed */

struct state {
	const struct segments *segments;
	const struct expo_source *sources;	/* that losses speak of */
	const struct expo_loss *losses;
	size_t n_losses;
	const char *const *expected;
	size_t n_expected;
	const char *metrics_path;
	const char *plan;
	uint64_t start_ns;			/* of the collector, 1970 */
	uint64_t time_ns, uptime_ns;		/* of the snapshots */
};

/*
 * state_write -- as JSON; bounded by SEGMENTS_MAX and the above.
 *
 * Errors   -ENOMEM; nothing is in the body then.
 */
int state_write(struct body *body, const struct state *s);

#endif
