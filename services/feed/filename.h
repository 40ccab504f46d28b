/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filename.h -- what the name of a recorded file says about its rows.
 *
 *	BTCUSDT-trades-2024-08-08.csv		    symbol; Binance's own way
 *	BTCUSDT-um-trades-2024-08-08.csv	    a future (um or cm): another
 *						    instrument, BTCUSDTPERP
 *	coinbase_20161007_btcusd_second_trade.csv   venue, day, symbol, bar
 *
 * Thread   any; pure.
 */
#ifndef CDB_FILENAME_H
#define CDB_FILENAME_H

#include <stdint.h>

#include "services/common/message.h"

struct cdb_filename {
	char symbol[CDB_SYMBOL_TEXT];	/* "" the name does not say */
	char venue[CDB_NAME_TEXT];	/* "" likewise */
	int64_t day_ms;			/* midnight UTC; -1 likewise */
	int64_t bar_ms;			/* length of a bar; 0 likewise */
};

/* cdb_filename_read -- never fails: what is not understood stays unsaid. */
void cdb_filename_read(const char *path, struct cdb_filename *out);

/* cdb_interval_name -- "1s", "1m", "15m", "1h", "1d" for a bar's length. */
void cdb_interval_name(int64_t span_ms, char dst[8]);

#endif
