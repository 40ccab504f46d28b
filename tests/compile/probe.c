/* SPDX-License-Identifier: Apache-2.0 */
/* What a service's code becomes: one update in a function each, to be
 * disassembled by instructions.py. */
#include "smx/hot.h"

#include "libshm/src/load.h"

void probe_inc(struct smx_counter);
void probe_add(struct smx_counter, uint64_t);
void probe_set(struct smx_gauge, double);
void probe_gauge_add(struct smx_gauge, double);
void probe_observe(struct smx_histogram, uint64_t);
uint64_t probe_load_acquire(const uint64_t *);
uint64_t probe_load_relaxed(const uint64_t *);

void
probe_inc(struct smx_counter c)
{
	smx_inc(c);
}

void
probe_add(struct smx_counter c, uint64_t n)
{
	smx_add(c, n);
}

void
probe_set(struct smx_gauge g, double value)
{
	smx_set(g, value);
}

void
probe_gauge_add(struct smx_gauge g, double delta)
{
	smx_gauge_add(g, delta);
}

void
probe_observe(struct smx_histogram h, uint64_t value)
{
	smx_observe(h, value);
}

uint64_t
probe_load_acquire(const uint64_t *at)
{
	return smx__load_acquire(at);
}

uint64_t
probe_load_relaxed(const uint64_t *at)
{
	return smx__load_relaxed(at);
}
