/* SPDX-License-Identifier: Apache-2.0 */
/*
 * negotiate.h -- which format and coding a scraper wants.  Pure.
 *
 * q-values count, q=0 forbids, the more specific range wins; at equal q the
 * more specific range, then the earlier one, then the plain text.  There is
 * always an answer: without a range that fits it is Prometheus text 0.0.4,
 * never 406.
 */
#ifndef COLLECTOR_NEGOTIATE_H
#define COLLECTOR_NEGOTIATE_H

#include <stdbool.h>

#include "expo/expo.h"

/* negotiate_format -- `accept` is the header's value or NULL. */
enum expo_format negotiate_format(const char *accept);

/* negotiate_named -- the format of this name: text, openmetrics, protobuf;
 * false: there is none. */
bool negotiate_named(const char *name, enum expo_format *format);

/* negotiate_gzip -- whether gzip is wanted; NULL: no. */
bool negotiate_gzip(const char *accept_encoding);

#endif
