/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/common/event_id.h"

#define DETECT_LINES 1000	/* rows looked at to find the format */
#define SEEN_IDS     64		/* width of the window of ids */

static int
format_find(struct cdb_source *src)
{
	const char *line;
	size_t len;
	int got = 0;

	for (unsigned n = 0; n < DETECT_LINES; n++) {
		got = cdb_lines_next(&src->lines, &line, &len);
		if (got <= 0)
			break;
		if (line)
			src->format = cdb_csv_detect(line, len);
		if (src->format != CDB_CSV_UNKNOWN)
			return 0;
	}
	return got < 0 ? got : -EPROTONOSUPPORT;
}

/* What cannot be told from the rows must come from name or options. */
static int
facts_check(struct cdb_source *src, const char *symbol, const char **why)
{
	struct cdb_filename *name = &src->name;

	if (name->symbol[0] == '\0' && symbol)
		snprintf(name->symbol, sizeof(name->symbol), "%s", symbol);
	*why = "the file name tells no symbol: give --symbol";
	if (name->symbol[0] == '\0')
		return -EDESTADDRREQ;
	*why = "candles with times of a day need the day and the length of "
	       "a bar in the file name";
	if (src->format == CDB_CSV_LEAN &&
	    (name->day_ms < 0 || name->bar_ms == 0))
		return -EDOM;
	return 0;
}

static int
source_probe(struct cdb_source *src, const char *symbol, const char **why)
{
	struct stat st;
	int err = format_find(src);

	*why = err == -EPROTONOSUPPORT
	    ? "no row of a known format in it" : strerror(-err);
	if (err < 0)
		return err;
	err = facts_check(src, symbol, why);
	if (err < 0)
		return err;
	*why = "cannot be read again";
	if (fstat(src->lines.fd, &st) < 0)
		return -errno;
	src->size = st.st_size;
	return 0;
}

int
cdb_source_open(struct cdb_source *src, const char *path,
    const char *symbol, uint64_t seed, unsigned index,
    cdb_source_bad_fn *bad, void *arg, char why[CDB_WHY_TEXT])
{
	const char *reason;
	int err;

	memset(src, 0, sizeof(*src));
	src->path = path;
	src->seed = seed;
	src->index = index;
	src->bad = bad;
	src->bad_arg = arg;
	cdb_filename_read(path, &src->name);
	err = cdb_lines_open(&src->lines, path, 0);
	if (err < 0) {
		snprintf(why, CDB_WHY_TEXT, "%s", err == -EISDIR
		    ? "no regular file" : strerror(-err));
		return err;
	}
	err = source_probe(src, symbol, &reason);
	cdb_lines_close(&src->lines);
	if (err < 0) {
		snprintf(why, CDB_WHY_TEXT, "%s", reason);
		return err;
	}
	return cdb_source_seek(src, &(struct cdb_source_pos){ .last_id = -1 });
}

void
cdb_source_close(struct cdb_source *src)
{
	if (src->lines.fd >= 0)
		cdb_lines_close(&src->lines);
}

int
cdb_source_seek(struct cdb_source *src, const struct cdb_source_pos *pos)
{
	cdb_source_close(src);
	src->pos = src->ahead = *pos;
	src->has_row = false;
	return cdb_lines_open(&src->lines, src->path, pos->offset);
}

/* An id above all before it: the window moves up. */
static void
id_advance(struct cdb_source_pos *p, int64_t id)
{
	uint64_t step = (uint64_t)(id - p->last_id);

	if (p->last_id >= 0 && step > 1) {
		p->gaps++;
		p->missing += step - 1;
	}
	p->seen = (step < SEEN_IDS ? p->seen << step : 0) | 1;
	p->last_id = id;
}

/* Whether the row with this id is wanted; counts what is odd about it. */
static bool
id_accept(struct cdb_source_pos *p, int64_t id)
{
	uint64_t back;

	if (id < 0)
		return true;	/* candles have none */
	if (id > p->last_id) {
		id_advance(p, id);
		return true;
	}
	back = (uint64_t)(p->last_id - id);
	if (back < SEEN_IDS && (p->seen >> back & 1)) {
		p->duplicates++;
		return false;
	}
	if (back < SEEN_IDS)
		p->seen |= UINT64_C(1) << back;
	p->late++;
	return true;
}

static void
row_refuse(struct cdb_source *src, const char *why)
{
	src->ahead.bad++;
	if (src->bad)
		src->bad(src->bad_arg, src->path, src->ahead.line, why);
}

/* Whether this line is the tick we look for; else it has been counted. */
static bool
line_use(struct cdb_source *src, const char *line, size_t len)
{
	const char *why;

	if (!line) {
		row_refuse(src, "the line is too long");
		return false;
	}
	if (len == 0 ||
	    (src->ahead.line == 1 && cdb_csv_is_header(line, len)))
		return false;
	if (cdb_csv_parse(src->format, line, len, &src->row, &why) < 0) {
		row_refuse(src, why);
		return false;
	}
	return id_accept(&src->ahead, src->row.id);
}

static int64_t
row_ts(const struct cdb_source *src)
{
	if (src->format != CDB_CSV_LEAN)
		return src->row.ts_ms;
	/* a bar is known at its last millisecond, as in klines */
	return src->name.day_ms + src->row.ts_ms + src->name.bar_ms - 1;
}

int
cdb_source_peek(struct cdb_source *src, int64_t *ts_ms)
{
	while (!src->has_row) {
		const char *line;
		size_t len;
		int got = cdb_lines_next(&src->lines, &line, &len);

		if (got < 0)
			return got;
		src->ahead.offset = src->lines.offset;
		if (got == 0) {
			src->pos = src->ahead;
			return 0;
		}
		src->ahead.line++;
		src->has_row = line_use(src, line, len);
	}
	*ts_ms = row_ts(src);
	return 1;
}

static void
candle_fill(const struct cdb_source *src, struct cdb_tick *tick)
{
	int64_t span = src->format == CDB_CSV_LEAN ? src->name.bar_ms
						   : src->row.span_ms;

	if (src->row.id >= 0)
		return;
	cdb_interval_name(span, tick->candle.interval);
	tick->candle.open_e8 = src->row.open_e8;
	tick->candle.high_e8 = src->row.high_e8;
	tick->candle.low_e8 = src->row.low_e8;
}

/* Ids follow from the place of the row, so that even equal rows differ. */
static void
ids_fill(const struct cdb_source *src, struct cdb_tick *tick)
{
	const char *slash = strrchr(src->path, '/');
	char cause[320];

	snprintf(cause, sizeof(cause), "%u:%.255s:%" PRIu64, src->index,
	    slash ? slash + 1 : src->path, src->ahead.line);
	cdb_event_id(src->seed, "tick", cause, tick->meta.event_id);
	strcpy(tick->meta.correlation_id, tick->meta.event_id);
}

void
cdb_source_take(struct cdb_source *src, struct cdb_tick *tick)
{
	memset(tick, 0, sizeof(*tick));
	ids_fill(src, tick);
	strcpy(tick->source, "replay");
	strcpy(tick->venue, src->name.venue);
	strcpy(tick->symbol, src->name.symbol);
	tick->side = src->row.sell ? CDB_SELL : CDB_BUY;
	tick->ts_ms = row_ts(src);
	tick->price_e8 = src->row.price_e8;
	tick->qty_e8 = src->row.qty_e8;
	tick->trade_id = src->row.id;
	candle_fill(src, tick);
	src->ahead.rows++;
	src->pos = src->ahead;
	src->has_row = false;
}

void
cdb_source_pos_write(const struct cdb_source_pos *p,
    char dst[CDB_SOURCE_POS_TEXT])
{
	snprintf(dst, CDB_SOURCE_POS_TEXT,
	    "%" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIx64,
	    p->offset, p->line, p->rows, p->bad, p->gaps, p->missing,
	    p->duplicates, p->late, p->last_id, p->seen);
}

int
cdb_source_pos_read(struct cdb_source_pos *p, const char *text)
{
	struct cdb_source_pos pos;
	int n = sscanf(text,
	    "%" SCNd64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNx64,
	    &pos.offset, &pos.line, &pos.rows, &pos.bad, &pos.gaps,
	    &pos.missing, &pos.duplicates, &pos.late, &pos.last_id,
	    &pos.seen);

	if (n != 10 || pos.offset < 0)
		return -EINVAL;
	*p = pos;
	return 0;
}
