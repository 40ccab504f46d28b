/* SPDX-License-Identifier: Apache-2.0 */
#include "earlier.h"

#include <errno.h>
#include <stdlib.h>

/* A source of which something was left out is planned anew: it may have a
 * place now. */
static bool
lost_any(const struct expo_page *page, size_t source)
{
	for (size_t i = 0; i < page->n_losses; i++)
		if (page->losses[i].source == source)
			return true;
	return false;
}

static int
take_source(struct expo_earlier *e, size_t i, uint32_t from,
    const struct smx_catalog *now)
{
	const struct expo_need *need;

	if (from >= e->page->n_sources || lost_any(e->page, from))
		return 0;
	need = &e->page->needs[from];
	if (now->n_families < need->families || now->n_series < need->series)
		return 0; /* not the one it was */
	e->parts[i] = calloc((size_t)need->families + 1, sizeof(**e->parts));
	if (e->parts[i] == NULL)
		return -ENOMEM;
	e->families[i] = need->families;
	e->series[i] = need->series;
	return 0;
}

/* Each part of the page goes to the new source that is its own. */
static int
take_parts(struct expo_earlier *e, const uint32_t *from)
{
	const struct expo_page *page = e->page;
	uint32_t *to = calloc(page->n_sources + 1, sizeof(*to));

	if (to == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->n; i++)
		if (e->parts[i] != NULL)
			to[from[i]] = (uint32_t)i + 1;
	for (size_t k = 0; k < page->n_parts; k++) {
		const struct expo_part *part = &page->parts[k];

		if (to[part->source] != 0)
			e->parts[to[part->source] - 1][part->family] =
			    (uint32_t)k + 1;
	}
	free(to);
	return 0;
}

int
expo_earlier_open(struct expo_earlier *e, const struct expo_page *page,
    const uint32_t *from, const struct expo_source *sources, size_t n)
{
	int err = 0;

	*e = (struct expo_earlier){ .page = page, .n = n };
	if (page == NULL)
		return 0;
	e->parts = calloc(n + 1, sizeof(*e->parts));
	e->families = calloc(n + 1, sizeof(*e->families));
	e->series = calloc(n + 1, sizeof(*e->series));
	if (!e->parts || !e->families || !e->series)
		return -ENOMEM;
	for (size_t i = 0; i < n && err == 0; i++)
		err = take_source(e, i, from[i], sources[i].catalog);
	return err < 0 ? err : take_parts(e, from);
}

void
expo_earlier_close(struct expo_earlier *e)
{
	for (size_t i = 0; i < e->n && e->parts != NULL; i++)
		free(e->parts[i]);
	free(e->parts);
	free(e->families);
	free(e->series);
}

uint32_t
expo_earlier_series(const struct expo_earlier *e, size_t source)
{
	return e->page == NULL ? 0 : e->series[source];
}

const struct expo_part *
expo_earlier_part(const struct expo_earlier *e, size_t source, uint32_t family)
{
	if (e->page == NULL || family >= e->families[source] ||
	    e->parts[source] == NULL || e->parts[source][family] == 0)
		return NULL;
	return &e->page->parts[e->parts[source][family] - 1];
}
