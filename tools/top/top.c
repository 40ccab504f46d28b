/* SPDX-License-Identifier: Apache-2.0 */
/* smx top: looks, keys, and which page is shown. */
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../smx.h"
#include "screen.h"
#include "smx/layout.h"

#define KEY_ESCAPE 27

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool
is_there(const struct top_ui *ui, const struct top_row *r)
{
	for (size_t i = 0; i < ui->model.n_segments; i++)
		if (ui->model.segments[i] == r->segment)
			return r->series < r->segment->n_series;
	return false;
}

static void
list_again(struct top_ui *ui)
{
	ui->choice.filter = ui->filter;
	(void)top_rows_fill(&ui->rows, &ui->model, &ui->choice);
}

/* What was chosen may be gone with its segment. */
static void
look(struct top_ui *ui)
{
	top_model_look(&ui->model, seconds());
	if (!is_there(ui, &ui->chosen)) {
		ui->chosen = (struct top_row){ NULL, 0 };
		heat_stop(&ui->heat);
		if (ui->page == TOP_DETAIL)
			ui->page = TOP_SERIES;
	}
	if (ui->heat.n > 0)
		heat_look(&ui->heat, ui->chosen.segment, ui->chosen.series);
	if (ui->segment >= ui->model.n_segments)
		ui->segment = ui->model.n_segments ?
		    ui->model.n_segments - 1 : 0;
	list_again(ui);
}

static size_t
moved(size_t at, size_t n, long by)
{
	if (n == 0)
		return 0;
	if (by < 0)
		return at > (size_t)-by ? at - (size_t)-by : 0;
	return at + (size_t)by < n ? at + (size_t)by : n - 1;
}

static void
move_by(struct top_ui *ui, long by)
{
	size_t at;

	if (ui->page == TOP_SEGMENTS) {
		ui->segment = moved(ui->segment, ui->model.n_segments, by);
		return;
	}
	if (ui->page != TOP_SERIES || ui->rows.n == 0)
		return;
	at = top_rows_find(&ui->rows, &ui->chosen);
	if (at == ui->rows.n)
		at = 0;
	ui->chosen = ui->rows.row[moved(at, ui->rows.n, by)];
}

static void
enter_segment(struct top_ui *ui)
{
	if (ui->segment >= ui->model.n_segments)
		return;
	snprintf(ui->file, sizeof(ui->file), "%s",
	    ui->model.segments[ui->segment]->file);
	ui->choice.file = ui->file;
	ui->page = TOP_SERIES;
	list_again(ui);
}

static void
enter_series(struct top_ui *ui)
{
	const struct smx_family_info *f;

	if (ui->rows.n == 0)
		return;
	if (top_rows_find(&ui->rows, &ui->chosen) == ui->rows.n)
		ui->chosen = ui->rows.row[0];
	f = top_family(ui->chosen.segment, ui->chosen.series);
	heat_stop(&ui->heat);
	if (f->type == SMX_TYPE_HISTOGRAM &&
	    heat_start(&ui->heat, f->n_buckets) == 0)
		heat_look(&ui->heat, ui->chosen.segment, ui->chosen.series);
	ui->page = TOP_DETAIL;
}

static void
enter(struct top_ui *ui)
{
	if (ui->page == TOP_SEGMENTS)
		enter_segment(ui);
	else if (ui->page == TOP_SERIES)
		enter_series(ui);
	else if (ui->page == TOP_HELP)
		ui->page = ui->before;
}

static void
back(struct top_ui *ui)
{
	heat_stop(&ui->heat);
	if (ui->page == TOP_HELP) {
		ui->page = ui->before;
	} else if (ui->page == TOP_DETAIL) {
		ui->page = TOP_SERIES;
	} else if (*ui->filter) {
		*ui->filter = '\0';
	} else if (ui->choice.file) {
		ui->choice.file = NULL;
		ui->page = TOP_SEGMENTS;
	}
	list_again(ui);
}

static void
change_page(struct top_ui *ui)
{
	ui->choice.file = NULL;
	heat_stop(&ui->heat);
	ui->page = ui->page == TOP_SEGMENTS ? TOP_SERIES : TOP_SEGMENTS;
	list_again(ui);
}

static void
show_help(struct top_ui *ui)
{
	if (ui->page == TOP_HELP)
		return;
	ui->before = ui->page == TOP_DETAIL ? TOP_SERIES : ui->page;
	ui->page = TOP_HELP;
}

static void
type(struct top_ui *ui, int key)
{
	size_t n = strlen(ui->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		ui->typing = false;
	} else if (key == KEY_ESCAPE) {
		ui->typing = false;
		*ui->filter = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
		if (n > 0)
			ui->filter[n - 1] = '\0';
	} else if (key >= ' ' && key < 256 && n + 1 < sizeof(ui->filter)) {
		ui->filter[n] = (char)key;
		ui->filter[n + 1] = '\0';
	}
	list_again(ui);
}

static void
change_interval(struct top_ui *ui, double by)
{
	double now = ui->interval * by;

	if (now >= 0.05 && now <= 3600)
		ui->interval = now;
}

static void
change_order(struct top_ui *ui, int key)
{
	if (key == 'r')
		ui->choice.reverse = !ui->choice.reverse;
	else
		ui->choice.sort = (ui->choice.sort + 1) % TOP_N_SORTS;
	list_again(ui);
}

static void
walk(struct top_ui *ui, int key)
{
	long page = (long)screen_list_lines();

	switch (key) {
	case KEY_UP: case 'k':
		move_by(ui, -1);
		break;
	case KEY_DOWN: case 'j':
		move_by(ui, 1);
		break;
	case KEY_PPAGE:
		move_by(ui, -page);
		break;
	case KEY_NPAGE:
		move_by(ui, page);
		break;
	case KEY_HOME: case 'g':
		move_by(ui, -(1L << 40));
		break;
	case KEY_END: case 'G':
		move_by(ui, 1L << 40);
		break;
	default:
		break;
	}
}

/* false: the end. */
static bool
take_key(struct top_ui *ui, int key)
{
	if (ui->typing) {
		type(ui, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case '\n': case '\r': case KEY_ENTER: case KEY_RIGHT:
		enter(ui);
		break;
	case KEY_ESCAPE: case KEY_LEFT:
		back(ui);
		break;
	case '\t':
		change_page(ui);
		break;
	case '/':
		if (ui->page == TOP_SEGMENTS)
			change_page(ui);
		ui->typing = ui->page == TOP_SERIES;
		break;
	case 's': case 'r':
		change_order(ui, key);
		break;
	case ' ':
		ui->paused = !ui->paused;
		break;
	case '+': case '-':
		change_interval(ui, key == '+' ? 2 : 0.5);
		break;
	case '?': case 'h':
		show_help(ui);
		break;
	default:
		walk(ui, key);
	}
	return true;
}

static void
run(struct top_ui *ui)
{
	double next = seconds(), left;
	int key = ERR;

	do {
		left = next - seconds();
		if (left <= 0) {
			if (!ui->paused)
				look(ui);
			next = seconds() + ui->interval;
			left = ui->interval;
		}
		screen_draw(ui);
		timeout(left < 0.001 ? 1 : left > 60 ? 60000 :
		    (int)(left * 1000));
		key = getch();
		/* shorter: from now on */
		if (key == '-' && next > seconds() + ui->interval)
			next = seconds() + ui->interval;
	} while (key == ERR || take_key(ui, key));
}

static bool
start_screen(void)
{
	/* newterm() returns where initscr() would exit */
	SCREEN *s = newterm(NULL, stdout, stdin);

	if (s == NULL)
		return false;
	set_escdelay(25);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	keypad(stdscr, TRUE);
	(void)curs_set(0);
	return true;
}

int
command_top(const struct options *o)
{
	static struct top_ui ui;
	struct smx_error error = { 0 };
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fputs("smx: top needs a terminal; smx watch prints lines\n",
		    stderr);
		return 2;
	}
	(void)setlocale(LC_ALL, "");
	ui = (struct top_ui){ .dir = o->dir, .interval = o->interval,
		.choice.sort = TOP_BY_RATE,
		.wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	err = top_model_open(&ui.model, o->dir, &o->view);
	if (err == 0)
		err = smx_view_thread_init();
	if (err < 0) {
		snprintf(error.msg, sizeof(error.msg), "%s: %s", o->dir,
		    strerror(-err));
		return complain(&error);
	}
	if (!start_screen()) {
		fputs("smx: top does not know this terminal; set TERM\n",
		    stderr);
		return 2;
	}
	run(&ui);
	endwin();
	heat_stop(&ui.heat);
	top_rows_free(&ui.rows);
	top_model_close(&ui.model);
	return 0;
}
