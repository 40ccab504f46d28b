/* SPDX-License-Identifier: Apache-2.0 */
#include "expo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exemplar.h"
#include "number.h"
#include "planner.h"

/* Room for the last line to be written as fast as the others. */
#define SPARE (4 * EXPO_WIDE + EXPO_NUMBER_ROOM)

/* Gives back what the text grew by in advance. */
static int
trim(struct expo_page *page)
{
	char *p = realloc(page->text, page->text_len + EXPO_WIDE);

	if (p == NULL)
		return -ENOMEM;
	memset(p + page->text_len, 0, EXPO_WIDE);
	page->text = p;
	return 0;
}

int
expo_page_create(
    struct expo_page **out, const struct expo_source *sources, size_t n)
{
	return expo_page_renew(out, NULL, NULL, sources, n);
}

int
expo_page_renew(struct expo_page **out, const struct expo_page *earlier,
    const uint32_t *from, const struct expo_source *sources, size_t n)
{
	struct expo_page *page = calloc(1, sizeof(*page));
	int err;

	if (page == NULL)
		return -ENOMEM;
	err = expo__plan(page, earlier, from, sources, n);
	if (err == 0)
		err = trim(page);
	if (err < 0) {
		expo_page_destroy(page);
		return err;
	}
	*out = page;
	return 0;
}

void
expo_page_destroy(struct expo_page *page)
{
	if (page == NULL)
		return;
	free(page->text);
	free(page->blocks);
	free(page->parts);
	free(page->series);
	free(page->rungs);
	free(page->natives);
	free(page->needs);
	free(page->losses);
	free(page->lost_text);
	free(page);
}

size_t
expo_page_losses(const struct expo_page *page, const struct expo_loss **losses)
{
	*losses = page->losses;
	return page->n_losses;
}

const char *
expo_reason_text(enum expo_reason reason)
{
	switch (reason) {
	case EXPO_LOST_TYPE:
		return "the name is in use with another type";
	case EXPO_LOST_NAME:
		return "its sample names collide with another family";
	case EXPO_LOST_TWICE:
		return "the same service shows this family already";
	case EXPO_LOST_LABEL:
		return "a label name comes twice";
	}
	return "unknown reason";
}

size_t
expo_page_bytes(const struct expo_page *page)
{
	return sizeof(*page) + page->text_len + EXPO_WIDE +
	       page->n_blocks * sizeof(*page->blocks) +
	       page->n_parts * sizeof(*page->parts) +
	       page->n_series * sizeof(*page->series) +
	       page->n_rungs * sizeof(*page->rungs) +
	       page->n_natives * sizeof(*page->natives) +
	       page->n_sources * sizeof(*page->needs) +
	       page->n_losses * sizeof(*page->losses);
}

bool
expo__fits(
    const struct expo_page *page, size_t i, const struct smx_snapshot *snap)
{
	const struct expo_need *need = &page->needs[i];

	if (snap == NULL || snap->catalog == NULL)
		return false;
	if (need->cells > 0 && snap->cells == NULL)
		return false;
	return snap->catalog->n_cells >= need->cells &&
	       snap->catalog->n_gauges >= need->gauges &&
	       snap->catalog->n_series >= need->series &&
	       snap->catalog->n_families >= need->families;
}

size_t
expo_page_bound(const struct expo_page *page, enum expo_format format,
    const struct smx_snapshot *const *snapshots)
{
	size_t bytes = page->bound[format] + SPARE;

	for (size_t i = 0; i < page->n_sources; i++)
		if (expo__fits(page, i, snapshots[i]))
			bytes +=
			    page->needs[i].each[format] * snapshots[i]->n_live +
			    (size_t)snapshots[i]->n_exemplars *
				EXPO_EXEMPLAR_MAX;
	return bytes;
}

size_t
expo_render(char *dst, size_t cap, const struct expo_page *page,
    enum expo_format format, const struct smx_snapshot *const *snapshots)
{
	if (format == EXPO_PROTOBUF)
		return expo__render_protobuf(dst, cap, page, snapshots);
	return expo__render_text(dst, cap, page, format, snapshots);
}

const char *
expo_content_type(enum expo_format format)
{
	static const char *const types[EXPO_FORMATS] = {
		[EXPO_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[EXPO_OPENMETRICS] = "application/openmetrics-text; "
				     "version=1.0.0; charset=utf-8",
		[EXPO_OPENMETRICS_CREATED] = "application/openmetrics-text; "
				     "version=1.0.0; charset=utf-8",
		[EXPO_PROTOBUF] = "application/vnd.google.protobuf; "
				  "proto=io.prometheus.client.MetricFamily; "
				  "encoding=delimited",
	};

	return types[format];
}
