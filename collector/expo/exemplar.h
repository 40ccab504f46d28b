/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_EXEMPLAR_H
#define EXPO_EXEMPLAR_H
/*
 * exemplar -- the exemplars of one histogram, and how they are written.
 *
 * OpenMetrics has one behind each bucket, protobuf in each bucket and, for a
 * native histogram, in a list.  Prometheus text 0.0.4 has none.
 */
#include "sink.h"

/* Bytes that one exemplar takes at most, in any format: twice in protobuf. */
#define EXPO_EXEMPLAR_MAX 1024u

/* Those of one series: ascending by bucket. */
struct expo_exemplars {
	const struct smx_exemplar *at, *end;
};

/* series: index into the catalog's. */
struct expo_exemplars expo_exemplars_of(
    const struct smx_snapshot *, uint32_t series);

/* The newest of those up to and including `bucket` that no earlier call has
 * passed, NULL if there is none. */
const struct smx_exemplar *expo_exemplars_take(
    struct expo_exemplars *, uint32_t bucket);

/* ` # {order_id="17"} 0.25 1700000000.123`; exponent is that of the family. */
void expo_exemplar_text(
    struct expo_sink *, const struct smx_exemplar *, int exponent);

/* An Exemplar message as field `field`. */
void expo_exemplar_wire(struct expo_sink *, uint32_t field,
    const struct smx_exemplar *, int exponent);
size_t expo_exemplar_wire_len(const struct smx_exemplar *);

#endif
