/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watermark.h -- how far the signal service has come, told at once.
 *
 * What came to nothing waits for company before it is committed (quiet.h).
 * Whoever must know that nothing came of it would wait as long; so it is told
 * by PUBLISH, which costs no sync to disk, and pushed to whoever listens.
 *
 * W1  (seq, id): the signals of all ticks up to seq are in the stream, the
 *     last of them at id; of these ticks nothing is still to come.
 * W2  It is told before the group's place has moved.  After a death the ticks
 *     behind that place are decided about again, and to the same end: a
 *     decision is a function of committed state and events alone.  So W1
 *     stays true in the next life.  (One that is given another profile or
 *     cool-down may add a signal to a tick that was told; it is then taken
 *     as one from outside.  Nothing is lost.)
 *     The same goes for two lives at once: one that has been taken over, and
 *     does not know yet, decides as the other does, as long as it reads every
 *     tick.  What it has not read may have been trimmed; so after a gap in
 *     their numbers nothing is told until a transaction has passed the fence.
 * W3  Redis sends no reply before it has synced all that was executed until
 *     then.  So whatever was told about outlives Redis, too.
 * W4  It travels beside the streams and may overtake the signals that it is
 *     about: it counts once the stream has been read up to id.
 * W5  It may get lost, with a connection.  The next one makes up for it, and
 *     so does the committed progress, which is looked at from time to time.
 *
 * Thread   any; pure.
 */
#ifndef CDB_WATERMARK_H
#define CDB_WATERMARK_H

#include <stdint.h>

#include "stream_id.h"

#define CDB_WATERMARK_CHANNEL "worked:signal"
#define CDB_WATERMARK_TEXT    (21 + CDB_STREAM_ID_TEXT)

struct cdb_watermark {
	uint64_t seq;			/* of the last tick; 0 for none */
	char id[CDB_STREAM_ID_TEXT];	/* of the last signal; "0-0" for none */
};

/* cdb_watermark_write -- as "seq id". */
void cdb_watermark_write(const struct cdb_watermark *w,
    char dst[CDB_WATERMARK_TEXT]);

/* cdb_watermark_read -- from there; -EBADMSG for anything else. */
int cdb_watermark_read(struct cdb_watermark *w, const char *text);

#endif
