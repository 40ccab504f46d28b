/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL from jansson is no memory; appending and setting it fails in turn. */

static json_t *
number_of(uint64_t v)
{
	return json_integer((json_int_t)v);	/* bytes, slots: below 2^53 */
}

/* Counts have 64 bits, which a double has not. */
static json_t *
count_of(uint64_t v)
{
	return json_sprintf("%" PRIu64, v);
}

static json_t *
seconds_of(uint64_t ns)
{
	return json_real((double)(ns / 1000000) / 1e3);
}

static json_t *
used_of(uint64_t used, uint64_t of)
{
	return json_pack("{s:o,s:o}", "used", number_of(used), "of",
	    number_of(of));
}

/* Names of files are any bytes; jansson takes text only. */
static json_t *
text_of(const char *text)
{
	json_t *j = json_string(text);
	char plain[512];
	size_t n = 0;

	if (j)
		return j;
	for (; text[n] && n < sizeof(plain) - 1; n++)
		plain[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
	plain[n] = '\0';
	return json_string(plain);
}

static json_t *
processes_of(const struct smx_snapshot *snap)
{
	json_t *list = json_array();
	uint32_t n = snap->n_live;

	for (uint32_t i = 0; list && i < n && i < STATE_PROCESSES_MAX; i++) {
		const struct smx_live *live = &snap->live[i];

		if (json_array_append_new(list, json_pack("{s:o,s:o,s:o}",
		    "pid", number_of(live->pid), "slot", number_of(live->slot),
		    "start", seconds_of(live->start_ns))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
capacity_of(const struct smx_segment_state *t)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o}",
	    "slots", used_of(t->slots_live, t->slots),
	    "lanes", used_of(t->lanes_owned, t->lanes),
	    "cells", used_of(t->lane_bytes_used, t->lane_bytes),
	    "gauges", used_of(t->gauge_bytes_used, t->gauge_bytes),
	    "directory", used_of(t->dir_bytes_used, t->dir_bytes));
}

static json_t *
troubles_of(const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "refused", count_of(t->refused), "dropped", count_of(t->dropped),
	    "no_slot", count_of(t->no_slot), "no_lane", count_of(t->no_lane),
	    "redefined", count_of(t->redefined),
	    "overflowed", count_of(t->overflowed),
	    "adopted", count_of(t->adopted),
	    "approximate", count_of(g->approximate));
}

static json_t *
good(const struct segment *g)
{
	const struct smx_segment_state *t = &g->snap.state;
	uint32_t live = t->slots_live + t->crowd;

	return json_pack("{s:s,s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
	    "service", g->service, "instance", g->instance,
	    "file", text_of(g->file), "state", live ? "alive" : "idle",
	    "live", number_of(live), "processes", processes_of(&g->snap),
	    "families", number_of(g->snap.catalog->n_families),
	    "series", number_of(g->snap.catalog->n_series),
	    "bytes", number_of(t->size), "created", seconds_of(t->created_ns),
	    "capacity", capacity_of(t), "troubles", troubles_of(g));
}

static json_t *
bad(const struct segment *g)
{
	return json_pack("{s:s,s:s,s:o,s:s,s:s,s:o}", "service", g->service,
	    "instance", g->instance, "file", text_of(g->file), "state", "bad",
	    "cause", segment_cause_name(g->cause), "reason",
	    text_of(g->reason));
}

static bool
is_missing(const struct segments *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->service, name) == 0)
			return false;
	return true;
}

static json_t *
services_of(const struct state *s)
{
	json_t *list = json_array();
	int err = list ? 0 : -1;

	for (size_t i = 0; i < s->segments->n && err == 0; i++) {
		const struct segment *g = s->segments->v[i];

		if (g->shown || g->bad)
			err = json_array_append_new(list,
			    g->shown ? good(g) : bad(g));
	}
	for (size_t i = 0; i < s->n_expected && err == 0; i++)
		if (is_missing(s->segments, s->expected[i]))
			err = json_array_append_new(list, json_pack(
			    "{s:o,s:s,s:s}", "service",
			    text_of(s->expected[i]), "instance", "",
			    "state", "missing"));
	if (err == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
hidden_of(const struct state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_losses && i < STATE_LOSSES_MAX;
	     i++) {
		const struct expo_loss *l = &s->losses[i];
		const struct expo_source *from = &s->sources[l->source];

		if (json_array_append_new(list, json_pack(
		    "{s:s,s:s,s:s,s:s,s:s}",
		    "service", from->service ? from->service : "",
		    "instance", from->instance ? from->instance : "",
		    "family", l->family, "winner", l->winner,
		    "reason", expo_reason_text(l->reason))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
directory_of(const struct segments *s)
{
	return json_pack("{s:o,s:o}", "path", text_of(s->dir), "error",
	    s->dir_err ? json_string(strerror(-s->dir_err)) : json_null());
}

int
state_write(struct body *body, const struct state *s)
{
	json_t *root = json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o}",
	    "version", COLLECTOR_VERSION, "start", seconds_of(s->start_ns),
	    "time", seconds_of(s->time_ns),
	    "uptime", seconds_of(s->uptime_ns),
	    "metrics_path", text_of(s->metrics_path), "plan", s->plan,
	    "directory", directory_of(s->segments),
	    "services", services_of(s),
	    "n_hidden", number_of(s->n_losses), "hidden", hidden_of(s));
	char *text = root ? json_dumps(root,
	    JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
	int err = text ? body_set_text(body, text, strlen(text)) : -ENOMEM;

	free(text);
	json_decref(root);
	return err;
}
