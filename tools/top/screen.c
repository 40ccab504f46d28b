/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <math.h>
#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../smx.h"
#include "figure.h"
#include "smx/layout.h"

#define HEAD 2 /* lines above a list, FOOT below */
#define FOOT 1
#define SPARK 20

static const char *const sorts[TOP_N_SORTS] = { "name", "rate", "value",
	"p99" };

static const char *const help[] = {
	"Up Down PgUp PgDn Home End, or j k   move",
	"Enter       into the segment, or the series",
	"Esc, Left   back",
	"Tab         segments, or series of all of them",
	"/           list only what contains a text; Enter ends it, Esc clears",
	"s           sort by name, rate, value, p99",
	"r           the other way round",
	"Space       stop, and go on; counts go on meanwhile",
	"+ -         look less often, more often",
	"q           end",
	"",
	"RATE is per second over the last interval; of a histogram, observations.",
	"p50 to max are of the observations of the last interval.",
	"LIVE is processes that hold a lease, 3+ more than there are slots for.",
	"Nothing here is written to: services do not notice.",
};

void
screen_put(int y, int x, int width, const char *text, bool fill)
{
	mbstate_t state = { 0 };
	size_t len = strlen(text), n;
	int column = 0;
	wchar_t c[2] = L"";

	for (; len > 0 && column < width; text += n, len -= n) {
		n = mbrtowc(c, text, len, &state);
		if (n == 0 || n > len) { /* not of this locale */
			memset(&state, 0, sizeof(state));
			c[0] = L'?';
			n = 1;
		}
		if (wcwidth(c[0]) < 1)
			c[0] = L'?'; /* a newline in a label, say */
		if (column + wcwidth(c[0]) > width)
			break;
		mvaddwstr(y, x + column, c);
		column += wcwidth(c[0]);
	}
	for (; fill && column < width; column++)
		mvaddch(y, x + column, ' ');
}

static __attribute__((format(printf, 4, 5))) void
put(int y, int x, int width, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	screen_put(y, x, width, line, false);
}

size_t
screen_list_lines(void)
{
	return LINES > HEAD + FOOT ? (size_t)(LINES - HEAD - FOOT) : 1;
}

static void
draw_spark(const struct top_ui *ui, int y, int x, const struct top_series *s)
{
	double high = 0;

	for (unsigned k = 0; k < SPARK; k++) {
		double past = top_past(&ui->model, s, k);

		if (past > high)
			high = past;
	}
	for (unsigned k = 0; k < SPARK; k++) {
		double past = top_past(&ui->model, s, SPARK - 1 - k);
		unsigned level = past > 0 && high > 0 ?
		    1 + (unsigned)(past / high * 7) : 0;

		mvaddwstr(y, x + (int)k, figure_bar(level, ui->wide));
	}
}

/* The columns right of the name; as many as there is room for. */
static void
draw_figures(const struct top_ui *ui, const struct top_row *r, int y, int x)
{
	const struct smx_family_info *f = top_family(r->segment, r->series);
	const struct top_series *s = top_row_series(r);
	const char *unit = f->type == SMX_TYPE_HISTOGRAM ? "" : f->unit;
	char value[FIGURE], rate[FIGURE], q[3][FIGURE];

	figure_of(value, s->value, unit);
	figure_of(rate, f->type == SMX_TYPE_GAUGE ? (double)NAN : s->rate,
	    "");
	mvprintw(y, x, "%9s %9s ", value, rate);
	draw_spark(ui, y, x + 20, s);
	if (f->type != SMX_TYPE_HISTOGRAM)
		return;
	figure_of(q[0], s->quantile[TOP_P50], f->unit);
	figure_of(q[1], s->quantile[TOP_P99], f->unit);
	figure_of(q[2], s->quantile[TOP_MAX], f->unit);
	mvprintw(y, x + 20 + SPARK, " %8s %8s %8s", q[0], q[1], q[2]);
}

/* Where the figures begin: names get what is left over. */
static int
name_columns(void)
{
	int left = COLS - (20 + SPARK + 27) - 1;

	return left < 24 ? 24 : left;
}

static void
draw_series(struct top_ui *ui, int y, const struct top_row *r, bool chosen)
{
	int names = name_columns();
	char name[2048];

	snprintf(name, sizeof(name), "%s %s",
	    target_service(r->segment->file), top_row_series(r)->name);
	if (chosen)
		attron(A_REVERSE);
	screen_put(y, 0, COLS, "", true);
	screen_put(y, 0, names, name, true);
	draw_figures(ui, r, y, names + 1);
	if (chosen)
		attroff(A_REVERSE);
}

/* The chosen one stays in sight. */
static size_t
scroll_to(struct top_ui *ui, size_t at)
{
	size_t lines = screen_list_lines();

	if (at < ui->first)
		ui->first = at;
	if (at >= ui->first + lines)
		ui->first = at - lines + 1;
	if (ui->first + lines > ui->rows.n)
		ui->first = ui->rows.n > lines ? ui->rows.n - lines : 0;
	return ui->first;
}

static void
draw_list(struct top_ui *ui)
{
	size_t at = top_rows_find(&ui->rows, &ui->chosen), first;
	int names = name_columns();

	if (at == ui->rows.n)
		at = 0;
	first = scroll_to(ui, at);
	attron(A_BOLD);
	put(1, 0, COLS, "%-*s %9s %9s %-*s %8s %8s %8s", names,
	    "SERVICE SERIES", "VALUE", "RATE/s", SPARK, "LAST MINUTES", "p50",
	    "p99", "max");
	attroff(A_BOLD);
	for (size_t i = 0; i < screen_list_lines() &&
	    first + i < ui->rows.n; i++)
		draw_series(ui, HEAD + (int)i, &ui->rows.row[first + i],
		    first + i == at);
	if (ui->rows.n == 0)
		put(HEAD, 0, COLS, "%s", ui->model.n_segments == 0 ?
		    "no segments: is a service attached, and is this its "
		    "directory?" : "no series; Esc clears the filter");
}

static const char *
state_of(const struct top_segment *g)
{
	if (!g->view)
		return g->error.msg;
	if (g->now.state.slots_live == 0 && g->now.state.crowd == 0)
		return "no process";
	return "live";
}

static int
percent(uint64_t used, uint64_t of)
{
	return of > 0 ? (int)(100 * used / of) : 0;
}

static void
draw_segment(int y, const struct top_segment *g)
{
	const struct smx_segment_state *s = &g->now.state;
	char updates[FIGURE];
	char pids[64] = "";
	size_t n = 0;

	figure_number(updates, g->updates);
	for (uint32_t i = 0; i < g->now.n_live && n < sizeof(pids) - 12; i++)
		n += (size_t)snprintf(pids + n, sizeof(pids) - n, "%s%u",
		    i > 0 ? " " : "", g->now.live[i].pid);
	put(y, 0, COLS,
	    "%-24s %4u%s %4u/%-4u %8u %9s  %3d%% %3d%% %7llu %7llu  %s %s",
	    target_service(g->file), s->slots_live, s->crowd ? "+" : " ",
	    s->lanes_owned, s->lanes, g->n_shown, updates,
	    percent(s->lane_bytes_used, s->lane_bytes),
	    percent(s->dir_bytes_used, s->dir_bytes),
	    (unsigned long long)s->refused,
	    (unsigned long long)(s->no_lane + s->no_slot), state_of(g), pids);
}

static void
draw_segments(struct top_ui *ui)
{
	const struct top_model *m = &ui->model;
	size_t lines = screen_list_lines();
	size_t first = ui->segment >= lines ? ui->segment - lines + 1 : 0;

	attron(A_BOLD);
	put(1, 0, COLS, "%-24s %5s %9s %8s %9s  %4s %4s %7s %7s  %s",
	    "SERVICE", "LIVE", "LANES", "SERIES", "UPDATES/s", "CELL", "DIR",
	    "REFUSED", "NO LANE", "STATE, PROCESSES");
	attroff(A_BOLD);
	for (size_t i = 0; i < lines && first + i < m->n_segments; i++) {
		if (first + i == ui->segment)
			attron(A_REVERSE);
		screen_put(HEAD + (int)i, 0, COLS, "", true);
		draw_segment(HEAD + (int)i, m->segments[first + i]);
		attroff(A_REVERSE);
	}
	if (m->n_segments == 0)
		put(HEAD, 0, COLS, "no segments: is a service attached, and "
		    "is this its directory?");
}

static void
draw_head(const struct top_ui *ui)
{
	double updates = 0;
	unsigned live = 0;
	char number[FIGURE];

	for (size_t i = 0; i < ui->model.n_segments; i++) {
		updates += ui->model.segments[i]->updates;
		live += ui->model.segments[i]->now.state.slots_live;
	}
	figure_number(number, updates);
	put(0, 0, COLS, "smx top - %s: %zu segments, %u processes, %zu series, "
	    "%s updates/s; every %.3g s%s", ui->dir, ui->model.n_segments,
	    live, ui->rows.n, number, ui->interval,
	    ui->paused ? "  [stopped]" : "");
}

static void
draw_foot(const struct top_ui *ui)
{
	attron(A_REVERSE);
	screen_put(LINES - 1, 0, COLS, "", true);
	if (ui->typing || *ui->filter)
		put(LINES - 1, 0, COLS, "/%s%s", ui->filter,
		    ui->typing ? "_" : "  (Esc clears)");
	else
		put(LINES - 1, 0, COLS, "q end  ? help  / filter  s sort: %s%s"
		    "  Tab segments  Enter more  Space stop",
		    sorts[ui->choice.sort], ui->choice.reverse ? ", r" : "");
	attroff(A_REVERSE);
}

static void
draw_help(void)
{
	for (size_t i = 0; i < sizeof(help) / sizeof(*help); i++)
		screen_put(2 + (int)i, 2, COLS - 2, help[i], false);
}

void
screen_draw(struct top_ui *ui)
{
	erase();
	draw_head(ui);
	switch (ui->page) {
	case TOP_SEGMENTS:
		draw_segments(ui);
		break;
	case TOP_SERIES:
		draw_list(ui);
		break;
	case TOP_DETAIL:
		screen_detail(ui, LINES - 2, COLS);
		break;
	case TOP_HELP:
		draw_help();
		break;
	}
	draw_foot(ui);
	refresh();
}
