/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h -- one recorded file as a sequence of ticks that can be resumed.
 *
 * The source looks one good row ahead.  `pos` says what has been taken,
 * `ahead` what has been read to find the row after it: a position written to
 * Redis is always `pos`, so that a resumed source counts every bad row once.
 *
 * Thread   one.
 */
#ifndef CDB_SOURCE_H
#define CDB_SOURCE_H

#include "csv.h"
#include "filename.h"
#include "lines.h"
#include "services/common/message.h"

#define CDB_SOURCE_POS_TEXT 256

/* How far a file has been read, and what was found on the way. */
struct cdb_source_pos {
	int64_t offset;		/* bytes */
	uint64_t line;		/* lines read */
	uint64_t rows;		/* ticks given */
	uint64_t bad;		/* rows of no use */
	uint64_t gaps;		/* jumps of the id */
	uint64_t missing;	/* ids jumped over */
	uint64_t duplicates;	/* rows dropped: their id was just seen */
	uint64_t late;		/* given, with an id below the highest */
	int64_t last_id;	/* the highest so far; -1 none */
	uint64_t seen;		/* bit i: last_id - i was seen */
};

/* A row that is skipped: called with its line and a reason (a literal). */
typedef void cdb_source_bad_fn(void *arg, const char *path, uint64_t line,
    const char *why);

struct cdb_source {
	const char *path;	/* borrowed */
	uint64_t seed;
	unsigned index;		/* among the sources: part of the event ids */
	int64_t size;		/* bytes of the file at open */
	enum cdb_csv_format format;
	struct cdb_filename name;
	struct cdb_source_pos pos;
	struct cdb_source_pos ahead;
	bool has_row;		/* row is the one behind pos */
	struct cdb_csv_row row;
	cdb_source_bad_fn *bad;
	void *bad_arg;
	struct cdb_lines lines;
};

/*
 * cdb_source_open -- find out what kind of file `path` is.
 *
 * `symbol` is used where the name does not tell one; may be NULL.  path and
 * arg are borrowed until close.
 * Owner    the caller from 0 until cdb_source_close().
 * Errors   -EPROTONOSUPPORT no known format; -EDESTADDRREQ no symbol; -EDOM a
 *          Lean file whose name tells no day; else as cdb_lines_open().
 *          On an error why says more.
 */
int cdb_source_open(struct cdb_source *src, const char *path,
    const char *symbol, uint64_t seed, unsigned index,
    cdb_source_bad_fn *bad, void *arg, char why[CDB_WHY_TEXT]);
void cdb_source_close(struct cdb_source *src);

/* cdb_source_seek -- go on at pos.  Errors as cdb_lines_open(). */
int cdb_source_seek(struct cdb_source *src, const struct cdb_source_pos *pos);

/*
 * cdb_source_peek -- the event time of the next tick, without taking it.
 *
 * Returns 1, or 0 at the end; then pos covers the whole file.
 * Errors   -errno of reading.
 */
int cdb_source_peek(struct cdb_source *src, int64_t *ts_ms);

/* cdb_source_take -- the tick that cdb_source_peek() has just found. */
void cdb_source_take(struct cdb_source *src, struct cdb_tick *tick);

/* cdb_source_pos_write, _read -- a position as text.  -EINVAL no such text. */
void cdb_source_pos_write(const struct cdb_source_pos *pos,
    char dst[CDB_SOURCE_POS_TEXT]);
int cdb_source_pos_read(struct cdb_source_pos *pos, const char *text);

#endif
