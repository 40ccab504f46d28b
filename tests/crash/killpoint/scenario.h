/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_SCENARIO_H
#define KILLPOINT_SCENARIO_H
/*
 * scenario -- the lives of a writer that the kill-point test looks at.
 *
 * Every life uses the service "kill" in `dir`.  Histograms are given one
 * value only, so that sum == value x count is the right answer at any time.
 */
#include <signal.h>
#include <stdint.h>

#define SCENARIO_SERVICE "kill"
#define SCENARIO_FILE	 "smx.kill"
#define SCENARIO_VALUE	 UINT64_C(5000)
#define SCENARIO_AGAIN	 10u /* updates of each kind in scenario_recover() */

/* Exemplars are one of these: half of one and half of the other is none. */
#define SCENARIO_ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SCENARIO_ID_B "bbbbbbbbbbbbbbbbbbb"

/* Gauges that only scenario_before() sets, and what to. */
#define SCENARIO_OLD_GAUGES 3u
#define SCENARIO_OLD_VALUE  4711.0

/* Raised where scenario_run() wants a sibling to live and die. */
#define SCENARIO_SIBLING SIGUSR1

/* Lanes of the segment: 1 and the second thread shares the overflow lane. */
extern uint32_t scenario_lanes;

/* Orders counted by whole lives: the first, the one that is killed with its
 * sibling.  So many values are in latency_seconds too. */
#define SCENARIO_BEFORE 3u
#define SCENARIO_WHOLE	6u

/* A first life that leaves lanes and a slot behind; ends by SIGKILL. */
int scenario_before(const char *dir);

/* The life that is killed at every point: takeover, registration, get or
 * create (also of what a sibling made), retirement, lane claim, updates,
 * thread exit, detach. */
int scenario_run(const char *dir);

/* Another process of the service, while the first one stands still. */
int scenario_sibling(const char *dir);

/* The next life: attaches, finds the metrics, updates each AGAIN times. */
int scenario_recover(const char *dir);

/* Remove what lives have left in `dir`. */
void scenario_empty(const char *dir);

/* Run one of them in a child: its exit status, or 128 + signal. */
int scenario_in_child(int (*life)(const char *dir), const char *dir);

#endif
