/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_COUNTERS_H
#define EXPO_COUNTERS_H
/*
 * counters -- many counters of one family as protobuf, in place.  They are
 * what a large page consists of; a general encoder takes twice as long.
 */
#include "pairs.h"

/* What a Metric has besides its labels, at most. */
#define EXPO_COUNTER_MAX 64u

/*
 * expo_counter_put -- one Metric, with its tag and length.
 *
 * p        has room for the label pairs, EXPO_COUNTER_MAX and EXPO_SLACK.
 * wire     the label pairs that the source adds, readable past their end.
 * values   the series' own.
 * Return   one past the last byte.
 */
char *expo_counter_put(char *p, const struct expo_pairs *pairs, const char *wire,
    size_t source_len, const char *values, double value, uint64_t created_ns);

#endif
