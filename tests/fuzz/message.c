/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of files and messages of the bus, as the services read them. */
#include <stdlib.h>
#include <string.h>

#include "services/common/message.h"
#include "services/feed/csv.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 8192

static void
check_row(const char *line, size_t len)
{
	enum cdb_csv_format format = cdb_csv_detect(line, len);
	struct cdb_csv_row row;
	const char *why = NULL;

	(void)cdb_csv_is_header(line, len);
	fuzz_require(cdb_csv_name(format) != NULL, "a format has a name");
	for (int f = CDB_CSV_TRADES; f <= CDB_CSV_LEAN; f++) {
		if (cdb_csv_parse(
			(enum cdb_csv_format)f, line, len, &row, &why) < 0)
			fuzz_require(why != NULL, "a refusal says why");
		else
			fuzz_require(row.price_e8 > 0, "a price is above 0");
	}
}

/* What was read can be written, and then says the same. */
static void
check_tick(const char *json, size_t len)
{
	char why[CDB_WHY_TEXT] = "", out[MESSAGE_MAX], again[MESSAGE_MAX];
	struct cdb_tick tick;
	size_t n, m;

	if (cdb_tick_read(json, len, &tick, why) < 0) {
		fuzz_require(*why != '\0', "a refusal says why");
		return;
	}
	n = cdb_tick_write(&tick, out, sizeof(out));
	fuzz_require(n > 0 && n <= sizeof(out), "a tick fits a message");
	fuzz_require(cdb_tick_read(out, n, &tick, why) == 0,
	    "a tick that was written can be read");
	m = cdb_tick_write(&tick, again, sizeof(again));
	fuzz_require(
	    n == m && memcmp(out, again, n) == 0, "and is the same tick");
}

static void
check_signal(const char *json, size_t len)
{
	char why[CDB_WHY_TEXT] = "", out[MESSAGE_MAX];
	struct cdb_signal sig;
	size_t n;

	if (cdb_signal_read(json, len, &sig, why) < 0) {
		fuzz_require(*why != '\0', "a refusal says why");
		return;
	}
	n = cdb_signal_write(&sig, out, sizeof(out));
	fuzz_require(n > 0 && n <= sizeof(out), "a signal fits a message");
	fuzz_require(cdb_signal_read(out, n, &sig, why) == 0,
	    "a signal that was written can be read");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	fuzz_require(text != NULL, "there is memory");
	if (size > 0)
		memcpy(text, data, size);
	check_row(text, size);
	check_tick(text, size);
	check_signal(text, size);
	free(text);
	return 0;
}
