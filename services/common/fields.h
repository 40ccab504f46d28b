/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h -- the fields of a JSON message, read and written.
 *
 * Reading: a reader keeps the first thing that is wrong with the object, so
 * that a message is read in one go and judged once, by cdb_reader_end().
 * Writing: each put returns 0 or -1 (no memory); add the results up and give
 * the sum to cdb_object_write().
 *
 * Thread   any; pure.
 */
#ifndef CDB_FIELDS_H
#define CDB_FIELDS_H

#include <jansson.h>

#include "message.h"

struct cdb_reader {
	json_t *o;	/* owned until cdb_reader_end(); NULL: no object */
	char *why;	/* CDB_WHY_TEXT bytes; "" as long as all is well */
};

/*
 * cdb_reader_begin -- parse json[0, len); a message that is no object reads
 * as one without fields, and why says so.
 */
struct cdb_reader cdb_reader_begin(const char *json, size_t len,
    char why[CDB_WHY_TEXT]);

/* cdb_reader_end -- 0, or -EBADMSG when something was wrong. */
int cdb_reader_end(struct cdb_reader *rd);

/* cdb_refuse -- note that the field is wrong, unless another was before. */
void cdb_refuse(struct cdb_reader *rd, const char *key, const char *what);

/*
 * cdb_get_* -- the field at `key`, which must be there and fit; the ones that
 * end in _if may be missing, and are then "" or 0.
 */
const char *cdb_get_text(struct cdb_reader *rd, const char *key);
void cdb_copy_text(struct cdb_reader *rd, const char *key, char *dst,
    size_t cap);
void cdb_copy_text_if(struct cdb_reader *rd, const char *key, char *dst,
    size_t cap);
int64_t cdb_get_int(struct cdb_reader *rd, const char *key);
int64_t cdb_get_dec(struct cdb_reader *rd, const char *key);
int64_t cdb_get_dec_if(struct cdb_reader *rd, const char *key);
/* A JSON number times `scale`, rounded; within 2^53 so that it is exact. */
int64_t cdb_get_scaled(struct cdb_reader *rd, const char *key, double scale);
enum cdb_side cdb_get_side(struct cdb_reader *rd, const char *buy,
    const char *sell);
int64_t cdb_get_price(struct cdb_reader *rd);
void cdb_copy_symbol(struct cdb_reader *rd, char dst[CDB_SYMBOL_TEXT]);
void cdb_copy_meta(struct cdb_reader *rd, struct cdb_meta *meta);

int cdb_put_text(json_t *o, const char *key, const char *s);
int cdb_put_text_if(json_t *o, const char *key, const char *s);
int cdb_put_int(json_t *o, const char *key, int64_t v);
int cdb_put_dec(json_t *o, const char *key, int64_t v_e8);
int cdb_put_dec_if(json_t *o, const char *key, int64_t v_e8);
/* Milliseconds as seconds. */
int cdb_put_time(json_t *o, const char *key, int64_t ms);
int cdb_put_side(json_t *o, enum cdb_side side);
int cdb_put_meta(json_t *o, const struct cdb_meta *meta);

/*
 * cdb_object_write -- the object as compact JSON; frees `o`.
 *
 * err is the sum of what the puts returned.  As cdb_tick_write().
 */
size_t cdb_object_write(json_t *o, int err, char *dst, size_t cap);

#endif
