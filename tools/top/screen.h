/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TOP_SCREEN_H
#define TOOLS_TOP_SCREEN_H
/*
 * screen -- what is drawn.  Each function draws whole lines and knows nothing
 * of keys; too small a terminal shows what fits.
 */
#include "heat.h"
#include "model.h"
#include "rows.h"

enum top_page { TOP_SEGMENTS, TOP_SERIES, TOP_DETAIL, TOP_HELP };

struct top_ui {
	struct top_model model;
	struct top_rows rows;
	struct top_choice choice;
	char filter[64];
	char file[256];		/* of choice.file */
	enum top_page page, before; /* `before` the help or the detail */
	struct top_row chosen;	/* on TOP_SERIES; segment NULL: the first */
	size_t segment;		/* chosen on TOP_SEGMENTS */
	size_t first;		/* series at the top of the list */
	struct heat heat;	/* of the chosen one, on TOP_DETAIL */
	const char *dir;
	double interval;
	bool paused, typing;	/* typing the filter */
	bool wide;		/* the terminal has more than letters */
};

void screen_draw(struct top_ui *);

/* Lines for the list of series or segments, at least 1. */
size_t screen_list_lines(void);

/* screen_put -- at most `width` columns, of UTF-8; padded if `fill`. */
void screen_put(int y, int x, int width, const char *text, bool fill);

/* detail.c: lines 1 to `lines`. */
void screen_detail(struct top_ui *, int lines, int columns);

#endif
