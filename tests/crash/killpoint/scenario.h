/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_SCENARIO_H
#define KILLPOINT_SCENARIO_H
/*
 * scenario -- the lives of a writer that the kill-point test looks at.
 *
 * Every life uses the service "kill" in `dir`.  Histograms are given one
 * value only, so that sum == value x count is the right answer at any time.
 */
#include <stdint.h>

#define SCENARIO_SERVICE "kill"
#define SCENARIO_FILE	 "smx.kill"
#define SCENARIO_VALUE	 UINT64_C(5000)
#define SCENARIO_AGAIN	 10u /* updates of each kind in scenario_recover() */

/* A first life that leaves lanes and a slot behind; ends by SIGKILL. */
void scenario_before(const char *dir);

/* The life that is killed at every point: takeover, registration, get or
 * create, retirement, lane claim, updates, thread exit, detach. */
int scenario_run(const char *dir);

/* The next life: attaches, finds the metrics, updates each AGAIN times. */
int scenario_recover(const char *dir);

#endif
