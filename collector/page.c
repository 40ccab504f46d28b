/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HTML being written, into memory. */
struct html {
	FILE *out;
	char *at;
	size_t len;
};

/* Text from outside: names of files, reasons. */
static void
put_escaped(struct html *h, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", h->out);
			break;
		case '>':
			fputs("&gt;", h->out);
			break;
		case '&':
			fputs("&amp;", h->out);
			break;
		case '"':
			fputs("&quot;", h->out);
			break;
		default:
			fputc(*text, h->out);
		}
	}
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>smx collector</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;"
    "max-width:62em;padding:0 1em;color:#222;background:#fff}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.3em .8em .3em 0;"
    "border-bottom:1px solid #ddd}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".bad{color:#b00020}.idle{color:#777}\n"
    "</style></head><body>\n<h1>smx collector</h1>\n";

static void
put_links(struct html *h, const char *path)
{
	fputs("<p><a href=\"", h->out);
	put_escaped(h, path);
	fputs("\">Metrics</a> of all services &middot; <a href=\"/-/healthy\">"
	    "healthy</a> &middot; <a href=\"/-/ready\">ready</a></p>\n",
	    h->out);
}

static void
put_name(struct html *h, const struct segment *g)
{
	put_escaped(h, g->service);
	if (g->instance[0]) {
		fputc('@', h->out);
		put_escaped(h, g->instance);
	}
}

static void
put_size(struct html *h, uint64_t used, uint64_t of)
{
	fprintf(h->out, "<td class=\"n\">%.1f %%</td>",
	    of ? 100.0 * (double)used / (double)of : 0.0);
}

static void
put_good(struct html *h, const struct segment *g, const char *path)
{
	const struct smx_segment_state *t = &g->snap.state;
	uint32_t live = t->slots_live + t->crowd;

	fputs("<tr><td><a href=\"", h->out);
	put_escaped(h, path);
	fputc('/', h->out);
	put_name(h, g);
	fputs("\">", h->out);
	put_name(h, g);
	fprintf(h->out, "</a></td><td%s>%s</td><td class=\"n\">%" PRIu32
	    "</td><td class=\"n\">%" PRIu32 "</td><td class=\"n\">%" PRIu32
	    "</td><td class=\"n\">%" PRIu32 " / %" PRIu32 "</td>",
	    live ? "" : " class=\"idle\"", live ? "alive" : "not running",
	    live, g->snap.catalog->n_families, g->snap.catalog->n_series,
	    t->lanes_owned, t->lanes);
	put_size(h, t->lane_bytes_used, t->lane_bytes);
	put_size(h, t->dir_bytes_used, t->dir_bytes);
	fputs("</tr>\n", h->out);
}

static void
put_bad(struct html *h, const struct segment *g)
{
	fputs("<tr class=\"bad\"><td>", h->out);
	put_escaped(h, g->file);
	fputs("</td><td colspan=\"7\">cannot be read: ", h->out);
	put_escaped(h, g->reason);
	fputs("</td></tr>\n", h->out);
}

static void
put_missing(struct html *h, const struct segments *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i]->service, name) == 0)
			return;
	fputs("<tr class=\"bad\"><td>", h->out);
	put_escaped(h, name);
	fputs("</td><td colspan=\"7\">expected, but has no segment</td></tr>\n",
	    h->out);
}

static void
put_table(struct html *h, const struct segments *s,
    const char *const *expected, size_t n_expected, const char *path)
{
	fputs("<table>\n<tr><th>Service</th><th>State</th>"
	    "<th class=\"n\">Processes</th><th class=\"n\">Families</th>"
	    "<th class=\"n\">Series</th><th class=\"n\">Lanes</th>"
	    "<th class=\"n\">Cells used</th>"
	    "<th class=\"n\">Directory used</th></tr>\n", h->out);
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i]->shown)
			put_good(h, s->v[i], path);
		else if (s->v[i]->bad)
			put_bad(h, s->v[i]);
	}
	for (size_t i = 0; i < n_expected; i++)
		put_missing(h, s, expected[i]);
	fputs("</table>\n", h->out);
}

static void
put_all(struct html *h, const struct segments *s,
    const char *const *expected, size_t n_expected, const char *path)
{
	fputs(head, h->out);
	put_links(h, path);
	if (s->dir_err) {
		fputs("<p class=\"bad\">The directory ", h->out);
		put_escaped(h, s->dir);
		fputs(" cannot be read: ", h->out);
		put_escaped(h, strerror(-s->dir_err));
		fputs("</p>\n", h->out);
	} else {
		fputs("<p>Segments in <code>", h->out);
		put_escaped(h, s->dir);
		fputs("</code></p>\n", h->out);
	}
	if (s->n + n_expected > 0)
		put_table(h, s, expected, n_expected, path);
	else
		fputs("<p>No service has a segment here.</p>\n", h->out);
	fputs("<p>smx-collector " COLLECTOR_VERSION "</p>\n</body></html>\n",
	    h->out);
}

int
page_index(struct body *body, const struct segments *s,
    const char *const *expected, size_t n_expected, const char *path)
{
	struct html h = { 0 };
	int err = -ENOMEM;
	bool ok;

	h.out = open_memstream(&h.at, &h.len);
	if (!h.out)
		return err;
	put_all(&h, s, expected, n_expected, path);
	ok = !ferror(h.out);
	if (fclose(h.out) == 0 && ok)
		err = body_set_text(body, h.at, h.len);
	free(h.at);
	return err;
}
