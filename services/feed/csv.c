/* SPDX-License-Identifier: Apache-2.0 */
#include "csv.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "services/common/decimal.h"

#define FIELDS_MAX 13	/* one more than the longest format has */
#define US_FROM	   INT64_C(100000000000000)	/* 1e14 ms is the year 5138 */
#define MS_FROM	   INT64_C(100000000000)	/* 1e11 ms is 1973 */
#define DAY_MS	   INT64_C(86400000)

struct field {
	const char *s;
	size_t len;
};

static struct field
trim(const char *s, size_t len)
{
	while (len > 0 && isspace((unsigned char)s[0])) {
		s++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		len--;
	return (struct field){ s, len };
}

/* The number of fields; FIELDS_MAX stands for that many or more. */
static size_t
split(const char *line, size_t len, struct field fields[FIELDS_MAX])
{
	size_t n = 0;

	for (;;) {
		const char *comma = memchr(line, ',', len);
		size_t end = comma ? (size_t)(comma - line) : len;

		fields[n++] = trim(line, end);
		if (!comma || n == FIELDS_MAX)
			return n;
		line = comma + 1;
		len -= end + 1;
	}
}

static bool
int_read(struct field f, int64_t *out)
{
	int64_t v = 0;

	for (size_t i = 0; i < f.len; i++) {
		if (f.s[i] < '0' || f.s[i] > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, f.s[i] - '0', &v))
			return false;
	}
	*out = v;
	return f.len > 0;
}

static bool
bool_read(struct field f, bool *out)
{
	if (f.len == 4 && strncasecmp(f.s, "true", 4) == 0)
		*out = true;
	else if (f.len == 5 && strncasecmp(f.s, "false", 5) == 0)
		*out = false;
	else
		return false;
	return true;
}

static bool
is_bool(struct field f)
{
	bool v;

	return bool_read(f, &v);
}

static bool
is_number(struct field f)
{
	int64_t v;

	return cdb_dec_parse(f.s, f.len, &v) == 0 || int_read(f, &v);
}

static bool
price_read(struct field f, int64_t *out)
{
	return cdb_dec_parse(f.s, f.len, out) == 0 && *out > 0;
}

static bool
qty_read(struct field f, int64_t *out)
{
	return cdb_dec_parse(f.s, f.len, out) == 0 && *out >= 0;
}

static bool
time_read(struct field f, int64_t *out)
{
	if (!int_read(f, out) || *out < MS_FROM)
		return false;
	if (*out >= US_FROM)
		*out /= 1000;
	return *out < US_FROM;
}

/* Where the two kinds of trade keep what they share. */
struct trade_columns {
	size_t n_min;
	size_t n_max;
	size_t time;
	size_t maker;
};

static const struct trade_columns trades = { 6, 7, 4, 5 };
static const struct trade_columns agg = { 7, 8, 5, 6 };

static const char *
trade_parse(const struct trade_columns *at, const struct field *f, size_t n,
    struct cdb_csv_row *row)
{
	if (n < at->n_min || n > at->n_max)
		return "wrong number of fields";
	if (!int_read(f[0], &row->id))
		return "the id is no number";
	if (!price_read(f[1], &row->price_e8))
		return "the price is no decimal above zero";
	if (!qty_read(f[2], &row->qty_e8))
		return "the quantity is no decimal";
	if (!time_read(f[at->time], &row->ts_ms))
		return "the time is not in milliseconds or microseconds";
	if (!bool_read(f[at->maker], &row->sell))
		return "isBuyerMaker is neither true nor false";
	return NULL;
}

/* o,h,l,c,volume in f[1] .. f[5]. */
static const char *
candle_parse(const struct field *f, struct cdb_csv_row *row)
{
	row->id = -1;
	if (!price_read(f[1], &row->open_e8) ||
	    !price_read(f[2], &row->high_e8) ||
	    !price_read(f[3], &row->low_e8) ||
	    !price_read(f[4], &row->price_e8))
		return "a price is no decimal above zero";
	if (!qty_read(f[5], &row->qty_e8))
		return "the volume is no decimal";
	if (row->low_e8 > row->open_e8 || row->low_e8 > row->price_e8 ||
	    row->high_e8 < row->open_e8 || row->high_e8 < row->price_e8)
		return "open or close lies outside low .. high";
	row->sell = row->price_e8 < row->open_e8;
	return NULL;
}

static const char *
kline_parse(const struct field *f, size_t n, struct cdb_csv_row *row)
{
	int64_t opened;

	if (n != 12)
		return "wrong number of fields";
	if (!time_read(f[0], &opened) || !time_read(f[6], &row->ts_ms))
		return "the time is not in milliseconds or microseconds";
	if (row->ts_ms < opened)
		return "the bar closes before it opens";
	row->span_ms = row->ts_ms - opened + 1;
	return candle_parse(f, row);
}

static const char *
lean_parse(const struct field *f, size_t n, struct cdb_csv_row *row)
{
	if (n != 6)
		return "wrong number of fields";
	if (!int_read(f[0], &row->ts_ms) || row->ts_ms >= DAY_MS)
		return "the time is no millisecond of a day";
	return candle_parse(f, row);
}

int
cdb_csv_parse(enum cdb_csv_format format, const char *line, size_t len,
    struct cdb_csv_row *out, const char **why)
{
	struct field f[FIELDS_MAX];
	size_t n = split(line, len, f);
	struct cdb_csv_row row = { .id = -1 };

	*why = "unknown format";
	if (format == CDB_CSV_TRADES)
		*why = trade_parse(&trades, f, n, &row);
	else if (format == CDB_CSV_AGG)
		*why = trade_parse(&agg, f, n, &row);
	else if (format == CDB_CSV_KLINES)
		*why = kline_parse(f, n, &row);
	else if (format == CDB_CSV_LEAN)
		*why = lean_parse(f, n, &row);
	if (*why)
		return -EBADMSG;
	*out = row;
	return 0;
}

enum cdb_csv_format
cdb_csv_detect(const char *line, size_t len)
{
	struct field f[FIELDS_MAX];
	size_t n = split(line, len, f);

	if (n == 12 && is_number(f[0]))
		return CDB_CSV_KLINES;
	if ((n == 6 || n == 7) && is_bool(f[5]))
		return CDB_CSV_TRADES;
	if ((n == 7 || n == 8) && is_bool(f[6]))
		return CDB_CSV_AGG;
	if (n == 6 && is_number(f[0]) && is_number(f[5]))
		return CDB_CSV_LEAN;
	return CDB_CSV_UNKNOWN;
}

bool
cdb_csv_is_header(const char *line, size_t len)
{
	struct field f[FIELDS_MAX];

	split(line, len, f);
	return f[0].len > 0 && isalpha((unsigned char)f[0].s[0]);
}

const char *
cdb_csv_name(enum cdb_csv_format format)
{
	static const char *const names[] = { "unknown", "trades", "agg trades",
		"klines", "lean candles" };

	return names[format];
}
