/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "expo/expo.h"
#include "smx.h"

/* Sound, but somebody should know: these cost metrics. */
static void
put_trouble(const char *service, const struct smx_segment_state *s)
{
	const struct {
		uint64_t n;
		const char *what;
	} troubles[] = {
		{ s->refused, "registrations refused" },
		{ s->dropped, "observations dropped, 2^63 or more" },
		{ s->no_slot, "processes without a slot (raise "
			      "smx_options.slots)" },
		{ s->no_lane, "threads without a lane (raise "
			      "smx_options.lanes)" },
		{ s->redefined, "families redefined" },
		{ s->overflowed, "families at their limit of series (raise "
				 "series_max)" },
	};

	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		if (troubles[i].n > 0)
			printf("%s: note: %" PRIu64 " %s\n", service,
			    troubles[i].n, troubles[i].what);
}

/* Before registrations and threads are refused. */
static void
put_fullness(const char *service, const struct smx_segment_state *s)
{
	struct capacity c[N_CAPACITIES];

	printf("%s: used: ", service);
	capacity_put(s);
	capacity_of(c, s);
	for (size_t i = 0; i < N_CAPACITIES; i++)
		if (c[i].used >= c[i].of - c[i].of / 10)
			printf("%s: note: %" PRIu64 " of %" PRIu64 " %s are "
			       "used (raise smx_options.%s)\n", service,
			    c[i].used, c[i].of, c[i].what, c[i].option);
}

/* Families that no exposition can show beside the others. */
static void
put_losses(const char *service, const struct smx_catalog *catalog)
{
	struct expo_source source = { .catalog = catalog, .service = service };
	const struct expo_loss *losses;
	struct expo_page *page;
	size_t n;

	if (expo_page_create(&page, &source, 1) < 0)
		return; /* no memory: the segment is sound all the same */
	n = expo_page_losses(page, &losses);
	for (size_t i = 0; i < n; i++)
		printf("%s: note: %s is not shown: %s%s%s\n", service,
		    losses[i].family, expo_reason_text(losses[i].reason),
		    losses[i].winner[0] != '\0' ? ": " : "", losses[i].winner);
	expo_page_destroy(page);
}

static void
put_sound(const char *service, const struct smx_snapshot *s)
{
	printf("%s: sound: %u families, %u series, %u live%s\n", service,
	    s->catalog->n_families, s->catalog->n_series, s->state.slots_live,
	    s->state.crowd ? ", and some without a slot" : "");
	put_fullness(service, &s->state);
	if (s->approximate > 0)
		printf("%s: note: %u histograms moved, or a killed thread left "
		       "them half done\n", service, s->approximate);
	put_trouble(service, &s->state);
	put_losses(service, s->catalog);
}

static int
check(const struct options *o, const char *word)
{
	const char *service = target_service(word);
	struct smx_snapshot shot = { 0 };
	struct smx_error error;
	struct smx_view *view;
	int err = target_open(&view, o, word, &error);

	if (err == 0) {
		err = smx_snapshot_take(&shot, view, &error);
		if (err == 0)
			put_sound(service, &shot);
		smx_snapshot_free(&shot);
		smx_view_close(view);
	}
	if (err < 0)
		printf("%s: %s: %s\n", service,
		    err == -EBADMSG ? "not sound" : "cannot be read",
		    error.msg);
	return err < 0;
}

int
command_check(const struct options *o)
{
	int wrong = 0;

	for (int i = 0; i < o->n_names; i++)
		wrong |= check(o, o->names[i]);
	return wrong;
}
