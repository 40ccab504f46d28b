/* SPDX-License-Identifier: Apache-2.0 */
#include "filename.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void
symbol_set(struct cdb_filename *out, const char *s, size_t len)
{
	char symbol[CDB_SYMBOL_TEXT];

	if (len >= sizeof(symbol))
		return;
	for (size_t i = 0; i < len; i++)
		symbol[i] = (char)toupper((unsigned char)s[i]);
	symbol[len] = '\0';
	if (cdb_symbol_valid(symbol))
		strcpy(out->symbol, symbol);
}

/* Midnight of YYYYMMDD in ms since 1970, -1 when it is no such day. */
static int64_t
day_read(const char *s)
{
	struct tm tm = { 0 };
	struct tm back;
	time_t t;
	int used = 0;

	if (sscanf(s, "%4d%2d%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		&used) != 3 || used != 8)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back);
	/* timegm() accepts the 32nd and moves on: then the day differs */
	if (t < 0 || back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return -1;
	return (int64_t)t * 1000;
}

static int64_t
bar_read(const char *s)
{
	if (strcmp(s, "second") == 0)
		return 1000;
	if (strcmp(s, "minute") == 0)
		return 60000;
	if (strcmp(s, "hour") == 0)
		return 3600000;
	return strcmp(s, "daily") == 0 ? 86400000 : 0;
}

/* venue_YYYYMMDD_symbol_resolution_trade */
static int
lean_read(const char *name, struct cdb_filename *out)
{
	char venue[CDB_NAME_TEXT];
	char day[16];
	char symbol[32];
	char bar[16];

	if (sscanf(name, "%31[^_]_%15[^_]_%31[^_]_%15[^_]_trade", venue, day,
		symbol, bar) != 4 || day_read(day) < 0)
		return 0;
	strcpy(out->venue, venue);
	out->day_ms = day_read(day);
	out->bar_ms = bar_read(bar);
	symbol_set(out, symbol, strlen(symbol));
	return 1;
}

/* Futures have their spot market's name with Binance, but their own price. */
static void
future_mark(const char *rest, struct cdb_filename *out)
{
	size_t len = strlen(out->symbol);

	if (strncmp(rest, "-um-", 4) != 0 && strncmp(rest, "-cm-", 4) != 0)
		return;
	if (len + 4 < sizeof(out->symbol))
		strcpy(out->symbol + len, "PERP");
	snprintf(out->venue, sizeof(out->venue), "binance-%.2s", rest + 1);
}

void
cdb_filename_read(const char *path, struct cdb_filename *out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t dash = strcspn(name, "-");

	memset(out, 0, sizeof(*out));
	out->day_ms = -1;
	if (lean_read(name, out) || name[dash] != '-')
		return;
	symbol_set(out, name, dash);
	if (out->symbol[0]) {
		strcpy(out->venue, "binance");
		future_mark(name + dash, out);
	}
}

void
cdb_interval_name(int64_t span_ms, char dst[8])
{
	static const struct { int64_t ms; char unit; } units[] = {
		{ 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' },
		{ 1000, 's' },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (span_ms >= units[i].ms && span_ms % units[i].ms == 0) {
			snprintf(dst, 8, "%d%c",
			    (int)(span_ms / units[i].ms % 10000),
			    units[i].unit);
			return;
		}
	}
	snprintf(dst, 8, "%dms", (int)(span_ms % 10000));
}
