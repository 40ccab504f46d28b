/* SPDX-License-Identifier: Apache-2.0 */
#include "watermark.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
cdb_watermark_write(const struct cdb_watermark *w,
    char dst[CDB_WATERMARK_TEXT])
{
	snprintf(dst, CDB_WATERMARK_TEXT, "%" PRIu64 " %s", w->seq, w->id);
}

/* "ms-seq", digits only. */
static bool
is_id(const char *text)
{
	size_t ms = strspn(text, "0123456789");
	size_t seq;

	if (ms == 0 || text[ms] != '-')
		return false;
	seq = strspn(text + ms + 1, "0123456789");
	return seq > 0 && text[ms + 1 + seq] == '\0' &&
	    ms + 1 + seq < CDB_STREAM_ID_TEXT;
}

int
cdb_watermark_read(struct cdb_watermark *w, const char *text)
{
	size_t n = strspn(text, "0123456789");
	uint64_t seq;

	if (n == 0 || text[n] != ' ' || !is_id(text + n + 1))
		return -EBADMSG;
	errno = 0;
	seq = strtoull(text, NULL, 10);
	if (errno == ERANGE)
		return -EBADMSG;
	w->seq = seq;
	strcpy(w->id, text + n + 1);
	return 0;
}
