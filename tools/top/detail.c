/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <ncurses.h>
#include <stdio.h>

#include "../smx.h"
#include "figure.h"
#include "quantile.h"
#include "screen.h"
#include "smx/layout.h"

#define TREND_LINES 5
#define MARGIN 11 /* columns for a number at the left */

static void
figure_at(int y, const char *label, double value, const char *unit)
{
	char number[FIGURE];

	figure_of(number, value, unit);
	mvprintw(y, 0, "%10s", number);
	mvprintw(y, MARGIN + 1, "%s", label);
}

static double
highest(const struct top_ui *ui, const struct top_series *s)
{
	double high = 0;

	for (unsigned k = 0; k < TOP_HISTORY; k++) {
		double past = top_past(&ui->model, s, k);

		if (past > high)
			high = past;
	}
	return high;
}

/* Bars of TREND_LINES lines, eight levels in each. */
static void
draw_trend(const struct top_ui *ui, int y, int columns,
    const struct top_series *s, const char *unit)
{
	double high = highest(ui, s);
	char number[FIGURE];
	int n = columns - MARGIN < (int)TOP_HISTORY ? columns - MARGIN :
						      (int)TOP_HISTORY;

	figure_of(number, high, unit);
	mvprintw(y, 0, "%10s", number);
	mvprintw(y + TREND_LINES - 1, 0, "%10s", "0");
	for (int k = 0; k < n; k++) {
		double past = top_past(&ui->model, s, (unsigned)(n - 1 - k));
		int eighths = past > 0 && high > 0 ?
		    (int)(past / high * 8 * TREND_LINES + 0.5) : 0;

		for (int l = 0; l < TREND_LINES; l++) {
			int here = eighths - 8 * (TREND_LINES - 1 - l);

			mvaddwstr(y + l, MARGIN + k, figure_bar(
			    here < 0 ? 0 : here > 8 ? 8 : (unsigned)here,
			    ui->wide));
		}
	}
}

/* A line for some buckets: from its upper end, a shade for each look. */
static void
draw_band(const struct top_ui *ui, int y, int n, uint32_t from, uint32_t to)
{
	const struct smx_family_info *f = top_family(ui->chosen.segment,
	    ui->chosen.series);
	char number[FIGURE];

	if (to + 1 == f->n_buckets)
		snprintf(number, sizeof(number), "more");
	else
		figure_of(number, quantile_scaled(
		    (double)f->buckets[to].upper, f->exponent), f->unit);
	mvprintw(y, 0, "%10s", number);
	for (int k = 0; k < n; k++) {
		double share = heat_share(&ui->heat, (unsigned)(n - 1 - k),
		    from, to);

		mvaddwstr(y, MARGIN + k, figure_shade(
		    share > 0 ? 1 + (unsigned)(share * 3.99) : 0, ui->wide));
	}
}

static void
draw_heat(const struct top_ui *ui, int y, int lines, int columns)
{
	uint32_t first, last, used, bands;
	int n = columns - MARGIN < (int)TOP_HISTORY ? columns - MARGIN :
						      (int)TOP_HISTORY;

	if (lines < 1 || !heat_range(&ui->heat, &first, &last))
		return;
	used = last - first + 1;
	bands = used < (uint32_t)lines ? used : (uint32_t)lines;
	for (uint32_t i = 0; i < bands; i++) /* the largest on top */
		draw_band(ui, y + (int)(bands - 1 - i), n,
		    first + i * used / bands,
		    first + (i + 1) * used / bands - 1);
}

static void
draw_quantiles(const struct top_series *s, const char *unit, int y)
{
	static const char *const names[TOP_N_Q] = { "p50", "p90", "p99",
		"p99.9", "max" };
	char number[FIGURE];

	for (int q = 0; q < TOP_N_Q; q++) {
		figure_of(number, s->quantile[q], unit);
		mvprintw(y, 18 * q, "%6s %-9s", names[q], number);
	}
}

static int
draw_title(const struct top_ui *ui, int columns)
{
	const struct top_row *r = &ui->chosen;
	const struct smx_family_info *f = top_family(r->segment, r->series);
	char line[4200];

	attron(A_BOLD);
	screen_put(1, 0, columns, top_row_series(r)->name, false);
	attroff(A_BOLD);
	snprintf(line, sizeof(line), "%s, %s%s%s: %s",
	    target_service(r->segment->file), text_type(f),
	    *f->unit ? " in " : "", f->unit, f->help);
	screen_put(2, 0, columns, line, false);
	return 4;
}

/* The values that each live process gave. */
static void
draw_processes(const struct top_ui *ui, int y, int lines)
{
	const struct top_segment *g = ui->chosen.segment;
	const struct smx_series_info *s =
	    &g->now.catalog->series[ui->chosen.series];
	const char *unit = top_family(g, ui->chosen.series)->unit;
	double value;

	for (uint32_t i = 0; i < g->now.n_live && lines > 0; i++) {
		char label[32];

		if (!smx_gauge_of(&g->now, s, i, &value))
			continue;
		snprintf(label, sizeof(label), "pid %u",
		    g->now.live[i].pid);
		figure_at(y++, label, value, unit);
		lines--;
	}
}

void
screen_detail(struct top_ui *ui, int lines, int columns)
{
	const struct top_row *r = &ui->chosen;
	const struct smx_family_info *f = top_family(r->segment, r->series);
	const struct top_series *s = top_row_series(r);
	bool gauge = f->type == SMX_TYPE_GAUGE;
	const char *unit = f->type == SMX_TYPE_HISTOGRAM ? "" : f->unit;
	int y = draw_title(ui, columns);

	figure_at(y, gauge ? "now" : f->type == SMX_TYPE_COUNTER ?
	    "in all" : "observations", s->value, unit);
	if (!gauge)
		figure_at(y + 1, "a second", s->rate, "");
	y += 3;
	draw_trend(ui, y, columns, s, gauge ? unit : "");
	y += TREND_LINES + 1;
	if (f->type == SMX_TYPE_HISTOGRAM) {
		draw_quantiles(s, f->unit, y);
		draw_heat(ui, y + 2, lines - y - 1, columns);
	} else if (gauge) {
		draw_processes(ui, y, lines - y);
	}
}
