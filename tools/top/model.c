/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../smx.h"
#include "quantile.h"
#include "smx/layout.h"

static const double quantiles[TOP_N_Q] = { 0.5, 0.9, 0.99, 0.999, 1 };

int
top_model_open(struct top_model *m, const char *dir,
    const struct smx_view_options *view)
{
	*m = (struct top_model){ .view = *view };
	m->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return m->dirfd < 0 ? -errno : 0;
}

static void
segment_close(struct top_segment *g)
{
	for (uint32_t i = 0; i < g->n_series; i++)
		free(g->series[i].name);
	free(g->series);
	g->series = NULL;
	g->n_series = g->n_shown = g->n_cells = g->n_cells_before = 0;
	g->updates = 0;
	smx_snapshot_free(&g->now);
	smx_snapshot_free(&g->before);
	memset(&g->now, 0, sizeof(g->now));
	memset(&g->before, 0, sizeof(g->before));
	if (g->view)
		smx_view_close(g->view);
	g->view = NULL;
}

void
top_model_close(struct top_model *m)
{
	for (size_t i = 0; i < m->n_segments; i++) {
		segment_close(m->segments[i]);
		free(m->segments[i]);
	}
	free(m->segments);
	close(m->dirfd);
}

static char *
name_of(const struct top_segment *g, uint32_t i)
{
	char *name = NULL;
	size_t size;
	FILE *to = open_memstream(&name, &size);

	if (to == NULL)
		return NULL;
	fputs(top_family(g, i)->name, to);
	text_write_labels(to, top_family(g, i), &g->now.catalog->series[i]);
	return fclose(to) == 0 ? name : NULL;
}

/* Series are only ever added at the end. */
static int
grow(struct top_segment *g)
{
	uint32_t n = g->now.catalog->n_series;
	struct top_series *more;

	if (n == g->n_series)
		return 0;
	more = reallocarray(g->series, n, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	g->series = more;
	for (; g->n_series < n; g->n_series++) {
		struct top_series *s = &more[g->n_series];

		memset(s, 0, sizeof(*s));
		for (unsigned k = 0; k < TOP_HISTORY; k++)
			s->history[k] = NAN;
		s->name = name_of(g, g->n_series);
		if (s->name == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* Cells that the look before had not are new, from zero; one that fell is
 * of a segment that was emptied. */
static uint64_t
more_of(const struct top_segment *g, uint32_t cell)
{
	uint64_t now = g->now.cells[cell];
	uint64_t before = cell < g->n_cells_before ? g->before.cells[cell] : 0;

	if (g->before.catalog == NULL) /* the first look knows no before */
		return 0;

	return now > before ? now - before : 0;
}

uint64_t
top_bucket(const struct top_segment *g, uint32_t series, uint32_t bucket)
{
	return more_of(g, g->now.catalog->series[series].cell +
	    SMX_HIST_BUCKET + bucket);
}

static double
look_at_counter(const struct top_segment *g, uint32_t i, struct top_series *s)
{
	uint32_t cell = g->now.catalog->series[i].cell;
	int exponent = top_family(g, i)->exponent;

	s->value = quantile_scaled((double)g->now.cells[cell], exponent);
	s->shown = true;
	return quantile_scaled((double)more_of(g, cell), exponent);
}

static double
look_at_histogram(const struct top_segment *g, uint32_t i,
    struct top_series *s)
{
	static uint64_t counts[SMX_MAX_BUCKETS];
	const struct smx_family_info *f = top_family(g, i);
	uint64_t sum = 0;

	for (uint32_t k = 0; k < f->n_buckets; k++)
		sum += counts[k] = top_bucket(g, i, k);
	for (unsigned q = 0; q < TOP_N_Q; q++)
		s->quantile[q] = quantile_of(quantiles[q], counts, f->buckets,
		    f->n_buckets, f->exponent);
	s->value = (double)smx_histogram_count(&g->now,
	    &g->now.catalog->series[i]);
	s->shown = true;
	return (double)sum;
}

/* Those of each process are shown as their sum. */
static void
look_at_gauge(const struct top_segment *g, uint32_t i, struct top_series *s)
{
	const struct smx_series_info *x = &g->now.catalog->series[i];
	double one;

	s->value = 0;
	s->shown = false;
	if (top_family(g, i)->gauge_mode != SMX_GAUGE_EACH) {
		s->shown = smx_gauge_value(&g->now, x, &s->value);
		return;
	}
	for (uint32_t row = 0; row < g->now.n_live; row++)
		if (smx_gauge_of(&g->now, x, row, &one)) {
			s->value += one;
			s->shown = true;
		}
}

static void
look_at_series(const struct top_model *m, struct top_segment *g, uint32_t i)
{
	struct top_series *s = &g->series[i];
	const struct smx_family_info *f = top_family(g, i);
	bool first = g->before.catalog == NULL;
	double more;

	s->rate = NAN;
	if (f->type == SMX_TYPE_GAUGE) {
		look_at_gauge(g, i, s);
		s->rate = s->shown ? s->value : NAN;
	} else {
		more = f->type == SMX_TYPE_COUNTER ? look_at_counter(g, i, s) :
						     look_at_histogram(g, i, s);
		if (!first && m->elapsed > 0) {
			s->rate = more / m->elapsed;
			g->updates += s->rate;
		}
	}
	s->shown = s->shown && !f->retired;
	g->n_shown += s->shown;
	s->history[m->looks % TOP_HISTORY] = (float)s->rate;
}

/* The arrays change places, so that both are reused. */
static int
take(struct top_segment *g)
{
	struct smx_snapshot old = g->before;
	int err = smx_view_refresh(g->view, &g->error);

	if (err < 0)
		return err;
	g->before = g->now;
	g->now = old;
	g->n_cells_before = g->n_cells;
	err = smx_snapshot_take(&g->now, g->view, &g->error);
	if (err < 0)
		return err;
	g->n_cells = g->now.catalog->n_cells;
	return grow(g);
}

static bool
is_another_file(const struct top_model *m, const struct top_segment *g)
{
	struct stat st;
	dev_t dev;
	ino_t ino;

	smx_view_identity(g->view, &dev, &ino);
	return fstatat(m->dirfd, g->file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (st.st_dev != dev || st.st_ino != ino);
}

static void
look_at_segment(struct top_model *m, struct top_segment *g)
{
	if (g->view && is_another_file(m, g))
		segment_close(g);
	if (!g->view && smx_view_open(&g->view, m->dirfd, g->file, &m->view,
	    &g->error) < 0) {
		g->view = NULL;
		return;
	}
	g->n_shown = 0;
	g->updates = 0;
	if (take(g) < 0) {
		segment_close(g);
		return;
	}
	for (uint32_t i = 0; i < g->n_series; i++)
		look_at_series(m, g, i);
}

static int
is_segment(const struct dirent *e)
{
	return strncmp(e->d_name, SMX_FILE_PREFIX,
	    strlen(SMX_FILE_PREFIX)) == 0;
}

static struct top_segment *
segment_of(const struct top_model *m, const char *file)
{
	for (size_t i = 0; i < m->n_segments; i++)
		if (strcmp(m->segments[i]->file, file) == 0)
			return m->segments[i];
	return NULL;
}

static void
add_segment(struct top_model *m, const char *file)
{
	struct top_segment *g = calloc(1, sizeof(*g));
	struct top_segment **more = reallocarray(m->segments,
	    m->n_segments + 1, sizeof(*more));
	size_t at = m->n_segments;

	if (more)
		m->segments = more;
	if (!more || !g) {
		free(g);
		return; /* at the next look, perhaps */
	}
	snprintf(g->file, sizeof(g->file), "%s", file);
	for (; at > 0 && strcmp(more[at - 1]->file, file) > 0; at--)
		more[at] = more[at - 1];
	more[at] = g;
	g->found = true;
	m->n_segments++;
}

static void
find_segments(struct top_model *m)
{
	struct dirent **names;
	int n = scandirat(m->dirfd, ".", &names, is_segment, NULL);

	for (size_t i = 0; i < m->n_segments; i++)
		m->segments[i]->found = false;
	for (int i = 0; i < n; i++) {
		struct top_segment *g = segment_of(m, names[i]->d_name);

		if (g)
			g->found = true;
		else
			add_segment(m, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void
drop_lost(struct top_model *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_segments; i++) {
		struct top_segment *g = m->segments[i];

		if (g->found) {
			m->segments[kept++] = g;
			continue;
		}
		segment_close(g);
		free(g);
	}
	m->n_segments = kept;
}

void
top_model_look(struct top_model *m, double at)
{
	m->elapsed = m->looks > 0 ? at - m->at : 0;
	m->at = at;
	find_segments(m);
	drop_lost(m);
	for (size_t i = 0; i < m->n_segments; i++)
		look_at_segment(m, m->segments[i]);
	m->looks++;
}

double
top_past(const struct top_model *m, const struct top_series *s, unsigned ago)
{
	if (ago >= TOP_HISTORY || ago >= m->looks)
		return (double)NAN;
	return (double)s->history[(m->looks - 1 - ago) % TOP_HISTORY];
}
