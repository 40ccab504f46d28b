/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h -- one row of a recorded exchange file.
 *
 * Formats (no blanks are expected, blanks around a field are ignored):
 *	trades	 id,price,qty,quote,time,isBuyerMaker[,isBestMatch]
 *	agg	 aggId,price,qty,firstId,lastId,time,isBuyerMaker[,isBest]
 *	klines	 openTime,o,h,l,c,vol,closeTime,quote,trades,tbase,tquote,ign
 *	lean	 ms_of_day,o,h,l,c,volume
 * Times are milliseconds or microseconds since 1970, told by magnitude.
 *
 * Thread   any; pure.
 */
#ifndef CDB_CSV_H
#define CDB_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cdb_csv_format {
	CDB_CSV_UNKNOWN, CDB_CSV_TRADES, CDB_CSV_AGG, CDB_CSV_KLINES,
	CDB_CSV_LEAN,
};

struct cdb_csv_row {
	int64_t id;		/* trade or aggregate id; -1 for a candle */
	int64_t ts_ms;		/* of a Lean row: ms of its day, bar's start;
				   of a kline: the bar's last millisecond */
	int64_t span_ms;	/* of a kline: length of its bar; else 0 */
	int64_t price_e8;	/* of a candle: the close */
	int64_t qty_e8;
	int64_t open_e8;	/* candles only, like the next two */
	int64_t high_e8;
	int64_t low_e8;
	bool sell;		/* the aggressor sold; a candle that fell */
};

/* cdb_csv_name -- "trades", "agg trades", ... for people. */
const char *cdb_csv_name(enum cdb_csv_format format);

/*
 * cdb_csv_detect -- the format this row is in, CDB_CSV_UNKNOWN for none.
 */
enum cdb_csv_format cdb_csv_detect(const char *line, size_t len);

/* cdb_csv_is_header -- whether the row starts with a name, not a number. */
bool cdb_csv_is_header(const char *line, size_t len);

/*
 * cdb_csv_parse -- a row, without its line end.
 *
 * Errors   -EBADMSG not a row of this format; *why (a literal) says why.
 */
int cdb_csv_parse(enum cdb_csv_format format, const char *line, size_t len,
    struct cdb_csv_row *out, const char **why);

#endif
